//! What the daemon draws: the test camera's picture and the slate, as H.264 that every decoder shows exactly.
//!
//! This is no encoder for pictures. A picture is made of macroblocks (16 by 16 pixels) that are one colour, or sixteen
//! cells of one colour each, or samples as they are; what did not change since the picture before is skipped. All three
//! are exact without a search: what is drawn is what a decoder shows, bit for bit. The profile is constrained baseline.
//!
//! | file | what it is |
//! |---|---|
//! | `cavlc.rs` | levels as bits |
//! | `parameters.rs`, `slice.rs` | a picture as NAL units |
//! | `canvas.rs`, `block.rs` | what is drawn on: macroblocks, and which of them changed |
//! | `colour.rs`, `font.rs`, `text.rs` | what is drawn with |
//! | `code.rs` | the clock in a picture, and how it is read |
//! | `card.rs`, `layout.rs`, `slate.rs` | the two pictures |
//!
//! Not here: when a picture is due, and where it goes.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is cast is bounded: by a Format's size, by a byte's range, or meant to be low bits"
)]

mod block;
mod canvas;
mod card;
mod cavlc;
mod code;
mod colour;
mod font;
mod layout;
mod parameters;
mod slate;
mod slice;
mod text;

use std::fmt;

use crate::limits::{DRAWN_FASTEST, DRAWN_SHORTEST_SIDE, DRAWN_TALLEST, DRAWN_WIDEST};

pub use card::TestCamera;
pub use code::{CodeGeometry, read_code};
pub use slate::Slate;

/// Size and rate of a drawn picture: what its sequence parameter set declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    width: u32,
    height: u32,
    rate: u32,
}

/// Why a [`Format`] is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatError {
    /// A side is odd, or outside 64 to 4096 (the width) or 2160 (the height).
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Pictures a second, not within 1 to 120.
    Rate(u32),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = DRAWN_SHORTEST_SIDE;
        match self {
            Self::Size { width, height } => write!(
                f,
                "a picture of {width}x{height} can't be drawn: its width has to be even and {least} to {DRAWN_WIDEST}, \
                 its height even and {least} to {DRAWN_TALLEST}"
            ),
            Self::Rate(rate) => {
                write!(f, "{rate} pictures a second can't be drawn: the rate has to be 1 to {DRAWN_FASTEST}")
            }
        }
    }
}

impl std::error::Error for FormatError {}

impl Format {
    /// A picture of `width` by `height` pixels, `rate` times a second.
    ///
    /// # Errors
    ///
    /// [`FormatError`] when a side is odd or out of range (64 to 4096 by 64 to 2160), or the rate is not 1 to 120.
    pub fn new(width: u32, height: u32, rate: u32) -> Result<Self, FormatError> {
        let fits = |side: u32, most: u32| side.is_multiple_of(2) && (DRAWN_SHORTEST_SIDE..=most).contains(&side);
        if !fits(width, DRAWN_WIDEST) || !fits(height, DRAWN_TALLEST) {
            return Err(FormatError::Size { width, height });
        }
        if !(1..=DRAWN_FASTEST).contains(&rate) {
            return Err(FormatError::Rate(rate));
        }
        Ok(Self { width, height, rate })
    }

    /// Pixels in a row: even, 64 to 4096.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Rows: even, 64 to 2160.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Pictures a second: 1 to 120.
    pub const fn rate(self) -> u32 {
        self.rate
    }

    /// Macroblocks in a row.
    const fn columns(self) -> u32 {
        self.width.div_ceil(16)
    }

    /// Rows of macroblocks.
    const fn rows(self) -> u32 {
        self.height.div_ceil(16)
    }
}

#[cfg(test)]
mod tests;
