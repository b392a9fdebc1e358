//! The test camera and the slate as a viewer has them: decoded by ffmpeg, and compared with what was drawn, bit for bit.
//!
//! Skipped where there is no `ffmpeg` or `ffprobe`.

use std::process::{Command, Output};

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::media::draw::{Format, Slate, TestCamera, read_code};

use crate::support::{TempDir, skip};

/// A stream and the planes of its pictures.
struct Drawn {
    format: Format,
    stream: Vec<u8>,
    planes: Vec<u8>,
}

/// Runs a program on a stream; `None` where it is not installed.
pub fn run(program: &str, before: &[&str], stream: &[u8], after: &[&str]) -> Option<Output> {
    let directory = TempDir::new();
    let file = directory.join("drawn.h264");
    std::fs::write(&file, stream).unwrap();
    Command::new(program).args(before).arg(file).args(after).output().ok()
}

impl Drawn {
    fn new(width: u32, height: u32, rate: u32) -> Self {
        Self { format: Format::new(width, height, rate).unwrap(), stream: Vec::new(), planes: Vec::new() }
    }

    /// Bytes of a picture's planes.
    fn size(&self) -> usize {
        (self.format.width() * self.format.height() * 3 / 2) as usize
    }

    /// Asserts that ffmpeg, where it is installed, shows every picture as it was drawn and has nothing to complain of.
    /// Returns the pictures' planes as ffmpeg has them.
    #[must_use]
    fn is_shown_exactly(&self) -> Option<Vec<u8>> {
        let name = format!("{:?}", self.format);
        let after = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-"];
        let output = run("ffmpeg", &["-v", "warning", "-xerror", "-i"], &self.stream, &after)?;
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{name}: {complaints}");
        assert_eq!(output.stdout.len(), self.planes.len(), "{name}: pictures are missing");
        let pairs = output.stdout.chunks(self.size()).zip(self.planes.chunks(self.size()));
        let wrong: Vec<usize> =
            (0..).zip(pairs).filter(|(_, (shown, drawn))| shown != drawn).map(|(nth, _)| nth).collect();
        assert!(wrong.is_empty(), "{name}: pictures {wrong:?} are not what was drawn");
        Some(output.stdout)
    }
}

fn settings(contrast: f64, brightness: f64) -> CameraSettings {
    CameraSettings { contrast, brightness, ..CameraSettings::default() }
}

/// `count` pictures of a test camera, with each of `settings` for as long.
fn card(size: (u32, u32), rate: u32, intra: u32, count: u32, settings: &[CameraSettings]) -> Drawn {
    let mut drawn = Drawn::new(size.0, size.1, rate);
    let mut camera = TestCamera::new(drawn.format, intra);
    for nth in 0..count {
        let ms = clock_ms(nth, rate);
        let settings = &settings[nth as usize * settings.len() / count as usize];
        camera.picture(ms, 1_795_700_000_000 + ms, settings, &mut drawn.stream);
        camera.append_planes(&mut drawn.planes);
    }
    drawn
}

/// The monotonic clock at picture `nth`: its low 32 bits run over on the way.
fn clock_ms(nth: u32, rate: u32) -> u64 {
    (7 << 32) - 1000 + u64::from(nth) * 1000 / u64::from(rate)
}

#[test]
fn the_test_camera_is_shown_exactly() {
    let usual = [CameraSettings::default()];
    let many = [settings(1.0, 0.0), settings(0.0, 0.0), settings(1.37, 0.11), settings(25.5, -1.0), settings(0.4, 1.0)];
    for (size, rate, intra, count, settings) in [
        ((64, 64), 24, 24, 120, &usual[..]),
        ((64, 64), 1, 1, 5, &many),
        ((66, 98), 15, 7, 60, &many),
        ((128, 96), 120, 1000, 600, &usual),
        ((200, 64), 24, 24, 50, &many),
        ((64, 400), 24, 24, 50, &many),
        ((320, 240), 24, 24, 100, &many),
        ((640, 480), 24, 24, 240, &many),
        ((642, 482), 24, 24, 100, &usual),
        ((1366, 768), 30, 10, 30, &many),
        ((1920, 1080), 30, 30, 40, &many),
        ((4096, 2160), 120, 4, 6, &usual),
    ] {
        let drawn = card(size, rate, intra, count, settings);
        let Some(shown) = drawn.is_shown_exactly() else { return skip("ffmpeg is not installed") };
        for (nth, picture) in (0..).zip(shown.chunks(drawn.size())) {
            let code = read_code(picture, size.0 as usize, size.0, size.1);
            assert_eq!(
                code.map(u64::from),
                Some(clock_ms(nth, rate) % (1 << 32)),
                "{size:?}: the code of picture {nth}"
            );
        }
    }
}

