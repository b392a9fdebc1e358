//! Where a writer's pictures end: learnt from what it has written.
//!
//! A picture is certainly complete when the next one begins, which is a frame's time too late. Most camera programs
//! write a picture with one `write(2)`, and for them an empty pipe (a *drain*) ends a picture. Programs that write
//! blocks of 4 or 32 KiB leave the pipe empty in mid-picture. No option or interface shows which kind a program is, and
//! a busy machine or a picture larger than the pipe can make the first look like the second. So:
//!
//! * A drain closes a picture while the last [`DRAIN_TRUST_PICTURES`] that ended at one had no other inside, and the
//!   last key picture was one of that kind: key pictures are the largest, and the first that a pipe can't take whole.
//! * Otherwise the pipe has to stay quiet after the drain: twice as long as the longest gap inside a picture of late.
//! * A wrong cut costs viewers everything up to the next key picture. After each, four times as many pictures have to
//!   end at a drain, or the quiet time is twice as long, until the camera is started again. A writer that goes on after
//!   one drain in a hundred is therefore cut wrongly twice or three times, and no more.
//!
//! A picture that ended in the middle of what was read, with another behind it, is evidence for neither: the reader was
//! late.

use std::time::Duration;

use crate::limits::{
    DRAIN_TRUST_MOST_PICTURES, DRAIN_TRUST_PICTURES, QUIET_FIRST, QUIET_HALVED_AFTER_PICTURES, QUIET_LEAST,
    QUIET_LONGEST,
};

/// What closed a picture before the next one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The pipe was drained.
    Drain,
    /// The pipe stayed empty for the quiet time.
    Quiet,
}

/// How a picture ended, as what came after it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Where the pipe was drained, and only there.
    AtDrain,
    /// The pipe was drained inside the picture, and was then empty for this long.
    DrainedInside(Duration),
    /// In the middle of what was read.
    Unseen,
}

/// What is known of a writer.
#[derive(Debug, Clone)]
pub struct Endings {
    /// Pictures in a row that ended [`Ending::AtDrain`].
    at_drain: u32,
    /// How many of them it takes.
    needed: u32,
    /// Whether the last key picture ended so.
    key_at_drain: bool,
    quiet: Duration,
    /// What `quiet` does not go below.
    quiet_least: Duration,
    /// Pictures since `quiet` last changed.
    calm: u32,
}

impl Default for Endings {
    /// An unknown writer.
    fn default() -> Self {
        Self {
            at_drain: 0,
            needed: DRAIN_TRUST_PICTURES,
            key_at_drain: false,
            quiet: QUIET_FIRST,
            quiet_least: QUIET_LEAST,
            calm: 0,
        }
    }
}

impl Endings {
    /// Whether a drain closes a picture.
    pub const fn drain_closes(&self) -> bool {
        self.at_drain >= self.needed && self.key_at_drain
    }

    /// How long the pipe has to be empty to close a picture.
    pub const fn quiet(&self) -> Duration {
        self.quiet
    }

    /// Learns from a picture that ended.
    pub fn ended(&mut self, key: bool, ending: Ending) {
        match ending {
            Ending::AtDrain => {
                self.at_drain = self.at_drain.saturating_add(1);
                self.key_at_drain |= key;
                self.calm();
            }
            Ending::DrainedInside(gap) => {
                self.at_drain = 0;
                self.key_at_drain &= !key;
                if gap.saturating_mul(2) > self.quiet_least {
                    self.quiet = self.quiet.max(gap.saturating_mul(2)).min(QUIET_LONGEST);
                    self.calm = 0;
                } else {
                    self.calm();
                }
            }
            Ending::Unseen => self.calm(),
        }
    }

    /// Learns that a picture went on behind its cut, after the pipe had been empty for `gap`.
    pub fn cut_was_wrong(&mut self, key: bool, cut: Cut, gap: Duration) {
        self.ended(key, Ending::DrainedInside(gap));
        match cut {
            Cut::Drain => self.needed = (self.needed * 4).min(DRAIN_TRUST_MOST_PICTURES),
            Cut::Quiet => {
                self.quiet_least = self.quiet_least.max(gap).saturating_mul(2).min(QUIET_LONGEST);
                self.quiet = self.quiet.max(self.quiet_least);
            }
        }
    }

