//! Pictures out of bytes: whatever the chunks, whatever is missing, and when.
#![expect(clippy::cast_possible_truncation, reason = "the numbers of these tests are small")]

mod damage;
mod endings;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::format::tests::{PPS, SPS};
use super::super::samples::{self, Extras, Sample, sample, samples, streams};
use super::*;

/// A picture that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Got {
    key: bool,
    arrived_ms: u64,
    units: Vec<u8>,
    slices_at: usize,
}

fn ms(ms: u64) -> Mono {
    Mono::from_nanos(ms * 1_000_000)
}

fn got(picture: Picture) -> Got {
    Got {
        key: picture.key,
        arrived_ms: picture.arrived.as_nanos() / 1_000_000,
        units: picture.units.to_vec(),
        slices_at: picture.slices_at,
    }
}

/// Pushes all of `bytes`.
fn push(assembler: &mut Assembler, now_ms: u64, mut bytes: &[u8]) -> Vec<Got> {
    let mut pictures = Vec::new();
    while let Some(picture) = assembler.push(ms(now_ms), &mut bytes) {
        pictures.push(got(picture));
    }
    assert!(bytes.is_empty());
    pictures
}

fn stream(samples: &[Sample], extras: Extras) -> Vec<u8> {
    samples.iter().enumerate().flat_map(|(at, sample)| samples::written(sample, at == 0, extras)).collect()
}

fn units_of(pictures: &[Got]) -> Vec<&[u8]> {
    pictures.iter().map(|picture| &picture.units[..]).collect()
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_pictures(samples in streams(), extras in samples::extras(), lengths in vec(1_usize..5000, 1..6)) {
        let bytes = stream(&samples, extras);
        let mut assembler = Assembler::default();
        let mut pictures = Vec::new();
        let mut left = &bytes[..];
        for &length in lengths.iter().cycle() {
            if left.is_empty() {
                break;
            }
            let (chunk, rest) = left.split_at(length.min(left.len()));
            pictures.extend(push(&mut assembler, 0, chunk));
            left = rest;
        }
        pictures.extend(assembler.finish().map(got));
        let expected: Vec<Vec<u8>> = samples.iter().map(|sample| samples::expected(sample, extras)).collect();
        prop_assert_eq!(units_of(&pictures), expected);
        for (picture, sample) in pictures.iter().zip(&samples) {
            prop_assert_eq!(picture.key, sample.key);
            let first = units::ranges(&picture.units[picture.slices_at..]).next();
            prop_assert_eq!(first.map(|unit| unit.len()), Some(sample.slices[0].len()));
        }
        let counts = assembler.counts();
        prop_assert_eq!(counts.pictures, samples.len() as u64);
        prop_assert_eq!(counts.key_pictures, samples.iter().filter(|sample| sample.key).count() as u64);
        prop_assert_eq!(Counts { pictures: 0, key_pictures: 0, ..counts }, Counts::default());
    }

    #[test]
    fn rubbish_grows_nothing(pieces in vec((vec(any::<u8>(), 0..2000), 0_u8..4), 0..60), seed in any::<u64>()) {
        let mut assembler = Assembler::default();
        let real = stream(&samples(3, 2, 900, 100), Extras::default());
        for (at, (bytes, action)) in pieces.iter().enumerate() {
            let now = ms(at as u64 * (seed % 50));
            let mut bytes = if action % 2 == 0 { &bytes[..] } else { &real };
            while let Some(picture) = assembler.push(now, &mut bytes) {
                prop_assert!(picture.units.len() <= MAX_PICTURE_BYTES && picture.slices_at < picture.units.len());
            }
            match action {
                0 => drop(assembler.drained(now)),
                1 => drop(assembler.quiet(now)),
                2 => drop(assembler.finish()),
                _ => {}
            }
        }
        prop_assert!(assembler.memory_bytes() < 512 * 1024);
    }
}

