//! Daemons with a camera, that serve HTTP.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::client::Http;
use crate::support::{Daemon, Launch, binary, until};

/// A daemon that shows the test camera's picture: a small one, with two key pictures a second.
pub fn test_camera() -> Launch {
    Launch::new()
        .http()
        .set("camera.source", "test")
        .set("camera.width", 320)
        .set("camera.height", 240)
        .set("camera.framerate", 24)
        .set("camera.intra", 12)
}

/// A daemon whose camera never comes.
pub fn no_camera() -> Launch {
    Launch::new()
        .http()
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", "exit 1"]))
        .set("camera.width", 320)
        .set("camera.height", 240)
}

/// A daemon with a camera that works while there is a file `$DIR/plugged`, and is drawn like the test camera.
pub fn pluggable() -> Launch {
    let launch = Launch::new().http();
    let plugged = launch.dir.join("plugged");
    let script = format!(
        "[ -e {} ] || exit 3; exec {} --test-camera width=320 height=240 framerate=24 intra=12 shutter=10000 gain=1 \
         awb_red=1 awb_blue=1 contrast=1 brightness={{brightness}}",
        plugged.display(),
        binary().display()
    );
    launch
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", script]))
        .set("camera.width", 320)
        .set("camera.height", 240)
}

/// Has the camera of [`pluggable`] work, from its next start on.
pub fn plug(launch: &Launch) {
    fs::write(launch.dir.join("plugged"), "").unwrap();
}

/// Has the camera of [`pluggable`] end, and not come back.
pub fn unplug(launch: &Launch, daemon: &Daemon) {
    fs::remove_file(launch.dir.join("plugged")).unwrap();
    Http::connect(daemon.http_port()).put("{\"brightness\": 0.25}").expect(200);
}

/// A daemon that asks everyone for the password.
pub fn guarded() -> Launch {
    test_camera().set("auth.required", true).set("auth.trust_loopback", false)
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