    fn calm(&mut self) {
        self.calm += 1;
        if self.calm >= QUIET_HALVED_AFTER_PICTURES {
            self.quiet = (self.quiet / 2).max(self.quiet_least);
            self.calm = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Ending = Ending::DrainedInside(Duration::from_millis(42));

    #[test]
    fn drains_are_trusted_after_some_pictures_and_a_key_picture() {
        let mut endings = Endings::default();
        for _ in 0..100 {
            endings.ended(false, Ending::AtDrain);
            assert!(!endings.drain_closes(), "no key picture has been seen");
        }
        endings.ended(true, Ending::AtDrain);
        assert!(endings.drain_closes());
        endings.ended(false, Ending::Unseen);
        assert!(endings.drain_closes(), "a late reader is no evidence");
        endings.ended(false, Ending::DrainedInside(Duration::ZERO));
        assert!(!endings.drain_closes());
        for _ in 0..DRAIN_TRUST_PICTURES {
            assert!(!endings.drain_closes());
            endings.ended(false, Ending::AtDrain);
        }
        assert!(endings.drain_closes(), "the key picture before still counts");
    }

    #[test]
    fn a_writer_that_fails_with_each_key_picture_is_never_trusted() {
        let mut endings = Endings::default();
        for number in 0..2000 {
            let key = number % 24 == 0;
            endings.ended(key, if key { Ending::DrainedInside(Duration::ZERO) } else { Ending::AtDrain });
            assert!(!endings.drain_closes());
        }
        assert_eq!(endings.quiet(), QUIET_LEAST);
    }

    #[test]
    fn wrong_cuts_become_rare() {
        let mut endings = Endings::default();
        let mut wrong = 0;
        endings.ended(true, Ending::AtDrain);
        for number in 0..1_000_000 {
            if number % 100 != 99 {
                endings.ended(false, Ending::AtDrain);
            } else if endings.drain_closes() {
                wrong += 1;
                endings.cut_was_wrong(false, Cut::Drain, Duration::from_millis(3));
            } else {
                endings.ended(false, GAP);
            }
        }
        assert_eq!(wrong, 2, "8 and 32 pictures are fewer than 100");
    }

    #[test]
    fn the_quiet_time_follows_the_longest_gap() {
        let mut endings = Endings::default();
        let after = |endings: &mut Endings, count, ending| {
            for _ in 0..count {
                endings.ended(false, ending);
            }
            endings.quiet()
        };
        assert_eq!(endings.quiet(), QUIET_FIRST);
        assert_eq!(after(&mut endings, 200, Ending::Unseen), QUIET_LEAST);
        assert_eq!(after(&mut endings, 1, GAP), Duration::from_millis(84));
        assert_eq!(after(&mut endings, 1000, GAP), Duration::from_millis(84), "gaps that are usual do not shorten it");
        let stall = Ending::DrainedInside(Duration::from_hours(1));
        assert_eq!(after(&mut endings, 1, stall), QUIET_LONGEST);
        assert_eq!(after(&mut endings, 1000, Ending::AtDrain), QUIET_LEAST);
        endings.cut_was_wrong(false, Cut::Quiet, QUIET_LEAST);
        let doubled = QUIET_LEAST * 2;
        assert_eq!(after(&mut endings, 1000, Ending::AtDrain), doubled, "what was wrong once is not tried again");
        endings.cut_was_wrong(false, Cut::Quiet, Duration::from_secs(3));
        assert_eq!(after(&mut endings, 1000, Ending::AtDrain), Duration::from_secs(6));
        for _ in 0..40 {
            endings.cut_was_wrong(false, Cut::Quiet, Duration::MAX);
        }
        assert_eq!(endings.quiet(), QUIET_LONGEST);
    }
}
