//! The command lines of the camera and the publisher.
//!
//! Not here: starting the programs (`sys::child`) and deciding when (`supervisor`).

use super::settings::CameraSettings;
use crate::config::{CameraConfig, CameraSource};

/// The camera programs, newest name first. rpicam-apps dropped the second name in 2025.
pub const PROGRAMS: [&str; 2] = ["rpicam-vid", "libcamera-vid"];

/// The camera's argv for `config.source`. `program` and `libav` are the probe's results, which only the probed sources use.
/// Empty if the source is `none`.
pub fn camera(config: &CameraConfig, settings: &CameraSettings, program: &str, libav: bool) -> Vec<String> {
    match config.source {
        CameraSource::Auto | CameraSource::Rpicam => rpicam(config, settings, program, libav),
        CameraSource::Test => test_pattern(config, settings),
        CameraSource::Command => custom(config, settings),
        CameraSource::None => Vec::new(),
    }
}

/// The argv that makes a camera program list its options.
pub fn probe(program: &str) -> Vec<String> {
    words(&[program, "--help"])
}

/// The publisher's argv: `camera.publisher`, or ffmpeg copying the stream to RTSP over TCP.
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
pub fn publisher(config: &CameraConfig) -> Vec<String> {
    if let Some(argv) = &config.publisher {
        return argv.iter().map(|word| word.replace("{rtsp_url}", &config.rtsp_url)).collect();
    }
    let framerate = config.framerate.to_string();
    words(&[
        "ffmpeg",
        "-hide_banner",
        "-loglevel",
        "warning",
        "-fflags",
        "nobuffer",
        "-flags",
        "low_delay",
        "-probesize",
        "32",
        "-analyzeduration",
        "0",
        "-fpsprobesize",
        "0",
        "-use_wallclock_as_timestamps",
        "1",
        "-framerate",
        &framerate,
        "-f",
        "h264",
        "-i",
        "-",
        "-c:v",
        "copy",
        "-f",
        "rtsp",
        "-rtsp_transport",
        "tcp",
        &config.rtsp_url,
    ])
}

/// The last component of a program's path, which names its logger.
pub fn base_name(program: &str) -> &str {
    program.rsplit('/').find(|part| !part.is_empty()).unwrap_or(program)
}

fn rpicam(config: &CameraConfig, settings: &CameraSettings, program: &str, libav: bool) -> Vec<String> {
    let mut argv = words(&[program, "-t", "0", "--nopreview"]);
    argv.extend(["--width".into(), config.width.to_string(), "--height".into(), config.height.to_string()]);
    argv.extend(["--framerate".into(), config.framerate.to_string()]);
    argv.extend(words(&["--codec", "h264", "--inline", "--profile", "baseline", "--level", "4.2"]));
    argv.extend(["--intra".into(), config.intra.to_string()]);
    argv.extend(config.bitrate.iter().flat_map(|bitrate| ["--bitrate".into(), bitrate.to_string()]));
    argv.extend(config.camera.iter().flat_map(|camera| ["--camera".into(), camera.to_string()]));
    if config.vflip {
        argv.push("--vflip".into());
    }
    if config.hflip {
        argv.push("--hflip".into());
    }
    if config.rotation != 0 {
        argv.extend(["--rotation".into(), config.rotation.to_string()]);
    }
    argv.push("--flush".into());
    argv.extend(["--shutter".into(), settings.shutter.to_string(), "--gain".into(), settings.gain.to_string()]);
    argv.extend(["--awbgains".into(), format!("{},{}", settings.awb_red, settings.awb_blue)]);
    argv.extend(["--contrast".into(), settings.contrast.to_string()]);
    argv.extend(["--brightness".into(), settings.brightness.to_string()]);
    if libav {
        argv.extend(words(&["--low-latency", "--libav-format", "h264"]));
    }
    argv.extend_from_slice(&config.extra_args);
    argv.extend(words(&["-o", "-"]));
    argv
}

