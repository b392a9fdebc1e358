//! The test camera's picture: colour bars, greys, a moving block, the time, a counter, the settings and the clock's code.
//!
//! Contrast and brightness change bars, greys and the moving block, as in a camera's picture. Text and code stay legible.

use super::canvas::{Canvas, Rect};
use super::code::Code;
use super::colour::{Colour, Look, Matrix};
use super::layout::{Band, Content, Layout};
use super::slice::{self, Kind};
use super::text::{Label, Place, Text};
use super::{Format, parameters};
use crate::camera::settings::CameraSettings;
use crate::time::Utc;

const PAPER: u8 = 32;
const INK: u8 = 232;
const FAINT_INK: u8 = 168;
const BLACK: Colour = Colour::grey(16);
const WHITE: Colour = Colour::grey(232);
/// Luma of the lane and of the block in it, as parts of white.
const LANE: f64 = 0.22;
const BLOCK: f64 = 0.92;
/// Steps of the ramp of greys.
const GREYS: u32 = 16;
/// How long the block takes to the right edge and back, in milliseconds.
const LAP_MS: u64 = 4000;

/// Red, green and blue of the bars.
const BARS: [[f64; 3]; 8] = [
    [0.9, 0.9, 0.9],
    [0.75, 0.75, 0.0],
    [0.0, 0.75, 0.75],
    [0.0, 0.75, 0.0],
    [0.75, 0.0, 0.75],
    [0.75, 0.0, 0.0],
    [0.0, 0.0, 0.75],
    [0.1, 0.1, 0.1],
];

/// Draws the pictures of the test camera, one after the other.
#[derive(Debug)]
pub struct TestCamera {
    format: Format,
    intra: u32,
    canvas: Canvas,
    layout: Layout,
    labels: Vec<(Content, Label)>,
    code: Code,
    /// How bars, greys and lane were last drawn.
    look: Option<Look>,
    /// Pictures drawn.
    count: u64,
}

impl TestCamera {
    /// A test camera whose every `intra`th picture is a key picture, beginning with the first; 0 is taken as 1.
    pub fn new(format: Format, intra: u32) -> Self {
        let layout = Layout::of(format);
        let labels = layout.lines.iter().map(|line| {
            let ink = if matches!(line.content, Content::Picture | Content::Exposure) { FAINT_INK } else { INK };
            let place = Place { x: line.x, y: line.y, scale: line.scale, ink, paper: PAPER };
            (line.content, Label::new(place, line.columns))
        });
        Self {
            format,
            intra: intra.max(1),
            canvas: Canvas::new(format, Colour::grey(PAPER)),
            labels: labels.collect(),
            code: Code::new(layout.code, BLACK, WHITE),
            layout,
            look: None,
            count: 0,
        }
    }

    /// Draws the next picture and appends it to `out` as one access unit in Annex B form, a key picture with both
    /// parameter sets before it.
    ///
    /// `mono_ms` is the monotonic clock: it moves the block, and its low 32 bits are the code. `unix_ms` is the wall clock,
    /// shown in UTC. Nothing else is read, so equal calls draw equal pictures.
    pub fn picture(&mut self, mono_ms: u64, unix_ms: u64, settings: &CameraSettings, out: &mut Vec<u8>) {
        self.draw_scene(Look { contrast: settings.contrast, brightness: settings.brightness }, mono_ms);
        self.code.show(&mut self.canvas, mono_ms as u32);
        for (content, label) in &mut self.labels {
            label.show(&mut self.canvas, text(*content, self.format, unix_ms, self.count, settings));
        }

        let since_key = (self.count % u64::from(self.intra)) as u32;
        let kind = if since_key == 0 {
            parameters::write(self.format, out);
            Kind::Key { id: (self.count / u64::from(self.intra) % 2) as u8 }
        } else {
            Kind::Change { nth: since_key }
        };
        slice::write(&mut self.canvas, kind, out);
        self.count += 1;
    }

    /// Appends the last picture as every decoder shows it: planes of Y, Cb and Cr, 4:2:0, without padding.
    pub fn append_planes(&self, out: &mut Vec<u8>) {
        self.canvas.append_planes(self.format, out);
    }

