//! Streams made up for tests: as camera programs write them, with what real ones vary.
#![expect(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

use proptest::collection::vec;
use proptest::prelude::*;

use super::format::tests::{PPS, SPS};
use super::units;

/// A delimiter, SEI, and filler.
pub const DELIMITER: [u8; 2] = [9, 0xF0];
pub const SEI: [u8; 5] = [6, 5, 1, 0xAB, 0x80];
pub const FILLER: [u8; 4] = [12, 0xFF, 0xFF, 0x80];

/// Which units come with a picture beside its slices.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
pub struct Extras {
    pub delimiter: bool,
    pub sei: bool,
    pub filler: bool,
    /// Parameter sets with each key picture, not just with the first.
    pub sets: bool,
    /// Start codes of three bytes where that is allowed.
    pub short_codes: bool,
}

/// One picture: its slices, and whether it is an IDR picture.
#[derive(Debug, Clone)]
pub struct Sample {
    pub key: bool,
    pub slices: Vec<Vec<u8>>,
}

/// A slice with `length` bytes after its header, with no start code in it.
pub fn slice(key: bool, first: bool, length: usize, seed: u8) -> Vec<u8> {
    let header = if key { 0x65 } else { 0x41 };
    let body = (1..length).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed) | 1);
    [header, if first { 0x88 } else { 0x48 }].into_iter().chain(body).collect()
}

/// A picture with slices of these lengths.
pub fn sample(key: bool, lengths: &[usize]) -> Sample {
    let slices = lengths.iter().enumerate().map(|(at, &length)| slice(key, at == 0, length, at as u8));
    Sample { key, slices: slices.collect() }
}

/// Pictures with a key picture first, and another every `interval`.
pub fn samples(count: usize, interval: usize, key_bytes: usize, bytes: usize) -> Vec<Sample> {
    (0..count).map(|at| if at % interval == 0 { sample(true, &[key_bytes]) } else { sample(false, &[bytes]) }).collect()
}

fn put(out: &mut Vec<u8>, short: bool, unit: &[u8]) {
    out.extend_from_slice(if short { &[0, 0, 1] } else { &[0, 0, 0, 1] });
    out.extend_from_slice(unit);
}

/// What a camera program writes for the picture; `first`: for the stream's first.
pub fn written(sample: &Sample, first: bool, extras: Extras) -> Vec<u8> {
    let mut out = Vec::new();
    let sets = sample.key && (first || extras.sets);
    let units = [(extras.delimiter, &DELIMITER[..]), (sets, &SPS), (sets, &PPS), (extras.sei, &SEI)];
    for (_, unit) in units.iter().filter(|(is_there, _)| *is_there) {
        put(&mut out, false, unit);
    }
    for slice in &sample.slices {
        put(&mut out, extras.short_codes, slice);
    }
    if extras.filler {
        put(&mut out, extras.short_codes, &FILLER);
    }
    out
}

/// The units of the picture as the ring holds them.
pub fn expected(sample: &Sample, extras: Extras) -> Vec<u8> {
    let units = [(sample.key, &SPS[..]), (sample.key, &PPS), (extras.sei, &SEI)];
    let before = units.iter().filter(|(is_there, _)| *is_there).map(|(_, unit)| *unit);
    joined(before.chain(sample.slices.iter().map(|slice| &slice[..])))
}

/// Units behind their lengths.
pub fn joined(units: impl IntoIterator<Item: AsRef<[u8]>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for unit in units {
        units::push(&mut bytes, unit.as_ref());
    }
    bytes
}

prop_compose! {
    /// Which units there are.
    pub fn extras()(
        delimiter in any::<bool>(),
        sei in any::<bool>(),
        filler in any::<bool>(),
        sets in any::<bool>(),
        short_codes in any::<bool>(),
    ) -> Extras {
        Extras { delimiter, sei, filler, sets, short_codes }
    }
}

/// Streams that begin with a key picture.
pub fn streams() -> impl Strategy<Value = Vec<Sample>> {
    let one = (proptest::bool::weighted(0.2), vec(2_usize..4000, 1..5));
    vec(one, 1..20).prop_map(|pictures| {
        let samples = pictures.iter().enumerate().map(|(at, (key, lengths))| sample(*key || at == 0, lengths));
        samples.collect()
    })
}
