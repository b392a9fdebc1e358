//! Daemons with a camera.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{Daemon, Launch, until};

/// A daemon that shows the test camera's picture: a small one, with two key pictures a second.
pub fn test_camera() -> Launch {
    Launch::new()
        .set("camera.source", "test")
        .set("camera.width", 320)
        .set("camera.height", 240)
        .set("camera.framerate", 24)
        .set("camera.intra", 12)
}

/// A daemon whose camera is a shell script that writes to its standard output. `$DIR` is the daemon's directory.
pub fn scripted(script: &str) -> Launch {
    let launch = Launch::new();
    let script = script.replace("$DIR", launch.dir.path().to_str().unwrap());
    launch
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", script]))
        .set("camera.width", 320)
        .set("camera.height", 240)
}

/// Changes the brightness, which the daemon answers with a restart of its camera, and waits until that restarts.
pub fn change_settings(daemon: &mut Daemon) {
    let mut settings = daemon.settings();
    let mut now = settings.read();
    now[5] = now[5].wrapping_add(40);
    settings.update(now);
    assert_eq!(settings.read(), now);
    daemon.await_log("restarting the camera for new settings");
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
pub fn kill_it(daemon: &mut Daemon) {
    let mut found = None;
    until(|| {
        found = pid(daemon);
        found.is_some()
    });
    kill(found.unwrap(), Signal::SIGKILL).unwrap();
    daemon.await_log("the camera crashed with signal 9");
}
