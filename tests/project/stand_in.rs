//! The stand-in for the camera program is what the other tests rest on, so it is tested itself.

use std::process::{Command, Output, Stdio};

use es_iot_server::camera::command;
use es_iot_server::camera::diagnosis::{Exit, Findings, Reason, Role};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::CameraConfig;
use es_iot_server::time::Mono;

use crate::program::stand_in;

fn run(arguments: &[String], faults: &str) -> Output {
    Command::new(stand_in())
        .args(arguments)
        .env("ES_STANDIN", format!("startup:0,{faults}"))
        .env_remove("ES_STANDIN_FILE")
        .env_remove("ES_STANDIN_LOG")
        .stdin(Stdio::null())
        .output()
        .expect("the stand-in runs")
}

/// The daemon's own command line.
fn daemons(libav: bool) -> Vec<String> {
    let config = CameraConfig { framerate: 120, ..CameraConfig::default() };
    command::camera(&config, &CameraSettings::default(), "rpicam-vid", libav).split_off(1)
}

/// What the daemon makes of it.
fn diagnosis(output: &Output) -> Reason {
    let mut findings = Findings::default();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        findings.line(Mono::default(), Role::Camera, line);
    }
    findings.exited(Role::Camera, Exit::Code(output.status.code().unwrap_or(-1)), false);
    findings.verdict()
}

#[test]
fn it_takes_the_daemons_options_and_plays_key_frames_first() {
    for (libav, faults) in [(false, "exit:30"), (true, "libav,exit:30")] {
        let output = run(&daemons(libav), faults);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(diagnosis(&output), Reason::Exited { role: Role::Camera, code: 1 });
        assert!(output.stdout.starts_with(&[0, 0, 0, 1, 0x67]), "the SPS comes first");
        let slices = output.stdout.windows(4).filter(|at| at[..3] == [0, 0, 1] && matches!(at[3] & 31, 1 | 5)).count();
        assert_eq!(slices, 30);
    }
}

#[test]
fn it_takes_what_the_configuration_adds() {
    let config = CameraConfig {
        camera: Some(1),
        bitrate: Some(1_000_000),
        hflip: true,
        rotation: 180,
        extra_args: vec!["--denoise".into(), "cdn_off".into()],
        framerate: 120,
        ..CameraConfig::default()
    };
    let arguments = command::camera(&config, &CameraSettings::default(), "rpicam-vid", false).split_off(1);
    let output = run(&arguments, "cameras:2,exit:3");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.is_empty() && !output.stdout.is_empty(), "{output:?}");
}

#[test]
fn it_refuses_what_the_real_one_refuses() {
    let cases: [(&[&str], &str); 8] = [
        (&["--preview"], "unrecognised option '--preview'"),
        (&["--low-latency"], "unrecognised option '--low-latency'"),
        (&["--libav-format", "h264"], "unrecognised option '--libav-format'"),
        (&["--level", "3"], "the argument ('3') for option '--level' is invalid"),
        (&["--awbgains", "1"], "the argument ('1') for option '--awbgains' is invalid"),
        (&["--camera", "1"], "selected camera is not available"),
        (&["--intra", "1", "--intra", "2"], "option '--intra' cannot be specified more than once"),
        (&["--gain"], "the required argument for option '--gain' is missing"),
    ];
    for (arguments, text) in cases {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let output = run(&arguments, "");
        assert_eq!(output.status.code(), Some(255));
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("ERROR: *** {text} ***\n"));
        assert_eq!(diagnosis(&output).kind(), "refused-options");
    }
}

#[test]
fn its_faults_are_diagnosed() {
    let cases = [
        ("absent", "no-camera"),
        ("busy", "busy"),
        ("busy-acquire", "busy"),
        ("no-encoder", "no-encoder"),
        ("no-encoder-v4l2", "no-encoder"),
    ];
    for (fault, kind) in cases {
        let output = run(&daemons(false), fault);
        assert_eq!(output.status.code(), Some(255));
        assert_eq!(diagnosis(&output).kind(), kind, "{fault}");
    }
}

#[test]
fn its_help_tells_the_builds_apart() {
    for (faults, libav) in [("", false), ("libav", true)] {
        let output = run(&["--help".into()], faults);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success());
        assert!(text.contains("--awbgains"));
        assert_eq!(text.contains("--low-latency") && text.contains("--libav-format"), libav);
    }
}
