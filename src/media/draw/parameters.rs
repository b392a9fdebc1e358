//! Sequence and picture parameter set (H.264 7.3.2.1, 7.3.2.2, E.1.1): what a decoder has to know before any picture.

use super::Format;
use crate::media::h264::NalWriter;

/// Luma's quantiser: one level is half a step of the samples, for each sixteenth of the block's sum ([`super::slice`]).
const LUMA_QP: i32 = 22;
/// What chroma's quantiser has less than luma's, the most there is: it is 10, so a level is a quarter of a step.
const CHROMA_QP_OFFSET: i32 = -12;
/// Bits of `frame_num`; it counts the pictures since the last key picture and wraps.
pub(super) const FRAME_NUM_BITS: u32 = 8;

/// `level_idc`, macroblocks a second, macroblocks a picture (H.264 table A-1).
const LEVELS: [(u8, u32, u32); 9] = [
    (30, 40_500, 1_620),
    (31, 108_000, 3_600),
    (32, 216_000, 5_120),
    (40, 245_760, 8_192),
    (42, 522_240, 8_704),
    (50, 589_824, 22_080),
    (51, 983_040, 36_864),
    (52, 2_073_600, 36_864),
    (60, 4_177_920, 139_264),
];

/// The least level for size and rate, from 3 on. A side may have `Sqrt(8 * MaxFS)` macroblocks (A.3.1 f, g).
pub(super) fn level_idc(format: Format) -> u8 {
    let (columns, rows) = (format.columns(), format.rows());
    let blocks = columns * rows;
    LEVELS
        .iter()
        .find(|(_, a_second, a_picture)| {
            let longest_squared = a_picture * 8;
            blocks <= *a_picture
                && blocks * format.rate() <= *a_second
                && columns * columns <= longest_squared
                && rows * rows <= longest_squared
        })
        .map(|(level, _, _)| *level)
        .expect("level 6 holds 4096x2160 120 times a second, and no Format is more")
}

/// Appends both parameter sets, each behind a start code.
pub(super) fn write(format: Format, out: &mut Vec<u8>) {
    write_sequence(format, out);
    write_picture(out);
}

fn write_sequence(format: Format, out: &mut Vec<u8>) {
    let mut nal = NalWriter::begin(out, 0x67);
    nal.bits(66, 8); // profile_idc: baseline
    nal.bits(0b1100_0000, 8); // constraint_set0_flag and constraint_set1_flag: constrained baseline
    nal.bits(u32::from(level_idc(format)), 8);
    nal.ue(0); // seq_parameter_set_id
    nal.ue(FRAME_NUM_BITS - 4);
    nal.ue(2); // pic_order_cnt_type: pictures are shown in the order they are sent
    nal.ue(1); // max_num_ref_frames
    nal.flag(false); // gaps_in_frame_num_value_allowed_flag
    nal.ue(format.columns() - 1);
    nal.ue(format.rows() - 1);
    nal.flag(true); // frame_mbs_only_flag
    nal.flag(true); // direct_8x8_inference_flag
    let (right, bottom) = (format.columns() * 16 - format.width(), format.rows() * 16 - format.height());
    nal.flag(right > 0 || bottom > 0);
    if right > 0 || bottom > 0 {
        // left, right, top, bottom, in units of two pixels
        for crop in [0, right / 2, 0, bottom / 2] {
            nal.ue(crop);
        }
    }
    nal.flag(true);
    write_usability(format, &mut nal);
    nal.end();
}

/// The VUI: square pixels, what the colours mean, the rate, and that a decoder need not hold a picture back.
fn write_usability(format: Format, nal: &mut NalWriter<'_>) {
    nal.flag(true);
    nal.bits(1, 8); // aspect_ratio_idc: square
    nal.flag(false); // overscan_info_present_flag
    nal.flag(true); // video_signal_type_present_flag
    nal.bits(5, 3); // video_format: unspecified
    nal.flag(false); // video_full_range_flag: luma is 16 to 235
    nal.flag(true);
    for _ in ["colour_primaries", "transfer_characteristics", "matrix_coefficients"] {
        nal.bits(super::colour::Matrix::of(format).h264_code(), 8);
    }
    nal.flag(false); // chroma_loc_info_present_flag
    nal.flag(true); // timing_info_present_flag
    nal.bits(1, 32); // num_units_in_tick
    nal.bits(format.rate() * 2, 32); // time_scale: ticks are half pictures
    nal.flag(false); // fixed_frame_rate_flag: a picture may come late or be left out
    nal.flag(false); // nal_hrd_parameters_present_flag
    nal.flag(false); // vcl_hrd_parameters_present_flag
    nal.flag(false); // pic_struct_present_flag
    nal.flag(true); // bitstream_restriction_flag
    nal.flag(true); // motion_vectors_over_pic_boundaries_flag
    nal.ue(0); // max_bytes_per_pic_denom: no limit
    nal.ue(0); // max_bits_per_mb_denom: no limit
    nal.ue(0); // log2_max_mv_length_horizontal: nothing moves
    nal.ue(0); // log2_max_mv_length_vertical
    nal.ue(0); // max_num_reorder_frames
    nal.ue(1); // max_dec_frame_buffering
}

fn write_picture(out: &mut Vec<u8>) {
    let mut nal = NalWriter::begin(out, 0x68);
    nal.ue(0); // pic_parameter_set_id
    nal.ue(0); // seq_parameter_set_id
    nal.flag(false); // entropy_coding_mode_flag: CAVLC
    nal.flag(false); // bottom_field_pic_order_in_frame_present_flag
    nal.ue(0); // num_slice_groups_minus1
    nal.ue(0); // num_ref_idx_l0_default_active_minus1
    nal.ue(0); // num_ref_idx_l1_default_active_minus1
    nal.flag(false); // weighted_pred_flag
    nal.bits(0, 2); // weighted_bipred_idc
    nal.se(LUMA_QP - 26);
    nal.se(0); // pic_init_qs_minus26
    nal.se(CHROMA_QP_OFFSET);
    nal.flag(true); // deblocking_filter_control_present_flag: slices turn the filter off
    nal.flag(false); // constrained_intra_pred_flag
    nal.flag(false); // redundant_pic_cnt_present_flag
    nal.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_least_for_size_and_rate() {
        for (width, height, rate, level) in [
            (64, 64, 1, 30),
            (640, 480, 24, 30),
            (640, 480, 34, 31),
            (720, 576, 25, 30),
            (1280, 720, 30, 31),
            (1280, 720, 60, 32),
            (1920, 1080, 30, 40),
            (1920, 1080, 60, 42),
            (1920, 1080, 120, 51),
            (64, 2160, 1, 31),
            (4096, 64, 1, 40),
            (2560, 1440, 30, 50),
            (3840, 2160, 30, 51),
            (4096, 2160, 60, 52),
            (4096, 2160, 120, 60),
        ] {
            assert_eq!(level_idc(Format::new(width, height, rate).unwrap()), level, "{width}x{height} {rate}/s");
        }
    }
}
