//! SPSs made by a bit writer are read back; nothing else is accepted, and nothing panics.

mod writer;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use writer::{BitWriter, Fields};

/// `testsrc` at 160x120 by x264, constrained baseline, level 1.2.
const REAL: [u8; 27] = [
    0x67, 0x42, 0xC0, 0x0C, 0xA6, 0x11, 0x0A, 0x11, 0xF9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03,
    0x00, 0x30, 0x8F, 0x14, 0x2A, 0x11, 0x80, 0x00,
];

#[test]
fn a_real_sps() {
    let sps = Sps::parse(&REAL).unwrap();
    let expected = Sps {
        profile: 66,
        constraints: 0xC0,
        level: 12,
        width: 160,
        height: 120,
        reference_frames: 16,
        picture_order_type: 2,
        frames_only: true,
        has_vui: true,
    };
    assert_eq!(sps, expected);
    assert_eq!(sps.codec(), "avc1.42C00C");
}

#[test]
fn errors_name_what_is_wrong() {
    assert_eq!(Sps::parse(&[]), Err(SpsError::Truncated));
    assert_eq!(Sps::parse(&[0x68, 1, 2, 3]), Err(SpsError::NotSps(8)));
    assert_eq!(Sps::parse(&REAL[..9]), Err(SpsError::Truncated));
    for (fields, field, value) in [
        (Fields { id: 32, ..Fields::default() }, "seq_parameter_set_id", 32),
        (Fields { picture_order_type: 3, ..Fields::default() }, "pic_order_cnt_type", 3),
        (Fields { reference_frames: 17, ..Fields::default() }, "max_num_ref_frames", 17),
        (Fields { across: 1056, ..Fields::default() }, "pic_width_in_mbs_minus1", 1055),
        (Fields { down: 9000, ..Fields::default() }, "pic_height_in_map_units_minus1", 8999),
        (Fields { crop: Some([4, 4, 0, 0]), across: 1, ..Fields::default() }, "frame_crop_right_offset", 4),
        (Fields { crop: Some([0, 0, 0, u32::MAX - 1]), ..Fields::default() }, "frame_crop_bottom_offset", u32::MAX - 1),
        (Fields { profile: 100, chroma: 4, ..Fields::default() }, "chroma_format_idc", 4),
    ] {
        let error = Sps::parse(&fields.unit()).unwrap_err();
        assert_eq!(error, SpsError::Value { field, value });
        assert_eq!(error.to_string(), format!("{field} of the SPS is {value}, which H.264 does not allow"));
    }
    // 32 zeros and more are no Exp-Golomb code of 32 bits.
    let zeros = [0x67, 66, 0, 30, 0, 0, 3, 0, 0, 3, 0, 0, 3, 0];
    assert_eq!(Sps::parse(&zeros), Err(SpsError::Value { field: "ue(v)", value: u32::MAX }));
}

#[test]
fn kinds_and_beginnings() {
    assert_eq!(
        [0x41, 0x65, 6, 0x67, 0x68, 9, 0x0C].map(Kind::of),
        [Kind::Slice, Kind::IdrSlice, Kind::Sei, Kind::Sps, Kind::Pps, Kind::Delimiter, Kind::Other(12)]
    );
    for (head, begins) in [
        ([0x41, 0x9A], true),
        ([0x41, 0x5A], false),
        ([0x65, 0x88], true),
        ([0x65, 0x08], false),
        ([0x06, 0x05], true),
        ([0x67, 0x42], true),
        ([0x68, 0xCE], true),
        ([0x09, 0xF0], true),
        ([0x0C, 0xFF], false),
        ([0x0E, 0x00], true),
        ([0x14, 0x80], false),
    ] {
        assert_eq!(begins_picture(head), begins, "{head:02X?}");
    }
    assert_eq!(pps_id(&[0x68, 0xCE]), Some(0));
    assert_eq!(pps_id(&[0x68, 0x40]), Some(1));
    assert_eq!(pps_id(&[0x68, 0x00, 0x80, 0x00, 0xFF]), Some(255));
    assert_eq!(pps_id(&[0x68, 0x00, 0x80, 0x80, 0xFF]), None);
    assert_eq!(pps_id(&[0x68]), None);
}

