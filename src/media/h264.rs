//! H.264 as far as a server needs it: kinds of NAL units, what a slice's first byte says, the SPS, and bits in both
//! directions.

mod bits;
mod nal;
mod sps;
mod vui;

pub(in crate::media) use nal::NalWriter;
#[cfg(test)]
pub(in crate::media) use nal::tests::bits_of;
pub use sps::{Sps, SpsError};
pub use vui::without_reordering;

/// What a NAL unit is, as far as the pictures' assembly cares (H.264 table 7-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Type 1: a slice of a picture that needs others.
    Slice,
    /// Type 5: a slice of an instantaneous decoding refresh, from which decoding can begin.
    IdrSlice,
    /// Type 6: supplemental enhancement information.
    Sei,
    /// Type 7: a sequence parameter set.
    Sps,
    /// Type 8: a picture parameter set.
    Pps,
    /// Type 9: an access unit delimiter.
    Delimiter,
    /// Any other: data partitions, end of sequence, filler, extensions, reserved and unspecified types.
    Other(u8),
}

impl Kind {
    /// The kind of the unit with this first byte.
    pub const fn of(header: u8) -> Self {
        match header & 31 {
            1 => Self::Slice,
            5 => Self::IdrSlice,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Delimiter,
            other => Self::Other(other),
        }
    }
}

/// Whether a unit with these first two bytes begins a picture if a slice came before it (H.264 7.4.1.2.3, simplified):
/// a delimiter, a parameter set, SEI, one of the types 14 to 18, or a slice that begins at the first macroblock.
pub const fn begins_picture([header, first]: [u8; 2]) -> bool {
    match Kind::of(header) {
        Kind::Slice | Kind::IdrSlice => is_first_slice(first),
        Kind::Sei | Kind::Sps | Kind::Pps | Kind::Delimiter | Kind::Other(14..=18) => true,
        Kind::Other(_) => false,
    }
}

/// Whether a slice's `first_mb_in_slice` is 0: as an Exp-Golomb code that is one bit, the first of the slice's second byte.
/// Emulation prevention can't come before the third.
pub const fn is_first_slice(first: u8) -> bool {
    first & 0x80 != 0
}

/// The `pic_parameter_set_id` of a PPS, 0 to 255, or `None` if it has none.
pub fn pps_id(unit: &[u8]) -> Option<u8> {
    bits::Bits::new(unit.get(1..)?).ue().ok().and_then(|id| u8::try_from(id).ok())
}

#[cfg(test)]
mod tests;
