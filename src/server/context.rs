//! What every part is handed: the time, the configuration, the counters, the log and the outputs.

use super::interface::{Notice, Output};
use super::report::{Report, ServerReport};
use crate::config::Config;
use crate::frame::Frame;
use crate::ids::ConnId;
use crate::limiter::{Limiter, Suppressed};
use crate::stats::{Counter, Stats};
use crate::time::{Mono, Now};

/// What the parts share while an input is handled. None of it belongs to a part.
#[derive(Debug)]
pub struct Context<'a> {
    /// Both clocks.
    pub now: Now,
    /// The configuration in force.
    pub config: &'a Config,
    /// The counters.
    pub stats: &'a mut Stats,
    /// The log's limits.
    pub journal: &'a mut Journal,
    /// What is to be done, in order.
    pub out: &'a mut Vec<Output>,
}

impl Context<'_> {
    /// The monotonic clock.
    pub const fn mono(&self) -> Mono {
        self.now.mono
    }

    /// Counts one.
    pub fn bump(&mut self, counter: Counter) {
        self.stats.bump(counter);
    }

    /// Has something done.
    pub fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    /// Sends a frame to a peer.
    pub fn send(&mut self, conn: ConnId, frame: impl Into<Frame>) {
        self.push(Output::Send { conn, frame: frame.into() });
    }

    /// Notifies the service manager.
    pub fn notify(&mut self, notice: Notice) {
        self.push(Output::Notify(notice));
    }

    /// Logs a report, unless its level is not logged or there were too many of its kind lately.
    pub fn report(&mut self, report: impl Into<Report>) {
        let report = report.into();
        let (level, kind, requested) = report.line(|line| (line.level, line.kind, line.requested));
        if level < self.config.logging.level && !requested {
            return;
        }
        if let Some(kind) = kind {
            self.report_suppressed();
            if !self.journal.limiter.allow(kind, level, self.now.mono) {
                return self.bump(Counter::LinesSuppressed);
            }
        }
        self.push(Output::Report(report));
    }

    /// Logs how many lines were suppressed, once the time of their kind is over.
    pub fn report_suppressed(&mut self) {
        for Suppressed { kind, count, level } in self.journal.limiter.flush_due(self.now.mono) {
            self.out.push(Output::Report(ServerReport::Suppressed { kind, count, level }.into()));
        }
    }
}

/// How much of each kind the log has had lately.
#[derive(Debug, Default)]
pub struct Journal {
    limiter: Limiter,
}

impl Journal {
    /// When [`Context::report_suppressed`] has something to log.
    pub fn deadline(&self) -> Option<Mono> {
        self.limiter.next_deadline()
    }
}
