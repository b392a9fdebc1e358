//! Each fault of a camera and a publisher: what the log says, and that it goes on once the fault is gone.

use std::os::unix::process::CommandExt;

use serde_json::json;

use super::rig::Setup;
use crate::support::{deaf_port, side_by_side, skip};

/// The fault gives this line; when it is gone, video runs.
fn fails_with_then_recovers(faults: &str, text: &str) {
    let mut daemon = Setup::new(faults).start();
    let line = daemon.wait_for("camera.process ");
    let line = if line.contains("DEBUG") { daemon.wait_for(text) } else { line };
    assert!(line.contains(text), "{line}");
    daemon.set_faults("startup:0");
    daemon.wait_for("video is running");
    daemon.starts();
    daemon.stop();
}

#[test]
fn a_busy_camera_is_tried_again() {
    side_by_side(["busy", "busy-acquire"], |faults| fails_with_then_recovers(faults, "the camera is busy"));
}

#[test]
fn a_camera_that_crashes_is_started_again() {
    fails_with_then_recovers("startup:0,crash:5", "the camera crashed with signal 6");
}

#[test]
fn a_camera_that_exits_is_started_again() {
    fails_with_then_recovers("startup:0,exit:5", "the camera exited on its own with status 1");
}

#[test]
fn a_silent_camera_is_noticed_and_started_again() {
    fails_with_then_recovers("startup:0,silent:5", "no video moved for 2 s");
}

#[test]
fn a_camera_that_times_out_for_ever_is_noticed_and_started_again() {
    fails_with_then_recovers("startup:0,timeout-loop:5", "the camera is detected but delivers no frames");
}

/// The fault gives this line, and the next try is half a minute away: only a person can help.
fn fails_slowly_with(faults: &str, text: &str) {
    let mut daemon = Setup::new(faults).start();
    let line = daemon.wait_for(text);
    let seconds: f64 =
        line.rsplit("next try in ").next().and_then(|rest| rest.trim_end_matches(" s").parse().ok()).unwrap();
    assert!((20.0..=40.0).contains(&seconds), "{line}");
    daemon.stop();
}

#[test]
fn no_camera_and_no_encoder_are_told_apart_and_tried_slowly() {
    fails_slowly_with("absent", "no camera is connected");
    fails_slowly_with("no-encoder", "no H.264 encoder");
    fails_slowly_with("no-encoder-v4l2", "no H.264 encoder");
}

#[test]
fn the_last_lines_are_shown_once() {
    let mut daemon = Setup::new("busy").start();
    daemon.wait_for("the camera is busy");
    let tail = daemon.next_line().unwrap();
    assert!(
        tail.contains("  camera rpicam-vid: ") && tail.contains("Pipeline handler in use by another process"),
        "{tail}"
    );
    daemon.wait_for("(attempt 2)");
    assert!(daemon.next_line().is_none_or(|line| !line.contains("  camera rpicam-vid: ")));
    daemon.stop();
}

#[test]
fn a_missing_program_is_one_warning_for_auto_and_an_error_for_rpicam() {
    let mut daemon = Setup::new("").without_programs().camera("source", json!("auto")).start();
    assert!(daemon.wait_for("neither rpicam-vid nor libcamera-vid is installed").contains("camera WARNING"));
    daemon.stop();
    let mut daemon = Setup::new("").without_programs().start();
    assert!(daemon.wait_for("camera.process ERROR").contains("rpicam-vid"));
    daemon.stop();
}

#[test]
fn options_of_libav_builds_are_passed_to_libav_builds_only() {
    side_by_side([("startup:0,libav", true), ("startup:0", false)], |(faults, libav)| {
        let mut daemon = Setup::new(faults).start();
        daemon.wait_for("video is running");
        let start = &daemon.starts()[0];
        assert_eq!(start.contains("--low-latency --libav-format h264"), libav, "{start}");
        assert_eq!(start.contains("libav"), libav, "{start}");
        daemon.stop();
    });
}

