//! Letting time pass, and waiting for what nothing tells of.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long an event may take before the test has failed. Generous: the machine may be busy.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Lets time pass, where a test is about time that passes and nothing tells of it.
pub fn pass(span: Duration) {
    let (_kept, nothing) = channel::<()>();
    assert_eq!(nothing.recv_timeout(span), Err(RecvTimeoutError::Timeout));
}

/// Waits until this is so, with a look every millisecond, or as often as a look takes.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for this in vain");
        pass(Duration::from_millis(1));
    }
}
