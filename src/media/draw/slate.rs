//! The slate: a dark still that shows in plain words why there is no picture.
//!
//! Each is a key picture of its own, once a second: a viewer that comes sees it within a second, and the time it shows goes
//! on. Between two, it may be repeated for a few bytes.

use super::canvas::{Canvas, Rect};
use super::colour::{Colour, Matrix};
use super::slice::{self, Kind};
use super::text::{self, Place, Text, scale_at_most};
use super::{Format, parameters};
use crate::limits::SLATE_TEXT_CHARACTERS;
use crate::time::Utc;

const GROUND: [f64; 3] = [0.07, 0.08, 0.11];
const ACCENT: [f64; 3] = [0.95, 0.65, 0.1];
const INK: u8 = 232;
const FAINT_INK: u8 = 144;

/// Draws slates of one size.
#[derive(Debug)]
pub struct Slate {
    format: Format,
    canvas: Canvas,
    ground: Colour,
    id: u8,
}

/// Words broken into lines: how large, and how many lines of how many characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fit {
    head_scale: u32,
    head_columns: usize,
    head_lines: u32,
    body_scale: u32,
    body_columns: usize,
    body_lines: u32,
}

impl Slate {
    /// Slates of `format`: size and rate of the last video, whose place they take. They declare that rate, and come slower.
    pub fn new(format: Format) -> Self {
        let ground = Matrix::of(format).colour(GROUND);
        Self { format, canvas: Canvas::new(format, ground), ground, id: 0 }
    }

    /// Draws a slate and appends it to `out` as one access unit in Annex B form: both parameter sets and a key picture.
    ///
    /// What comes before the first `": "` of `words` is the headline. Words and host are ASCII, other characters show as `?`,
    /// and each is cut after [`SLATE_TEXT_CHARACTERS`]. `unix_ms` is the wall clock, shown in UTC.
    pub fn picture(&mut self, words: &str, host: &str, unix_ms: u64, out: &mut Vec<u8>) {
        self.canvas.clear(self.ground);
        let footer_y = self.draw_footer(host, unix_ms);
        self.draw_words(words, footer_y);
        parameters::write(self.format, out);
        self.id ^= 1;
        slice::write(&mut self.canvas, Kind::Key { id: self.id }, out);
    }

    /// Appends a picture that changes nothing, some 30 bytes: the `nth` after the last slate, from 1. It belongs directly behind
    /// that slate or its last repetition.
    pub fn repeat(&mut self, nth: u32, out: &mut Vec<u8>) {
        slice::write(&mut self.canvas, Kind::Change { nth }, out);
    }

    /// Appends the last slate as every decoder shows it: planes of Y, Cb and Cr, 4:2:0, without padding.
    pub fn append_planes(&self, out: &mut Vec<u8>) {
        self.canvas.append_planes(self.format, out);
    }

    fn margin(&self) -> u32 {
        if self.format.width() < 128 { 2 } else { (self.format.width() / 20).next_multiple_of(8) }
    }

    fn write(&mut self, [x, y]: [u32; 2], scale: u32, ink: u8, line: &[u8]) {
        text::draw(&mut self.canvas, Place { x, y, scale, ink, paper: self.ground.y }, line);
    }