#[test]
fn a_probe_that_hangs_does_not_keep_the_camera_from_starting() {
    let mut daemon = Setup::new("startup:0,help-hang").start();
    daemon.wait_for("video is running");
    daemon.stop();
}

#[test]
fn a_flood_of_lines_is_cut_down_and_video_runs() {
    let mut daemon = Setup::new("startup:0,flood-stderr:200").start();
    daemon.wait_for("video is running");
    let lines = daemon.seen.iter().filter(|line| line.contains("nothing to see here")).count();
    assert!((1..=20).contains(&lines), "{lines} lines");
    daemon.stop();
}

#[test]
fn a_publisher_that_dies_takes_the_camera_along_and_both_start_again() {
    let publisher = json!(["sh", "-c", "head -c 20000 >/dev/null; echo out of luck >&2; exit 3"]);
    let mut daemon = Setup::new("startup:0").camera("publisher", publisher).start();
    let line = daemon.wait_for("next try in");
    assert!(line.contains("the publisher exited on its own with status 3"), "{line}");
    daemon.wait_for("sh: out of luck");
    daemon.wait_for("(attempt 2)");
    assert!(daemon.starts().len() >= 2);
    daemon.stop();
}

#[test]
fn a_publisher_that_stops_reading_is_noticed() {
    let mut daemon = Setup::new("startup:0").camera("publisher", json!(["sleep", "1000"])).start();
    daemon.wait_for("no video moved for 2 s");
    daemon.stop();
}

#[test]
fn a_publisher_that_is_missing_or_not_executable_is_named() {
    let mut daemon = Setup::new("startup:0").camera("publisher", json!(["es-iot-no-such-program"])).start();
    assert!(daemon.wait_for("next try in").contains("es-iot-no-such-program"));
    daemon.stop();
    let mut daemon = Setup::new("startup:0").camera("publisher", json!(["/etc/passwd"])).start();
    assert!(daemon.wait_for("next try in").contains("/etc/passwd"));
    daemon.stop();
}

#[test]
fn an_absent_rtsp_server_is_told_from_a_broken_camera() {
    let port = deaf_port();
    let mut daemon = Setup::new("startup:0").camera("publisher", json!(null));
    daemon.config["camera"]["rtsp_url"] = json!(format!("rtsp://127.0.0.1:{}/ES_MTX", port.number()));
    // ffmpeg takes a while to start and to find out, and longer on a busy machine.
    daemon.config["camera"]["stall_seconds"] = json!(30);
    let mut daemon = daemon.start();
    // Video that moves for 3 s is running; ffmpeg finds out sooner, but not each time on a busy machine.
    let in_time = (0..5).any(|_| {
        let begin = daemon.seen.len();
        assert!(daemon.wait_for("next try in").contains("the RTSP server can't be reached"));
        !daemon.seen[begin..].iter().any(|line| line.contains("video is running"))
    });
    assert!(in_time, "nothing runs without a server");
    if !daemon.seen.iter().any(|line| line.contains("(attempt 2)")) {
        daemon.wait_for("(attempt 2)");
    }
    daemon.stop();
}

#[test]
fn a_fork_that_fails_is_said_and_tried_again() {
    if !nix::unistd::geteuid().is_root() {
        return skip("this needs root, to become a user without processes");
    }
    let mut setup = Setup::new("startup:0");
    let scratch = setup.scratch.0.clone();
    // A user of its own, so that its limit on processes is about nothing else.
    let user = 60_000 + std::process::id() % 5000;
    std::os::unix::fs::chown(&scratch, Some(user), Some(user)).unwrap();
    setup.command().uid(user).gid(user);
    // SAFETY: the closure makes one system call.
    unsafe {
        setup.command().pre_exec(|| {
            use nix::sys::resource::{Resource, setrlimit};
            Ok(setrlimit(Resource::RLIMIT_NPROC, 1, 1)?)
        });
    }
    let mut daemon = setup.start();
    let line = daemon.wait_for("next try in");
    assert!(line.contains("can't be started") && line.contains("temporarily unavailable"), "{line}");
    daemon.stop();
}
