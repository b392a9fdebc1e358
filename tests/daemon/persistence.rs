//! The camera settings across kills, damage and disks that fail.

use std::fs;
use std::path::Path;

use crate::golden;
use crate::support::{Launch, NO_NAMESPACE, in_mount_namespace, skip};
use es_iot_server::camera::settings::CameraSettings;
use nix::sys::signal::Signal;

const NOT_STORED: u8 = 7;

fn kept(path: &Path) -> CameraSettings {
    CameraSettings::from_json(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn what_was_read_back_survives_a_kill() {
    let launch = Launch::new();
    let mut settings = [50, 3, 12, 13, 14, 200];
    for round in 0..5 {
        let mut daemon = launch.start();
        let mut client = daemon.settings();
        settings[0] = 50 + round;
        client.update(settings);
        assert_eq!(client.read(), settings);
        daemon.kill();
        assert_eq!(kept(&launch.settings_file()).shutter, (50 + u32::from(round)) * 100);
        assert_eq!(launch.start().settings().read(), settings);
    }
}

#[test]
fn a_stop_keeps_an_update_that_nobody_read_back() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.update([9, 8, 7, 6, 5, 4]);
    // A refusal comes after the update has been taken.
    client.send(&golden::DAMAGED_READ);
    client.expect_error(2, 1);
    daemon.stop();
    assert_eq!(launch.start().settings().read(), [9, 8, 7, 6, 5, 4]);
}

/// The moments are those of replies: while the next write is beginning, under way or over.
#[test]
fn the_file_is_whole_whenever_the_daemon_is_killed() {
    let launch = Launch::new();
    let mut least = 0;
    for round in 0..12_u8 {
        let mut daemon = launch.start();
        let mut client = daemon.settings();
        let at_start = client.read();
        assert!(at_start == golden::DEFAULT_SETTINGS || at_start[1] >= least, "an older state came back");
        for step in 0..=round % 4 {
            let gain = 10 + round * 4 + step;
            client.update([1, gain, 1, 1, 1, 1]);
            if step < round % 4 {
                assert_eq!(client.read()[1], gain);
                least = gain;
            } else {
                // Asked for, and not waited for: the write is on its way.
                client.send(&crate::support::packet(2, 1, &[]));
            }
        }
        daemon.kill();
        if launch.settings_file().exists() {
            kept(&launch.settings_file());
        }
    }
}

#[test]
fn a_damaged_file_is_kept_beside_and_the_defaults_are_used() {
    let launch = Launch::new();
    fs::create_dir(launch.state_dir()).unwrap();
    let aside = |name: &str| fs::read_to_string(launch.state_dir().join(name)).unwrap();
    for (damage, name) in [
        ("{\"shutter\": ", "camera_settings.json.bad"),
        ("{\"shutter\": 10000}", "camera_settings.json.bad.1"),
        ("", "camera_settings.json.bad.2"),
    ] {
        fs::write(launch.settings_file(), damage).unwrap();
        let mut daemon = launch.start();
        assert_eq!(daemon.settings().read(), golden::DEFAULT_SETTINGS);
        let log = daemon.log();
        let line = log.lines().find(|line| line.contains("camera.config ERROR")).unwrap();
        assert!(line.contains(name) && line.contains("default settings are used"), "{line}");
        assert_eq!(aside(name), damage);
    }
    assert_eq!(aside("camera_settings.json.bad"), "{\"shutter\": ", "never overwritten");
    assert!(!launch.settings_file().exists(), "written at the first change");
}

#[test]
fn a_settings_file_that_is_no_file_is_no_reason_to_end() {
    let launch = Launch::new();
    fs::create_dir_all(launch.settings_file()).unwrap();
    let mut daemon = launch.start();
    assert!(daemon.log().contains("the default settings are used"));
    let mut client = daemon.settings();
    assert_eq!(client.read(), golden::DEFAULT_SETTINGS);
    client.update([1, 1, 1, 1, 1, 1]);
    client.expect_error(2, NOT_STORED);
    assert_eq!(client.read(), [1; 6], "they are in force all the same");
    daemon.stop();
}

#[test]
fn settings_that_can_not_be_stored_are_told_once_are_in_force_and_are_stored_when_they_can() {
    let launch = Launch::new();
    let away = launch.dir.join("away");
    let elsewhere = launch.dir.join("settings/camera.json");
    let launch = launch.set("paths.camera_settings", elsewhere.to_str().unwrap());
    fs::create_dir(&away).unwrap();
    let mut daemon = launch.start();
    let (mut client, mut other) = (daemon.settings(), daemon.settings());
    client.update([5, 5, 5, 5, 5, 5]);
    client.expect_error(2, NOT_STORED);
    assert_eq!(other.read(), [5; 6]);
    let line = daemon.await_log("cannot write");
    assert!(line.contains("ERROR") && line.contains("No such file") && line.contains("camera.json"), "{line}");

    // Reading does not try again; an update does.
    fs::rename(&away, elsewhere.parent().unwrap()).unwrap();
    assert_eq!(other.read(), [5; 6]);
    assert!(!elsewhere.exists());
    client.update([6, 6, 6, 6, 6, 6]);
    assert_eq!(client.read(), [6; 6]);
    daemon.counter("clients");
    assert!(daemon.log().contains("is written again"));
    assert_eq!(kept(&elsewhere).shutter, 600);
    assert_eq!(daemon.log().matches("cannot write").count(), 1);
}

#[test]
fn a_stop_does_not_wait_for_a_disk_that_fails() {
    let launch = Launch::new().set("paths.camera_settings", "/proc/es-iot/camera.json");
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.update([5, 5, 5, 5, 5, 5]);
    client.expect_error(2, NOT_STORED);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
}

/// A directory on a disk of one page, which the mount of the namespace hides from everyone else.
#[test]
fn a_full_disk_keeps_the_old_file_whole() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    // One page for the file that is there, one for what fills the rest.
    let full = "printf '%s' '{\"shutter\":5000,\"gain\":1,\"awb_red\":1,\
                \"awb_blue\":1,\"contrast\":1,\"brightness\":0}' > $DIR/disk/camera.json; \
                head -c 4096 /dev/zero > $DIR/disk/filler";
    let launch = Launch::new().on_disk(("paths.camera_settings", "camera.json"), "size=8k", full);
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    assert_eq!(client.read()[0], 50);
    client.update([5, 5, 5, 5, 5, 5]);
    client.expect_error(2, NOT_STORED);
    daemon.await_log("No space left on device");
    assert_eq!(client.read(), [5; 6]);

    // Through the daemon's own view of the disk.
    let inside = daemon.sees(&launch.dir.join("disk"));
    assert_eq!(kept(&inside.join("camera.json")).shutter, 5000);
    assert!(!inside.join(".camera.json.tmp").exists());
    fs::remove_file(inside.join("filler")).unwrap();
    client.update([6, 6, 6, 6, 6, 6]);
    assert_eq!(client.read(), [6; 6]);
    assert_eq!(kept(&inside.join("camera.json")).shutter, 600);
}

