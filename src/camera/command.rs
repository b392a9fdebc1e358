//! The command lines of the camera and the publisher.
//!
//! Not here: starting the programs (`sys::child`) and deciding when (`supervisor`).

use std::borrow::Cow;
use std::fmt::Display;

use super::settings::CameraSettings;
use super::test_picture::{TEST_CAMERA_OPTION, TestPicture};
use crate::config::{CameraConfig, CameraSource};

/// The camera programs, newest name first. rpicam-apps dropped the second name in 2025.
pub const PROGRAMS: [&str; 2] = ["rpicam-vid", "libcamera-vid"];

/// The program of the source `test`: this one. The kernel resolves the path in the forked child, to the file that runs, even
/// if an upgrade has replaced or removed it (`proc_pid_exe(5)`).
const OWN_PROGRAM: &str = "/proc/self/exe";
/// What [`OWN_PROGRAM`] is called in the log.
const OWN_PROGRAM_NAME: &str = "test-camera";

/// The camera's argv for `config.source`. `program` and `libav` are the probe's results, which only the probed sources use.
/// Empty if the source is `none`.
pub fn camera(config: &CameraConfig, settings: &CameraSettings, program: &str, libav: bool) -> Vec<String> {
    match config.source {
        CameraSource::Auto | CameraSource::Rpicam => rpicam(config, settings, program, libav),
        CameraSource::Test => test_camera(config, settings),
        CameraSource::Command => custom(config, settings),
        CameraSource::None => Vec::new(),
    }
}

/// The argv that makes a camera program list its options.
pub fn probe(program: &str) -> Vec<String> {
    vec![program.to_owned(), "--help".to_owned()]
}

/// The publisher's argv: `camera.publisher`, or ffmpeg copying the stream to RTSP over TCP. `None` without a destination.
///
/// A raw H.264 pipe has no time stamps, so ffmpeg generates them. Measurements with ffmpeg 5.1 and its RTSP receiver, which
/// compare each frame's time stamp with its arrival:
///
/// - `-r 24` and `-framerate 24` count frames. A camera that delivers 20 frames a second is 0.2 s off after 1.2 s, and the
///   error grows without limit (a shutter time of 100 ms or more has this effect). When a settings change restarts the
///   camera, the pause becomes a permanent error. A frame rate in the stream's SPS overrides `-framerate`: if it is 30,
///   the error is 0.4 s after 2 s.
/// - `-use_wallclock_as_timestamps 1` stays within 2 ms in all these cases and adds no delay.
///
/// The drawback is that the wall clock may be set. If it is set back, ffmpeg's time stamps stand still for the length of the
/// step. If it is set forward, they jump: by a day, RTP's time stamps wrap; by years, ffmpeg drops every frame's time stamp
/// with two lines of warning. So `supervisor` restarts the pipeline when the clock is set. `-framerate` remains as a hint
/// for receivers; `-r` is not needed. `-fpsprobesize 0` avoids a warning about an unknown frame rate at each start.
pub fn publisher(config: &CameraConfig) -> Option<Vec<String>> {
    let url = config.rtsp_url.as_deref()?;
    if let Some(argv) = &config.publisher {
        return Some(argv.iter().map(|word| word.replace("{rtsp_url}", url)).collect());
    }
    let mut argv = Argv::default();
    argv.words(
        "ffmpeg -hide_banner -loglevel warning -fflags nobuffer -flags low_delay -probesize 32 -analyzeduration 0",
    );
    argv.words("-fpsprobesize 0 -use_wallclock_as_timestamps 1");
    argv.option("-framerate", &config.framerate);
    argv.words("-f h264 -i - -c:v copy -f rtsp -rtsp_transport tcp");
    argv.word(url);
    Some(argv.0)
}

/// A program's name, which names its logger: the last component of its path, or `test-camera` for the daemon's own.
pub fn base_name(program: &str) -> &str {
    if program == OWN_PROGRAM {
        return OWN_PROGRAM_NAME;
    }
    program.rsplit('/').find(|part| !part.is_empty()).unwrap_or(program)
}

/// A program as an error shows it: as it was given, after its name if the daemon's own is meant.
pub fn shown(program: &str) -> Cow<'_, str> {
    if program == OWN_PROGRAM { format!("{OWN_PROGRAM_NAME} ({OWN_PROGRAM})").into() } else { program.into() }
}

