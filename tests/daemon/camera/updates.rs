//! Settings updates: one restart a burst, of the camera alone, with the newest values.

use std::fs;

use super::rig::Setup;
use crate::golden::UPDATED_SETTINGS as UPDATE;

fn pid_of(line: &str) -> &str {
    line.rsplit("as pid ").next().expect("a pid in the log line")
}

#[test]
fn an_update_restarts_the_camera_alone() {
    let mut daemon = Setup::new("startup:0").start();
    let publisher = pid_of(&daemon.wait_for("started cat")).to_owned();
    daemon.wait_for("video is running");
    assert_eq!(daemon.update(&[UPDATE]), UPDATE);
    daemon.wait_for("restarting the camera for new settings");
    daemon.wait_for("video is running");
    let starts = daemon.starts();
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert!(starts[0].contains("--shutter 10000 --gain 1 --awbgains 1,1 "), "{}", starts[0]);
    assert!(starts[1].contains("--shutter 10000 --gain 64 --awbgains 1.5,1.2 "), "{}", starts[1]);
    assert!(daemon.children().contains(&publisher.parse().unwrap()), "viewers are not cut off");
    daemon.stop();
}

#[test]
fn a_burst_is_one_restart_with_the_last_values() {
    let mut daemon = Setup::new("startup:0").start();
    daemon.wait_for("video is running");
    let burst: Vec<[u8; 6]> = (0..100).map(|gain| [0x64, gain, 0x0F, 0x0C, 0x0A, 0x7F]).collect();
    assert_eq!(daemon.update(&burst)[1], 99);
    daemon.wait_for("restarting the camera for new settings");
    daemon.wait_for("video is running");
    let starts = daemon.starts();
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert!(starts[1].contains("--gain 99 "));
    daemon.stop();
}

#[test]
fn a_camera_that_ignores_sigint_is_killed_and_replaced() {
    let mut daemon = Setup::new("startup:0,ignore-sigint").start();
    daemon.wait_for("video is running");
    daemon.set_faults("startup:0");
    daemon.update(&[UPDATE]);
    daemon.wait_for("ended: Signal(9)");
    daemon.wait_for("video is running");
    assert_eq!(daemon.starts().len(), 2);
    daemon.stop();
}

#[test]
fn a_camera_that_fails_while_it_stops_is_replaced_all_the_same() {
    let mut daemon = Setup::new("startup:0,exit-during-stop").start();
    daemon.wait_for("video is running");
    daemon.set_faults("startup:0");
    daemon.update(&[UPDATE]);
    daemon.wait_for("video is running");
    assert_eq!(daemon.starts().len(), 2);
    assert!(!daemon.seen.iter().any(|line| line.contains("next try in")), "that is no failure");
    daemon.stop();
}

#[test]
fn a_publisher_that_dies_during_the_restart_takes_all_along() {
    let mut daemon = Setup::new("startup:0,slow-stop:700").start();
    let publisher = pid_of(&daemon.wait_for("started cat")).parse().unwrap();
    daemon.wait_for("video is running");
    daemon.update(&[UPDATE]);
    daemon.wait_for("restarting the camera for new settings");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(publisher), nix::sys::signal::Signal::SIGKILL).unwrap();
    daemon.wait_for("next try in");
    daemon.wait_for("video is running");
    daemon.starts();
    daemon.stop();
}

#[test]
fn confirmed_settings_survive_kill_9_at_once() {
    let mut daemon = Setup::new("startup:0").start();
    daemon.wait_for("auth port is");
    // The fourth write waits 2 s.
    for gain in 2..6 {
        let update = [0x64, gain, 0x0F, 0x0C, 0x0A, 0x7F];
        assert_eq!(daemon.update(&[update]), update);
        let text = fs::read_to_string(daemon.scratch.file("state/camera_settings.json")).expect("it is stored");
        assert!(text.contains(&format!("\"gain\": {gain}.0")), "confirmed, but on the disk is {text}");
    }
}