#[test]
fn a_read_only_disk_is_told_and_survived() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let launch = Launch::new().on_disk(("paths.camera_settings", "camera.json"), "ro", ":");
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.update([5, 5, 5, 5, 5, 5]);
    client.expect_error(2, NOT_STORED);
    daemon.await_log("Read-only file system");
    assert_eq!(client.read(), [5; 6]);
}

/// A pipe that nobody reads, where the temporary file goes, has the write hang as a disk would. Takes the 10 s after
/// which clients are told.
#[test]
fn a_disk_that_hangs_costs_an_error_and_holds_up_nothing() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let pipe = launch.state_dir().join(".camera_settings.json.tmp");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (mut client, mut subscriber) = (daemon.settings(), daemon.data());
    client.update([7; 6]);
    client.send(&crate::support::packet(2, 1, &[]));
    let (_, first) = subscriber.data();
    let mut last = first;
    for _ in 0..48 {
        last = subscriber.data().1;
    }
    assert!(last - first < 5000, "48 ticks in {} ms", last - first);
    client.expect_error(2, NOT_STORED);
    assert_eq!(client.settings(), [7; 6]);
    daemon.await_log("the disk hangs");

    daemon.signal(Signal::SIGTERM);
    daemon.await_log("stopped without waiting longer for the settings file");
    assert_eq!(daemon.wait().code(), Some(0));
}
