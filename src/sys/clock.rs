//! The two clocks. No other code reads a clock or sleeps.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

use crate::time::{Mono, Now};

/// Reads `CLOCK_MONOTONIC`.
pub fn mono() -> Mono {
    Mono::from_nanos(nanoseconds(ClockId::CLOCK_MONOTONIC))
}

/// Reads `CLOCK_REALTIME`, in milliseconds since 1970. A Pi without a real-time clock boots in 1970.
pub fn unix_ms() -> u64 {
    nanoseconds(ClockId::CLOCK_REALTIME) / 1_000_000
}

/// Reads both clocks.
pub fn now() -> Now {
    Now { mono: mono(), unix_ms: unix_ms() }
}

/// Sleeps until `at`, not at all if that is past. Signals without an end for the process don't shorten it. Not for the
/// daemon, whose loop waits in `mio`, but for the test camera, which is a process of its own.
///
/// # Errors
///
/// None for a valid time (`clock_nanosleep(2)`).
pub fn sleep_until(at: Mono) -> io::Result<()> {
    let at = TimeSpec::from_duration(Duration::from_nanos(at.as_nanos()));
    loop {
        match clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &at) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn nanoseconds(clock: ClockId) -> u64 {
    // clock_gettime(2) fails only for an unknown clock; every Linux has both.
    let time = clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_at_its_time_and_not_before() {
        let at = mono() + Duration::from_millis(20);
        sleep_until(at).unwrap();
        assert!(mono() >= at);
        sleep_until(at).unwrap();
        sleep_until(Mono::default()).unwrap();
    }
}
