//! A publisher's place in the ring: pictures as an Annex B byte stream. And one picture as such a stream.

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
    /// Its measure is bytes.
    place: Place,
}

impl ByteCursor {
    /// A publisher that starts at `start`.
    pub fn new(ring: &Ring, start: Start) -> Self {
        Self { place: Place::new(ring, start) }
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
        let written = self.place.read();
        for unit in units::ranges(bytes) {
            let code = START_CODE.get(written.saturating_sub(unit.start - LENGTH_BYTES)..);
            parts.add(code.unwrap_or(&[]));
            parts.add(&bytes[unit.start.max(written).min(unit.end)..unit.end]);
        }
    }

    /// Takes note that the first `bytes` of what [`Self::annexb`] filled in have been written.
    pub fn wrote(&mut self, ring: &Ring, bytes: usize) {
        if let Some(picture) = ring.picture(self.place.number()) {
            self.place.took(bytes, picture.units.len());
        }
    }

    fn settle<'a>(&mut self, ring: &'a Ring) -> Option<&'a [u8]> {
        let number = self.place.settle(ring)?;
        ring.picture(number).map(|picture| picture.units)
    }
}

impl Ring {
    /// The newest key picture as an Annex B byte stream, with its parameter sets before it: a file that a decoder shows.
    /// At most [`MAX_PICTURE_BYTES`](crate::limits::MAX_PICTURE_BYTES). `None` if there is no key picture.
    ///
    /// A copy, since a client may take its time and the ring does not wait.
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        let picture = self.picture(self.newest_key()?)?;
        let mut stream = picture.units.to_vec();
        for unit in units::ranges(picture.units) {
            stream[unit.start - LENGTH_BYTES..unit.start].copy_from_slice(START_CODE);
        }
        Some(stream)
    }
}
