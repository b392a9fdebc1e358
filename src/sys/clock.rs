//! The two clocks. No other code reads a clock.

use nix::time::{ClockId, clock_gettime};

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

fn nanoseconds(clock: ClockId) -> u64 {
    // clock_gettime(2) fails only for an unknown clock; every Linux has both.
    let time = clock_gettime(clock).map_or(std::time::Duration::ZERO, std::time::Duration::from);
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
