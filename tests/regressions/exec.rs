//! Programs that take long to be executed: from a disk that is slow, or not there yet.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;

use crate::support::{DEADLINE, Launch, skip, until};

const NO_LEASES: &str = "this needs a file system with leases";
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use serde_json::json;

/// A camera program that whoever executes it waits for, until it is let go: `open(2)` waits for the holder of a write
/// lease, `fcntl(2)`.
struct Held(File);

impl Held {
    /// The program with this text, and a daemon that is to start it. `None` where the file system knows no leases.
    fn new(text: &str) -> Option<(Self, Launch)> {
        let launch = Launch::new();
        let path = launch.dir.join("camera");
        let launch = launch
            .set("camera.source", "command")
            .set("camera.command", json!([path]))
            .publisher(json!(["cat", "/dev/stdin"]));
        // Made by another process: what other tests are about to start would have it open for writing for a moment.
        let write = "echo \"$2\" > \"$1\" && chmod 755 \"$1\"";
        assert!(Command::new("sh").args(["-c", write, "sh"]).arg(&path).arg(text).status().unwrap().success());
        // SAFETY: no handler is set. The signal that tells of whoever waits would end the test.
        unsafe { signal(Signal::SIGIO, SigHandler::SigIgn) }.unwrap();
        let held = Self(File::open(path).unwrap());
        held.lease(libc::F_SETLEASE, libc::F_WRLCK).is_ok().then_some((held, launch))
    }

    fn lease(&self, command: libc::c_int, kind: libc::c_int) -> nix::Result<i32> {
        // SAFETY: neither command takes a pointer.
        Errno::result(unsafe { libc::fcntl(self.0.as_raw_fd(), command, kind) })
    }

    /// Waits until somebody waits for it.
    #[track_caller]
    fn await_exec(&self) {
        until(|| self.lease(libc::F_GETLEASE, 0).unwrap() != libc::F_WRLCK);
    }

    fn let_go(&self) {
        self.lease(libc::F_SETLEASE, libc::F_UNLCK).unwrap();
    }
}

#[test]
fn a_program_that_is_slow_to_be_executed_stopped_the_loop() {
    let Some((held, launch)) = Held::new("#!/bin/sh\necho is executed >&2; exit 3") else { return skip(NO_LEASES) };
    let mut daemon = launch.start();
    held.await_exec();
    let mut subscriber = daemon.data();
    for _ in 0..12 {
        subscriber.data();
    }
    daemon.settings().read();
    held.let_go();
    daemon.await_log("camera.camera INFO is executed");
    daemon.await_log("with status 3");
    daemon.stop();
}

#[test]
fn a_program_that_is_slow_to_be_executed_kept_the_daemon_from_stopping() {
    let Some((held, launch)) = Held::new("#!/bin/sh") else { return skip(NO_LEASES) };
    let mut daemon = launch.start();
    held.await_exec();
    daemon.stop();
    assert!(!daemon.log().contains("stopped without waiting"), "{}", daemon.log());
}

/// Not a bug that was, but one that is easily made: the copy of the server that is not yet another program has copies of
/// its connections.
#[test]
fn a_program_that_is_slow_to_be_executed_kept_connections_open() {
    let Some((held, mut launch)) = Held::new("#!/bin/sh") else { return skip(NO_LEASES) };
    launch.change("camera.source", "none");
    // It is not to be given up meanwhile.
    launch.change("camera.stall_seconds", 2 * DEADLINE.as_secs());
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.read();
    launch.change("camera.source", "command");
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    held.await_exec();
    client.send(&[7; 1024]);
    client.expect_end();
    daemon.stop();
}

#[test]
fn a_program_that_late_turns_out_to_be_none_is_named() {
    let Some((held, launch)) = Held::new("#!/nowhere/interpreter") else { return skip(NO_LEASES) };
    let mut daemon = launch.start();
    held.await_exec();
    daemon.settings().read();
    held.let_go();
    let line = daemon.await_log("next try in");
    assert!(line.contains("not found: install it"), "{line}");
    daemon.stop();
}
