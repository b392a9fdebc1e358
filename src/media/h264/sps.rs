//! The sequence parameter set (H.264 7.3.2.1.1), up to its VUI.

use std::fmt::{self, Display};

use super::Kind;
use super::bits::{Bits, BitsError};

/// The widest and highest picture in macroblocks: level 6.2 has 139264 of them, and sqrt(8 * 139264) a side (A.3.1).
const MOST_MACROBLOCKS_A_SIDE: u32 = 1055;

/// What an SPS says of the video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`: 66 baseline, 77 main, 100 high.
    pub profile: u8,
    /// The byte of constraint flags, `constraint_set0_flag` in its highest bit.
    pub constraints: u8,
    /// `level_idc`: ten times the level, 42 for 4.2.
    pub level: u8,
    /// Pixels across, without what is cropped.
    pub width: u32,
    /// Pixels down, without what is cropped.
    pub height: u32,
    /// `max_num_ref_frames`, 0 to 16.
    pub reference_frames: u32,
    /// `pic_order_cnt_type`, 0 to 2. With 2, pictures are shown in the order in which they come.
    pub picture_order_type: u32,
    /// `frame_mbs_only_flag`: no fields, so every picture is a frame.
    pub frames_only: bool,
    /// Whether VUI parameters follow.
    pub has_vui: bool,
}

/// Why an SPS could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpsError {
    /// The unit is of another type.
    NotSps(u8),
    /// The unit ends in the middle of a field.
    Truncated,
    /// A field has a value that H.264 does not allow.
    Value {
        /// The field's name in H.264.
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

impl From<BitsError> for SpsError {
    fn from(error: BitsError) -> Self {
        match error {
            BitsError::Truncated => Self::Truncated,
            BitsError::TooLarge => Self::Value { field: "ue(v)", value: u32::MAX },
        }
    }
}

impl Display for SpsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSps(kind) => write!(f, "a NAL unit of type {kind} is no SPS"),
            Self::Truncated => f.write_str("the SPS is cut short"),
            Self::Value { field, value } => write!(f, "{field} of the SPS is {value}, which H.264 does not allow"),
        }
    }
}

impl std::error::Error for SpsError {}

impl Sps {
    /// Reads a NAL unit with its header and its emulation prevention bytes. What follows the VUI's flag is not read.
    ///
    /// # Errors
    ///
    /// [`SpsError`] if the unit is no SPS, is cut short, or has a value that H.264 does not allow.
    pub fn parse(unit: &[u8]) -> Result<Self, SpsError> {
        Self::parse_to_vui(unit).map(|(sps, _)| sps)
    }

    /// The same, with the number of bits between the unit's header and the VUI's flag, without emulation prevention.
    pub(super) fn parse_to_vui(unit: &[u8]) -> Result<(Self, usize), SpsError> {
        let (&header, payload) = unit.split_first().ok_or(SpsError::Truncated)?;
        if Kind::of(header) != Kind::Sps {
            return Err(SpsError::NotSps(header & 31));
        }
        let &[profile, constraints, level, ..] = payload else { return Err(SpsError::Truncated) };
        let bits = &mut Bits::new(payload);
        bits.u(24)?;
        at_most(bits, "seq_parameter_set_id", 31)?;
        let chroma = chroma(bits, profile)?;
        at_most(bits, "log2_max_frame_num_minus4", 12)?;
        let picture_order_type = picture_order(bits)?;
        let reference_frames = at_most(bits, "max_num_ref_frames", 16)?;
        bits.bit()?; // gaps_in_frame_num_value_allowed_flag
        let across = 1 + at_most(bits, "pic_width_in_mbs_minus1", MOST_MACROBLOCKS_A_SIDE - 1)?;
        let down = 1 + at_most(bits, "pic_height_in_map_units_minus1", MOST_MACROBLOCKS_A_SIDE - 1)?;
        let frames_only = bits.bit()?;
        let fields = if frames_only { 1 } else { 2 };
        if !frames_only {
            bits.bit()?; // mb_adaptive_frame_field_flag
        }
        bits.bit()?; // direct_8x8_inference_flag
        let (mut width, mut height) = (across * 16, down * 16 * fields);
        if bits.bit()? {
            let (unit_x, unit_y) = (chroma.across, chroma.down * fields);
            let [left, right, top, bottom] = [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?];
            width = cropped(width, [left, right], unit_x, "frame_crop_right_offset")?;
            height = cropped(height, [top, bottom], unit_y, "frame_crop_bottom_offset")?;
        }
        let before_vui = bits.count();
        let has_vui = bits.bit()?;
        let sps = Self {
            profile,
            constraints,
            level,
            width,
            height,
            reference_frames,
            picture_order_type,
            frames_only,
            has_vui,
        };
        Ok((sps, before_vui))
    }

