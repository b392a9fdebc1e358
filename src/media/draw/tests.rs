//! Formats, and the writer against a decoder: pictures that are nothing but a test of the code, decoded by ffmpeg, bit for bit.

#[path = "../../../tests/support/skip.rs"]
mod skip;

use skip::skip;

use std::path::PathBuf;
use std::process::Command;

use super::block::hadamard;
use super::canvas::{Canvas, Rect};
use super::colour::Colour;
use super::slice::{self, Kind};
use super::{Format, FormatError, parameters};

/// A file that goes with the test.
struct Stream(PathBuf);

impl Drop for Stream {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// What ffmpeg makes of a stream: the planes of all its pictures. `None`, with a message, where it is not installed.
fn decoded(stream: &[u8], name: &str) -> Option<Vec<u8>> {
    let file = Stream(std::env::temp_dir().join(format!("es-iot-draw-{name}-{}.h264", std::process::id())));
    std::fs::write(&file.0, stream).unwrap();
    let arguments = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
    let run = Command::new("ffmpeg").args(["-v", "warning", "-xerror", "-i"]).arg(&file.0).args(arguments).output();
    let output = run.ok()?;
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// Numbers that look random and are the same in every run (Numerical Recipes' linear congruential generator).
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % end
    }

    fn byte(&mut self) -> u8 {
        // Extremes are where levels are largest, and zeros and ones are what start codes are made of.
        match self.below(4) {
            0 => self.below(4) as u8,
            1 => 255 - self.below(8) as u8,
            _ => self.below(256) as u8,
        }
    }

    fn colour(&mut self) -> Colour {
        Colour { y: self.byte(), u: self.byte(), v: self.byte() }
    }

    fn rect(&mut self, format: Format, grid: u32, longest: u32) -> Rect {
        let mut side = || (self.below(longest / grid) + 1) * grid;
        let (width, height) = (side(), side());
        let (x, y) = (self.below(format.width() / grid) * grid, self.below(format.height() / grid) * grid);
        Rect { x, y, width, height }
    }
}

/// Cells of luma that come from few and small levels, which the code has other words for than for many and large ones.
fn draw_levels(canvas: &mut Canvas, format: Format, numbers: &mut Numbers) {
    let mut levels = [0; 16];
    let (from, used, times) = (numbers.below(16), numbers.below(16) + 1, numbers.below(40) + 1);
    let largest = [1, 1, 2, 4, 20][numbers.below(5) as usize];
    let mut at = 0;
    for _ in 0..times {
        at = ((from + numbers.below(used)) % 16) as usize;
        levels[at] = numbers.below(2 * largest + 1).cast_signed() - largest.cast_signed();
    }
    // All sums have the parity of the first, and have to be even.
    levels[at] += levels.iter().sum::<i32>() % 2;
    hadamard(&mut levels);
    let Rect { x, y, .. } = numbers.rect(format, 16, 16);
    canvas.fill(Rect { x, y, width: 16, height: 16 }, Colour::grey(128));
    for (at, sum) in (0..).zip(levels) {
        let rect = Rect { x: x + at % 4 * 4, y: y + at / 4 * 4, width: 4, height: 4 };
        canvas.fill_luma(rect, (128 + sum / 2).clamp(0, 255) as u8);
    }
    for at in 0..numbers.below(5) {
        let (near, luma) = (numbers.below(3) as u8, numbers.below(2) as u8);
        let rect = Rect { x: x + at % 2 * 8, y: y + at / 2 * 8, width: 8, height: 8 };
        if luma == 0 {
            canvas.fill(rect, Colour { y: 128, u: 127 + near, v: 128 });
        }
    }
}