    fn draw_scene(&mut self, look: Look, mono_ms: u64) {
        let colour = |rgb| Matrix::of(self.format).colour(look.apply(rgb));
        let width = self.format.columns() * 16;
        let Layout { bars, ramp, lane, .. } = self.layout;
        if self.look != Some(look) {
            for (nth, rgb) in (0..).zip(BARS) {
                // Up to the edge of the last macroblock: what is beyond the picture is not seen.
                self.canvas.fill(part(bars, self.format.width(), nth, 8, width), colour(rgb));
            }
            for nth in 0..GREYS {
                let grey = f64::from(nth) / f64::from(GREYS - 1);
                self.canvas.fill(part(ramp, self.format.width(), nth, GREYS, width), colour([grey; 3]));
            }
            self.look = Some(look);
        }
        let side = lane.height;
        let way = u64::from(self.format.width() - side);
        let x = way * (mono_ms % LAP_MS).min(LAP_MS - mono_ms % LAP_MS) / (LAP_MS / 2);
        let x = x as u32 / 4 * 4;
        let (ground, block) = (colour([LANE; 3]), colour([BLOCK; 3]));
        let across = |x, width| Rect { x, y: lane.y, width, height: lane.height };
        self.canvas.fill(across(0, x), ground);
        self.canvas.fill(across(x, side), block);
        self.canvas.fill(across(x + side, width - x - side), ground);
    }
}

/// Part `nth` of `parts` equal ones of a band across a picture; its edges are at multiples of 8, the last one is `end`.
fn part(band: Band, width: u32, nth: u32, parts: u32, end: u32) -> Rect {
    let edge = |nth: u32| if nth == parts { end } else { (width * nth / parts + 4) / 8 * 8 };
    Rect { x: edge(nth), y: band.y, width: edge(nth + 1) - edge(nth), height: band.height }
}

