//! A wall clock that is set: camera and publisher have to start afresh, at once and without a failure.

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::camera::report::Report;
use es_iot_server::time::Now;

use super::Shadow;
use crate::MILLI;

#[derive(Debug)]
pub struct Clock {
    seen: Now,
    /// By how much it was set, until that is said.
    to_tell: Option<i64>,
    /// Who is to be signalled for it.
    to_signal: Vec<u8>,
    publisher_asked: bool,
    /// The unit ends for it, and nothing else has intervened.
    restarting: bool,
    /// That unit is gone: the next has to start now.
    start_due: bool,
}

impl Clock {
    pub fn new(now: Now) -> Self {
        Self {
            seen: now,
            to_tell: None,
            to_signal: Vec::new(),
            publisher_asked: false,
            restarting: false,
            start_due: false,
        }
    }

    /// A stop or a reload decides what comes next.
    pub fn overruled(&mut self) {
        self.restarting = false;
    }

    pub fn missing(&self) -> bool {
        self.to_tell.is_some() || !self.to_signal.is_empty() || self.start_due
    }
}

impl Shadow {
    pub(super) fn look_at_clock(&mut self, now: Now) {
        let ms = |now: Now| i128::from(now.unix_ms);
        let passed = (now.mono.as_nanos() - self.clock.seen.mono.as_nanos()) / MILLI;
        let set_by = ms(now) - ms(self.clock.seen) - i128::from(passed);
        self.clock.seen = now;
        // A publisher that was not asked to end is one that stamps video, or is to.
        let runs = self.alive.contains_key(&(Role::Publisher as u8)) && !self.clock.publisher_asked;
        if runs && set_by.abs() > 1000 {
            self.clock.to_tell = Some(i64::try_from(set_by).expect("the clock has 62 bits"));
            self.clock.to_signal = self.alive.keys().copied().collect();
            self.clock.restarting = true;
            self.pipeline.start_afresh();
        }
    }

    pub(super) fn child_is_gone(&mut self, role: Role) {
        self.alive.remove(&(role as u8));
        if role == Role::Camera {
            self.camera_is_gone();
        }
        if self.alive.is_empty() && std::mem::take(&mut self.clock.restarting) {
            self.clock.start_due = true;
        }
    }

    pub(super) fn child_is_signalled(&mut self, role: Role) {
        self.camera_asked |= role == Role::Camera;
        self.clock.publisher_asked |= role == Role::Publisher;
        self.clock.to_signal.retain(|&other| other != role as u8);
    }

    pub(super) fn publisher_is_started(&mut self) {
        self.clock.publisher_asked = false;
        self.clock_restarts += u64::from(std::mem::take(&mut self.clock.start_due));
    }

    pub(super) fn camera_reports(&mut self, at: u64, report: &Report) {
        if matches!(report, Report::Restarting) {
            let handed = self.settings.handed;
            self.check(handed.is_some_and(|(then, _)| then == at), || format!("a restart at {at} for {handed:?}"));
        }
        if let Report::ClockStepped { by_ms } = report {
            let foretold = self.clock.to_tell.take();
            self.check(foretold == Some(*by_ms), || format!("the clock was set by {foretold:?} ms, not {by_ms}"));
        }
        let failed = matches!(report, Report::Failed { .. });
        let restarting = self.clock.restarting || self.clock.start_due;
        self.check(!(failed && restarting), || format!("a clock that was set is a failure: {report}"));
    }
}