fn rpicam(config: &CameraConfig, settings: &CameraSettings, program: &str, libav: bool) -> Vec<String> {
    let mut argv = Argv::default();
    argv.word(program);
    argv.words("-t 0 --nopreview");
    argv.option("--width", &config.width);
    argv.option("--height", &config.height);
    argv.option("--framerate", &config.framerate);
    argv.words("--codec h264 --inline --profile baseline --level 4.2");
    argv.option("--intra", &config.intra);
    if let Some(bitrate) = &config.bitrate {
        argv.option("--bitrate", bitrate);
    }
    if let Some(camera) = &config.camera {
        argv.option("--camera", camera);
    }
    if config.vflip {
        argv.word("--vflip");
    }
    if config.hflip {
        argv.word("--hflip");
    }
    if config.rotation != 0 {
        argv.option("--rotation", &config.rotation);
    }
    argv.word("--flush");
    argv.option("--shutter", &settings.shutter);
    argv.option("--gain", &settings.gain);
    argv.option("--awbgains", &format_args!("{},{}", settings.awb_red, settings.awb_blue));
    argv.option("--contrast", &settings.contrast);
    argv.option("--brightness", &settings.brightness);
    if libav {
        argv.words("--low-latency --libav-format h264");
    }
    argv.0.extend_from_slice(&config.extra_args);
    argv.words("-o -");
    argv.0
}

/// The daemon's own program as the camera. Flips, rotation, bit rate and extra arguments have no effect on a drawn picture,
/// so they are not in the command line, and changing them does not restart it.
fn test_camera(config: &CameraConfig, settings: &CameraSettings) -> Vec<String> {
    let mut argv = Argv::default();
    argv.word(OWN_PROGRAM);
    argv.word(&format!("--{TEST_CAMERA_OPTION}"));
    argv.words(&TestPicture::new(config, settings).to_string());
    argv.0
}

fn custom(config: &CameraConfig, settings: &CameraSettings) -> Vec<String> {
    let replacements = placeholders(config, settings);
    let replace =
        |word: &String| replacements.iter().fold(word.clone(), |word, (name, value)| word.replace(name, value));
    config.command.iter().flatten().map(replace).collect()
}

