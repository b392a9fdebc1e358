//! How fast something may go on: a bucket of tokens that fills at a steady rate.
//!
//! Not here: what a token stands for, and what happens without one (whoever takes it).

use std::time::Duration;

use crate::time::Mono;

/// How many tokens a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket, at least 1.
    pub burst: u32,
    /// The time until one more is there; not zero.
    pub each: Duration,
}

impl Rate {
    /// `per_second` tokens a second, `burst` at the most.
    pub const fn per_second(per_second: u32, burst: u32) -> Self {
        Self { burst, each: Duration::from_nanos(1_000_000_000 / per_second as u64) }
    }
}

/// One bucket, full at first. All it has to remember is when it is full again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    full_at: Mono,
}

impl Bucket {
    /// Tokens that are there.
    pub fn tokens(&self, rate: Rate, now: Mono) -> u32 {
        let missing = self.full_at.since(now).as_nanos().div_ceil(rate.each.as_nanos());
        rate.burst.saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
    }

    /// Takes so many tokens. What is not there is owed.
    pub fn take(&mut self, rate: Rate, now: Mono, tokens: u32) {
        self.full_at = self.full_at.max(now) + rate.each.saturating_mul(tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 20, each: Duration::from_secs(3) };

    #[test]
    fn it_holds_a_burst_and_fills_at_its_rate() {
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
    fn what_was_not_there_is_owed() {
        let start = Mono::from_nanos(1);
        let mut bucket = Bucket::default();
        bucket.take(RATE, start, 25);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_secs(15)), 0);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_secs(18)), 1);
        bucket.take(RATE, start, u32::MAX);
        assert_eq!(bucket.tokens(RATE, start + Duration::from_hours(9)), 0);
    }

    #[test]
    fn bytes_are_tokens_too() {
        let rate = Rate::per_second(4096, 16 * 1024);
        let start = Mono::from_nanos(1);
        let mut bucket = Bucket::default();
        bucket.take(rate, start, 16 * 1024);
        assert_eq!(bucket.tokens(rate, start + Duration::from_millis(500)), 2048);
    }
}
