//! Daemons with a camera, that serve HTTP.

use std::fs;

use serde_json::json;

use crate::client::Http;
pub use crate::support::kill_test_camera;
use crate::support::{Daemon, Launch, binary, with_test_camera};

/// A daemon that shows the test camera's picture: a small one, with two key pictures a second.
pub fn test_camera() -> Launch {
    with_test_camera(Launch::new().http())
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