/// ffmpeg instead of a camera. Contrast, brightness, flips and rotation work as with a camera; the other settings have no
/// counterpart in a generated picture.
fn test_pattern(config: &CameraConfig, settings: &CameraSettings) -> Vec<String> {
    let CameraConfig { width, height, framerate, intra, .. } = config;
    let mut filter = format!("eq=contrast={}:brightness={}", settings.contrast, settings.brightness);
    if config.vflip {
        filter.push_str(",vflip");
    }
    if config.hflip {
        filter.push_str(",hflip");
    }
    if config.rotation == 180 {
        filter.push_str(",hflip,vflip");
    }
    let mut argv = words(&["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-re", "-f", "lavfi", "-i"]);
    argv.push(format!("testsrc2=size={width}x{height}:rate={framerate}"));
    argv.extend(["-vf".into(), filter]);
    argv.extend(words(&["-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-pix_fmt", "yuv420p"]));
    argv.extend(words(&["-tune", "zerolatency", "-g"]));
    argv.push(intra.to_string());
    argv.extend(config.bitrate.iter().flat_map(|bitrate| ["-b:v".into(), bitrate.to_string()]));
    argv.extend(words(&["-f", "h264", "-"]));
    argv
}

fn custom(config: &CameraConfig, settings: &CameraSettings) -> Vec<String> {
    let replacements = placeholders(config, settings);
    let replace =
        |word: &String| replacements.iter().fold(word.clone(), |word, (name, value)| word.replace(name, value));
    config.command.iter().flatten().map(replace).collect()
}

fn placeholders(config: &CameraConfig, settings: &CameraSettings) -> [(&'static str, String); 11] {
    [
        ("{shutter}", settings.shutter.to_string()),
        ("{gain}", settings.gain.to_string()),
        ("{awb_red}", settings.awb_red.to_string()),
        ("{awb_blue}", settings.awb_blue.to_string()),
        ("{contrast}", settings.contrast.to_string()),
        ("{brightness}", settings.brightness.to_string()),
        ("{width}", config.width.to_string()),
        ("{height}", config.height.to_string()),
        ("{framerate}", config.framerate.to_string()),
        ("{intra}", config.intra.to_string()),
        // An argument must not disappear, and encoders use their own default for 0.
        ("{bitrate}", config.bitrate.unwrap_or(0).to_string()),
    ]
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let config = CameraConfig { source: CameraSource::Test, ..config };
        let argv = line(&camera(&config, &CameraSettings::default(), "", false));
        assert!(argv.contains(",vflip,hflip,hflip,vflip -c:v ") && argv.ends_with(" -b:v 2000000 -f h264 -"), "{argv}");
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
    fn settings_change_the_test_pattern() {
        let config = CameraConfig { source: CameraSource::Test, ..CameraConfig::default() };
        let settings = CameraSettings { contrast: 1.5, brightness: 0.25, ..CameraSettings::default() };
        assert_eq!(
            line(&camera(&config, &settings, "", false)),
            "ffmpeg -hide_banner -loglevel warning -nostdin -re -f lavfi -i testsrc2=size=640x480:rate=24 \
             -vf eq=contrast=1.5:brightness=0.25,vflip -c:v libx264 -preset ultrafast -profile:v baseline \
             -pix_fmt yuv420p -tune zerolatency -g 24 -f h264 -"
        );
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
        let mut config = CameraConfig { framerate: 30, rtsp_url: "rtsp://h/x".into(), ..CameraConfig::default() };
        assert_eq!(
            line(&publisher(&config)),
            "ffmpeg -hide_banner -loglevel warning -fflags nobuffer -flags low_delay -probesize 32 \
             -analyzeduration 0 -fpsprobesize 0 -use_wallclock_as_timestamps 1 -framerate 30 -f h264 -i - -c:v copy \
             -f rtsp -rtsp_transport tcp rtsp://h/x"
        );
        config.publisher = Some(words(&["push", "--to={rtsp_url}"]));
        assert_eq!(line(&publisher(&config)), "push --to=rtsp://h/x");
    }

    #[test]
    fn a_programs_name_is_the_last_component_of_its_path() {
        for (program, name) in [("rpicam-vid", "rpicam-vid"), ("/usr/bin/ffmpeg", "ffmpeg"), ("a/", "a"), ("", "")] {
            assert_eq!(base_name(program), name);
        }
    }
}