    /// The codec string of RFC 6381, section 3.3, such as `avc1.42C028`.
    pub fn codec(&self) -> String {
        format!("avc1.{}", self.profile_level_id())
    }

    /// The `profile-level-id` of RFC 6184, section 8.1, such as `42C028`.
    pub fn profile_level_id(&self) -> String {
        format!("{:02X}{:02X}{:02X}", self.profile, self.constraints, self.level)
    }
}

/// Pixels a chroma sample: what cropping counts in.
struct Chroma {
    across: u32,
    down: u32,
}

/// The fields that only some profiles have. The others have 4:2:0.
fn chroma(bits: &mut Bits, profile: u8) -> Result<Chroma, SpsError> {
    if !matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        return Ok(Chroma { across: 2, down: 2 });
    }
    let format = at_most(bits, "chroma_format_idc", 3)?;
    if format == 3 {
        bits.bit()?; // separate_colour_plane_flag
    }
    at_most(bits, "bit_depth_luma_minus8", 6)?;
    at_most(bits, "bit_depth_chroma_minus8", 6)?;
    bits.bit()?; // qpprime_y_zero_transform_bypass_flag
    if bits.bit()? {
        for list in 0..if format == 3 { 12 } else { 8 } {
            if bits.bit()? {
                scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok(match format {
        1 => Chroma { across: 2, down: 2 },
        2 => Chroma { across: 2, down: 1 },
        _ => Chroma { across: 1, down: 1 },
    })
}

/// A scaling list (H.264 7.3.2.1.1.1), for its length only.
fn scaling_list(bits: &mut Bits, size: u32) -> Result<(), SpsError> {
    let mut last = 8;
    for _ in 0..size {
        let delta = bits.se()?;
        if !(-128..=127).contains(&delta) {
            return Err(SpsError::Value { field: "delta_scale", value: delta.unsigned_abs() });
        }
        let next = (last + delta).rem_euclid(256);
        if next == 0 {
            break;
        }
        last = next;
    }
    Ok(())
}

/// `pic_order_cnt_type`, and the fields that depend on it.
fn picture_order(bits: &mut Bits) -> Result<u32, SpsError> {
    let kind = at_most(bits, "pic_order_cnt_type", 2)?;
    match kind {
        0 => {
            at_most(bits, "log2_max_pic_order_cnt_lsb_minus4", 12)?;
        }
        1 => {
            bits.bit()?; // delta_pic_order_always_zero_flag
            bits.se()?; // offset_for_non_ref_pic
            bits.se()?; // offset_for_top_to_bottom_field
            for _ in 0..at_most(bits, "num_ref_frames_in_pic_order_cnt_cycle", 255)? {
                bits.se()?; // offset_for_ref_frame
            }
        }
        _ => {}
    }
    Ok(kind)
}

fn at_most(bits: &mut Bits, field: &'static str, most: u32) -> Result<u32, SpsError> {
    let value = bits.ue()?;
    if value <= most { Ok(value) } else { Err(SpsError::Value { field, value }) }
}

/// A side of `pixels` without the two edges, which are counted in `unit` pixels. Something has to be left.
fn cropped(pixels: u32, [first, second]: [u32; 2], unit: u32, field: &'static str) -> Result<u32, SpsError> {
    let edges = first.checked_add(second).and_then(|edges| edges.checked_mul(unit));
    match edges.and_then(|edges| pixels.checked_sub(edges)) {
        Some(left) if left > 0 => Ok(left),
        _ => Err(SpsError::Value { field, value: second }),
    }
}
