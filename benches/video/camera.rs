//! The camera: a program that writes ready pictures of fixed sizes, each with one `write`, and in each the time of that.

use std::io::{self, ErrorKind, Write};
use std::time::Duration;

use es_iot_server::sys::clock;
use es_iot_server::time::Mono;

use super::support::proc;

/// The argument that runs the bench as the camera.
pub const ARGUMENT: &str = "--camera";

/// Pictures a second. The first of them is a key picture.
pub const PER_SECOND: usize = 24;
/// Bytes of all pictures of a second: 2 Mbit.
pub const SECOND_BYTES: usize = 250_000;
const KEY_BYTES: usize = 40_000;
const OTHER_BYTES: usize = (SECOND_BYTES - KEY_BYTES) / (PER_SECOND - 1);
/// The time between two pictures.
pub const EACH: Duration = Duration::from_nanos(1_000_000_000 / PER_SECOND as u64);

/// Constrained baseline, 640x480, order of pictures as they are sent, 8 bits of `frame_num` (H.264 7.3.2.1).
const SPS: [u8; 9] = [0x67, 0x42, 0xC0, 0x1E, 0x95, 0xA0, 0x28, 0x0F, 0x64];
/// CAVLC, one slice group, nothing optional (H.264 7.3.2.2).
const PPS: [u8; 4] = [0x68, 0xCE, 0x38, 0x80];
/// Slices: the unit's header and that of the slice, so that ffmpeg believes the size. What follows is arbitrary.
const KEY_SLICE: [u8; 4] = [0x65, 0x88, 0x80, 0x4F];
const OTHER_SLICE: [u8; 4] = [0x41, 0x9A, 0x00, 0x3F];
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Bytes of a slice before the time in it, without the unit's first byte.
pub const BEFORE_STAMP: usize = KEY_SLICE.len() - 1;
/// Bytes of a time in a picture: hexadecimal digits, which are never a start code.
pub const STAMP_BYTES: usize = 16;
/// The time in a picture that was not written yet.
pub const NO_STAMP: [u8; STAMP_BYTES] = [b'0'; STAMP_BYTES];

/// The pictures of a second, each with [`NO_STAMP`] behind its slice's header.
pub fn pictures() -> Vec<Vec<u8>> {
    let mut random = 1_u32;
    let mut byte = || {
        // The low bits of a linear congruential generator repeat soon; the highest ones don't.
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Zeros only as in real video: none in a row.
        (random >> 24).to_le_bytes()[0] | 1
    };
    let picture = |number| {
        let key = number == 0;
        let mut bytes = Vec::new();
        if key {
            bytes.extend([&START_CODE[..], &SPS, &START_CODE, &PPS].concat());
        }
        bytes.extend(START_CODE);
        bytes.extend(if key { KEY_SLICE } else { OTHER_SLICE });
        bytes.extend(NO_STAMP);
        let length = if key { KEY_BYTES } else { OTHER_BYTES };
        bytes.extend(std::iter::repeat_with(&mut byte).take(length.saturating_sub(bytes.len())));
        bytes
    };
    (0..PER_SECOND).map(picture).collect()
}

/// Where a picture's time is.
pub fn stamp_at(picture: &[u8]) -> Option<usize> {
    picture.windows(STAMP_BYTES).position(|bytes| bytes == NO_STAMP)
}

/// Puts a time into a picture.
pub fn stamp(picture: &mut [u8], at: usize, time: Mono) {
    let text = format!("{:016x}", time.as_nanos());
    picture[at..at + STAMP_BYTES].copy_from_slice(text.as_bytes());
}

/// The time in the bytes at the beginning.
pub fn read_stamp(bytes: &[u8]) -> Option<Mono> {
    let text = std::str::from_utf8(bytes.get(..STAMP_BYTES)?).ok()?;
    u64::from_str_radix(text, 16).ok().map(Mono::from_nanos)
}

/// Writes until its output is closed.
pub fn run() -> io::Result<()> {
    let mut pictures = pictures();
    let stamps: Vec<usize> = pictures.iter().filter_map(|picture| stamp_at(picture)).collect();
    // Not `stdout`, which would cut the pictures at line feeds.
    let mut output = std::fs::File::from(std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?);
    let mut due = clock::mono();
    loop {
        for (picture, &at) in pictures.iter_mut().zip(&stamps) {
            proc::rest(due.since(clock::mono()));
            stamp(picture, at, clock::mono());
            match output.write_all(picture) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                result => result?,
            }
            due = due + EACH;
        }
    }
}
