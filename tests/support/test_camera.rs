//! The daemon's own camera, the test camera, which is a child of the daemon.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Daemon, Launch, until};

/// Has a daemon show the test camera's picture: a small one, with two key pictures a second.
pub fn with_test_camera(launch: Launch) -> Launch {
    launch
        .set("camera.source", "test")
        .set("camera.width", 320)
        .set("camera.height", 240)
        .set("camera.framerate", 24)
        .set("camera.intra", 12)
}

/// The process id of the test camera.
fn pid(daemon: &Daemon) -> Option<Pid> {
    let pid = daemon.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let is_camera = |pid: &&str| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "es-iot-testcam")
    };
    children.split_whitespace().find(is_camera).map(|pid| Pid::from_raw(pid.parse().unwrap()))
}

/// Kills the test camera.
pub fn kill_test_camera(daemon: &mut Daemon) {
    let mut found = None;
    until(|| {
        found = pid(daemon);
        found.is_some()
    });
    kill(found.unwrap(), Signal::SIGKILL).unwrap();
    daemon.await_log("the camera crashed with signal 9");
}