fn text(content: Content, format: Format, unix_ms: u64, count: u64, settings: &CameraSettings) -> Text<64> {
    let now = Text::<32>::of(format_args!("{}", Utc(unix_ms)));
    let now = std::str::from_utf8(now.bytes()).unwrap_or_default().trim_end_matches('Z');
    // The year has more than four digits from 10000 on.
    let (date, time) = now.split_once(' ').unwrap_or_default();
    let (seconds, ms) = time.split_once('.').unwrap_or_default();
    let (width, height, rate) = (format.width(), format.height(), format.rate());
    let CameraSettings { shutter, gain, awb_red, awb_blue, contrast, brightness } = settings;
    match content {
        Content::ClockAndCounter => Text::of(format_args!("{time}Z  #{:08}", count % 100_000_000)),
        Content::Clock => Text::of(format_args!("{time}Z")),
        Content::Counter => Text::of(format_args!("#{:08}", count % 100_000_000)),
        Content::Seconds => Text::of(format_args!("{seconds}")),
        Content::MillisecondsAndCounter => Text::of(format_args!(".{ms}Z #{:03}", count % 1000)),
        Content::DateAndFormat => Text::of(format_args!("{date}  {width}x{height}  {rate}/s")),
        Content::Format => Text::of(format_args!("{width}x{height} {rate}/s")),
        Content::Picture => Text::of(format_args!("contrast {contrast:.2}  brightness {brightness:.2}")),
        Content::Exposure => {
            Text::of(format_args!("shutter {shutter}  gain {gain:.2}  awb {awb_red:.2} {awb_blue:.2}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::draw::read_code;

    fn planes(camera: &TestCamera) -> Vec<u8> {
        let mut planes = Vec::new();
        camera.append_planes(&mut planes);
        planes
    }

    #[test]
    fn the_time_has_one_z() {
        let format = Format::new(640, 480, 24).unwrap();
        let shown = |content| {
            let text = text(content, format, 1_795_700_000_789, 42, &CameraSettings::default());
            String::from_utf8(text.bytes().to_vec()).unwrap()
        };
        assert_eq!(shown(Content::ClockAndCounter), "13:33:20.789Z  #00000042");
        assert_eq!(shown(Content::Clock), "13:33:20.789Z");
        assert_eq!(shown(Content::Seconds), "13:33:20");
        assert_eq!(shown(Content::MillisecondsAndCounter), ".789Z #042");
        assert_eq!(shown(Content::DateAndFormat), "2026-11-26  640x480  24/s");
    }

    fn pictures(intra: u32, count: u64) -> Vec<Vec<u8>> {
        let mut camera = TestCamera::new(Format::new(640, 480, 24).unwrap(), intra);
        let settings = CameraSettings::default();
        (0..count)
            .map(|nth| {
                let mut out = Vec::new();
                camera.picture(nth * 42, 1_700_000_000_000 + nth * 42, &settings, &mut out);
                out
            })
            .collect()
    }

    #[test]
    fn every_nth_picture_is_a_key_picture_with_its_parameters() {
        for (nth, picture) in pictures(3, 8).iter().enumerate() {
            let types: Vec<u8> = picture
                .windows(5)
                .filter(|window| window[..4] == [0, 0, 0, 1])
                .map(|window| window[4] & 0x1F)
                .collect();
            assert_eq!(types, if nth % 3 == 0 { vec![7, 8, 5] } else { vec![1] }, "picture {nth}");
        }
    }

    #[test]
    fn the_bit_rate_is_bounded() {
        // 24 pictures a second, one of them a key picture; "about 1 Mbit/s" is what docs and callers may rely on.
        let bits = pictures(24, 240).iter().map(|picture| picture.len() as u64 * 8).sum::<u64>() / 10;
        assert!(bits < 1_000_000, "{bits} bits a second");
    }

    #[test]
    fn the_clock_can_be_read_whatever_the_settings_are() {
        let mut camera = TestCamera::new(Format::new(640, 480, 24).unwrap(), 24);
        for (nth, (contrast, brightness)) in (0..).zip([(1.0, 0.0), (0.0, 0.0), (25.5, 1.0), (1.0, -1.0)]) {
            let mono_ms = (1 << 40) + 123_456 + nth * 42;
            let settings = CameraSettings { contrast, brightness, ..CameraSettings::default() };
            camera.picture(mono_ms, 0, &settings, &mut Vec::new());
            assert_eq!(read_code(&planes(&camera), 640, 640, 480), Some(123_456 + nth as u32 * 42));
        }
    }

    #[test]
    fn contrast_and_brightness_show() {
        let shown = |contrast, brightness| {
            let mut camera = TestCamera::new(Format::new(640, 480, 24).unwrap(), 24);
            let settings = CameraSettings { contrast, brightness, ..CameraSettings::default() };
            camera.picture(0, 0, &settings, &mut Vec::new());
            planes(&camera)
        };
        let mean =
            |planes: &[u8]| planes[..640 * 200].iter().map(|sample| u64::from(*sample)).sum::<u64>() / (640 * 200);
        let usual = shown(1.0, 0.0);
        assert!(mean(&shown(1.0, 0.2)) > mean(&usual) + 20);
        assert!(mean(&shown(1.0, -0.2)) + 20 < mean(&usual));
        assert!(shown(0.0, 0.0)[..640 * 200].iter().all(|sample| *sample == 128));
        assert_ne!(shown(1.5, 0.0), usual);
    }

    #[test]
    fn the_ends_of_the_clocks_are_drawn() {
        for (width, height) in [(64, 64), (96, 96), (640, 480)] {
            let mut camera = TestCamera::new(Format::new(width, height, 24).unwrap(), 0);
            for at in [0, u64::MAX, 1 << 32, 253_402_300_800_000] {
                camera.picture(at, at, &CameraSettings::default(), &mut Vec::new());
                assert_eq!(read_code(&planes(&camera), width as usize, width, height), Some(at as u32));
            }
        }
    }

    #[test]
    fn nothing_grows_once_every_part_was_drawn() {
        let mut camera = TestCamera::new(Format::new(640, 480, 24).unwrap(), 24);
        let settings = CameraSettings::default();
        let mut out = Vec::new();
        let mut most = 0;
        for nth in 0..2000 {
            out.clear();
            camera.picture(nth * 42, nth * 42, &settings, &mut out);
            if nth == 1000 {
                most = out.capacity();
            }
        }
        assert_eq!(out.capacity(), most);
    }
}
