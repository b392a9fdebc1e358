//! An SPS with a promise about the order of pictures (H.264 7.3.2.1.1, E.1.1, E.2.1).

use std::borrow::Cow;

use super::bits::{Bits, BitsError};
use super::{NalWriter, Sps};

/// Bytes of the start code that [`NalWriter::begin`] writes before the unit.
const START_CODE_BYTES: usize = 4;

/// The SPS `unit`, with a VUI whose bitstream restriction says that pictures are shown in the order in which they come
/// (`max_num_reorder_frames` 0) and how many a decoder has to keep (`max_dec_frame_buffering`: its reference frames, at
/// least 1). Without that, a hardware decoder keeps back as many pictures as the level allows, up to 16.
///
/// An SPS that has a VUI stays as it is, and so does what is no SPS: what an encoder says of itself is not contradicted.
///
/// Only for streams whose pictures are shown in the order in which they come; cameras write no others.
pub fn without_reordering(unit: &[u8]) -> Cow<'_, [u8]> {
    match Sps::parse_to_vui(unit) {
        Ok((sps, before_vui)) if !sps.has_vui => {
            with_restriction(unit, before_vui, sps.reference_frames).map_or(Cow::Borrowed(unit), Cow::Owned)
        }
        Ok(_) | Err(_) => Cow::Borrowed(unit),
    }
}

/// The unit's first `before_vui` bits after its header, and a VUI in place of all that follows: a flag that there is
/// none, and the end.
fn with_restriction(unit: &[u8], before_vui: usize, reference_frames: u32) -> Result<Vec<u8>, BitsError> {
    let mut out = Vec::with_capacity(START_CODE_BYTES + unit.len() + 8);
    let mut nal = NalWriter::begin(&mut out, unit[0]);
    let mut old = Bits::new(&unit[1..]);
    for _ in 0..before_vui {
        nal.flag(old.bit()?);
    }
    nal.flag(true); // vui_parameters_present_flag
    nal.flag(false); // aspect_ratio_info_present_flag
    nal.flag(false); // overscan_info_present_flag
    nal.flag(false); // video_signal_type_present_flag
    nal.flag(false); // chroma_loc_info_present_flag
    nal.flag(false); // timing_info_present_flag
    nal.flag(false); // nal_hrd_parameters_present_flag
    nal.flag(false); // vcl_hrd_parameters_present_flag
    nal.flag(false); // pic_struct_present_flag
    nal.flag(true); // bitstream_restriction_flag
    nal.flag(true); // motion_vectors_over_pic_boundaries_flag: as without a VUI
    nal.ue(0); // max_bytes_per_pic_denom: no limit
    nal.ue(0); // max_bits_per_mb_denom: no limit
    nal.ue(15); // log2_max_mv_length_horizontal: the most, up to level 6.2
    nal.ue(15); // log2_max_mv_length_vertical
    nal.ue(0); // max_num_reorder_frames
    nal.ue(reference_frames.max(1)); // max_dec_frame_buffering
    nal.end();
    out.drain(..START_CODE_BYTES);
    Ok(out)
}