fn placeholders(config: &CameraConfig, settings: &CameraSettings) -> [(&'static str, String); 11] {
    // Encoders take 0 for their own default, and an argument must not vanish.
    let bitrate = config.bitrate.unwrap_or(0);
    let values: [(&'static str, &dyn Display); 11] = [
        ("{shutter}", &settings.shutter),
        ("{gain}", &settings.gain),
        ("{awb_red}", &settings.awb_red),
        ("{awb_blue}", &settings.awb_blue),
        ("{contrast}", &settings.contrast),
        ("{brightness}", &settings.brightness),
        ("{width}", &config.width),
        ("{height}", &config.height),
        ("{framerate}", &config.framerate),
        ("{intra}", &config.intra),
        ("{bitrate}", &bitrate),
    ];
    values.map(|(name, value)| (name, value.to_string()))
}

/// A command line in the making.
#[derive(Default)]
struct Argv(Vec<String>);

impl Argv {
    /// Adds one argument.
    fn word(&mut self, word: &str) {
        self.0.push(word.to_owned());
    }

    /// Adds arguments that stand between spaces.
    fn words(&mut self, words: &str) {
        words.split(' ').for_each(|word| self.word(word));
    }

    /// Adds an option and its value.
    fn option(&mut self, name: &str, value: &dyn Display) {
        self.word(name);
        self.0.push(value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    fn line(argv: &[String]) -> String {
        argv.join(" ")
    }

    #[test]
    fn the_camera_gets_exactly_these_options() {
        let settings =
            CameraSettings { shutter: 0, gain: 1.5, awb_red: 0.0, awb_blue: 2.25, contrast: 1.0, brightness: -0.1 };
        assert_eq!(
            line(&camera(&CameraConfig::default(), &settings, "rpicam-vid", false)),
            "rpicam-vid -t 0 --nopreview --width 640 --height 480 --framerate 24 --codec h264 --inline \
             --profile baseline --level 4.2 --intra 24 --vflip --flush --shutter 0 --gain 1.5 --awbgains 0,2.25 \
             --contrast 1 --brightness -0.1 -o -"
        );
    }

    #[test]
    fn configured_options_are_passed() {
        let config = CameraConfig {
            camera: Some(1),
            bitrate: Some(2_000_000),
            hflip: true,
            rotation: 180,
            extra_args: words(&["--denoise", "cdn_off"]),
            ..CameraConfig::default()
        };
        let argv = line(&camera(&config, &CameraSettings::default(), "rpicam-vid", true));
        assert!(argv.contains(" --bitrate 2000000 --camera 1 --vflip --hflip --rotation 180 --flush "), "{argv}");
        assert!(argv.ends_with(" --libav-format h264 --denoise cdn_off -o -"), "{argv}");
    }

    #[test]
    fn an_unset_bitrate_is_0_in_a_command() {
        for (bitrate, given) in [(None, "cam 24 0"), (Some(900_000), "cam 24 900000")] {
            let command = Some(words(&["cam", "{intra}", "{bitrate}"]));
            let config = CameraConfig { source: CameraSource::Command, command, bitrate, ..CameraConfig::default() };
            assert_eq!(line(&camera(&config, &CameraSettings::default(), "", false)), given);
        }
    }

    #[test]
    fn libav_options_and_vflip_are_optional() {
        let config = CameraConfig { vflip: false, ..CameraConfig::default() };
        let argv = line(&camera(&config, &CameraSettings::default(), "libcamera-vid", true));
        assert!(argv.starts_with("libcamera-vid -t 0 "));
        assert!(argv.ends_with(" --low-latency --libav-format h264 -o -"));
        assert!(!argv.contains("--vflip"));
    }

    #[test]
    fn the_test_camera_is_this_program_with_what_shows_in_the_picture() {
        let config = CameraConfig { source: CameraSource::Test, ..CameraConfig::default() };
        let settings = CameraSettings { contrast: 1.5, brightness: -0.25, ..CameraSettings::default() };
        let argv = camera(&config, &settings, "", false);
        assert_eq!(
            line(&argv),
            "/proc/self/exe --test-camera width=640 height=480 framerate=24 intra=24 shutter=10000 gain=1 awb_red=1 \
             awb_blue=1 contrast=1.5 brightness=-0.25"
        );
        // A changed command line is a restart.
        let without_effect = CameraConfig {
            bitrate: Some(2_000_000),
            vflip: false,
            hflip: true,
            rotation: 180,
            extra_args: words(&["--denoise", "cdn_off"]),
            ..config
        };
        assert_eq!(camera(&without_effect, &settings, "rpicam-vid", true), argv);
    }

    #[test]
    fn placeholders_are_replaced_everywhere_in_a_word() {
        let command =
            ["cam", "--g={gain}", "{width}x{height}@{framerate}", "{shutter}/{shutter}", "{awb_red},{awb_blue}"];
        let config =
            CameraConfig { source: CameraSource::Command, command: Some(words(&command)), ..CameraConfig::default() };
        assert_eq!(
            line(&camera(&config, &CameraSettings::default(), "", false)),
            "cam --g=1 640x480@24 10000/10000 1,1"
        );
    }

    #[test]
    fn the_source_none_has_no_command() {
        let config = CameraConfig { source: CameraSource::None, ..CameraConfig::default() };
        assert!(camera(&config, &CameraSettings::default(), "", false).is_empty());
    }

    #[test]
    fn the_publisher_is_ffmpeg_or_the_configured_one() {
        let mut config = CameraConfig { framerate: 30, ..CameraConfig::default() };
        assert_eq!(publisher(&config), None);
        config.rtsp_url = Some("rtsp://h/x".into());
        assert_eq!(
            line(&publisher(&config).unwrap()),
            "ffmpeg -hide_banner -loglevel warning -fflags nobuffer -flags low_delay -probesize 32 \
             -analyzeduration 0 -fpsprobesize 0 -use_wallclock_as_timestamps 1 -framerate 30 -f h264 -i - -c:v copy \
             -f rtsp -rtsp_transport tcp rtsp://h/x"
        );
        config.publisher = Some(words(&["push", "--to={rtsp_url}"]));
        assert_eq!(line(&publisher(&config).unwrap()), "push --to=rtsp://h/x");
    }

    #[test]
    fn a_programs_name_is_the_last_component_of_its_path() {
        for (program, name) in [
            ("rpicam-vid", "rpicam-vid"),
            ("/usr/bin/ffmpeg", "ffmpeg"),
            ("a/", "a"),
            ("", ""),
            ("/proc/self/exe", "test-camera"),
        ] {
            assert_eq!(base_name(program), name);
        }
        assert_eq!(shown("/usr/bin/ffmpeg"), "/usr/bin/ffmpeg");
        assert_eq!(shown("/proc/self/exe"), "test-camera (/proc/self/exe)");
    }
}
