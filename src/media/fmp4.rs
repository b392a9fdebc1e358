//! Fragmented MP4 for a browser's Media Source Extensions (ISO/IEC 14496-12; for H.264 ISO/IEC 14496-15).
//!
//! An *initialisation segment* (`ftyp`, `moov`) describes the video. After it comes one *fragment* a picture: a `moof` of
//! [`FRAGMENT_HEAD_BYTES`] with the header of an `mdat`, whose content is the picture's slices as the ring has them.
//! Parameter sets are only in the initialisation segment (`avc1`), which is repeated when they change.
//!
//! Every number is one that was tried in Chromium and Firefox. Durations in `moov` are 0: with any other, Chromium shows
//! pictures 100 ms later. Nothing is shown before something that came earlier, so there are no composition offsets.
//!
//! Not here: which pictures a viewer gets, and what of a fragment its socket has taken (`ring`); HTTP.

mod initialisation;

pub use initialisation::initialisation;

use super::clock::ticks;
use crate::time::Mono;

/// Units of decode times and durations in a second.
pub const TICKS_PER_SECOND: u32 = 90_000;
/// The first picture's duration, in ticks: that of 24 pictures a second.
const FIRST_TICKS: u64 = 3750;
/// The longest duration after a shorter one, in ticks: after a pause, time goes on with two pictures' time, and the pause
/// becomes no delay.
const PAUSE_TICKS: u64 = 7500;
/// The longest duration of all, in ticks: one and a half times that of one picture a second, the lowest rate.
const LONGEST_TICKS: u64 = 135_000;

const MFHD_BYTES: u32 = 16;
const TFHD_BYTES: u32 = 16;
const TFDT_BYTES: u32 = 20;
const TRUN_BYTES: u32 = 32;
const BOX_HEADER_BYTES: u32 = 8;
const TRAF_BYTES: u32 = BOX_HEADER_BYTES + TFHD_BYTES + TFDT_BYTES + TRUN_BYTES;
const MOOF_BYTES: u32 = BOX_HEADER_BYTES + MFHD_BYTES + TRAF_BYTES;

/// What comes before a picture's slices: a `moof`, and the header of an `mdat`.
pub const FRAGMENT_HEAD_BYTES: usize = (MOOF_BYTES + BOX_HEADER_BYTES) as usize;

/// `tfhd`: `default-base-is-moof`.
const TFHD_FLAGS: u32 = 0x02_0000;
/// `tfdt`: version 1, whose time has 64 bits.
const TFDT_VERSION: u32 = 1 << 24;
/// `trun`: `data-offset-present`, `sample-duration-present`, `sample-size-present`, `sample-flags-present`.
const TRUN_FLAGS: u32 = 0x00_0701;
/// `sample_depends_on` 2: on no other picture.
const KEY_SAMPLE: u32 = 0x0200_0000;
/// `sample_depends_on` 1, and `sample_is_non_sync_sample`.
const OTHER_SAMPLE: u32 = 0x0101_0000;

/// A picture as a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Its number in the stream, from 1.
    pub sequence: u32,
    /// When it is decoded, in ticks of 90 kHz since the stream's first.
    pub decode_time: u64,
    /// How long it is shown, in ticks of 90 kHz.
    pub duration: u32,
    /// Whether decoding can begin here.
    pub key: bool,
    /// Bytes of its slices with their lengths.
    pub bytes: u32,
}

impl Fragment {
    /// What comes before the slices (ISO/IEC 14496-12, 8.8.4 to 8.8.8, 8.8.12, 8.1.1).
    pub fn head(&self) -> [u8; FRAGMENT_HEAD_BYTES] {
        let mut head = [0; FRAGMENT_HEAD_BYTES];
        let mut rest = &mut head[..];
        let mut put = |bytes: &[u8]| {
            let (here, after) = std::mem::take(&mut rest).split_at_mut(bytes.len());
            here.copy_from_slice(bytes);
            rest = after;
        };
        let mut box_of = |bytes: u32, kind: &[u8; 4], numbers: &[u32]| {
            put(&bytes.to_be_bytes());
            put(kind);
            for number in numbers {
                put(&number.to_be_bytes());
            }
        };
        let [time_high, time_low] = [32, 0].map(|shift| (self.decode_time >> shift & 0xFFFF_FFFF) as u32);
        let flags = if self.key { KEY_SAMPLE } else { OTHER_SAMPLE };
        let data_offset = MOOF_BYTES + BOX_HEADER_BYTES;
        box_of(MOOF_BYTES, b"moof", &[]);
        box_of(MFHD_BYTES, b"mfhd", &[0, self.sequence]);
        box_of(TRAF_BYTES, b"traf", &[]);
        box_of(TFHD_BYTES, b"tfhd", &[TFHD_FLAGS, initialisation::TRACK]);
        box_of(TFDT_BYTES, b"tfdt", &[TFDT_VERSION, time_high, time_low]);
        box_of(TRUN_BYTES, b"trun", &[TRUN_FLAGS, 1, data_offset, self.duration, self.bytes, flags]);
        box_of(BOX_HEADER_BYTES + self.bytes, b"mdat", &[]);
        head
    }
}

/// A stream's numbers and times: each viewer has its own, which begin at 0.
///
/// A picture is shown for as long as it came after the one before it. So times have no gaps, which a browser would stop
/// at. A pause of the camera is cut short, and so adds no delay. What comes after a gap that is about as long is no pause but
/// a low rate: a time that fell behind it would starve the player.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    fragments: u32,
    /// Where the next picture begins.
    decode_time: u64,
    last: Option<Mono>,
    /// The ticks between the last two pictures.
    passed: u64,
}

impl Timeline {
    /// A picture that arrived at `arrived` and has `bytes` of slices, as the next fragment. The same until
    /// [`Self::took`].
    pub fn next(&self, arrived: Mono, key: bool, bytes: u32) -> Fragment {
        let longest = PAUSE_TICKS.max(self.passed + self.passed / 2).min(LONGEST_TICKS);
        let duration = u32::try_from(self.passed_until(arrived).clamp(1, longest)).unwrap_or(u32::MAX);
        let sequence = self.fragments.wrapping_add(1);
        Fragment { sequence, decode_time: self.decode_time, duration, key, bytes }
    }

    /// Takes note that a picture that arrived at `arrived` has gone out as the next fragment.
    pub fn took(&mut self, arrived: Mono) {
        let Fragment { sequence, duration, .. } = self.next(arrived, false, 0);
        self.fragments = sequence;
        self.decode_time += u64::from(duration);
        (self.passed, self.last) = (self.passed_until(arrived), Some(arrived));
    }

    fn passed_until(&self, arrived: Mono) -> u64 {
        self.last.map_or(FIRST_TICKS, |last| ticks(arrived).saturating_sub(ticks(last)))
    }
}

#[cfg(test)]
pub(in crate::media) mod tests;
