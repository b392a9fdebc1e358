//! Boxes byte for byte, and times.

pub mod boxes;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::format::ParameterSets;
use super::super::format::tests::{PPS, SPS};
use super::*;
use crate::media::format::Format;
use crate::media::h264::Sps;
use boxes::{Part, parts};

/// Bytes from hexadecimal digits, and text in single quotes.
fn bytes(text: &str) -> Vec<u8> {
    let words = text.split_whitespace().flat_map(|word| match word.strip_prefix('\'') {
        Some(kind) => kind.trim_end_matches('\'').replace('_', " ").into_bytes(),
        None => (0..word.len()).step_by(2).map(|at| u8::from_str_radix(&word[at..at + 2], 16).unwrap()).collect(),
    });
    words.collect()
}

fn format(sps: &[u8], pps: &[&[u8]]) -> Format {
    let mut sets = ParameterSets::default();
    sets.take_sps(sps).unwrap();
    assert!(pps.iter().all(|pps| sets.take_pps(pps)));
    sets.format().cloned().unwrap()
}

#[test]
fn an_initialisation_segment() {
    let mut out = b"before".to_vec();
    initialisation(&format(&SPS, &[&PPS, &[0x68, 0x40]]), &mut out);
    let expected = bytes(
        "'before'
         00000018 'ftyp' 'iso6' 00000001 'iso6' 'avc1'
         00000271 'moov'
           0000006c 'mvhd' 00 000000 00000000 00000000 000003e8 00000000
             00010000 0100 0000 00000000 00000000
             00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000
             00000000 00000000 00000000 00000000 00000000 00000000 00000002
           000001d5 'trak'
             0000005c 'tkhd' 00 000003 00000000 00000000 00000001 00000000 00000000
               00000000 00000000 0000 0000 0000 0000
               00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000
               00a00000 00780000
             00000171 'mdia'
               00000020 'mdhd' 00 000000 00000000 00000000 00015f90 00000000 55c4 0000
               00000021 'hdlr' 00 000000 00000000 'vide' 00000000 00000000 00000000 00
               00000128 'minf'
                 00000014 'vmhd' 00 000001 0000 0000 0000 0000
                 00000024 'dinf'
                   0000001c 'dref' 00 000000 00000001 0000000c 'url_' 00 000001
                 000000e8 'stbl'
                   0000009c 'stsd' 00 000000 00000001
                     0000008c 'avc1' 000000000000 0001 0000 0000 00000000 00000000 00000000
                       00a0 0078 00480000 00480000 00000000 0001
                       0000000000000000000000000000000000000000000000000000000000000000
                       0018 ffff
                       00000036 'avcC' 01 42c00c ff e1
                         0019 6742c00ca6110a11f9701100000300010000030030 8f142a11
                         02 0006 68c8420212c8 0002 6840
                   00000010 'stts' 00 000000 00000000
                   00000010 'stsc' 00 000000 00000000
                   00000014 'stsz' 00 000000 00000000 00000000
                   00000010 'stco' 00 000000 00000000
           00000028 'mvex'
             00000020 'trex' 00 000000 00000001 00000001 00000000 00000000 00000000",
    );
    assert_eq!(out, expected);
    let sets = SPS.len() + PPS.len() + 2 + 2;
    assert_eq!(out.len() - b"before".len(), 614 + sets, "the second PPS has its length too");
    let [Part::Initialisation(read)] = &parts(&out[6..])[..] else { panic!("the reader reads it as something else") };
    assert_eq!((read.size, &read.sps[..]), ((160, 120), &SPS[..]));
    assert_eq!(read.pps, [&PPS[..], &[0x68, 0x40]]);
}

/// 640x480, baseline, level 3, one reference frame, no VUI: as the Raspberry Pi's encoder writes it.
const WITHOUT_VUI: [u8; 9] = [0x67, 0x42, 0xC0, 0x1E, 0x95, 0xA0, 0x28, 0x0F, 0x64];

