//! A token bucket: so many at once, then one each so often.
//!
//! It is kept as the one point in time at which it is full again, as the generic cell rate algorithm does (ITU-T I.371,
//! annex A), so nothing has to be refilled and nothing is lost by rounding. Not here: what a token stands for, and what
//! happens without one.

use std::time::Duration;

use crate::time::Mono;

/// Tokens, full at first. What is taken comes back one by one.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    capacity: u64,
    interval: Duration,
    full_at: Mono,
}

impl Bucket {
    /// A full bucket of `capacity` tokens, at least 1, that gets one more each `interval`.
    pub const fn new(capacity: u64, interval: Duration) -> Self {
        Self { capacity, interval, full_at: Mono::from_nanos(0) }
    }

    /// When there are `tokens`, if none are taken until then; a point in the past if there are now. More than the
    /// capacity are there once the bucket is full.
    pub fn ready_at(&self, tokens: u64) -> Mono {
        let missing = self.capacity.saturating_sub(tokens);
        Mono::from_nanos(self.full_at.as_nanos().saturating_sub(self.nanos(missing)))
    }

    /// Takes `tokens`, if there are so many. More than the capacity empty a full bucket, and are owed: that many
    /// have to come back, too.
    #[must_use]
    pub fn take(&mut self, now: Mono, tokens: u64) -> bool {
        if now < self.ready_at(tokens) {
            return false;
        }
        self.full_at = self.full_at.max(now) + Duration::from_nanos(self.nanos(tokens));
        true
    }

    fn nanos(&self, tokens: u64) -> u64 {
        u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX).saturating_mul(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: Duration = Duration::from_secs(2);

    fn after(milliseconds: u64) -> Mono {
        Mono::from_nanos(1_000_000_000_000) + Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_full_bucket_gives_its_capacity_at_once_and_no_more() {
        let mut bucket = Bucket::new(3, EACH);
        assert!(bucket.ready_at(3) <= after(0));
        for _ in 0..3 {
            assert!(bucket.take(after(0), 1));
        }
        assert!(!bucket.take(after(0), 1));
        assert_eq!(bucket.ready_at(1), after(2000));
        assert!(!bucket.take(after(1999), 1));
        assert!(bucket.take(after(2000), 1));
        assert_eq!(bucket.ready_at(1), after(4000));
    }

    #[test]
    fn tokens_come_back_one_by_one_up_to_the_capacity() {
        let mut bucket = Bucket::new(3, EACH);
        assert!(bucket.take(after(0), 3));
        assert_eq!([1, 2, 3].map(|tokens| bucket.ready_at(tokens)), [2000, 4000, 6000].map(after));
        assert!(bucket.take(after(3000), 1));
        assert_eq!(bucket.ready_at(1), after(4000), "the half that was over is not lost");
        assert!(bucket.take(after(3_600_000), 3));
        assert!(!bucket.take(after(3_600_000), 1), "an hour makes no more than full");
    }

    #[test]
    fn what_is_refused_costs_nothing() {
        let mut bucket = Bucket::new(2, EACH);
        assert!(bucket.take(after(0), 1));
        for _ in 0..100 {
            assert!(!bucket.take(after(1), 2));
        }
        assert!(bucket.take(after(1), 1));
    }

    #[test]
    fn over_any_span_there_are_no_more_than_the_capacity_and_one_an_interval() {
        let mut bucket = Bucket::new(3, EACH);
        let taken: Vec<u64> = (0..60_000).step_by(70).filter(|&at| bucket.take(after(at), 1)).collect();
        for (first, &from) in taken.iter().enumerate() {
            for (more, &to) in taken[first..].iter().enumerate() {
                assert!(u64::try_from(more + 1).unwrap() <= 3 + (to - from) / 2000, "from {from} to {to}");
            }
        }
        assert!(taken.len() >= 30, "{taken:?}");
    }

    #[test]
    fn a_rate_of_bytes_is_the_same_with_other_numbers() {
        let mut bucket = Bucket::new(4096, Duration::from_micros(1));
        assert!(bucket.take(after(0), 4000));
        assert!(!bucket.take(after(0), 97));
        assert!(bucket.take(after(1), 1000), "1000 us later");
        assert_eq!(bucket.ready_at(4096), after(1) + Duration::from_millis(4));
    }

    #[test]
    fn more_than_the_capacity_waits_for_a_full_bucket_and_is_owed() {
        let mut bucket = Bucket::new(2, EACH);
        assert!(bucket.take(after(0), 1));
        assert!(!bucket.take(after(1999), 5));
        assert!(bucket.take(after(2000), 5));
        assert_eq!(bucket.ready_at(1), after(2000 + 8000));
    }

    #[test]
    fn numbers_without_sense_do_no_harm() {
        let mut bucket = Bucket::new(u64::MAX, Duration::MAX);
        assert!(bucket.take(after(0), u64::MAX));
        assert!(!bucket.take(after(0), u64::MAX));
        let mut bucket = Bucket::new(0, Duration::ZERO);
        assert!(bucket.take(after(0), 1));
    }
}
