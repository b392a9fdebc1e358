//! The monotonic clock in a picture, as black and white cells, and how it is read back.
//!
//! The code measures latency: it is the low 32 bits of the clock in milliseconds at the time of drawing, so a reader on
//! the same machine knows how old a decoded picture is. The camera's settings do not change it.
//!
//! The code has 48 cells in 3 rows of 16, at the bottom of the picture in its middle. White is 1, black is 0. In reading
//! order: 8 cells 1 0 1 1 0 0 1 0, so that a reader finds black and white; 32 cells, the clock, its highest bit first; 8
//! cells, a check sum of the clock's four bytes in that order (CRC-8: polynomial 0x07, beginning with 0xFF, not reflected).
//!
//! In a picture of W by H a cell is `W / 16` wide and `H / 30` high, both rounded down to a multiple of 4, and not less than 4.
//! The code begins at `x = (W - 16 * cell width) / 2` and `y = H - 3 * cell height`, both rounded down to a multiple of 4.

use super::canvas::{Canvas, Rect};
use super::colour::Colour;

const COLUMNS: u32 = 16;
const ROWS: u32 = 3;
const SYNC: u64 = 0b1011_0010;
/// The least difference between black and white of a code, in steps of luma. They are drawn 216 apart.
const LEAST_CONTRAST: u32 = 48;

/// Where the code is in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeGeometry {
    /// Pixels left of the first cell: a multiple of 4.
    pub x: u32,
    /// Rows above the first cell: a multiple of 4.
    pub y: u32,
    /// Pixels in a row of a cell: a multiple of 4.
    pub cell_width: u32,
    /// Rows of a cell: a multiple of 4.
    pub cell_height: u32,
}

impl CodeGeometry {
    /// The code's place in a picture of `width` by `height` pixels, each at least 64.
    pub fn of(width: u32, height: u32) -> Self {
        let down = |n: u32| n / 4 * 4;
        let (cell_width, cell_height) = (down(width / COLUMNS).max(4), down(height / 30).max(4));
        let x = down(width.saturating_sub(cell_width * COLUMNS) / 2);
        let y = down(height.saturating_sub(cell_height * ROWS));
        Self { x, y, cell_width, cell_height }
    }

    /// Left and top of cell `nth`, 0 to 47.
    const fn cell(self, nth: u32) -> (u32, u32) {
        (self.x + nth % COLUMNS * self.cell_width, self.y + nth / COLUMNS * self.cell_height)
    }
}

/// The code on a canvas: only cells that differ from those shown are drawn.
#[derive(Debug)]
pub(super) struct Code {
    geometry: CodeGeometry,
    black: Colour,
    white: Colour,
    shown: Option<u64>,
}

impl Code {
    pub(super) const fn new(geometry: CodeGeometry, black: Colour, white: Colour) -> Self {
        Self { geometry, black, white, shown: None }
    }

    /// Shows the code of `clock_ms`.
    pub(super) fn show(&mut self, canvas: &mut Canvas, clock_ms: u32) {
        let bits = SYNC << 40 | u64::from(clock_ms) << 8 | u64::from(check_sum(clock_ms));
        let differ = self.shown.map_or(u64::MAX, |shown| shown ^ bits);
        let CodeGeometry { cell_width: width, cell_height: height, .. } = self.geometry;
        for nth in (0..COLUMNS * ROWS).filter(|nth| differ >> (47 - nth) & 1 == 1) {
            let (x, y) = self.geometry.cell(nth);
            let colour = if bits >> (47 - nth) & 1 == 1 { self.white } else { self.black };
            canvas.fill(Rect { x, y, width, height }, colour);
        }
        self.shown = Some(bits);
    }
}

/// The clock in a decoded picture of the test camera: the low 32 bits of the monotonic clock in milliseconds.
///
/// `luma` has `height` rows that begin `stride` bytes apart and are `width` pixels long. The picture may have been coded
/// again with loss. `None` if there is no code, or its check sum is wrong, or `luma` is shorter than that.
pub fn read_code(luma: &[u8], stride: usize, width: u32, height: u32) -> Option<u32> {
    let geometry = CodeGeometry::of(width, height);
    let mut cells = [0; (COLUMNS * ROWS) as usize];
    for (nth, cell) in (0..).zip(&mut cells) {
        *cell = mean(luma, stride, geometry, nth)?;
    }
    let mean_of = |bit: u64| {
        let places = (0..8).filter(|at| SYNC >> (7 - at) & 1 == bit);
        places.map(|at| cells[at]).sum::<u32>() / 4
    };
    let (black, white) = (mean_of(0), mean_of(1));
    if white < black + LEAST_CONTRAST {
        return None;
    }
    let middle = black.midpoint(white);
    let bits = cells.iter().fold(0, |bits: u64, cell| bits << 1 | u64::from(*cell > middle));
    let clock_ms = (bits >> 8) as u32;
    (bits >> 40 == SYNC && bits as u8 == check_sum(clock_ms)).then_some(clock_ms)
}

