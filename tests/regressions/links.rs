//! Bugs with symbolic links in the state directory.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use es_iot_server::camera::settings::CameraSettings;

use crate::gained;
use crate::support::{Daemon, Launch};

/// A launch whose settings file is a symbolic link to `target`.
fn linked(target: &str) -> (Launch, PathBuf) {
    let launch = Launch::new();
    fs::create_dir(launch.state_dir()).unwrap();
    let target = launch.dir.join(target);
    symlink(&target, launch.settings_file()).unwrap();
    (launch, target)
}

fn kept(path: &Path) -> CameraSettings {
    CameraSettings::from_json(&fs::read_to_string(path).unwrap()).unwrap()
}

/// An update goes into `target`, and the link that leads there stays.
fn update_goes_through(launch: &Launch, daemon: &Daemon, target: &Path) {
    let mut client = daemon.settings();
    client.update([5; 6]);
    assert_eq!(client.read(), [5; 6]);
    assert!(is_link(&launch.settings_file()));
    assert_eq!(kept(target).shutter, 500);
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).unwrap().is_symlink()
}

/// The first update replaced a symbolic link at `camera_settings.json` by a file: what it had led to, and the
/// integrator looked at, was never written again.
#[test]
fn a_link_to_the_settings_file_was_replaced_by_a_file() {
    let (launch, target) = linked("elsewhere/camera.json");
    fs::create_dir(target.parent().unwrap()).unwrap();
    fs::write(&target, gained(9).to_json()).unwrap();
    // Two links, one of them relative.
    fs::rename(launch.settings_file(), launch.state_dir().join("second")).unwrap();
    symlink("second", launch.settings_file()).unwrap();
    let mut daemon = launch.start();
    assert_eq!(daemon.settings().read()[1], 9);
    update_goes_through(&launch, &daemon, &target);
    assert!(is_link(&launch.state_dir().join("second")));
    let beside: Vec<_> =
        fs::read_dir(target.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["camera.json"], "the temporary file went with the rename");
    daemon.stop();
}

#[test]
fn a_link_that_leads_to_no_file_yet_was_replaced_too() {
    let (launch, target) = linked("elsewhere/camera.json");
    fs::create_dir(target.parent().unwrap()).unwrap();
    let mut daemon = launch.start();
    update_goes_through(&launch, &daemon, &target);
    daemon.stop();
}

/// Where a link leads nowhere, the client and the log are the ones to know, and the link stays.
#[test]
fn a_link_that_leads_nowhere_was_replaced_without_a_word() {
    for (target, reason, advice) in [
        ("missing/camera.json", "No such file or directory", "make its directory, or the one that it links to"),
        ("state/camera_settings.json", "Too many levels of symbolic links", "check the disk, and where it links to"),
        ("pipe", "Invalid argument", "it links to something that is no file"),
        ("directory", "Is a directory", "what it links to"),
    ] {
        let (launch, path) = linked(target);
        match target {
            "pipe" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
            "directory" => fs::create_dir(&path).unwrap(),
            _ => {}
        }
        let mut daemon = launch.start();
        let mut client = daemon.settings();
        client.update([5; 6]);
        client.expect_error(2, 7);
        let line = daemon.await_log("cannot write");
        assert!(line.contains(reason) && line.contains(advice), "{target}: {line}");
        assert_eq!(client.read(), [5; 6]);
        assert!(is_link(&launch.settings_file()), "{target}");
        assert!(target.contains('/') || path.exists(), "{target} was moved away");
        daemon.stop();
    }
}

/// A damaged file was to be set aside; it was the link to it that was.
#[test]
fn a_link_to_a_damaged_file_was_set_aside_in_its_place() {
    let (launch, target) = linked("elsewhere/camera.json");
    fs::create_dir(target.parent().unwrap()).unwrap();
    fs::write(&target, "{").unwrap();
    let mut daemon = launch.start();
    let line = daemon.log().lines().find(|line| line.contains("default settings are used")).unwrap().to_owned();
    assert!(line.contains("elsewhere/camera.json.bad"), "{line}");
    assert_eq!(fs::read_to_string(launch.dir.join("elsewhere/camera.json.bad")).unwrap(), "{");
    update_goes_through(&launch, &daemon, &target);
    daemon.stop();
}

/// The file that shows whether the state directory can be written to was opened through a link of its name, and what
/// that led to was emptied.
#[test]
fn a_link_in_the_place_of_the_probe_had_its_target_emptied() {
    let launch = Launch::new();
    fs::create_dir(launch.state_dir()).unwrap();
    let probe = launch.state_dir().join(".es-iot-probe");
    let precious = launch.dir.join("precious");
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, &probe).unwrap();
    launch.start().stop();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(fs::symlink_metadata(&probe).is_err());
    // One that a killed start has left is no reason to refuse the next.
    fs::write(&probe, "").unwrap();
    launch.start().stop();
    assert!(!probe.exists());
}
