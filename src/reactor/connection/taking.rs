//! That a socket takes something, noted now and then.

use crate::limits::VIEWER_NOTED_EACH;
use crate::time::Mono;

/// When this was last noted, and whether the socket has taken more since then.
#[derive(Debug)]
pub(super) struct Taking {
    noted: Mono,
    took: bool,
}

impl Taking {
    /// It has taken nothing yet.
    pub(super) const fn new(now: Mono) -> Self {
        Self { noted: now, took: false }
    }

    /// It has taken some.
    pub(super) const fn took(&mut self) {
        self.took = true;
    }

    /// Whether it is to be noted now, which is so at most every [`VIEWER_NOTED_EACH`].
    pub(super) fn note(&mut self, now: Mono) -> bool {
        let is_due = self.took && now.since(self.noted) >= VIEWER_NOTED_EACH;
        if is_due {
            *self = Self::new(now);
        }
        is_due
    }
}