/// Something of every form, and blocks that go from each form to each other.
fn scribble(canvas: &mut Canvas, format: Format, numbers: &mut Numbers) {
    for _ in 0..numbers.below(6) {
        let colour = numbers.colour();
        canvas.fill(numbers.rect(format, 16, 64), colour);
    }
    for _ in 0..numbers.below(4) {
        // Cells: luma that is the same modulo 8 on a ground of its own.
        let ground = numbers.rect(format, 16, 48);
        let colour = numbers.colour();
        canvas.fill(ground, colour);
        for _ in 0..numbers.below(30) {
            let (x, y) = (numbers.below(ground.width / 4) * 4, numbers.below(ground.height / 4) * 4);
            let rect = Rect { x: ground.x + x, y: ground.y + y, width: 4, height: 4 };
            canvas.fill_luma(rect, numbers.byte() / 8 * 8 + colour.y % 8);
        }
    }
    for _ in 0..numbers.below(8) {
        draw_levels(canvas, format, numbers);
    }
    for _ in 0..numbers.below(3) {
        // Cells of chroma: a colour with the luma of what is there.
        let ground = numbers.rect(format, 16, 16);
        let luma = numbers.byte();
        for (x, y) in [(0, 0), (8, 0), (0, 8), (8, 8)] {
            let rect = Rect { x: ground.x + x, y: ground.y + y, width: 8, height: 8 };
            canvas.fill(rect, Colour { y: luma, ..numbers.colour() });
        }
    }
    for _ in 0..numbers.below(40) {
        let luma = numbers.byte();
        canvas.fill_luma(numbers.rect(format, 1, 5), luma);
    }
    if numbers.below(3) == 0 {
        // Samples that are zero in long runs.
        canvas.fill(numbers.rect(format, 2, 40), Colour { y: 0, u: 0, v: 0 });
    }
}

#[test]
fn every_form_of_block_is_decoded_exactly() {
    for (nth, (width, height)) in (1..).zip([(64, 64), (82, 66), (176, 144), (94, 110)]) {
        let format = Format::new(width, height, 25).unwrap();
        let mut numbers = Numbers(nth);
        let mut canvas = Canvas::new(format, numbers.colour());
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        // More changes after a key picture than frame_num counts.
        let mut since_key = 0;
        for picture in 0..400 {
            if picture % 5 > 0 || picture < 20 {
                scribble(&mut canvas, format, &mut numbers);
            }
            let is_key = [0, 1, 7, 20].contains(&picture) || picture > 320 && numbers.below(10) == 0;
            if is_key {
                parameters::write(format, &mut stream);
                slice::write(&mut canvas, Kind::Key { id: (picture % 2) as u8 }, &mut stream);
                since_key = 0;
            } else {
                since_key += 1;
                slice::write(&mut canvas, Kind::Change { nth: since_key }, &mut stream);
            }
            canvas.append_planes(format, &mut expected);
        }
        let Some(shown) = decoded(&stream, &nth.to_string()) else { return skip("ffmpeg is not installed") };
        assert_eq!(shown.len(), expected.len(), "{width}x{height}: pictures are missing");
        let size = (width * height * 3 / 2) as usize;
        let first = shown.chunks(size).zip(expected.chunks(size)).position(|(shown, expected)| shown != expected);
        assert_eq!(first, None, "{width}x{height}: the first picture that is wrong");
    }
}

#[test]
fn an_unchanged_picture_is_a_few_bytes() {
    let format = Format::new(4096, 2160, 30).unwrap();
    let mut canvas = Canvas::new(format, Colour::grey(32));
    slice::write(&mut canvas, Kind::Key { id: 0 }, &mut Vec::new());
    let mut out = Vec::new();
    slice::write(&mut canvas, Kind::Change { nth: 1 }, &mut out);
    assert!(out.len() < 20, "{} bytes", out.len());
}

#[test]
fn sizes_and_rates_out_of_range_are_refused() {
    for (width, height, rate) in [(64, 64, 1), (4096, 2160, 120), (642, 482, 24)] {
        assert!(Format::new(width, height, rate).is_ok(), "{width}x{height} {rate}");
    }
    for (width, height) in [(62, 64), (64, 62), (641, 480), (640, 481), (4098, 64), (64, 2162), (0, 0)] {
        assert_eq!(Format::new(width, height, 24), Err(FormatError::Size { width, height }));
    }
    for rate in [0, 121] {
        assert_eq!(Format::new(640, 480, rate), Err(FormatError::Rate(rate)));
    }
}
