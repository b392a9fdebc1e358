//! One macroblock's content, and the forms in which it can be coded exactly.

use super::colour::Colour;

/// The samples of a macroblock, in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Samples {
    pub(super) y: [u8; 256],
    pub(super) u: [u8; 64],
    pub(super) v: [u8; 64],
}

/// A macroblock of one colour a cell: 16 cells of luma (4 by 4 pixels), 4 of each chroma plane (8 by 8 pixels), in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cells {
    /// Luma as a matrix of levels above a prediction of 0; one step of prediction is 2 less in the first.
    pub(super) levels: [i32; 16],
    pub(super) u: [u8; 4],
    pub(super) v: [u8; 4],
}

/// What prediction needs of a neighbour: sums over the samples next to this block, of chroma for each half.
#[derive(Debug, Clone, Copy)]
pub(super) struct Border {
    pub(super) y: u32,
    pub(super) u: [u32; 2],
    pub(super) v: [u32; 2],
}

/// A macroblock to look at.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    /// One colour.
    Flat(Colour),
    /// Anything else.
    Detail(&'a Samples),
}

impl Samples {
    /// A macroblock of one colour.
    pub(super) const fn flat(colour: Colour) -> Self {
        Self { y: [colour.y; 256], u: [colour.u; 64], v: [colour.v; 64] }
    }

    /// The colour, if it is only one.
    pub(super) fn colour(&self) -> Option<Colour> {
        let colour = Colour { y: self.y[0], u: self.u[0], v: self.v[0] };
        let one = |plane: &[u8]| plane.iter().all(|sample| *sample == plane[0]);
        (one(&self.y) && one(&self.u) && one(&self.v)).then_some(colour)
    }

    /// The cells, if each has one colour and luma's levels are whole.
    fn cells(&self) -> Option<Cells> {
        Some(Cells { levels: levels(cells(&self.y)?)?, u: cells(&self.u)?, v: cells(&self.v)? })
    }
}

impl View<'_> {
    /// The macroblock as cells, if it can be coded so.
    pub(super) fn cells(self) -> Option<Cells> {
        match self {
            Self::Flat(Colour { y, u, v }) => {
                let mut levels = [0; 16];
                levels[0] = i32::from(y) * 2;
                Some(Cells { levels, u: [u; 4], v: [v; 4] })
            }
            Self::Detail(samples) => samples.cells(),
        }
    }

    /// Its last column, which the macroblock to its right is predicted from.
    pub(super) fn right(self) -> Border {
        match self {
            Self::Flat(colour) => Border::of_flat(colour),
            Self::Detail(samples) => Border {
                y: samples.y.iter().skip(15).step_by(16).map(|y| u32::from(*y)).sum(),
                u: halves(samples.u.iter().skip(7).step_by(8)),
                v: halves(samples.v.iter().skip(7).step_by(8)),
            },
        }
    }

    /// Its last row, which the macroblock below it is predicted from.
    pub(super) fn bottom(self) -> Border {
        match self {
            Self::Flat(colour) => Border::of_flat(colour),
            Self::Detail(samples) => Border {
                y: samples.y[240..].iter().map(|y| u32::from(*y)).sum(),
                u: halves(samples.u[56..].iter()),
                v: halves(samples.v[56..].iter()),
            },
        }
    }

    /// The samples of row `row` of luma.
    pub(super) fn luma_row(&self, row: usize) -> [u8; 16] {
        match self {
            Self::Flat(colour) => [colour.y; 16],
            Self::Detail(samples) => *samples.y.as_chunks().0.get(row).expect("a macroblock has 16 rows"),
        }
    }

    /// The samples of row `row` of both chroma planes.
    pub(super) fn chroma_row(&self, row: usize) -> [[u8; 8]; 2] {
        match self {
            Self::Flat(colour) => [[colour.u; 8], [colour.v; 8]],
            Self::Detail(samples) => [&samples.u, &samples.v]
                .map(|plane| *plane.as_chunks().0.get(row).expect("a macroblock has 8 rows of chroma")),
        }
    }
}

