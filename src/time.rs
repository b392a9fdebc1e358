//! Time as a value: the pure half of the program never reads a clock, it is handed a [`Now`].
//!
//! Not here: reading the clocks (`sys::clock`) and waiting for them (`sys::timerfd`).

use std::ops::Add;
use std::time::Duration;

/// A point on `CLOCK_MONOTONIC`, in nanoseconds since an unspecified start (the boot, on Linux).
///
/// It never jumps, so every deadline and the 24 Hz schedule are kept in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mono(u64);

impl Mono {
    /// The point `nanoseconds` after the clock's start.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the clock's start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    /// The point `span` later; the end of the clock (584 years) when that would overflow.
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Both clocks, read together once a turn of the event loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The monotonic clock: deadlines, schedules, durations.
    pub mono: Mono,
    /// The wall clock, Unix time in milliseconds: for time stamps only, since it may jump.
    pub unix_ms: u64,
}