    /// Draws host and time at the lower edge, below each other where they don't fit side by side; in a low picture the time
    /// alone, since the words need the room. Returns where that begins.
    fn draw_footer(&mut self, host: &str, unix_ms: u64) -> u32 {
        let (width, height, margin) = (self.format.width(), self.format.height(), self.margin());
        let scale = scale_at_most((width / 250).min(height / 160));
        let columns = text::columns(width - 2 * margin, scale);
        let host = Text::<SLATE_TEXT_CHARACTERS>::of(format_args!("{host}"));
        let host = &host.bytes()[..host.bytes().len().min(columns)];
        let time = time(unix_ms, columns);

        let is_low = height < 96;
        let is_one_line = host.len() + 2 + time.bytes().len() <= columns;
        let lines = if is_one_line || is_low { 1 } else { 2 };
        let below = if is_low { 0 } else { height / 32 };
        let y = (height - below - text::height(lines, scale)) / 4 * 4;
        if is_one_line {
            let x = width - margin - text::width(time.bytes().len(), scale);
            self.write([margin, y], scale, FAINT_INK, host);
            self.write([x / 4 * 4, y], scale, FAINT_INK, time.bytes());
        } else {
            if !is_low {
                self.write([margin, y], scale, FAINT_INK, host);
            }
            self.write([margin, y + text::height(lines - 1, scale)], scale, FAINT_INK, time.bytes());
        }
        y
    }

    /// Draws the words in the middle of what is above `bottom`, and a stripe of colour above them where there is room.
    fn draw_words(&mut self, words: &str, bottom: u32) {
        let words = Text::<SLATE_TEXT_CHARACTERS>::of(format_args!("{words}"));
        let words = words.bytes().trim_ascii();
        let (head, body) = match words.windows(2).position(|pair| pair == b": ") {
            Some(at) => (&words[..at], words[at + 2..].trim_ascii()),
            None => (words, &[][..]),
        };
        let (width, margin) = (self.format.width() - 2 * self.margin(), self.margin());
        let is_small = width < 200 || bottom < 200;
        let stripe = if is_small { 0 } else { (self.format.height() / 80).next_multiple_of(8) };
        let above = stripe * 3;
        let air = if is_small { 0 } else { margin };
        let fit = fit(head, body, width, bottom - above - air);
        let text_height = above + fit.height();
        let mut y = bottom.saturating_sub(text_height) / 2 / 8 * 8;
        if stripe > 0 {
            let rect = Rect { x: margin, y, width: (width / 6).next_multiple_of(8), height: stripe };
            self.canvas.fill(rect, Matrix::of(self.format).colour(ACCENT));
            y += above;
        }
        for line in text::lines(head, fit.head_columns).take(fit.head_lines as usize) {
            self.write([margin, y], fit.head_scale, INK, line);
            y += text::height(1, fit.head_scale);
        }
        y += fit.gap();
        for line in text::lines(body, fit.body_columns).take(fit.body_lines as usize) {
            self.write([margin, y], fit.body_scale, INK, line);
            y += text::height(1, fit.body_scale);
        }
    }
}

/// The time in UTC without milliseconds, and without the date where `columns` are too few for both.
fn time(unix_ms: u64, columns: usize) -> Text<40> {
    let now = Text::<40>::of(format_args!("{}", Utc(unix_ms)));
    let now = std::str::from_utf8(now.bytes()).unwrap_or_default();
    let (now, _) = now.rsplit_once('.').unwrap_or_default();
    let (_, seconds) = now.rsplit_once(' ').unwrap_or_default();
    Text::of(format_args!("{}Z", if now.len() < columns { now } else { seconds }))
}

impl Fit {
    /// Between headline and the rest.
    fn gap(self) -> u32 {
        if self.body_scale == 1 { 0 } else { (self.body_scale * 2).next_multiple_of(4) }
    }

    fn height(self) -> u32 {
        text::height(self.head_lines, self.head_scale) + self.gap() + text::height(self.body_lines, self.body_scale)
    }
}

