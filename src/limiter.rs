//! Rate limits for log lines, so that no peer can fill a disk.
//!
//! A kind's window opens with its first line and lasts [`LOG_WINDOW`]; [`LOG_BURST`] lines pass in it, the rest is
//! counted. Not here: writing the lines, and the counts' wording (`sys::log`, `server::report`).

use crate::limits::{LOG_BURST, LOG_KINDS, LOG_WINDOW};
use crate::logging::Level;
use crate::time::Mono;

/// The kind of all events that have no entry of their own, because [`LOG_KINDS`] kinds have one.
pub const OTHER_KINDS: &str = "various events";

/// Lines of one kind that were suppressed in a window that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppressed {
    /// The kind, as handed to [`Limiter::allow`], or [`OTHER_KINDS`].
    pub kind: &'static str,
    /// The number of lines, at least 1.
    pub count: u64,
    /// The most severe level among them.
    pub level: Level,
}

/// The windows of all kinds: at most [`LOG_KINDS`], and one for all others.
#[derive(Debug, Default)]
pub struct Limiter {
    windows: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    kind: &'static str,
    end: Mono,
    passed: u32,
    suppressed: u64,
    level: Level,
}

impl Limiter {
    /// Whether a line of `kind` and `level` may be logged at `now`; if not, it is counted. What [`Self::flush_due`]
    /// reports at `now` belongs before it.
    pub fn allow(&mut self, kind: &'static str, level: Level, now: Mono) -> bool {
        let index = self.window_of(kind, now);
        let window = &mut self.windows[index];
        if now >= window.end {
            window.end = now + LOG_WINDOW;
            window.passed = 0;
        }
        if window.passed < LOG_BURST {
            window.passed += 1;
            return true;
        }
        window.level = if window.suppressed == 0 { level } else { window.level.max(level) };
        window.suppressed = window.suppressed.saturating_add(1);
        false
    }

    /// When [`Self::flush_due`] has something to report, if no more lines come. `None`: nothing was suppressed.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.windows.iter().filter(|window| window.suppressed > 0).map(|window| window.end).min()
    }

    /// What was suppressed in windows that are over at `now`, each reported once. Forgets windows that are over.
    pub fn flush_due(&mut self, now: Mono) -> Vec<Suppressed> {
        let due = self.windows.iter().filter(|window| now >= window.end && window.suppressed > 0);
        let report =
            due.map(|window| Suppressed { kind: window.kind, count: window.suppressed, level: window.level }).collect();
        self.windows.retain(|window| now < window.end);
        report
    }

    /// The index of `kind`'s window, made if there is none. What a window that is over still has to report is
    /// never dropped to make room.
    fn window_of(&mut self, kind: &'static str, now: Mono) -> usize {
        if let Some(index) = self.find(kind) {
            return index;
        }
        if self.windows.len() >= LOG_KINDS {
            self.windows.retain(|window| now < window.end || window.suppressed > 0);
        }
        let kind = if self.windows.len() >= LOG_KINDS { OTHER_KINDS } else { kind };
        self.find(kind).unwrap_or_else(|| {
            self.windows.push(Window { kind, end: now, passed: 0, suppressed: 0, level: Level::Trace });
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
            assert!(limiter.allow(kind, Level::Info, now));
        }
        assert!(!limiter.allow(kind, Level::Info, now));
    }

    #[test]
    fn a_burst_passes_and_the_rest_is_counted() {
        let mut limiter = Limiter::default();
        burst(&mut limiter, "refused", START);
        let last_moment = Mono::from_nanos((START + LOG_WINDOW).as_nanos() - 1);
        assert!(!limiter.allow("refused", Level::Info, last_moment));
        assert_eq!(limiter.flush_due(last_moment), []);
        let suppressed = Suppressed { kind: "refused", count: 2, level: Level::Info };
        assert_eq!(limiter.flush_due(START + LOG_WINDOW), [suppressed]);
        burst(&mut limiter, "refused", START + LOG_WINDOW);
    }

    #[test]
    fn a_count_has_the_level_of_its_most_severe_line() {
        let mut limiter = Limiter::default();
        burst(&mut limiter, "camera", START);
        assert!(!limiter.allow("camera", Level::Error, START));
        assert!(!limiter.allow("camera", Level::Debug, START));
        let end = START + LOG_WINDOW;
        assert_eq!(limiter.flush_due(end), [Suppressed { kind: "camera", count: 3, level: Level::Error }]);
        burst(&mut limiter, "camera", end);
        let suppressed = Suppressed { kind: "camera", count: 1, level: Level::Info };
        assert_eq!(limiter.flush_due(end + LOG_WINDOW), [suppressed], "the window before is forgotten");
    }

    #[test]
    fn kinds_are_limited_separately() {
        let mut limiter = Limiter::default();
        burst(&mut limiter, "refused", START);
        assert!(limiter.allow("lost", Level::Info, START));
    }

    #[test]
    fn the_rest_is_reported_at_the_windows_end_though_no_more_lines_come() {
        let mut limiter = Limiter::default();
        assert!(limiter.allow("quiet", Level::Info, START));
        assert_eq!(limiter.next_deadline(), None);
        burst(&mut limiter, "refused", START + Duration::from_secs(1));
        let end = START + Duration::from_secs(1) + LOG_WINDOW;
        assert_eq!(limiter.next_deadline(), Some(end));
        assert_eq!(limiter.flush_due(START + LOG_WINDOW), []);
        assert_eq!(limiter.flush_due(end), [Suppressed { kind: "refused", count: 1, level: Level::Info }]);
        assert_eq!(limiter.flush_due(end), []);
        assert_eq!(limiter.next_deadline(), None);
        assert!(limiter.allow("refused", Level::Info, end));
    }

    #[test]
    fn the_table_is_bounded_and_loses_no_count() {
        let mut limiter = Limiter::default();
        let kinds: Vec<&'static str> = (0..LOG_KINDS + 20).map(|n| &*format!("kind {n}").leak()).collect();
        for kind in &kinds[..LOG_KINDS] {
            burst(&mut limiter, kind, START);
        }
        let suppressed = kinds[LOG_KINDS..].iter().filter(|kind| !limiter.allow(kind, Level::Info, START)).count();
        assert_eq!(suppressed, 10, "all others share one burst");
        assert_eq!(limiter.windows.len(), LOG_KINDS + 1);
        let reported: u64 = limiter.flush_due(START + LOG_WINDOW).iter().map(|suppressed| suppressed.count).sum();
        assert_eq!(reported, LOG_KINDS as u64 + 10);
        assert!(limiter.windows.is_empty());
    }

    #[test]
    fn quiet_kinds_make_room() {
        let mut limiter = Limiter::default();
        for n in 0..LOG_KINDS {
            assert!(limiter.allow(format!("kind {n}").leak(), Level::Info, START));
        }
        burst(&mut limiter, "new", START + LOG_WINDOW);
        assert_eq!(limiter.windows.len(), 1);
    }
}
