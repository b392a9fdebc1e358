//! A publisher's place in the ring: pictures as an Annex B byte stream.

use super::place::Place;
use super::{Parts, Ring, Start};
use crate::media::units::{self, LENGTH_BYTES};

const START_CODE: &[u8; LENGTH_BYTES] = &[0, 0, 0, 1];

/// Which byte a publisher gets next.
///
/// A start code is as long as the length in whose place it stands, so offsets are the same in both forms. If a picture
/// of which a part was written is gone, the stream goes on with a key picture: its start code ends the unit that was
/// cut.
///
/// The ring must not change between [`Self::annexb`] and [`Self::wrote`].
#[derive(Debug, Clone)]
pub struct ByteCursor {
    place: Place,
    /// Bytes of the picture that have been written.
    written: usize,
}

impl ByteCursor {
    /// A publisher that starts at `start`.
    pub fn new(ring: &Ring, start: Start) -> Self {
        Self { place: Place::new(ring, start), written: 0 }
    }

    /// Whether there is something to write.
    pub fn pending(&mut self, ring: &Ring) -> bool {
        self.settle(ring).is_some()
    }

    /// Pictures that the publisher lost since the last call because it was too slow, with one that it got a part of.
    pub fn take_lost(&mut self) -> u64 {
        self.place.take_lost()
    }

    /// Fills `parts` with what is left of one picture, or as much of it as fits.
    pub fn annexb<'a>(&mut self, ring: &'a Ring, parts: &mut Parts<'a>) {
        let Some(bytes) = self.settle(ring) else { return };
        for unit in units::ranges(bytes) {
            let code = START_CODE.get(self.written.saturating_sub(unit.start - LENGTH_BYTES)..);
            parts.add(code.unwrap_or(&[]));
            parts.add(&bytes[unit.start.max(self.written).min(unit.end)..unit.end]);
        }
    }

    /// Takes note that the first `bytes` of what [`Self::annexb`] filled in have been written.
    pub fn wrote(&mut self, ring: &Ring, bytes: usize) {
        self.written += bytes;
        if ring.picture(self.place.number()).is_some_and(|picture| self.written >= picture.units.len()) {
            self.written = 0;
            self.place.step();
        }
    }

    fn settle<'a>(&mut self, ring: &'a Ring) -> Option<&'a [u8]> {
        let before = self.place.number();
        let number = self.place.settle(ring, self.written > 0);
        if self.place.number() != before {
            self.written = 0;
        }
        ring.picture(number?).map(|picture| picture.units)
    }
}
