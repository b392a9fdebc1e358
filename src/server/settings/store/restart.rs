//! When the camera restarts for new settings: after a quiet moment, and no more often than its tokens allow.

use super::CHANGES;
use crate::bucket::Bucket;
use crate::camera::settings::{CameraSettings, ChangedBy};
use crate::limits::{SETTINGS_LONGEST_BURST, SETTINGS_QUIET};
use crate::time::Mono;

/// What the camera runs with, and when it takes what is in force.
#[derive(Debug)]
pub struct Restart {
    /// What it was handed last.
    applied: CameraSettings,
    /// When it is to take the settings in force, and what changed them.
    pending: Option<(Mono, ChangedBy)>,
    burst_began: Mono,
    tokens: Bucket,
}

impl Restart {
    /// The camera has `applied`.
    pub fn new(applied: CameraSettings) -> Self {
        Self { applied, pending: None, burst_began: Mono::from_nanos(0), tokens: Bucket::default() }
    }

    /// A client has updated the settings, which `changed` them or not. Returns when it has been quiet for long enough,
    /// if no more updates come.
    pub fn updated(&mut self, now: Mono, by: ChangedBy, changed: bool) -> Mono {
        if self.pending.is_none() {
            self.burst_began = now;
        }
        let quiet = (now + SETTINGS_QUIET).min(self.burst_began + SETTINGS_LONGEST_BURST);
        let earlier = self.pending.map(|(_, earlier)| earlier).filter(|_| !changed);
        self.pending = Some((quiet, earlier.unwrap_or(by)));
        quiet
    }

    /// The settings file was reread: an operator asked, so there is nothing to wait for.
    pub const fn reread(&mut self, now: Mono) {
        self.pending = Some((now, ChangedBy::File));
    }

    /// Whether there are settings that the camera has yet to take.
    pub const fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// When [`Self::due`] has something to do.
    pub fn deadline(&self, in_force: &CameraSettings) -> Option<Mono> {
        let (at, by) = self.pending?;
        Some(if self.needs_token(by, in_force) { at.max(self.tokens.ready_at(CHANGES)) } else { at })
    }

    /// Whether the camera is to take `in_force` now, and what changed it.
    pub fn due(&mut self, now: Mono, in_force: &CameraSettings) -> Option<ChangedBy> {
        let (_, by) = self.pending.filter(|&(at, _)| at <= now)?;
        if self.needs_token(by, in_force) && !self.tokens.try_take(CHANGES, now) {
            return None;
        }
        self.pending = None;
        (std::mem::replace(&mut self.applied, *in_force) != *in_force).then_some(by)
    }

    /// A restart that an operator asked for costs nothing, nor does a burst that ended where it began.
    fn needs_token(&self, by: ChangedBy, in_force: &CameraSettings) -> bool {
        match by {
            ChangedBy::Peer(_) => *in_force != self.applied,
            ChangedBy::File => false,
        }
    }
}
