//! A token bucket: a rate limit with bursts.
//!
//! A bucket stores only the time at which it will be full again, as in the generic cell rate algorithm (ITU-T I.371, annex
//! A). It needs no refilling and loses nothing by rounding. Not here: the meaning of a token, and what happens without
//! one.

use std::time::Duration;

use crate::time::Mono;

/// A bucket's capacity and fill rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket, at least 1.
    pub burst: u32,
    /// The time to add one token; not zero.
    pub each: Duration,
}

impl Rate {
    /// `per_second` tokens per second, at most `burst` at once.
    pub const fn per_second(per_second: u32, burst: u32) -> Self {
        Self { burst, each: Duration::from_nanos(1_000_000_000 / per_second as u64) }
    }
}

/// One bucket, initially full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    full_at: Mono,
}

impl Bucket {
    /// The number of available tokens.
    pub fn tokens(&self, rate: Rate, now: Mono) -> u32 {
        let missing = self.full_at.since(now).as_nanos().div_ceil(rate.each.as_nanos());
        rate.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// When a token will be available, if none is taken until then; in the past if there is one now.
    pub fn ready_at(&self, rate: Rate) -> Mono {
        let others = rate.each.saturating_mul(rate.burst.saturating_sub(1));
        let others = u64::try_from(others.as_nanos()).unwrap_or(u64::MAX);
        Mono::from_nanos(self.full_at.as_nanos().saturating_sub(others))
    }

    /// Takes one token, if there is one; returns whether it did.
    #[must_use]
    pub fn try_take(&mut self, rate: Rate, now: Mono) -> bool {
        let ready = self.ready_at(rate) <= now;
        if ready {
            self.take(rate, now, 1);
        }
        ready
    }

    /// Takes this many tokens. Missing tokens become a debt that delays the next ones.
    pub fn take(&mut self, rate: Rate, now: Mono, tokens: u32) {
        self.full_at = self.full_at.max(now) + rate.each.saturating_mul(tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 20, each: Duration::from_secs(3) };

    #[test]
    fn a_bucket_holds_a_burst_and_fills_at_its_rate() {
        let start = Mono::from_nanos(1_000_000_000);
        let mut bucket = Bucket::default();
        assert_eq!(bucket.tokens(RATE, start), 20);
        bucket.take(RATE, start, 20);
        assert_eq!(bucket.tokens(RATE, start), 0);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_millis(2999)), 0);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_secs(3)), 1);
        bucket.take(RATE, start + Duration::from_secs(3), 1);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_secs(59)), 18);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_hours(9)), 20, "no more than a burst");
    }

    #[test]
    fn a_bucket_is_ready_when_it_has_a_token() {
        let start = Mono::from_nanos(1_000_000_000_000);
        let mut bucket = Bucket::default();
        bucket.take(RATE, start, 19);
        assert!(bucket.ready_at(RATE) <= start);
        bucket.take(RATE, start, 1);
        assert_eq!(bucket.ready_at(RATE), start + RATE.each);
        let later = start + Duration::from_millis(4500);
        assert!(bucket.ready_at(RATE) <= later);
        bucket.take(RATE, later, 1);
        assert_eq!(bucket.ready_at(RATE), start + RATE.each * 2, "the half token is not lost");
    }

    #[test]
    fn no_span_allows_more_than_a_burst_plus_the_rate() {
        let rate = Rate { burst: 3, each: Duration::from_secs(2) };
        let mut bucket = Bucket::default();
        let mut taken = Vec::new();
        for at in (0..60_000_u64).step_by(70) {
            let now = Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(at);
            assert_eq!(bucket.ready_at(rate) <= now, bucket.tokens(rate, now) > 0);
            if bucket.try_take(rate, now) {
                taken.push(at);
            }
        }
        for (first, &from) in taken.iter().enumerate() {
            for (more, &to) in taken[first..].iter().enumerate() {
                assert!(u64::try_from(more + 1).unwrap() <= 3 + (to - from) / 2000, "from {from} to {to}");
            }
        }
        assert!(taken.len() >= 30, "{taken:?}");
    }

    #[test]
    fn missing_tokens_are_owed() {
        let start = Mono::from_nanos(1);
        let mut bucket = Bucket::default();
        bucket.take(RATE, start, 25);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_secs(15)), 0);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_secs(18)), 1);
        bucket.take(RATE, start, u32::MAX);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_hours(9)), 0);
    }

    #[test]
    fn a_rate_may_be_in_bytes() {
        let rate = Rate::per_second(4096, 16 * 1024);
        let start = Mono::from_nanos(1);
        let mut bucket = Bucket::default();
        bucket.take(rate, start, 16 * 1024);
        assert_eq!(bucket.tokens(rate, start + Duration::from_millis(500)), 2048);
    }
}
