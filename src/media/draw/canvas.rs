//! What is drawn on: a picture as macroblocks, most of them one colour, and which of them changed since it was last coded.
//!
//! A macroblock takes 10 bytes; one with detail takes 384 more, from a pool that never has more of them than the picture.

use super::Format;
use super::block::{Samples, View};
use super::colour::Colour;

/// A rectangle in pixels. What has colour lies at even places and has even sides, since chroma has half the resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

#[derive(Debug, Clone, Copy)]
enum Block {
    Flat(Colour),
    /// Its place in `details`.
    Detail(u32),
}

/// What a rectangle is filled with.
#[derive(Debug, Clone, Copy)]
enum Ink {
    Colour(Colour),
    /// Luma alone: the colour below stays.
    Luma(u8),
}

/// A picture being drawn. It covers whole macroblocks: up to 15 pixels more than its format has, right and below.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: u32,
    rows: u32,
    blocks: Vec<Block>,
    changed: Vec<bool>,
    /// Macroblocks that can only be coded as samples; true since [`settle`](Canvas::settle).
    samples: Vec<bool>,
    details: Vec<Samples>,
    unused: Vec<u32>,
}

impl Canvas {
    /// A canvas of one colour, on which everything counts as changed.
    pub(super) fn new(format: Format, colour: Colour) -> Self {
        let (columns, rows) = (format.columns(), format.rows());
        let blocks = (columns * rows) as usize;
        Self {
            columns,
            rows,
            blocks: vec![Block::Flat(colour); blocks],
            changed: vec![true; blocks],
            samples: vec![false; blocks],
            details: Vec::new(),
            unused: Vec::new(),
        }
    }

    /// Macroblocks in a row, and rows of them.
    pub(super) const fn size(&self) -> (usize, usize) {
        (self.columns as usize, self.rows as usize)
    }

