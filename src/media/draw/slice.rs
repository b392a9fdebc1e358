//! A picture as one slice NAL unit (H.264 7.3.3, 7.3.4, 7.3.5), exact to the bit.
//!
//! A macroblock of cells is `Intra_16x16` with DC prediction, DC levels and no others. At luma's quantiser 22 the decoder
//! makes of the levels `c` (a matrix of 4 by 4) the cells `H c H / 2` above the prediction (8.5.10: scaling by 16 * 16,
//! then a shift of 3; 8.5.12: a shift of 6), where `H` is the Hadamard matrix with `H H = 4`. So `c = H r H / 8` gives the
//! difference `r` exactly wherever that is whole: for one colour always (`c` is `2 r` in its first place, else 0), for cells
//! that are the same modulo 8, and for some others. At chroma's quantiser 10 it is `H c H / 4` with `H H = 2`, so `c = H r H`: always.
//! The deblocking filter is off. Everything else is `I_PCM`.

use super::block::{Border, Cells, View};
use super::canvas::Canvas;
use super::cavlc::{Context, residual};
use super::parameters::FRAME_NUM_BITS;
use crate::media::h264::NalWriter;

/// What kind of picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An IDR picture. `id` differs from that of a key picture directly before.
    Key {
        /// `idr_pic_id`
        id: u8,
    },
    /// What changed since the picture before.
    Change {
        /// Pictures since the last key picture; 1 for the first.
        nth: u32,
    },
}

/// `mb_type` of `I_PCM` in an I slice (table 7-11).
const I_PCM: u32 = 25;
/// `mb_type` of `I_16x16_2_0_0`: DC prediction, neither chroma levels nor luma AC levels; 4 more with chroma DC levels.
const I_16X16_DC: u32 = 3;

/// Where each scan position is in a matrix of 4 by 4 (8.5.6, the zig-zag scan).
const ZIG_ZAG: [usize; 16] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

/// Appends the picture on the canvas behind a start code, and notes on the canvas that it is coded.
pub(super) fn write(canvas: &mut Canvas, kind: Kind, out: &mut Vec<u8>) {
    canvas.settle();
    let mut slice = Slice { nal: begin(kind, out), canvas, types_from: 0 };
    match kind {
        Kind::Key { .. } => slice.write_all(),
        Kind::Change { .. } => slice.write_changes(),
    }
    slice.nal.end();
    canvas.coded();
}

/// Begins the NAL unit with the slice header.
fn begin(kind: Kind, out: &mut Vec<u8>) -> NalWriter<'_> {
    let (header, slice_type, nth) = match kind {
        Kind::Key { .. } => (0x65, 7, 0),
        Kind::Change { nth } => (0x61, 5, nth),
    };
    let mut nal = NalWriter::begin(out, header);
    nal.ue(0); // first_mb_in_slice
    nal.ue(slice_type);
    nal.ue(0); // pic_parameter_set_id
    nal.bits(nth % (1 << FRAME_NUM_BITS), FRAME_NUM_BITS);
    match kind {
        Kind::Key { id } => {
            nal.ue(u32::from(id));
            nal.flag(false); // no_output_of_prior_pics_flag
            nal.flag(false); // long_term_reference_flag
        }
        Kind::Change { .. } => {
            nal.flag(false); // num_ref_idx_active_override_flag
            nal.flag(false); // ref_pic_list_modification_flag_l0
            nal.flag(false); // adaptive_ref_pic_marking_mode_flag
        }
    }
    nal.se(0); // slice_qp_delta
    nal.ue(1); // disable_deblocking_filter_idc: off
    nal
}

struct Slice<'a> {
    nal: NalWriter<'a>,
    canvas: &'a Canvas,
    /// The `mb_type` of the first intra type: 5 in P slices (table 7-13).
    types_from: u32,
}

impl Slice<'_> {
    fn write_all(&mut self) {
        let (columns, rows) = self.canvas.size();
        for at in 0..columns * rows {
            self.write_block(at);
        }
    }

    fn write_changes(&mut self) {
        self.types_from = 5;
        let (columns, rows) = self.canvas.size();
        let mut skipped = 0;
        for at in 0..columns * rows {
            if self.canvas.has_changed(at) {
                self.nal.ue(skipped);
                skipped = 0;
                self.write_block(at);
            } else {
                skipped += 1;
            }
        }
        if skipped > 0 {
            self.nal.ue(skipped);
        }
    }

    fn write_block(&mut self, at: usize) {
        let view = self.canvas.view(at);
        let (columns, _) = self.canvas.size();
        let left = (!at.is_multiple_of(columns)).then(|| self.canvas.view(at - 1));
        let above = (at >= columns).then(|| self.canvas.view(at - columns));
        if let (View::Flat(colour), Some(View::Flat(left)), Some(View::Flat(above))) = (view, left, above)
            && [left, above] == [colour; 2]
        {
            // As predicted, which is most of a key picture: what write_cells comes to, in one go.
            self.nal.ue(self.types_from + I_16X16_DC);
            self.nal.bits(0b111, 3);
            return;
        }
        match (view, view.cells()) {
            (_, Some(cells)) => self.write_cells(cells, left, above, at),
            (View::Detail(samples), None) => {
                self.nal.ue(self.types_from + I_PCM);
                self.nal.align();
                self.nal.bytes(&samples.y);
                self.nal.bytes(&samples.u);
                self.nal.bytes(&samples.v);
            }
            (View::Flat(_), None) => unreachable!("one colour is always cells"),
        }
    }

    fn write_cells(&mut self, cells: Cells, left: Option<View<'_>>, above: Option<View<'_>>, at: usize) {
        let (columns, _) = self.canvas.size();
        let beside_samples =
            left.is_some() && self.is_samples(at - 1) || above.is_some() && self.is_samples(at - columns);
        let (left, above) = (left.map(View::right), above.map(View::bottom));
        let mut luma = cells.levels;
        luma[0] -= 2 * luma_prediction(left, above);
        let luma = ZIG_ZAG.map(|at| luma[at]);
        let chroma = [
            chroma_levels(cells.u, chroma_prediction(left.map(|border| border.u), above.map(|border| border.u))),
            chroma_levels(cells.v, chroma_prediction(left.map(|border| border.v), above.map(|border| border.v))),
        ];
        let has_chroma = chroma != [[0; 4]; 2];
        self.nal.ue(self.types_from + I_16X16_DC + if has_chroma { 4 } else { 0 });
        self.nal.ue(0); // intra_chroma_pred_mode: DC
        self.nal.se(0); // mb_qp_delta
        residual(&mut self.nal, &luma, if beside_samples { Context::BesideSamples } else { Context::Plain });
        if has_chroma {
            for levels in &chroma {
                residual(&mut self.nal, levels, Context::Chroma);
            }
        }
    }

    /// Whether a decoder got this macroblock as `I_PCM` in this picture.
    fn is_samples(&self, at: usize) -> bool {
        self.canvas.is_samples(at) && (self.types_from == 0 || self.canvas.has_changed(at))
    }
}

