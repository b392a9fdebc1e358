//! Daemons with a camera.

use serde_json::json;

pub use crate::support::kill_test_camera;
use crate::support::{Daemon, Launch, with_test_camera};

/// A daemon that shows the test camera's picture: a small one, with two key pictures a second.
pub fn test_camera() -> Launch {
    with_test_camera(Launch::new())
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