    /// The macroblock at `at`, counted in rows from the top left.
    pub(super) fn view(&self, at: usize) -> View<'_> {
        match self.blocks[at] {
            Block::Flat(colour) => View::Flat(colour),
            Block::Detail(detail) => View::Detail(&self.details[detail as usize]),
        }
    }

    /// Whether the macroblock at `at` changed since [`coded`](Self::coded).
    pub(super) fn has_changed(&self, at: usize) -> bool {
        self.changed[at]
    }

    /// Notes that the picture was coded as it is now.
    pub(super) fn coded(&mut self) {
        self.changed.fill(false);
    }

    /// Makes everything one colour.
    pub(super) fn clear(&mut self, colour: Colour) {
        self.blocks.fill(Block::Flat(colour));
        self.changed.fill(true);
        self.details.clear();
        self.unused.clear();
    }

    /// Fills a rectangle with a colour. What is outside the picture is left out.
    pub(super) fn fill(&mut self, rect: Rect, colour: Colour) {
        debug_assert!([rect.x, rect.y, rect.width, rect.height].iter().all(|n| n.is_multiple_of(2)), "{rect:?}");
        self.paint(rect, Ink::Colour(colour));
    }

    /// Gives a rectangle a luma; its colour stays.
    pub(super) fn fill_luma(&mut self, rect: Rect, y: u8) {
        self.paint(rect, Ink::Luma(y));
    }

    fn paint(&mut self, rect: Rect, ink: Ink) {
        let right = (rect.x + rect.width).min(self.columns * 16);
        let bottom = (rect.y + rect.height).min(self.rows * 16);
        if rect.x >= right || rect.y >= bottom {
            return;
        }
        for row in rect.y / 16..bottom.div_ceil(16) {
            let y = (rect.y.max(row * 16) - row * 16) as usize..(bottom.min(row * 16 + 16) - row * 16) as usize;
            for column in rect.x / 16..right.div_ceil(16) {
                let x = (rect.x.max(column * 16) - column * 16) as usize
                    ..(right.min(column * 16 + 16) - column * 16) as usize;
                let at = (row * self.columns + column) as usize;
                if self.paint_block(at, [x, y.clone()], ink) {
                    self.changed[at] = true;
                }
            }
        }
    }

    /// Fills a part of a macroblock. Returns whether anything changed.
    fn paint_block(&mut self, at: usize, [x, y]: [std::ops::Range<usize>; 2], ink: Ink) -> bool {
        let whole = x == (0..16) && y == (0..16);
        let detail = match (self.blocks[at], ink) {
            (Block::Flat(below), ink) => {
                let colour = match ink {
                    Ink::Colour(colour) => colour,
                    Ink::Luma(y) => Colour { y, ..below },
                };
                if colour == below {
                    return false;
                }
                if whole {
                    self.blocks[at] = Block::Flat(colour);
                    return true;
                }
                self.detail(at, below)
            }
            (Block::Detail(detail), Ink::Colour(colour)) if whole => {
                self.unused.push(detail);
                self.blocks[at] = Block::Flat(colour);
                return true;
            }
            (Block::Detail(detail), _) => detail,
        };
        let samples = &mut self.details[detail as usize];
        match ink {
            Ink::Luma(luma) => fill(&mut samples.y, 16, [x, y], luma),
            Ink::Colour(colour) => {
                let half = |range: &std::ops::Range<usize>| range.start / 2..range.end / 2;
                let chroma = [half(&x), half(&y)];
                // All three are filled, whatever the first changes.
                fill(&mut samples.y, 16, [x, y], colour.y)
                    | fill(&mut samples.u, 8, chroma.clone(), colour.u)
                    | fill(&mut samples.v, 8, chroma, colour.v)
            }
        }
    }

    /// Gives a macroblock of one colour samples of its own.
    fn detail(&mut self, at: usize, colour: Colour) -> u32 {
        let detail = self.unused.pop().unwrap_or(self.details.len() as u32);
        match self.details.get_mut(detail as usize) {
            Some(samples) => *samples = Samples::flat(colour),
            None => self.details.push(Samples::flat(colour)),
        }
        self.blocks[at] = Block::Detail(detail);
        detail
    }

    /// Finds out what became of macroblocks that changed: one colour again, cells, or samples.
    pub(super) fn settle(&mut self) {
        for at in 0..self.blocks.len() {
            if !self.changed[at] {
                continue;
            }
            if let Block::Detail(detail) = self.blocks[at]
                && let Some(colour) = self.details[detail as usize].colour()
            {
                self.unused.push(detail);
                self.blocks[at] = Block::Flat(colour);
            }
            self.samples[at] = self.view(at).cells().is_none();
        }
    }

    /// Whether the macroblock at `at` can only be coded as samples, as of [`settle`](Self::settle).
    pub(super) fn is_samples(&self, at: usize) -> bool {
        self.samples[at]
    }

    /// Appends the visible part as planes: `width * height` bytes of luma, then a quarter of that for each of Cb and Cr.
    pub(super) fn append_planes(&self, format: Format, out: &mut Vec<u8>) {
        let (columns, _) = self.size();
        let (width, height) = (format.width() as usize, format.height() as usize);
        for y in 0..height {
            let end = out.len() + width;
            for column in 0..columns {
                out.extend_from_slice(&self.view(y / 16 * columns + column).luma_row(y % 16));
            }
            out.truncate(end);
        }
        for plane in 0..2 {
            for y in 0..height / 2 {
                let end = out.len() + width / 2;
                for column in 0..columns {
                    out.extend_from_slice(&self.view(y / 8 * columns + column).chroma_row(y % 8)[plane]);
                }
                out.truncate(end);
            }
        }
    }
}

/// Fills a part of a plane whose rows are `stride` long. Returns whether anything changed.
fn fill(plane: &mut [u8], stride: usize, [x, y]: [std::ops::Range<usize>; 2], value: u8) -> bool {
    let mut changed = false;
    for row in plane.chunks_exact_mut(stride).take(y.end).skip(y.start) {
        let part = &mut row[x.clone()];
        changed |= part.iter().fold(0, |differ, sample| differ | (*sample ^ value)) != 0;
        part.fill(value);
    }
    changed
}
