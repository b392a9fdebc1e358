//! What the daemon needs from its device and can't provide: a clock that is set, and a disk for the state.
//!
//! Not here: steps of a clock that runs (`pipeline.rs`), and asking the kernel (`sys`).

use super::context::Context;
use super::report::ServerReport;
use crate::limits::{CLOCK_CHECK, CLOCK_SET_FROM_MS};
use crate::time::{Mono, Now};

/// The device, as far as it is known.
#[derive(Debug)]
pub struct Device {
    clock_is_set: bool,
    /// When the clock was last looked at.
    looked: Mono,
    /// Whether the state directory survives a restart of the device.
    is_persistent: bool,
}

impl Device {
    pub const fn new(is_persistent: bool, now: Now) -> Self {
        Self { clock_is_set: is_set(now), looked: now.mono, is_persistent }
    }

    /// Whether the clock is set.
    pub const fn clock_is_set(&self) -> bool {
        self.clock_is_set
    }

    /// Whether the state directory survives a restart of the device.
    pub const fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// Logs at the start what the device lacks.
    pub fn start(&self, cx: &mut Context<'_>) {
        if !self.clock_is_set {
            cx.report(ServerReport::ClockNotSet);
        }
        self.report_state(cx);
    }

    /// Looks at the clock.
    pub fn watch_clock(&mut self, cx: &mut Context<'_>) {
        self.looked = cx.mono();
        let is_set = is_set(cx.now);
        if std::mem::replace(&mut self.clock_is_set, is_set) != is_set {
            cx.report(if is_set { ServerReport::ClockSet } else { ServerReport::ClockNotSet });
        }
    }

    /// When to look at the clock next, even if nothing else happens. A clock that is set needs no wake-ups.
    pub fn clock_deadline(&self) -> Option<Mono> {
        (!self.clock_is_set).then(|| self.looked + CLOCK_CHECK)
    }

    /// Takes what a reload found.
    pub fn set_persistent(&mut self, cx: &mut Context<'_>, is_persistent: bool) {
        if std::mem::replace(&mut self.is_persistent, is_persistent) != is_persistent {
            self.report_state(cx);
        }
    }

    fn report_state(&self, cx: &mut Context<'_>) {
        if !self.is_persistent {
            cx.report(ServerReport::StateInMemory { directory: cx.config.paths.state_dir.clone() });
        }
    }
}

const fn is_set(now: Now) -> bool {
    now.unix_ms >= CLOCK_SET_FROM_MS
}
