//! The initialisation segment: `ftyp` and `moov`.

use super::TICKS_PER_SECOND;
use crate::media::format::Format;
use crate::media::h264::without_reordering;

/// The only track.
pub(super) const TRACK: u32 = 1;
/// Ticks a second of times that concern the whole presentation: there are none but durations of 0.
const MOVIE_TICKS_PER_SECOND: u32 = 1000;
/// 1.0 as 16.16 and as 8.8.
const ONE: u32 = 0x1_0000;
const FULL_VOLUME: u16 = 0x100;
/// The unity matrix: 16.16, with the last column as 2.30 (ISO/IEC 14496-12, 6.2.2).
const MATRIX: [u32; 9] = [ONE, 0, 0, 0, ONE, 0, 0, 0, 0x4000_0000];
/// 72 dots an inch, as 16.16.
const RESOLUTION: u32 = 72 << 16;
/// ISO 639-2 "und" in letters of 5 bits: undetermined.
const LANGUAGE: u16 = 0x55C4;
/// `tkhd`: `track_enabled`, `track_in_movie`.
const TKHD_FLAGS: u32 = 3;
/// `url `: the media are in the same file.
const IN_THIS_FILE: u32 = 1;

/// Appends the initialisation segment of a video with these parameter sets: 614 bytes, the sets, and two
/// more bytes for each PPS after the first.
///
/// The SPS is the one of `format`; if it has no VUI, with the promise of [`without_reordering`].
pub fn initialisation(format: &Format, out: &mut Vec<u8>) {
    boxed(out, *b"ftyp", |out| {
        out.extend_from_slice(b"iso6");
        u32s(out, &[1]); // minor_version
        out.extend_from_slice(b"iso6avc1");
    });
    boxed(out, *b"moov", |out| {
        movie_header(out);
        boxed(out, *b"trak", |out| track(format, out));
        boxed(out, *b"mvex", |out| {
            // Track, description 1, and no defaults for duration, size and flags: each fragment has them.
            full_box(out, *b"trex", 0, |out| u32s(out, &[TRACK, 1, 0, 0, 0]));
        });
    });
}

/// ISO/IEC 14496-12, 8.2.2.
fn movie_header(out: &mut Vec<u8>) {
    full_box(out, *b"mvhd", 0, |out| {
        u32s(out, &[0, 0, MOVIE_TICKS_PER_SECOND, 0]); // created, changed, and the duration
        u32s(out, &[ONE]); // rate
        u16s(out, &[FULL_VOLUME, 0]);
        u32s(out, &[0; 2]);
        u32s(out, &MATRIX);
        u32s(out, &[0; 6]);
        u32s(out, &[TRACK + 1]); // next_track_ID
    });
}

/// ISO/IEC 14496-12, 8.3.1, 8.3.2.
fn track(format: &Format, out: &mut Vec<u8>) {
    let video = format.video();
    full_box(out, *b"tkhd", TKHD_FLAGS, |out| {
        u32s(out, &[0, 0, TRACK, 0, 0]); // created, changed, and the duration
        u32s(out, &[0; 2]);
        u16s(out, &[0; 4]); // layer, alternate_group, volume
        u32s(out, &MATRIX);
        u32s(out, &[video.width << 16, video.height << 16]);
    });
    boxed(out, *b"mdia", |out| {
        full_box(out, *b"mdhd", 0, |out| {
            u32s(out, &[0, 0, TICKS_PER_SECOND, 0]); // created, changed, and the duration
            u16s(out, &[LANGUAGE, 0]);
        });
        full_box(out, *b"hdlr", 0, |out| {
            u32s(out, &[0]);
            out.extend_from_slice(b"vide");
            u32s(out, &[0; 3]);
            out.push(0); // an empty name
        });
        boxed(out, *b"minf", |out| media_information(format, out));
    });
}

/// ISO/IEC 14496-12, 8.4.4, 8.5.1, 8.7, 12.1.2.
fn media_information(format: &Format, out: &mut Vec<u8>) {
    full_box(out, *b"vmhd", 1, |out| u16s(out, &[0; 4])); // graphicsmode, opcolor
    boxed(out, *b"dinf", |out| {
        full_box(out, *b"dref", 0, |out| {
            u32s(out, &[1]);
            full_box(out, *b"url ", IN_THIS_FILE, |_| {});
        });
    });
    boxed(out, *b"stbl", |out| {
        full_box(out, *b"stsd", 0, |out| {
            u32s(out, &[1]);
            boxed(out, *b"avc1", |out| sample_entry(format, out));
        });
        // Nothing is in the tables: all samples are in fragments.
        full_box(out, *b"stts", 0, |out| u32s(out, &[0]));
        full_box(out, *b"stsc", 0, |out| u32s(out, &[0]));
        full_box(out, *b"stsz", 0, |out| u32s(out, &[0, 0]));
        full_box(out, *b"stco", 0, |out| u32s(out, &[0]));
    });
}

/// ISO/IEC 14496-12, 12.1.3; ISO/IEC 14496-15, 5.3.3.1, 5.4.2.
#[expect(clippy::cast_possible_truncation, reason = "an SPS has less than 17000 pixels a side, a set less than 64 KiB")]
fn sample_entry(format: &Format, out: &mut Vec<u8>) {
    let video = format.video();
    u16s(out, &[0, 0, 0, 1]); // data_reference_index
    u16s(out, &[0; 8]);
    u16s(out, &[video.width as u16, video.height as u16]);
    u32s(out, &[RESOLUTION, RESOLUTION, 0]);
    u16s(out, &[1]); // frame_count
    u32s(out, &[0; 8]); // an empty compressorname
    u16s(out, &[24, u16::MAX]); // depth, pre_defined
    boxed(out, *b"avcC", |out| {
        let sps = without_reordering(format.sps());
        out.push(1); // configurationVersion
        out.extend_from_slice(&[video.profile, video.constraints, video.level]);
        out.extend_from_slice(&[0xFC | 3, 0xE0 | 1]); // lengthSizeMinusOne, numOfSequenceParameterSets
        u16s(out, &[sps.len() as u16]);
        out.extend_from_slice(&sps);
        out.push(format.pps().count() as u8);
        for pps in format.pps() {
            u16s(out, &[pps.len() as u16]);
            out.extend_from_slice(pps);
        }
    });
}

/// Appends a box: its length, its type, and what `body` appends (ISO/IEC 14496-12, 4.2).
fn boxed(out: &mut Vec<u8>, kind: [u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    u32s(out, &[0]);
    out.extend_from_slice(&kind);
    body(out);
    let length = u32::try_from(out.len() - at).expect("a moov is far smaller than 4 GiB");
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// Appends a box of version 0 with `flags`.
fn full_box(out: &mut Vec<u8>, kind: [u8; 4], flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    boxed(out, kind, |out| {
        u32s(out, &[flags]);
        body(out);
    });
}

fn u32s(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn u16s(out: &mut Vec<u8>, numbers: &[u16]) {
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes());
    }
}
