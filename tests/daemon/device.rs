//! What the device lacks, with the real binary: a disk for the state. A clock that is not set is in `tests/server`.

use crate::support::{Launch, NO_NAMESPACE, in_mount_namespace, skip};
use nix::sys::signal::Signal;

#[test]
fn a_state_directory_in_memory_is_logged_and_shown() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let mut daemon = Launch::new().on_disk(("paths.state_dir", "state"), "size=1m", ":").start();
    let line = daemon.await_log("is in memory: settings and password are lost at a restart");
    assert!(line.contains("WARNING") && line.contains("disk/state"), "{line}");
    assert_eq!((daemon.counter("state_persistent"), daemon.counter("clock_set")), (0, 1));
    // Once only.
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(daemon.log().matches("is in memory").count(), 1);
}
