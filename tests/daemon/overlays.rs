//! Overlays of the configuration, with the real binary: start, reload, checks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use crate::support::Launch;
use nix::sys::signal::Signal;
use serde_json::Value;

const READY_BYTES: usize = 12;

/// Writes an overlay, for its owner.
fn overlay(launch: &Launch, name: &str, text: &str) -> PathBuf {
    let path = launch.dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_start_and_a_reload_read_the_overlays() {
    let launch = Launch::new();
    let card = overlay(&launch, "card.json", r#"{"auth": {"password": "from the card"}}"#);
    let other = overlay(&launch, "other.json", "{}");
    let launch = launch.env("CONFIG_OVERLAY", card.as_os_str()).arg("--overlay").arg(other.as_os_str());
    let mut daemon = launch.start();
    let line = format!("the configuration includes overlays {}, {}", card.display(), other.display());
    assert!(daemon.log().contains(&line), "{}", daemon.log());
    assert_eq!(daemon.try_password("127.0.0.1", "from the card").len(), READY_BYTES);

    overlay(&launch, "other.json", r#"{"auth": {"password": "from the other"}}"#);
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(daemon.try_password("127.0.0.1", "from the other").len(), READY_BYTES);

    for broken in [r#"{"auth": {"pasword": "x"}}"#, "{"] {
        overlay(&launch, "other.json", broken);
        daemon.signal(Signal::SIGHUP);
        let line = daemon.await_log("configuration not changed");
        assert!(line.contains(other.to_str().unwrap()) && !line.contains("server.json"), "{line}");
    }
    fs::remove_file(&other).unwrap();
    daemon.signal(Signal::SIGHUP);
    let line = daemon.await_log("no such file");
    assert!(line.contains(other.to_str().unwrap()) && line.contains("--overlay"), "{line}");
    assert_eq!(daemon.try_password("127.0.0.1", "from the other").len(), READY_BYTES);
}

#[test]
fn the_checks_include_the_overlays() {
    let run = |argument: &str, framerate: u32| {
        let launch = Launch::new().arg(argument);
        let path = overlay(&launch, "over.json", &format!(r#"{{"camera": {{"framerate": {framerate}}}}}"#));
        let launch = launch.arg("--overlay").arg(path.as_os_str());
        (launch.run(), launch.config_file().display().to_string(), path.display().to_string())
    };
    let (output, file, overlay) = run("--check-config", 30);
    assert_eq!(stdout(&output), format!("{file} with overlay {overlay}: configuration is valid\n"));
    let config: Value = serde_json::from_str(&stdout(&run("--print-config", 30).0)).unwrap();
    assert_eq!(config["camera"]["framerate"], 30);
    for argument in ["--check-config", "--print-config"] {
        let (output, _, overlay) = run(argument, 0);
        assert_eq!(output.status.code(), Some(78));
        let line = format!("es-iot-server: {overlay}: camera.framerate is 0; allowed: a whole number from 1 to 120\n");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
    }
}
