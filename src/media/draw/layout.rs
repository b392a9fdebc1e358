//! Where the parts of the test card are in a picture of any size.
//!
//! From the top: colour bars, a ramp of greys, the lane of the moving block, text, and the clock's code. What has colour
//! ends at a multiple of 8, so that its chroma is whole cells; the rest at a multiple of 4.

use super::code::CodeGeometry;
use super::text::{self, scale_at_most};
use super::{Format, font};

/// A horizontal part of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) y: u32,
    pub(super) height: u32,
}

/// What a line of text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// `12:34:56.789Z  #00000042`
    ClockAndCounter,
    /// `12:34:56.789Z`
    Clock,
    /// `#00000042`
    Counter,
    /// `12:34:56`
    Seconds,
    /// `.789Z #042`
    MillisecondsAndCounter,
    /// `2026-11-24  640x480  24/s`
    DateAndFormat,
    /// `640x480 24/s`
    Format,
    /// `contrast 1.00  brightness 0.00`
    Picture,
    /// `shutter 10000  gain 1.00  awb 1.00 1.00`
    Exposure,
}

/// A line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) content: Content,
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) scale: u32,
    /// Characters at most.
    pub(super) columns: usize,
}

/// The whole card.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) bars: Band,
    /// Of no height in small pictures.
    pub(super) ramp: Band,
    pub(super) lane: Band,
    pub(super) lines: Vec<Line>,
    pub(super) code: CodeGeometry,
}

/// The least width, in the font's pixels, for lines of `columns` characters with a margin.
const fn needs(columns: u32) -> u32 {
    columns * font::CELL_WIDTH + 4
}

impl Layout {
    pub(super) fn of(format: Format) -> Self {
        let (width, height) = (format.width(), format.height());
        let code = CodeGeometry::of(width, height);
        let (wanted, large, small) = contents(format);

        let most = (code.y * 2 / 5).max(text::height(2, 1));
        let mut chosen = Vec::with_capacity(wanted.len());
        let mut text_height = 0;
        for (content, is_large) in wanted {
            let scale = if *is_large { large } else { small };
            let after = text_height + text::height(1, scale);
            if after <= most {
                chosen.push((*content, scale, text_height));
                text_height = after;
            }
        }
        let gap = (small * 2).next_multiple_of(4);
        let panel_y = (code.y - text_height - 2 * gap) / 8 * 8;
        let x = if width < 128 { 2 } else { (width / 64).next_multiple_of(4) };
        let text_y = panel_y + ((code.y - panel_y - text_height) / 2).next_multiple_of(4);
        let lines = chosen.into_iter().map(|(content, scale, below)| {
            let columns = text::columns(width - x, scale);
            Line { content, x, y: text_y + below, scale, columns }
        });

        let band = (height / 12 / 8 * 8).max(8);
        let ramp_height = if panel_y >= 40 { band } else { 0 };
        let lane = Band { y: panel_y - band, height: band };
        let ramp = Band { y: lane.y - ramp_height, height: ramp_height };
        Self { bars: Band { y: 0, height: ramp.y }, ramp, lane, lines: lines.collect(), code }
    }
}

/// The lines in the order of their importance, and whether each is large; then the two scales.
fn contents(format: Format) -> (&'static [(Content, bool)], u32, u32) {
    use Content::{
        Clock, ClockAndCounter, Counter, DateAndFormat, Exposure, Format as Size, MillisecondsAndCounter, Picture,
        Seconds,
    };
    let (width, height) = (format.width(), format.height());
    let (large_columns, contents): (_, &[_]) = if width >= needs(24) {
        (24, &[(ClockAndCounter, true), (DateAndFormat, false), (Picture, false), (Exposure, false)])
    } else if width >= needs(13) {
        (13, &[(Clock, true), (Counter, true), (Size, false)])
    } else {
        (10, &[(Seconds, true), (MillisecondsAndCounter, true)])
    };
    let large = scale_at_most((width / needs(large_columns)).min(height / 90));
    let small = scale_at_most((large / 2).min(width / needs(32)));
    (contents, large, small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_room_for_everything() {
        let sides =
            |most: u32| (64..=most).step_by(2).filter(move |side| *side < 400 || side % 46 == 0 || *side == most);
        for width in sides(4096) {
            for height in sides(2160) {
                let layout = Layout::of(Format::new(width, height, 24).unwrap());
                let Layout { bars, ramp, lane, lines, code } = &layout;
                assert!(bars.height >= 8 && lane.height >= 8, "{width}x{height}: {layout:?}");
                assert_eq!((bars.y + bars.height, ramp.y + ramp.height), (ramp.y, lane.y));
                assert!([bars, ramp, lane].iter().all(|band| band.height % 8 == 0), "{width}x{height}: {layout:?}");
                assert!(!lines.is_empty(), "{width}x{height} has no text");
                let mut above = lane.y + lane.height;
                for line in lines {
                    assert!(line.y >= above && line.x + text::width(line.columns, line.scale) <= width + line.scale);
                    assert!(line.scale < 4 || line.x % 4 == 0 && line.y % 4 == 0, "{width}x{height}: {line:?}");
                    above = line.y + text::height(1, line.scale);
                }
                assert!(above <= code.y, "{width}x{height}: text reaches into the code: {layout:?}");
            }
        }
    }
}