/// 8.3.3.3
fn luma_prediction(left: Option<Border>, above: Option<Border>) -> i32 {
    let prediction = match (left, above) {
        (Some(left), Some(above)) => (left.y + above.y + 16) >> 5,
        (Some(one), None) | (None, Some(one)) => (one.y + 8) >> 4,
        (None, None) => 128,
    };
    prediction.cast_signed()
}

/// 8.3.4.1 to 8.3.4.3: a prediction for each of the four cells of a chroma plane.
fn chroma_prediction(left: Option<[u32; 2]>, above: Option<[u32; 2]>) -> [i32; 4] {
    let one = |sum: u32| (sum + 2) >> 2;
    [0, 1, 2, 3].map(|cell| {
        let (row, column) = (cell / 2, cell % 2);
        let prediction = match (left.map(|left| left[row]), above.map(|above| above[column])) {
            (Some(left), Some(above)) if row == column => (left + above + 4) >> 3,
            (Some(left), Some(_)) if row > column => one(left),
            (Some(_), Some(above)) => one(above),
            (Some(sum), None) | (None, Some(sum)) => one(sum),
            (None, None) => 128,
        };
        prediction.cast_signed()
    })
}

/// `H r H`: rows are the scan order.
fn chroma_levels(cells: [u8; 4], prediction: [i32; 4]) -> [i32; 4] {
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| i32::from(cells[at]) - prediction[at]);
    [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::draw::block::{Samples, hadamard};
    use crate::media::draw::colour::Colour;

    /// 8.5.10 and 8.5.12, as a decoder has them: from a matrix of levels to what is added to the prediction.
    fn decoded_luma(mut matrix: [i32; 16]) -> [i32; 16] {
        hadamard(&mut matrix);
        matrix.map(|f| (((f * 16 * 16 + 4) >> 3) + 32) >> 6)
    }

    fn decoded_chroma(levels: [i32; 4]) -> [i32; 4] {
        let [a, b, c, d] = levels;
        [a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d].map(|f| ((((f * 16 * 16) << 1) >> 5) + 32) >> 6)
    }

    #[test]
    fn one_colour_is_exact_for_every_value_and_prediction() {
        for value in 0..=255 {
            let cells = View::Flat(Colour { y: value, u: value, v: value }).cells().unwrap();
            for prediction in 0..=255 {
                let difference = i32::from(value) - prediction;
                let mut levels = cells.levels;
                levels[0] -= 2 * prediction;
                assert_eq!(decoded_luma(levels), [difference; 16]);
                assert_eq!(decoded_chroma(chroma_levels(cells.u, [prediction; 4])), [difference; 4]);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn cells_are_exact(
            steps: [u8; 16], remainder in 0_u8..8, prediction in 0..=255, chroma: [u8; 4], chroma_prediction: [u8; 4],
        ) {
            let luma = steps.map(|step| step / 8 * 8 + remainder);
            let mut samples = Samples::flat(Colour::grey(0));
            for (at, sample) in samples.y.iter_mut().enumerate() {
                *sample = luma[at / 64 * 4 + at % 16 / 4];
            }
            let mut levels = View::Detail(&samples).cells().expect("the same modulo 8").levels;
            levels[0] -= 2 * prediction;
            proptest::prop_assert!(levels.iter().all(|level| level.abs() < 2048));
            proptest::prop_assert_eq!(decoded_luma(levels), luma.map(|cell| i32::from(cell) - prediction));
            let levels = chroma_levels(chroma, chroma_prediction.map(i32::from));
            proptest::prop_assert!(levels.iter().all(|level| level.abs() < 2048));
            let expected = [0, 1, 2, 3].map(|at| i32::from(chroma[at]) - i32::from(chroma_prediction[at]));
            proptest::prop_assert_eq!(decoded_chroma(levels), expected);
        }
    }
}
