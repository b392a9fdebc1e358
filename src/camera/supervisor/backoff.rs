//! The wait after a failure, and the count of repeated failures.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::camera::diagnosis::Reason;
use crate::limits::{BACKOFF_FIRST, BACKOFF_LONGEST};
use crate::sorted::SortedMap;

/// The consecutive failures.
#[derive(Debug)]
pub struct Backoff {
    rng: SmallRng,
    /// The wait after the next failure, before jitter.
    next: Duration,
    failures: u32,
    last: Option<(Reason, Duration)>,
    /// How often each kind of reason was among them. Kinds and not reasons, since a reason may quote what a child
    /// said, which can be another each time.
    attempts: SortedMap<&'static str, u32>,
}

/// One counted failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The count of this kind of reason since the pipeline was last healthy, from 1.
    pub attempt: u32,
    /// The wait before the next attempt.
    pub retry_in: Duration,
}

impl Backoff {
    /// No failures yet.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: SmallRng::seed_from_u64(seed),
            next: BACKOFF_FIRST,
            failures: 0,
            last: None,
            attempts: SortedMap::default(),
        }
    }

    /// Counts a failure. The wait doubles up to its limit, or jumps to the limit for a reason that only a person can fix. The
    /// jitter of 25 % keeps a fleet that lost its server from reconnecting in step.
    pub fn fail(&mut self, reason: &Reason) -> Failure {
        self.failures = self.failures.saturating_add(1);
        let attempts = self.attempts.or_default(reason.kind());
        *attempts = attempts.saturating_add(1);
        let attempt = *attempts;
        let wait = if reason.is_slow() { BACKOFF_LONGEST } else { self.next };
        self.next = (self.next * 2).min(BACKOFF_LONGEST);
        let retry_in = wait * self.rng.random_range(75..=125) / 100;
        self.last = Some((reason.clone(), retry_in));
        Failure { attempt, retry_in }
    }

    /// Forgets the failures: all is well.
    pub fn reset(&mut self) {
        (self.next, self.failures, self.last) = (BACKOFF_FIRST, 0, None);
        self.attempts.clear();
    }

    /// The number of consecutive failures, for any reason.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The last failure's reason, if all is not well again.
    pub fn last_reason(&self) -> Option<&Reason> {
        self.last.as_ref().map(|(reason, _)| reason)
    }

    /// A one-line status for people, with the last failure and its wait.
    pub fn status(&self) -> String {
        self.last.as_ref().map_or_else(
            || "camera waiting".into(),
            |(reason, wait)| format!("camera: {reason}; next try in {:.0} s", wait.as_secs_f64().ceil()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_with_jitter_up_to_the_longest_and_reset() {
        let mut waits = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let mut backoff = Backoff::new(seed);
            let mut base = BACKOFF_FIRST;
            for attempt in 1..=10 {
                let failure = backoff.fail(&Reason::Busy);
                assert_eq!(failure.attempt, attempt);
                assert!(failure.retry_in >= base * 3 / 4 && failure.retry_in <= base * 5 / 4, "{failure:?}");
                base = (base * 2).min(BACKOFF_LONGEST);
                waits.insert(failure.retry_in);
            }
            backoff.reset();
            assert!(backoff.fail(&Reason::Busy).retry_in <= BACKOFF_FIRST * 5 / 4);
        }
        assert!(waits.len() > 100, "the jitter depends on the seed");
    }

    #[test]
    fn a_slow_reason_waits_longest_immediately_and_each_kind_is_counted() {
        let mut backoff = Backoff::new(1);
        assert!(backoff.fail(&Reason::NoCamera).retry_in >= BACKOFF_LONGEST * 3 / 4);
        assert_eq!(backoff.fail(&Reason::NoCamera).attempt, 2);
        assert_eq!(backoff.fail(&Reason::Busy).attempt, 1);
        assert_eq!(backoff.failures(), 3);
        assert!(backoff.status().contains("busy"));
        assert_eq!(backoff.fail(&Reason::NoCamera).attempt, 3);
        let refused = |text: &str| Reason::PublisherRefused { text: text.into() };
        assert_eq!(backoff.fail(&refused("one text")).attempt, 1);
        assert_eq!(backoff.fail(&refused("another")).attempt, 2);
        backoff.reset();
        assert_eq!(backoff.fail(&Reason::NoCamera).attempt, 1);
    }
}
