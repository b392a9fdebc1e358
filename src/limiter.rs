//! How often one kind of event may log, so that nothing a peer does can fill a disk.
//!
//! A kind's window opens with its first line and lasts [`LOG_WINDOW`]; [`LOG_BURST`] lines pass in it, the rest is
//! counted. Not here: writing the lines, and the counts' wording (`sys::log` and whoever calls it).

use crate::limits::{LOG_BURST, LOG_KINDS, LOG_WINDOW};
use crate::time::Mono;

/// The kind under which events count for which [`LOG_KINDS`] left no entry of their own.
pub const OTHER_KINDS: &str = "various events";

/// What is to be done with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Log it.
    Pass,
    /// Log it, and before it that so many lines of its kind were left out.
    PassAfter {
        /// Lines that were left out in the window before.
        left_out: u64,
    },
    /// Leave it out; it is counted.
    Suppress,
}

/// Lines of one kind that were left out in a window that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// The kind, as handed to [`Limiter::allow`], or [`OTHER_KINDS`].
    pub kind: &'static str,
    /// How many, at least 1.
    pub count: u64,
}

/// The windows of all kinds: at most [`LOG_KINDS`] and one for all others.
#[derive(Debug, Default)]
pub struct Limiter {
    windows: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    kind: &'static str,
    end: Mono,
    passed: u32,
    left_out: u64,
}

impl Limiter {
    /// Whether a line of `kind` may be logged at `now`.
    pub fn allow(&mut self, kind: &'static str, now: Mono) -> Verdict {
        let index = self.window_of(kind, now);
        let window = &mut self.windows[index];
        if now >= window.end {
            let left_out = window.left_out;
            *window = Window { kind: window.kind, end: now + LOG_WINDOW, passed: 1, left_out: 0 };
            return if left_out > 0 { Verdict::PassAfter { left_out } } else { Verdict::Pass };
        }
        if window.passed < LOG_BURST {
            window.passed += 1;
            return Verdict::Pass;
        }
        window.left_out = window.left_out.saturating_add(1);
        Verdict::Suppress
    }

    /// When [`Self::flush_due`] has something to say, if no more lines come. `None`: nothing was left out.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.windows.iter().filter(|window| window.left_out > 0).map(|window| window.end).min()
    }

    /// What was left out in windows that are over at `now`, each reported once. Forgets windows that are over.
    pub fn flush_due(&mut self, now: Mono) -> Vec<LeftOut> {
        let due = self.windows.iter().filter(|window| now >= window.end && window.left_out > 0);
        let report = due.map(|window| LeftOut { kind: window.kind, count: window.left_out }).collect();
        self.windows.retain(|window| now < window.end);
        report
    }

    /// The index of `kind`'s window, made if there is none. What a window that is over still has to say is never
    /// dropped to make room.
    fn window_of(&mut self, kind: &'static str, now: Mono) -> usize {
        if let Some(index) = self.find(kind) {
            return index;
        }
        if self.windows.len() >= LOG_KINDS {
            self.windows.retain(|window| now < window.end || window.left_out > 0);
        }
        let kind = if self.windows.len() >= LOG_KINDS { OTHER_KINDS } else { kind };
        self.find(kind).unwrap_or_else(|| {
            self.windows.push(Window { kind, end: now, passed: 0, left_out: 0 });
            self.windows.len() - 1
        })
    }

    fn find(&self, kind: &str) -> Option<usize> {
        self.windows.iter().position(|window| window.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const START: Mono = Mono::from_nanos(1_000_000_000);

    fn burst(limiter: &mut Limiter, kind: &'static str, now: Mono) {
        for _ in 0..LOG_BURST {
            assert_eq!(limiter.allow(kind, now), Verdict::Pass);
        }
        assert_eq!(limiter.allow(kind, now), Verdict::Suppress);
    }

    #[test]
    fn a_burst_passes_and_the_rest_is_counted() {
        let mut limiter = Limiter::default();
        burst(&mut limiter, "refused", START);
        let last_moment = Mono::from_nanos((START + LOG_WINDOW).as_nanos() - 1);
        assert_eq!(limiter.allow("refused", last_moment), Verdict::Suppress);
        assert_eq!(limiter.allow("refused", START + LOG_WINDOW), Verdict::PassAfter { left_out: 2 });
        assert_eq!(limiter.allow("refused", START + LOG_WINDOW), Verdict::Pass);
    }

    #[test]
    fn kinds_do_not_count_for_each_other() {
        let mut limiter = Limiter::default();
        burst(&mut limiter, "refused", START);
        assert_eq!(limiter.allow("lost", START), Verdict::Pass);
    }

    #[test]
    fn the_rest_is_told_at_the_windows_end_though_no_more_lines_come() {
        let mut limiter = Limiter::default();
        assert_eq!(limiter.allow("quiet", START), Verdict::Pass);
        assert_eq!(limiter.next_deadline(), None);
        burst(&mut limiter, "refused", START + Duration::from_secs(1));
        let end = START + Duration::from_secs(1) + LOG_WINDOW;
        assert_eq!(limiter.next_deadline(), Some(end));
        assert_eq!(limiter.flush_due(START + LOG_WINDOW), []);
        assert_eq!(limiter.flush_due(end), [LeftOut { kind: "refused", count: 1 }]);
        assert_eq!(limiter.flush_due(end), []);
        assert_eq!(limiter.next_deadline(), None);
        assert_eq!(limiter.allow("refused", end), Verdict::Pass);
    }

    #[test]
    fn the_table_is_bounded_and_forgets_no_count() {
        let mut limiter = Limiter::default();
        let kinds: Vec<&'static str> = (0..LOG_KINDS + 20).map(|n| &*format!("kind {n}").leak()).collect();
        for kind in &kinds[..LOG_KINDS] {
            burst(&mut limiter, kind, START);
        }
        let suppressed =
            kinds[LOG_KINDS..].iter().filter(|kind| limiter.allow(kind, START) == Verdict::Suppress).count();
        assert_eq!(suppressed, 10, "all others share one burst");
        assert_eq!(limiter.windows.len(), LOG_KINDS + 1);
        let told: u64 = limiter.flush_due(START + LOG_WINDOW).iter().map(|left_out| left_out.count).sum();
        assert_eq!(told, LOG_KINDS as u64 + 10);
        assert!(limiter.windows.is_empty());
    }

    #[test]
    fn kinds_that_are_quiet_make_room() {
        let mut limiter = Limiter::default();
        for n in 0..LOG_KINDS {
            assert_eq!(limiter.allow(format!("kind {n}").leak(), START), Verdict::Pass);
        }
        burst(&mut limiter, "new", START + LOG_WINDOW);
        assert_eq!(limiter.windows.len(), 1);
    }
}
