//! Start, watchdog, reload and stop.

use std::time::Duration;

use super::context::Context;
use super::interface::{Notice, Output, Reloaded};
use super::report::ServerReport;
use crate::limits::STOP_TIMEOUT;
use crate::stats::Counter;
use crate::time::Mono;

/// How far the server's life has got.
#[derive(Debug)]
pub struct Lifecycle {
    /// How often the service manager wants a sign of life, and when next.
    watchdog: Option<(Duration, Mono)>,
    started: Mono,
    /// While stopping: when it has to be over.
    stop_by: Option<Mono>,
    exited: bool,
}

impl Lifecycle {
    /// A life that begins.
    pub fn new(watchdog: Option<Duration>, now: Mono) -> Self {
        let watchdog = watchdog.map(|interval| (interval, now + interval));
        Self { watchdog, started: now, stop_by: None, exited: false }
    }

    /// How long the server has run.
    pub const fn uptime(&self, now: Mono) -> Duration {
        now.since(self.started)
    }

    /// When the service manager wants the next sign of life.
    pub fn watchdog_deadline(&self) -> Option<Mono> {
        self.watchdog.map(|(_, at)| at)
    }

    /// Gives the service manager its sign of life.
    pub fn watchdog_due(&mut self, cx: &mut Context<'_>) {
        self.watchdog = self.watchdog.map(|(interval, _)| (interval, cx.mono() + interval));
        cx.notify(Notice::Watchdog);
    }

    /// Asks for a reload, unless the server is stopping.
    pub fn begin_reload(&self, cx: &mut Context<'_>) {
        if self.is_stopping() {
            return;
        }
        cx.notify(Notice::Reloading);
        cx.push(Output::ReopenLog);
        cx.push(Output::Reload);
    }

    /// What of a reload is to be put in force, if anything is.
    pub fn check_reload(&self, cx: &mut Context<'_>, found: Result<Box<Reloaded>, String>) -> Option<Box<Reloaded>> {
        if self.is_stopping() {
            return None;
        }
        match found {
            Err(why) => {
                cx.bump(Counter::ReloadsFailed);
                cx.report(ServerReport::ReloadFailed { why });
                cx.notify(Notice::Ready);
                None
            }
            Ok(found) => {
                cx.bump(Counter::Reloads);
                Some(found)
            }
        }
    }

    /// Whether the server is stopping.
    pub const fn is_stopping(&self) -> bool {
        self.stop_by.is_some()
    }

    /// Begins to stop. Whether that is new.
    pub fn stop(&mut self, cx: &mut Context<'_>) -> bool {
        if self.is_stopping() {
            return false;
        }
        self.stop_by = Some(cx.mono() + STOP_TIMEOUT);
        cx.report(ServerReport::Stopping);
        cx.notify(Notice::Stopping);
        cx.push(Output::CloseListeners);
        true
    }

    /// When stopping has to be over.
    pub fn stop_deadline(&self) -> Option<Mono> {
        self.stop_by.filter(|_| !self.exited)
    }

    /// Stopping has taken too long: the reactor kills what is left.
    pub fn stop_timed_out(&mut self, cx: &mut Context<'_>, waiting_for: &'static str) {
        cx.report(ServerReport::StopTimedOut { waiting_for });
        self.exit(cx);
    }

    /// Leaves the loop if the server is stopping and `all_over`.
    pub fn exit_if(&mut self, cx: &mut Context<'_>, all_over: bool) {
        if self.is_stopping() && all_over {
            self.exit(cx);
        }
    }

    fn exit(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.exited, true) {
            cx.push(Output::Exit);
        }
    }
}