#[test]
fn slates_are_shown_exactly() {
    for (width, height) in
        [(64, 64), (64, 2160), (128, 96), (320, 240), (640, 480), (642, 482), (1920, 1080), (4096, 64)]
    {
        let mut drawn = Drawn::new(width, height, 24);
        let mut slate = Slate::new(drawn.format);
        for (nth, words) in (0..).zip([
            "NO CAMERA: check the ribbon cable at both ends",
            "starting",
            "",
            "CAMERA BUSY: another program has it, see /var/log/a-very-long-name-without-a-space-that-has-to-be-broken.log",
            "Kein Bild: \u{fc}berpr\u{fc}fen",
        ]) {
            let host = ["raspberrypi", "", "a-host-name-that-is-much-longer-than-any-footer-of-a-small-picture"][nth % 3];
            slate.picture(words, host, 1_795_700_000_000 + nth as u64 * 1000, &mut drawn.stream);
            slate.append_planes(&mut drawn.planes);
            for repetition in 1..=u32::try_from(nth).unwrap() * 3 {
                slate.repeat(repetition, &mut drawn.stream);
                slate.append_planes(&mut drawn.planes);
            }
        }
        if drawn.is_shown_exactly().is_none() {
            return skip("ffmpeg is not installed");
        }
    }
}

#[test]
fn the_stream_declares_what_it_is() {
    for (size, rate, level) in [((640, 480), 24, 30), ((642, 482), 120, 32), ((1920, 1080), 30, 40)] {
        let drawn = card(size, rate, 10, 30, &[CameraSettings::default()]);
        let before = ["-v", "error", "-show_streams", "-show_frames", "-of", "flat=s=_"];
        let Some(output) = run("ffprobe", &before, &drawn.stream, &[]) else { return skip("ffprobe is not installed") };
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown = String::from_utf8(output.stdout).unwrap();
        for expected in [
            format!("streams_stream_0_width={}", size.0),
            format!("streams_stream_0_height={}", size.1),
            "streams_stream_0_profile=\"Constrained Baseline\"".into(),
            format!("streams_stream_0_level={level}"),
            "streams_stream_0_has_b_frames=0".into(),
            "streams_stream_0_refs=1".into(),
            "streams_stream_0_sample_aspect_ratio=\"1:1\"".into(),
            "streams_stream_0_color_range=\"tv\"".into(),
            format!("streams_stream_0_r_frame_rate=\"{rate}/1\""),
        ] {
            assert!(shown.lines().any(|line| line == expected), "there is no {expected} in {shown}");
        }
        assert_eq!(shown.matches("_pict_type=\"I\"").count(), 3);
        assert_eq!(shown.matches("_pict_type=\"P\"").count(), 27);
    }
}

#[test]
fn a_slate_in_the_middle_of_a_video_and_back() {
    let mut drawn = Drawn::new(640, 480, 24);
    let mut slate = Slate::new(drawn.format);
    for turn in 0..3 {
        let mut camera = TestCamera::new(drawn.format, 24);
        for nth in 0..30 {
            camera.picture(nth * 42, nth * 42, &CameraSettings::default(), &mut drawn.stream);
            camera.append_planes(&mut drawn.planes);
        }
        for second in 0..turn {
            slate.picture("RESTARTING", "host", second * 1000, &mut drawn.stream);
            slate.append_planes(&mut drawn.planes);
        }
    }
    if drawn.is_shown_exactly().is_none() {
        skip("ffmpeg is not installed");
    }
}