prop_compose! {
    fn fields()(
        profile in select(vec![66_u8, 77, 88, 100, 110, 122, 244, 118, 128, 44]),
        constraints in any::<u8>(),
        level in any::<u8>(),
        id in 0_u32..32,
        chroma in 0_u32..4,
        separate_planes in any::<bool>(),
        scaling in proptest::option::of(vec(-128_i32..128, 0..40)),
        picture_order_type in 0_u32..3,
        offsets in vec(any::<i32>().prop_map(|offset| offset.clamp(-i32::MAX, i32::MAX)), 0..10),
        reference_frames in 0_u32..17,
        across in 1_u32..300,
        down in 1_u32..300,
        frames_only in any::<bool>(),
        crop in proptest::option::of([0_u32..4, 0_u32..4, 0_u32..4, 0_u32..4]),
        has_vui in any::<bool>(),
    ) -> Fields {
        Fields {
            profile, constraints, level, id, chroma, separate_planes, scaling, picture_order_type, offsets,
            reference_frames, across, down, frames_only, crop, has_vui,
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(fields in fields()) {
        let unit = fields.unit();
        prop_assert!(!unit.windows(3).any(|at| at[..2] == [0, 0] && at[2] < 3), "the writer prevents start codes");
        let expected = fields.size().map(|(width, height)| Sps {
            profile: fields.profile,
            constraints: fields.constraints,
            level: fields.level,
            width,
            height,
            reference_frames: fields.reference_frames,
            picture_order_type: fields.picture_order_type,
            frames_only: fields.frames_only,
            has_vui: fields.has_vui,
        });
        prop_assert_eq!(Sps::parse(&unit).ok(), expected);
        // Its last byte begins with the VUI's flag at the earliest, so that one byte less is too little.
        if expected.is_some() {
            prop_assert_eq!(Sps::parse(&unit[..unit.len() - 2]), Err(SpsError::Truncated));
        }
    }

    #[test]
    fn an_sps_without_vui_promises_the_order_of_pictures(fields in fields()) {
        let unit = fields.unit();
        let patched = without_reordering(&unit);
        prop_assert!(!patched.windows(3).any(|at| at[..2] == [0, 0] && at[2] < 3), "no start code arises");
        if let Ok((sps @ Sps { has_vui: false, .. }, before_vui)) = Sps::parse_to_vui(&unit) {
            prop_assert_eq!(Sps::parse_to_vui(&patched), Ok((Sps { has_vui: true, ..sps }, before_vui)));
            prop_assert_eq!(&*without_reordering(&patched), &*patched);
            let mut old = bits::Bits::new(&unit[1..]);
            let mut new = bits::Bits::new(&patched[1..]);
            prop_assert!((0..before_vui).all(|_| old.bit() == new.bit()), "what comes before stays");
            // The flag, eight that are not set, and the restriction's.
            prop_assert_eq!(new.u(11), Ok(0b100_0000_0011));
            let restriction: Vec<_> = (0..6).map(|_| new.ue().unwrap()).collect();
            prop_assert_eq!(restriction, [0, 0, 15, 15, 0, sps.reference_frames.max(1)]);
            prop_assert_eq!(new.bit(), Ok(true), "the stop bit");
            prop_assert_eq!((0..8).find(|_| new.bit() != Ok(false)).map(|_| new.bit()), Some(Err(bits::BitsError::Truncated)));
        } else {
            prop_assert_eq!(&*patched, &unit);
        }
    }

    #[test]
    fn rubbish_does_not_panic(bytes in vec(select(vec![0_u8, 0, 3, 0x67, 100, 0xFF, 0x55]), 0..80), any in vec(any::<u8>(), 0..80)) {
        for bytes in [bytes, any] {
            let _ = (Sps::parse(&bytes), pps_id(&bytes));
            let unit = [&[0x67], &bytes[..]].concat();
            let _ = (Sps::parse(&unit), without_reordering(&unit));
        }
    }

    #[test]
    fn a_slices_first_bit_shows_whether_it_is_the_first(number in 0_u32..200_000, header in select(vec![0x41_u8, 0x65])) {
        let mut writer = BitWriter::default();
        writer.ue(number);
        writer.u(8, 0xAA);
        let unit = writer.unit(&[header]);
        prop_assert_eq!(bits::Bits::new(&unit[1..]).ue(), Ok(number));
        prop_assert_eq!(is_first_slice(unit[1]), number == 0);
    }
}
