//! The parameter sets of a stream: an SPS and the PPSs that go with it.

use super::h264::{Kind, Sps, SpsError, pps_id};
use super::units;
use crate::limits::MAX_PPS;

/// What a decoder has to know before the first picture. Two are equal if their bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    sps: Vec<u8>,
    /// At most [`MAX_PPS`], each with its id, in the order in which the ids first came.
    pps: Vec<(u8, Vec<u8>)>,
    video: Sps,
}

impl Format {
    /// The SPS, a NAL unit.
    pub fn sps(&self) -> &[u8] {
        &self.sps
    }

    /// The PPSs, NAL units: one, or up to [`MAX_PPS`].
    pub fn pps(&self) -> impl Iterator<Item = &[u8]> {
        self.pps.iter().map(|(_, unit)| &unit[..])
    }

    /// What the SPS says: profile, level, size.
    pub const fn video(&self) -> &Sps {
        &self.video
    }

    /// The sets among `units`, which stand behind their lengths: a key picture's begin with them. `None` if there is no
    /// SPS, or no PPS.
    pub(super) fn among(units: &[u8]) -> Option<Self> {
        let mut sets = ParameterSets::default();
        for range in units::ranges(units) {
            let unit = &units[range];
            match Kind::of(unit[0]) {
                Kind::Sps => sets.take_sps(unit).ok()?,
                Kind::Pps => _ = sets.take_pps(unit),
                Kind::Slice | Kind::IdrSlice | Kind::Sei | Kind::Delimiter | Kind::Other(_) => {}
            }
        }
        sets.format.filter(|format| !format.pps.is_empty())
    }

    /// Puts all sets, with their lengths, into `bytes` at its front.
    pub(super) fn insert_before(&self, bytes: &mut Vec<u8>) {
        let old = bytes.len();
        for unit in std::iter::once(self.sps()).chain(self.pps()) {
            units::push(bytes, unit);
        }
        bytes.rotate_left(old);
    }
}

/// The parameter sets that have come so far.
#[derive(Debug, Clone, Default)]
pub struct ParameterSets {
    format: Option<Format>,
}

impl ParameterSets {
    /// SPS and PPS, once both are known.
    pub fn format(&self) -> Option<&Format> {
        self.format.as_ref().filter(|format| !format.pps.is_empty())
    }

    /// Takes an SPS. Another than before makes the PPSs unknown again, since they build on it.
    ///
    /// # Errors
    ///
    /// [`SpsError`] if it can't be read. The one before it stays.
    pub fn take_sps(&mut self, unit: &[u8]) -> Result<(), SpsError> {
        if self.format.as_ref().is_some_and(|format| format.sps == unit) {
            return Ok(());
        }
        let video = Sps::parse(unit)?;
        self.format = Some(Format { sps: unit.to_vec(), pps: Vec::new(), video });
        Ok(())
    }

    /// Takes a PPS, in the place of one with the same id. `false` if it can't be used: it has no id, there is no SPS,
    /// or it is one more than [`MAX_PPS`].
    pub fn take_pps(&mut self, unit: &[u8]) -> bool {
        let (Some(format), Some(id)) = (&mut self.format, pps_id(unit)) else { return false };
        let place = format.pps.iter().position(|(known, _)| *known == id);
        match place {
            Some(at) => unit.clone_into(&mut format.pps[at].1),
            None if format.pps.len() < MAX_PPS => format.pps.push((id, unit.to_vec())),
            None => return false,
        }
        true
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 160x120, baseline, level 1.2.
    pub const SPS: [u8; 25] = [
        0x67, 0x42, 0xC0, 0x0C, 0xA6, 0x11, 0x0A, 0x11, 0xF9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00,
        0x03, 0x00, 0x30, 0x8F, 0x14, 0x2A, 0x11,
    ];
    /// PPS 0, and another PPS 0, and PPS 1.
    pub const PPS: [u8; 6] = [0x68, 0xC8, 0x42, 0x02, 0x12, 0xC8];
    const PPS_AGAIN: [u8; 2] = [0x68, 0xC9];
    const PPS_ONE: [u8; 2] = [0x68, 0x40];

    #[test]
    fn a_format_needs_both_and_a_new_sps_begins_another() {
        let mut sets = ParameterSets::default();
        assert!(!sets.take_pps(&PPS), "a PPS without an SPS");
        assert_eq!(sets.take_sps(&SPS), Ok(()));
        assert_eq!(sets.format(), None);
        assert!(sets.take_pps(&PPS) && sets.take_pps(&PPS_ONE));
        let first = sets.format().cloned().unwrap();
        assert_eq!((first.video().width, first.video().height), (160, 120));
        assert_eq!(first.pps().collect::<Vec<_>>(), [&PPS[..], &PPS_ONE]);

        assert_eq!(sets.take_sps(&SPS), Ok(()));
        assert_eq!(sets.format(), Some(&first), "the same SPS changes nothing");
        assert!(sets.take_pps(&PPS_AGAIN));
        assert_eq!(sets.format().unwrap().pps().collect::<Vec<_>>(), [&PPS_AGAIN[..], &PPS_ONE]);

        let mut other = SPS;
        other[3] = 0x1E;
        assert_eq!(sets.take_sps(&SPS[..4]), Err(SpsError::Truncated));
        assert!(sets.format().is_some(), "a damaged SPS leaves the one before it");
        assert_eq!(sets.take_sps(&other), Ok(()));
        assert_eq!(sets.format(), None);
    }

    #[test]
    fn the_number_of_sets_is_bounded() {
        let mut sets = ParameterSets::default();
        sets.take_sps(&SPS).unwrap();
        // ue(v) of 0 to 5, each followed by a one.
        let units = [[0x68, 0xC0], [0x68, 0x50], [0x68, 0x70], [0x68, 0x24], [0x68, 0x2C], [0x68, 0x34]];
        let taken: Vec<bool> = units.iter().map(|unit| sets.take_pps(unit)).collect();
        assert_eq!(taken, [true, true, true, true, false, false]);
    }

    #[test]
    fn sets_go_before_what_is_there() {
        let mut sets = ParameterSets::default();
        sets.take_sps(&SPS).unwrap();
        sets.take_pps(&PPS);
        let mut bytes = vec![0, 0, 0, 1, 6];
        sets.format().unwrap().insert_before(&mut bytes);
        let found: Vec<&[u8]> = units::ranges(&bytes).map(|range| &bytes[range]).collect();
        assert_eq!(found, [&SPS[..], &PPS, &[6]]);
        assert_eq!(Format::among(&bytes).as_ref(), sets.format(), "and are found again");
        assert_eq!(Format::among(&bytes[..4 + SPS.len()]), None);
        assert_eq!(Format::among(&bytes[4 + SPS.len()..]), None);
    }
}