/// The mean luma of a cell's middle, whose sides are half the cell's.
fn mean(luma: &[u8], stride: usize, geometry: CodeGeometry, nth: u32) -> Option<u32> {
    let (x, y) = geometry.cell(nth);
    let (width, height) = (geometry.cell_width as usize / 2, geometry.cell_height as usize / 2);
    let (x, y) = (x as usize + width / 2, y as usize + height / 2);
    let mut sum: u64 = 0;
    for row in y..y + height {
        let begin = row.checked_mul(stride)?.checked_add(x)?;
        sum += luma.get(begin..)?.get(..width)?.iter().map(|sample| u64::from(*sample)).sum::<u64>();
    }
    Some((sum / (width as u64 * height as u64)) as u32)
}

/// CRC-8 with the polynomial x^8 + x^2 + x + 1.
fn check_sum(clock_ms: u32) -> u8 {
    clock_ms.to_be_bytes().into_iter().fold(0xFF, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum: u8, _| if sum & 0x80 == 0 { sum << 1 } else { sum << 1 ^ 0x07 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::draw::Format;

    const BLACK: Colour = Colour::grey(16);
    const WHITE: Colour = Colour::grey(232);

    fn drawn(width: u32, height: u32, clock_ms: u32) -> Vec<u8> {
        let format = Format::new(width, height, 1).unwrap();
        let mut canvas = Canvas::new(format, Colour::grey(64));
        let mut code = Code::new(CodeGeometry::of(width, height), BLACK, WHITE);
        // What was shown before leaves no trace.
        code.show(&mut canvas, !clock_ms ^ 0xF0F0);
        code.show(&mut canvas, clock_ms);
        let mut planes = Vec::new();
        canvas.append_planes(format, &mut planes);
        planes
    }

    #[test]
    fn every_size_holds_the_code() {
        for width in (64..=4096).step_by(2) {
            let geometry = CodeGeometry::of(width, 64);
            assert!(geometry.x + 16 * geometry.cell_width <= width, "{width}");
        }
        for height in (64..=2160).step_by(2) {
            let geometry = CodeGeometry::of(64, height);
            assert!(geometry.y + 3 * geometry.cell_height <= height, "{height}");
        }
        for (width, height) in [(64, 64), (66, 98), (128, 96), (640, 480), (642, 482), (1920, 1080), (4096, 2160)] {
            for clock_ms in [0, 1, 0x5555_5555, 0x1234_ABCD, u32::MAX] {
                assert_eq!(read_code(&drawn(width, height, clock_ms), width as usize, width, height), Some(clock_ms));
            }
        }
    }

    #[test]
    fn the_geometry_is_what_is_documented() {
        let geometry = |width, height| {
            let CodeGeometry { x, y, cell_width, cell_height } = CodeGeometry::of(width, height);
            (x, y, cell_width, cell_height)
        };
        assert_eq!(geometry(64, 64), (0, 52, 4, 4));
        assert_eq!(geometry(640, 480), (0, 432, 40, 16));
        assert_eq!(geometry(642, 482), (0, 432, 40, 16));
        assert_eq!(geometry(1000, 1080), (20, 972, 60, 36));
        assert_eq!(geometry(4096, 2160), (0, 1944, 256, 72));
    }

    #[test]
    fn a_code_survives_noise_and_less_contrast() {
        let mut picture = drawn(640, 480, 0xDEAD_BEEF);
        for (at, sample) in picture.iter_mut().enumerate() {
            *sample = *sample / 3 + 60 + (((at * 40_503) >> 7) & 15) as u8;
        }
        assert_eq!(read_code(&picture, 640, 640, 480), Some(0xDEAD_BEEF));
    }

    #[test]
    fn what_is_no_code_is_not_read() {
        assert_eq!(read_code(&vec![128; 640 * 480], 640, 640, 480), None);
        assert_eq!(read_code(&[], 640, 640, 480), None);
        assert_eq!(read_code(&[], usize::MAX, 4096, 2160), None);
        let picture = drawn(640, 480, 0xDEAD_BEEF);
        assert_eq!(read_code(&picture[..640 * 470], 640, 640, 480), None);
        for nth in 0..48 {
            let mut spoilt = picture.clone();
            let (x, y) = CodeGeometry::of(640, 480).cell(nth);
            for row in y..y + 16 {
                for sample in &mut spoilt[(row * 640 + x) as usize..][..40] {
                    *sample = 248 - *sample;
                }
            }
            assert_eq!(read_code(&spoilt, 640, 640, 480), None, "cell {nth} is wrong");
        }
    }
}