/// The largest text that fits, and at the least scale as many lines of it as there is room for.
fn fit(head: &[u8], body: &[u8], width: u32, height: u32) -> Fit {
    let at = |head_scale: u32, body_scale: u32| {
        let (head_columns, body_columns) = (text::columns(width, head_scale), text::columns(width, body_scale));
        Fit {
            head_scale,
            head_columns,
            head_lines: text::lines(head, head_columns).count() as u32,
            body_scale,
            body_columns,
            body_lines: text::lines(body, body_columns).count() as u32,
        }
    };
    // A headline whose words are broken is too large.
    let longest = head.split(|byte| *byte == b' ').map(<[u8]>::len).max().unwrap_or(0);
    // Larger than this it would no longer look like text.
    let mut scale = scale_at_most((height / 80).min(width / 120));
    loop {
        let mut fits = [scale * 2, scale].map(scale_at_most).map(|head_scale| at(head_scale, scale)).into_iter();
        if let Some(fit) = fits.find(|fit| fit.height() <= height && longest <= fit.head_columns) {
            return fit;
        }
        if scale == 1 {
            break;
        }
        scale = scale_at_most(scale - 1);
    }
    let mut least = at(1, 1);
    let lines = height / text::height(1, 1);
    least.head_lines = least.head_lines.min(lines);
    least.body_lines = least.body_lines.min(lines - least.head_lines);
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "NO CAMERA: check the ribbon cable at both ends";

    #[test]
    fn every_size_takes_any_words() {
        let long = "word ".repeat(100) + &"x".repeat(100);
        let mut out = Vec::new();
        for width in [64, 66, 128, 200, 642, 4096] {
            for height in [64, 66, 94, 96, 128, 482, 2160] {
                let mut slate = Slate::new(Format::new(width, height, 24).unwrap());
                for (words, host, unix_ms) in
                    [(WORDS, "raspberrypi", 0), (&long, &long, u64::MAX), ("", "", 0), (": ", " ", 1)]
                {
                    out.clear();
                    slate.picture(words, host, unix_ms, &mut out);
                }
            }
        }
    }

    #[test]
    fn the_words_fit_whole_into_every_size() {
        for (width, height) in
            [(60, 50), (60, 80), (124, 50), (124, 80), (280, 200), (560, 430), (1720, 900), (4000, 2000)]
        {
            let fit = fit(b"NO CAMERA", b"check the ribbon cable at both ends", width, height);
            assert!(fit.height() <= height, "{width}x{height}: {fit:?}");
            let whole = text::lines(b"check the ribbon cable at both ends", fit.body_columns).count() as u32;
            assert_eq!((fit.head_lines, fit.body_lines), (1, whole), "{width}x{height}");
        }
    }

    /// Four lines of headline filled the picture up to its edge.
    #[test]
    fn there_is_room_above_the_words() {
        let words = "the camera exited on its own with status 1: see its last output in the log";
        for (width, height) in [(320, 240), (640, 480), (1280, 720), (1920, 1080)] {
            let mut slate = Slate::new(Format::new(width, height, 24).unwrap());
            slate.picture(words, "vm", 0, &mut Vec::new());
            let mut planes = Vec::new();
            slate.append_planes(&mut planes);
            let above = 8 * width as usize;
            assert!(planes[..above].iter().all(|luma| *luma == slate.ground.y), "{width}x{height}");
        }
    }

    #[test]
    fn text_grows_with_the_picture_and_shrinks_with_its_length() {
        let scales = |words: &str, width, height| {
            let fit = fit(b"NO CAMERA", words.as_bytes(), width, height);
            (fit.head_scale, fit.body_scale)
        };
        assert_eq!(scales("check the ribbon cable at both ends", 60, 50), (1, 1));
        assert_eq!(scales("check the ribbon cable at both ends", 288, 176), (4, 2));
        assert_eq!(scales("check the ribbon cable at both ends", 576, 400), (8, 4));
        assert_eq!(scales(&"some more words ".repeat(15), 576, 400), (4, 3));
        assert_eq!(scales("check the ribbon cable at both ends", 1720, 900), (16, 8));
    }

    #[test]
    fn two_slates_in_a_row_have_different_ids() {
        let mut slate = Slate::new(Format::new(64, 64, 24).unwrap());
        let [one, two, three] = [(); 3].map(|()| {
            let mut out = Vec::new();
            slate.picture(WORDS, "host", 0, &mut out);
            out
        });
        assert_ne!(one, two);
        assert_eq!(one, three);
    }
}
