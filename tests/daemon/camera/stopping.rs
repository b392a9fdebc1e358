//! The end, at every moment: exit code 0, within 3 s of the camera's making, nobody left behind.

use nix::sys::signal::Signal;

use super::rig::{Setup, wait_gone};
use crate::golden;
use crate::support::side_by_side;

/// SIGTERM at the first moment the log shows `line`.
fn stop_at(faults: &str, line: &str) {
    let mut daemon = Setup::new(faults).start();
    daemon.wait_for(line);
    daemon.stop();
}

#[test]
fn sigterm_at_every_moment_of_a_start() {
    for moment in
        ["starts, logging", "data port", "auth port", "--help as pid", "camera program", "started cat", "-o - as pid"]
    {
        stop_at("startup:0", moment);
    }
    stop_at("startup:5000", "-o - as pid");
    stop_at("help-hang", "--help as pid");
    stop_at("startup:0", "video is running");
}

#[test]
fn sigterm_at_every_moment_of_a_failure() {
    stop_at("busy", "in use by another process");
    stop_at("busy", "next try in");
    stop_at("busy", "(attempt 2)");
    stop_at("startup:0,silent:3", "no video moved");
    stop_at("startup:0,crash:3", "ended: Signal(6)");
}

#[test]
fn sigterm_at_every_moment_of_a_restart() {
    let faults = ["startup:0", "startup:0,slow-stop:800", "startup:0,ignore-sigint", "startup:0,exit-during-stop"];
    let moments = ["camera settings are now", "restarting the camera"];
    side_by_side(faults.iter().flat_map(|faults| moments.map(|moment| (faults, moment))), |(faults, moment)| {
        let mut daemon = Setup::new(faults).start();
        daemon.wait_for("video is running");
        daemon.update(&[golden::UPDATED_SETTINGS]);
        daemon.wait_for(moment);
        daemon.stop();
    });
}

#[test]
fn a_hung_camera_does_not_keep_the_daemon_from_stopping() {
    side_by_side(["startup:0,ignore-sigint", "startup:0,silent:1000"], |faults| stop_at(faults, "video is running"));
}

#[test]
fn nobody_outlives_a_server_that_is_killed() {
    let mut daemon = Setup::new("startup:0,ignore-sigint").start();
    daemon.wait_for("video is running");
    let children = daemon.children();
    assert_eq!(children.len(), 2, "a camera and a publisher");
    daemon.signal(Signal::SIGKILL);
    assert_eq!(daemon.end().code(), None);
    for child in children {
        wait_gone(child);
    }
}

#[test]
fn what_a_command_started_ends_with_it() {
    let publisher = serde_json::json!(["sh", "-c", "sleep 1000 & echo grandchild $! >&2; cat >/dev/null"]);
    let mut daemon = Setup::new("startup:0").camera("publisher", publisher).start();
    let line = daemon.wait_for("grandchild");
    let grandchild = line.rsplit(' ').next().unwrap().parse().unwrap();
    daemon.wait_for("video is running");
    daemon.stop();
    wait_gone(grandchild);
}

#[test]
fn no_zombie_is_left_while_it_runs() {
    let mut daemon = Setup::new("busy").start();
    daemon.wait_for("(attempt 2)");
    assert!(daemon.children().is_empty(), "between two tries there is nobody");
    daemon.stop();
}

#[test]
fn ffmpeg_is_stopped_by_its_own_will_and_at_once() {
    // A publisher that blocks in a read, as ffmpeg does, and looks at SIGINT only after it.
    let publisher = serde_json::json!(["sh", "-c", "trap '' INT; cat >/dev/null; echo end of input >&2"]);
    let mut daemon = Setup::new("startup:0").camera("publisher", publisher).start();
    daemon.wait_for("video is running");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.end().code(), Some(0));
    let log = daemon.seen.join("\n");
    assert!(log.contains("end of input") && !log.contains("ended: Signal(9)"), "{log}");
}

#[test]
fn children_can_be_interrupted_though_the_daemon_was_started_with_sigint_ignored() {
    use nix::sys::signal::{SigHandler, signal};
    use std::os::unix::process::CommandExt;
    let publisher = serde_json::json!(["sh", "-c", "grep SigIgn /proc/self/status >&2; exec cat >/dev/null"]);
    let mut setup = Setup::new("startup:0").camera("publisher", publisher);
    // SAFETY: no handler is set, only a signal ignored, as a shell does for what it starts with `&`.
    unsafe { setup.command().pre_exec(|| Ok(signal(Signal::SIGINT, SigHandler::SigIgn).map(drop)?)) };
    let mut daemon = setup.start();
    let line = daemon.wait_for("SigIgn:");
    // The log shows the tab as it is escaped.
    let mask = line.rsplit("\\t").next().expect("a mask");
    let ignored = u64::from_str_radix(mask, 16);
    assert_eq!(ignored.map(|mask| mask & 0b10), Ok(0), "{line}");
    daemon.stop();
}
