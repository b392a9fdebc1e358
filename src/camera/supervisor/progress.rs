//! Video progress of one pipeline: detects stalls, and health after enough progress.

use std::time::Duration;

use crate::limits;
use crate::time::Mono;

/// The progress of one pipeline since its start, across camera restarts for new settings.
#[derive(Debug, Default)]
pub struct Progress {
    /// When video last moved to the publisher, or the pipeline's start.
    last: Mono,
    /// When video first moved.
    first: Option<Mono>,
    /// Whether a camera's first picture is awaited: there was no video yet, or none since a camera was started.
    starting: bool,
}

impl Progress {
    /// A pipeline that starts now.
    pub const fn begin(now: Mono) -> Self {
        Self { last: now, first: None, starting: true }
    }

    /// Records the start of a camera. This is not progress, and repeated starts get only one start-up allowance.
    pub const fn camera_started(&mut self) {
        self.starting = true;
    }

    /// Records progress. Returns whether the pipeline has been healthy for long enough to forget failures.
    pub fn video(&mut self, now: Mono) -> bool {
        self.last = now;
        self.starting = false;
        now.since(*self.first.get_or_insert(now)) >= limits::BACKOFF_RESET
    }

    /// When the pipeline will count as stalled unless video moves.
    pub fn deadline(&self, stall: Duration) -> Mono {
        self.last + stall + if self.starting { limits::STARTUP_ALLOWANCE } else { Duration::ZERO }
    }

    /// The time since video last moved.
    pub const fn idle(&self, now: Mono) -> Duration {
        now.since(self.last)
    }
}
