//! A picture's bytes: NAL units one after the other, each behind its length (four bytes, big-endian), as in an MP4
//! file.

use std::ops::Range;

/// Bytes of the length before each unit: as long as Annex B's start code, so that a picture is as long in either form.
pub const LENGTH_BYTES: usize = 4;

/// Begins a unit at the end of `bytes`; returns where its length is, for [`end`].
pub fn begin(bytes: &mut Vec<u8>) -> usize {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; LENGTH_BYTES]);
    at
}

/// Ends the unit that [`begin`] began at `at`: it goes to the end of `bytes`.
///
/// # Panics
///
/// If `begin` did not return `at` for these bytes.
pub fn end(bytes: &mut [u8], at: usize) {
    let (length, unit) = bytes[at..].split_at_mut(LENGTH_BYTES);
    length.copy_from_slice(&u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes());
}

/// Puts a whole unit, with its length, at the end of `bytes`.
pub fn push(bytes: &mut Vec<u8>, unit: &[u8]) {
    let at = begin(bytes);
    bytes.extend_from_slice(unit);
    end(bytes, at);
}

/// Where the units are in `bytes`, without their lengths. It stops at a unit that is empty or not all there.
pub fn ranges(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = bytes.get(at..at + LENGTH_BYTES)?.try_into().map(u32::from_be_bytes).ok()?;
        let from = at + LENGTH_BYTES;
        let to = from.checked_add(usize::try_from(length).ok()?)?;
        (from < to && to <= bytes.len()).then(|| {
            at = to;
            from..to
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_again_and_damage_ends_them() {
        let mut bytes = Vec::new();
        for unit in [&b"first"[..], b"x", &[7; 300]] {
            push(&mut bytes, unit);
        }
        let found: Vec<&[u8]> = ranges(&bytes).map(|range| &bytes[range]).collect();
        assert_eq!(found, [&b"first"[..], b"x", &[7; 300]]);
        for cut in 0..bytes.len() {
            let whole = [9, 14, 318].iter().filter(|&&end| end <= cut).count();
            assert_eq!(ranges(&bytes[..cut]).count(), whole, "cut at {cut}");
        }
        assert_eq!(ranges(&[0, 0, 0, 0, 1]).count(), 0);
        assert_eq!(ranges(&[255; 8]).count(), 0);
    }
}