#[test]
fn an_sps_without_vui_gets_one() {
    assert!(!Sps::parse(&WITHOUT_VUI).unwrap().has_vui);
    let mut out = Vec::new();
    initialisation(&format(&WITHOUT_VUI, &[&PPS]), &mut out);
    let [Part::Initialisation(read)] = &parts(&out)[..] else { panic!("the reader reads it as something else") };
    assert_eq!(read.sps, [0x67, 0x42, 0xC0, 0x1E, 0x95, 0xA0, 0x28, 0x0F, 0x68, 0x07, 0x84, 0x02, 0x15]);
    assert!(Sps::parse(&read.sps).unwrap().has_vui);
    assert_eq!(read.size, (640, 480));
}

#[test]
fn the_head_of_a_fragment() {
    let fragment = Fragment { sequence: 7, decode_time: 0x1_2345_6789, duration: 3751, key: true, bytes: 0x0102 };
    let expected = "00000064 'moof'
          00000010 'mfhd' 00 000000 00000007
          0000004c 'traf'
            00000010 'tfhd' 00 020000 00000001
            00000014 'tfdt' 01 000000 0000000123456789
            00000020 'trun' 00 000701 00000001 0000006c 00000ea7 00000102 02000000
        0000010a 'mdat'";
    assert_eq!(fragment.head()[..], bytes(expected));
    let other = Fragment { key: false, ..fragment };
    assert_eq!(other.head()[..], bytes(&expected.replace("02000000\n", "01010000\n")));
    assert_eq!(FRAGMENT_HEAD_BYTES, 108);
}

#[test]
fn time_goes_on_by_what_passed() {
    let mut timeline = Timeline::default();
    let at = |ms: u64| Mono::from_nanos(1_000_000_000 + ms * 1_000_000);
    // Together, backwards (which no clock does), and after a pause.
    for (ms, sequence, decode_time, duration) in [
        (0, 1, 0, 3750),
        (40, 2, 3750, 3600),
        (40, 3, 7350, 1),
        (123, 4, 7351, 7470),
        (100, 5, 14_821, 1),
        (60_000, 6, 14_822, 7500),
        (60_041, 7, 22_322, 3690),
    ] {
        let expected = Fragment { sequence, decode_time, duration, key: false, bytes: 5 };
        assert_eq!(timeline.next(at(ms), false, 5), expected);
        assert_eq!(timeline.next(at(ms), false, 5), expected, "asking changes nothing");
        timeline.took(at(ms));
    }
    let mut last = Timeline { fragments: u32::MAX, ..timeline };
    assert_eq!(last.next(at(0), true, 0).sequence, 0, "after more than five years at 24 a second");
    last.took(at(0));
}

/// The slate has ten pictures a second, and a camera may have one. Cut to 83 ms, the times of each fell behind the clock, so
/// that players had to wait again and again.
#[test]
fn a_low_rate_is_no_row_of_pauses() {
    for each_ms in [100, 200, 1000] {
        let mut timeline = Timeline::default();
        for number in 0..30 {
            timeline.took(Mono::from_nanos((1000 + number * each_ms) * 1_000_000));
        }
        // The first pictures are taken for a pause.
        let expected = 28 * each_ms * 90;
        assert!(timeline.decode_time >= expected, "{each_ms} ms: {} of {expected}", timeline.decode_time);
    }
}

proptest! {
    #[test]
    fn rounding_does_not_add_up(gaps in vec(12_000_u64..83_000_000, 1..200)) {
        let mut timeline = Timeline::default();
        let (mut now, first) = (77_777_777, ticks(Mono::from_nanos(77_777_777)));
        timeline.took(Mono::from_nanos(now));
        for gap in gaps {
            now += gap;
            timeline.took(Mono::from_nanos(now));
            // The first one's duration comes before the first that was measured.
            prop_assert_eq!(timeline.decode_time, FIRST_TICKS + ticks(Mono::from_nanos(now)) - first);
        }
    }
}