impl Border {
    fn of_flat(colour: Colour) -> Self {
        Self { y: u32::from(colour.y) * 16, u: [u32::from(colour.u) * 4; 2], v: [u32::from(colour.v) * 4; 2] }
    }
}

/// The cells of 4 by 4 samples of a square plane with `CELLS` of them, if each has one value.
fn cells<const CELLS: usize>(plane: &[u8]) -> Option<[u8; CELLS]> {
    let a_row = CELLS.isqrt();
    let mut cells = [0; CELLS];
    for (row, fours) in plane.as_chunks::<4>().0.chunks_exact(a_row).enumerate() {
        for (cell, four) in cells[row / 4 * a_row..].iter_mut().zip(fours) {
            if row % 4 == 0 {
                *cell = four[0];
            }
            if *four != [*cell; 4] {
                return None;
            }
        }
    }
    Some(cells)
}

/// `H r H / 8` of the cells of luma `r` ([`super::slice`]), if that is whole. It is where all are the same modulo 8.
fn levels(cells: [u8; 16]) -> Option<[i32; 16]> {
    let mut matrix = cells.map(i32::from);
    hadamard(&mut matrix);
    matrix.iter().all(|sum| sum % 8 == 0).then(|| matrix.map(|sum| sum / 8))
}

/// Multiplies a matrix of 4 by 4 by `H` (H.264 8.5.10) from both sides.
pub(super) fn hadamard(matrix: &mut [i32; 16]) {
    let rows = [0, 4, 8, 12].map(|row| [row, row + 1, row + 2, row + 3]);
    let columns = [0, 1, 2, 3].map(|column| [column, column + 4, column + 8, column + 12]);
    for places in rows.into_iter().chain(columns) {
        let [a, b, c, d] = places.map(|at| matrix[at]);
        for (at, sum) in places.into_iter().zip([a + b + c + d, a + b - c - d, a - b - c + d, a - b + c - d]) {
            matrix[at] = sum;
        }
    }
}

fn halves<'a>(samples: impl Iterator<Item = &'a u8>) -> [u32; 2] {
    let mut sums = [0; 2];
    for (at, sample) in samples.enumerate() {
        sums[at / 4] += u32::from(*sample);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_where_every_sample_fits() {
        let mut samples = Samples::flat(Colour { y: 16, u: 100, v: 200 });
        assert_eq!(samples.colour(), Some(Colour { y: 16, u: 100, v: 200 }));
        for row in 4..8 {
            samples.y[row * 16 + 8..][..4].fill(232);
        }
        for row in 4..8 {
            samples.v[row * 8..][..4].fill(7);
        }
        assert_eq!(samples.colour(), None);
        let mut luma = [16; 16];
        luma[6] = 232;
        let levels = levels(luma).unwrap();
        assert_eq!(samples.cells(), Some(Cells { levels, u: [100; 4], v: [200, 200, 7, 200] }));
        for at in 0..256 {
            let mut spoilt = samples.clone();
            spoilt.y[at] ^= 8;
            assert_eq!(spoilt.cells(), None, "luma sample {at}");
        }
        for at in 0..64 {
            let mut spoilt = samples.clone();
            spoilt.u[at] ^= 1;
            assert_eq!(spoilt.cells(), None, "chroma sample {at}");
        }
    }

    #[test]
    fn luma_that_the_quantiser_can_not_hit_makes_no_cells() {
        let mut cells = [16; 16];
        cells[0] = 20;
        assert_eq!(levels(cells), None);
        cells[0] = 24;
        assert!(levels(cells).is_some());
        // Two halves are exact whatever they are.
        assert!(levels([3, 3, 200, 200, 3, 3, 200, 200, 3, 3, 200, 200, 3, 3, 200, 200]).is_some());
    }
}
