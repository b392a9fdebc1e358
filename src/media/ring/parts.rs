//! The parts of one `writev` or `sendmsg`, referred to where they are.

use std::io::IoSlice;
use std::ops::Deref;

use crate::limits::GATHER_PARTS;

/// At most [`GATHER_PARTS`] slices, in the form that the kernel takes.
pub struct Parts<'a> {
    parts: [IoSlice<'a>; GATHER_PARTS],
    len: usize,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Self { parts: [IoSlice::new(&[]); GATHER_PARTS], len: 0 }
    }
}

impl<'a> Deref for Parts<'a> {
    type Target = [IoSlice<'a>];

    fn deref(&self) -> &Self::Target {
        &self.parts[..self.len]
    }
}

impl<'a> Parts<'a> {
    /// Bytes in all parts.
    pub fn bytes(&self) -> usize {
        self.iter().map(|part| part.len()).sum()
    }

    /// How many more fit.
    pub const fn room(&self) -> usize {
        GATHER_PARTS - self.len
    }

    /// Adds a part, if there is room; an empty one takes none.
    pub(super) fn add(&mut self, part: &'a [u8]) {
        if !part.is_empty() && self.len < GATHER_PARTS {
            self.parts[self.len] = IoSlice::new(part);
            self.len += 1;
        }
    }
}
