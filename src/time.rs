//! Time as a value. Pure code never reads a clock; it receives a [`Now`].
//!
//! Not here: reading the clocks (`sys::clock`) and waiting for them (`sys::timerfd`).

use std::fmt::{self, Display};
use std::ops::Add;
use std::time::Duration;

/// A point in time on `CLOCK_MONOTONIC`, in nanoseconds since an unspecified start (on Linux, the boot).
///
/// It never jumps, so it is used for all deadlines and the 24 Hz schedule.
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

    /// The time since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    /// The point `span` later. On overflow, the end of the clock (584 years).
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Both clocks, read together once per turn of the event loop, and before a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// The monotonic clock, for deadlines, schedules and durations.
    pub mono: Mono,
    /// The wall clock as Unix time in milliseconds. It may jump, so it is only for time stamps.
    pub unix_ms: u64,
}

impl Now {
    /// The step of the wall clock since `earlier`, in milliseconds; negative for a step back.
    pub fn wall_set_by_ms(self, earlier: Self) -> i64 {
        let passed_ms = u64::try_from(self.mono.since(earlier.mono).as_millis()).unwrap_or(u64::MAX);
        self.unix_ms.wrapping_sub(earlier.unix_ms).wrapping_sub(passed_ms).cast_signed()
    }
}

/// Unix time in milliseconds. Displays in UTC as `2026-11-23 02:12:11.123Z`, with the `Z` of RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc(pub u64);

impl Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ms) = (self.0 / 1000, self.0 % 1000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let (hours, minute) = (minutes / 60, minutes % 60);
        let (year, month, day) = civil(hours / 24);
        let hour = hours % 24;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01 (`civil_from_days` in H. Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms"; its eras have 400 years, its years begin in March).
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + (month <= 2) as u64, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_is_distinguished_from_elapsed_time() {
        let at = |mono_ms: u64, unix_ms| Now { mono: Mono::from_nanos(mono_ms * 1_000_000), unix_ms };
        for (unix_ms, by_ms) in [(5040, 0), (5000, -40), (0, -5040), (3_605_040, 3_600_000)] {
            assert_eq!(at(7040, unix_ms).wall_set_by_ms(at(7000, 5000)), by_ms);
        }
    }

    #[test]
    fn dates() {
        for (unix_ms, shown) in [
            (0, "1970-01-01 00:00:00.000Z"),
            (951_782_400_000, "2000-02-29 00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29 23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000Z"),
            (2_147_483_648_000, "2038-01-19 03:14:08.000Z"),
        ] {
            assert_eq!(Utc(unix_ms).to_string(), shown);
        }
        let _ = Utc(u64::MAX).to_string();
    }
}
