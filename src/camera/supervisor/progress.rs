//! When video moves in one pipeline: by when it has to move again, and when it has moved for long enough.

use std::time::Duration;

use crate::limits;
use crate::time::Mono;

/// The video of one pipeline, from its start on. Camera restarts for new settings are part of it.
#[derive(Debug, Default)]
pub struct Progress {
    /// When video last moved to the reader; the pipeline's start if none has.
    last: Mono,
    /// When it first moved.
    first: Option<Mono>,
    /// Whether the first picture of a camera is awaited: the pipeline has had no video, or a camera was started since.
    starting: bool,
}

impl Progress {
    /// A pipeline that starts now.
    pub const fn begin(now: Mono) -> Self {
        Self { last: now, first: None, starting: true }
    }

    /// A camera is started. That is no progress; it has the allowance for a start, however often it is repeated.
    pub const fn camera_started(&mut self) {
        self.starting = true;
    }

    /// Video moves. Whether the pipeline has been well for long enough to forget failures.
    pub fn video(&mut self, now: Mono) -> bool {
        self.last = now;
        self.starting = false;
        now.since(*self.first.get_or_insert(now)) >= limits::BACKOFF_RESET
    }

    /// When the pipeline counts as stalled unless video moves.
    pub fn deadline(&self, stall: Duration) -> Mono {
        self.last + stall + if self.starting { limits::STARTUP_ALLOWANCE } else { Duration::ZERO }
    }

    /// How long no video has moved.
    pub const fn idle(&self, now: Mono) -> Duration {
        now.since(self.last)
    }
}
