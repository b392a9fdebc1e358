//! Text on a canvas: what fits a line, where a line is broken, and characters as rectangles.

use std::fmt;

use super::canvas::{Canvas, Rect};
use super::font::{CELL_HEIGHT, CELL_WIDTH, glyph};

/// The nearest scale that is not more than `wanted`, and at least 1. From 4 on a font's pixel is made of whole cells
/// ([`super::block`]), so it is a multiple of 4; below it text is samples.
pub(super) const fn scale_at_most(wanted: u32) -> u32 {
    match wanted {
        0 => 1,
        1..4 => wanted,
        _ => wanted / 4 * 4,
    }
}

/// Where text is drawn, how large and how bright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Left of the first character.
    pub(super) x: u32,
    /// Above the first character.
    pub(super) y: u32,
    /// Pixels of the picture for one of the font.
    pub(super) scale: u32,
    /// Luma of the characters.
    pub(super) ink: u8,
    /// Luma behind them.
    pub(super) paper: u8,
}

/// Draws text in one line. Each character covers its whole cell.
pub(super) fn draw(canvas: &mut Canvas, place: Place, text: &[u8]) {
    for (column, character) in (0..).zip(text) {
        draw_character(canvas, place, column, *character);
    }
}

/// Draws the character in column `column` of a line.
fn draw_character(canvas: &mut Canvas, place: Place, column: u32, character: u8) {
    let scale = place.scale;
    let left = place.x + column * CELL_WIDTH * scale;
    let rows = glyph(character).into_iter().chain([0]).map(|row| row << 1);
    for (y, row) in (0..).zip(rows) {
        let inked = |x: u32| row >> (CELL_WIDTH - 1 - x) & 1 == 1;
        let mut x = 0;
        while x < CELL_WIDTH {
            let run = (x..CELL_WIDTH).take_while(|other| inked(*other) == inked(x)).count() as u32;
            let rect = Rect { x: left + x * scale, y: place.y + y * scale, width: run * scale, height: scale };
            canvas.fill_luma(rect, if inked(x) { place.ink } else { place.paper });
            x += run;
        }
    }
}

/// The height of `lines` lines.
pub(super) const fn height(lines: u32, scale: u32) -> u32 {
    lines * CELL_HEIGHT * scale
}

/// The characters that fit into `width` pixels.
pub(super) const fn columns(width: u32, scale: u32) -> usize {
    // The last character needs no gap behind it.
    ((width + scale) / (CELL_WIDTH * scale)) as usize
}

/// The width of `columns` characters with their gaps.
pub(super) const fn width(columns: usize, scale: u32) -> u32 {
    columns as u32 * CELL_WIDTH * scale
}

/// Text of at most `N` characters; the rest is cut. What is not printable ASCII is a `?`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<const N: usize> {
    characters: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    pub(super) const fn new() -> Self {
        Self { characters: [b' '; N], length: 0 }
    }

    /// What `arguments` format to.
    pub(super) fn of(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self::new();
        // Cutting is no error here, and none of the values that are shown has one of its own.
        let _ = fmt::write(&mut text, arguments);
        text
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.characters[..self.length]
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (place, character) in self.characters[self.length..].iter_mut().zip(text.chars()) {
            *place = u8::try_from(character).ok().filter(|byte| matches!(byte, b' '..=b'~')).unwrap_or(b'?');
            self.length += 1;
        }
        Ok(())
    }
}

/// A line whose text changes: only characters that differ from those shown are drawn.
#[derive(Debug)]
pub(super) struct Label {
    place: Place,
    columns: usize,
    shown: Text<64>,
}

impl Label {
    /// A line of at most `columns` characters on an area that has the colour of its paper.
    pub(super) const fn new(place: Place, columns: usize) -> Self {
        Self { place, columns, shown: Text::new() }
    }

    /// Shows `text`, and nothing of what was shown before.
    pub(super) fn show(&mut self, canvas: &mut Canvas, text: Text<64>) {
        let mut text = text;
        text.length = text.length.min(self.columns);
        text.characters[text.length..].fill(b' ');
        for (column, (new, old)) in (0..).zip(text.characters.iter().zip(&self.shown.characters)) {
            if new != old {
                draw_character(canvas, self.place, column, *new);
            }
        }
        self.shown = text;
    }
}

/// The lines of `text` when none may have more than `columns` characters. They break at spaces, and within a word only
/// if it is longer than a line.
pub(super) fn lines(text: &[u8], columns: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = text.trim_ascii();
    std::iter::from_fn(move || {
        if rest.is_empty() || columns == 0 {
            return None;
        }
        let end = match rest.get(..=columns) {
            None => rest.len(),
            Some(head) => head.iter().rposition(|character| *character == b' ').unwrap_or(columns),
        };
        let (line, after) = rest.split_at(end);
        rest = after.trim_ascii_start();
        Some(line.trim_ascii_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, columns: usize) -> Vec<&str> {
        lines(text.as_bytes(), columns).map(|line| std::str::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(broken("check the ribbon cable at both ends", 10), ["check the", "ribbon", "cable at", "both ends"]);
        assert_eq!(broken("check the", 9), ["check the"]);
        assert_eq!(broken("check the ", 5), ["check", "the"]);
        assert_eq!(broken("  a   b  ", 3), ["a", "b"]);
        assert_eq!(broken("  ", 3), [""; 0]);
    }

    #[test]
    fn a_word_longer_than_a_line_is_broken() {
        assert_eq!(broken("/dev/media0 is busy", 8), ["/dev/med", "ia0 is", "busy"]);
        assert_eq!(broken("abc", 1), ["a", "b", "c"]);
        assert_eq!(broken("abc", 0), [""; 0]);
    }

    #[test]
    fn text_is_cut_and_made_printable() {
        let text = Text::<8>::of(format_args!("Tür\n{}", "1234567"));
        assert_eq!(text.bytes(), b"T?r?1234");
        assert_eq!(Text::<8>::of(format_args!("")).bytes(), b"");
    }

    #[test]
    fn from_four_on_a_scale_is_whole_cells() {
        for (wanted, scale) in [(0, 1), (1, 1), (3, 3), (4, 4), (7, 4), (8, 8), (35, 32)] {
            assert_eq!(scale_at_most(wanted), scale);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_spaces_is_lost(text in "[a-c ]{0,60}", columns in 1_usize..20) {
            let joined: String = broken(&text, columns).concat();
            proptest::prop_assert!(broken(&text, columns).iter().all(|line| line.len() <= columns && !line.is_empty()));
            proptest::prop_assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