#[test]
fn a_key_picture_has_the_parameter_sets_before_it() {
    let samples = samples(5, 2, 50, 20);
    let extras = Extras { sei: true, ..Extras::default() };
    let mut assembler = Assembler::default();
    let mut pictures = push(&mut assembler, 7, &stream(&samples, extras));
    pictures.extend(assembler.finish().map(got));
    let kinds = |units: &[u8]| units::ranges(units).map(|unit| units[unit.start] & 31).collect::<Vec<_>>();
    let found: Vec<Vec<u8>> = pictures.iter().map(|picture| kinds(&picture.units)).collect();
    assert_eq!(found, [vec![7, 8, 6, 5], vec![6, 1], vec![7, 8, 6, 5], vec![6, 1], vec![7, 8, 6, 5]]);
    assert_eq!(assembler.format().unwrap().sps(), SPS);
}

#[test]
fn new_parameter_sets_come_before_the_picture_they_came_with() {
    let mut assembler = Assembler::default();
    let mut bytes = stream(&samples(1, 1, 50, 20), Extras::default());
    let other = [0x68, 0xC8, 0x42, 0x03];
    bytes.extend([&[0, 0, 0, 1], &other[..], &[0, 0, 0, 1], &sample(false, &[30]).slices[0]].concat());
    let first = push(&mut assembler, 0, &bytes);
    assert_eq!(first.len(), 1);
    assert!(assembler.format().unwrap().pps().eq([&other[..]]), "it is known when its unit has ended");
    let second = assembler.finish().map(got).unwrap();
    let found: Vec<&[u8]> = units::ranges(&second.units).map(|unit| &second.units[unit]).collect();
    assert_eq!(found[..2], [&SPS[..], &other]);
    assert!(!second.key && second.slices_at > SPS.len());
}

#[test]
fn a_picture_arrives_with_its_first_byte() {
    let samples = samples(3, 10, 3000, 500);
    let extras = Extras { delimiter: true, sets: true, ..Extras::default() };
    let mut assembler = Assembler::default();
    let mut pictures = Vec::new();
    for (at, sample) in samples.iter().enumerate() {
        let bytes = samples::written(sample, at == 0, extras);
        for (piece, chunk) in bytes.chunks(400).enumerate() {
            pictures.extend(push(&mut assembler, at as u64 * 42 + piece as u64, chunk));
        }
    }
    pictures.extend(assembler.finish().map(got));
    assert_eq!(pictures.iter().map(|picture| picture.arrived_ms).collect::<Vec<_>>(), [0, 42, 84]);
}

#[test]
fn another_stream_begins_with_nothing_known() {
    let mut assembler = Assembler::default();
    let bytes = stream(&samples(3, 3, 300, 200), Extras::default());
    assert_eq!(push(&mut assembler, 0, &bytes).len(), 2);
    assembler.restart();
    assert_eq!(assembler.format(), None);
    assert_eq!(assembler.finish(), None, "the last picture of the stream before may have been cut short");
    // A rest of that picture is no beginning, nor is a key picture without parameter sets.
    let mut rest = bytes[bytes.len() - 50..].to_vec();
    rest.extend(samples::written(&sample(true, &[40]), false, Extras::default()));
    assert_eq!(push(&mut assembler, 0, &rest), []);
    assert_eq!(push(&mut assembler, 0, &bytes).len(), 2);
    let Counts { pictures, without_key, rubbish_bytes, .. } = assembler.counts();
    assert_eq!((pictures, without_key, rubbish_bytes), (4, 1, 50));
}

#[test]
fn several_pps_are_kept_apart() {
    let mut assembler = Assembler::default();
    let mut bytes = stream(&[], Extras::default());
    for unit in [&SPS[..], &PPS, &[0x68, 0x5A], &sample(true, &[10]).slices[0]] {
        bytes.extend([&[0, 0, 0, 1], unit].concat());
    }
    assert_eq!(push(&mut assembler, 0, &bytes), []);
    let picture = assembler.finish().map(got).unwrap();
    let lengths: Vec<usize> = units::ranges(&picture.units).map(|unit| unit.len()).collect();
    assert_eq!(lengths, [SPS.len(), PPS.len(), 2, 11]);
}
