//! The camera and its publisher: hands the supervisor its events, and has its actions carried out.
//!
//! Not here: when to start and stop what (`camera::supervisor`).

use std::borrow::Cow;

use super::context::Context;
use super::interface::{Notice, Output};
use super::status;
use crate::camera::diagnosis::Role;
use crate::camera::settings::CameraSettings;
use crate::camera::supervisor::{Action, Event, StopSignal, Supervisor};
use crate::config::CameraConfig;
use crate::limits::CLOCK_STEP;
use crate::stats::Counter;
use crate::time::{Mono, Now};

/// The supervisor, and what is known of it elsewhere.
#[derive(Debug)]
pub struct Pipeline {
    supervisor: Supervisor,
    /// The supervisor's actions, emptied after each event; kept to be reused.
    actions: Vec<Action>,
    /// The status that the service manager has.
    status: Cow<'static, str>,
    /// Whether the publisher has just been started, and gets nothing yet.
    publisher_waits: bool,
    /// The supervisor's state, and since when.
    state: (&'static str, Mono),
    /// Both clocks at the last input, to notice when the wall clock is set.
    seen: Now,
}

impl Pipeline {
    /// A pipeline that is off.
    pub fn new(config: CameraConfig, settings: CameraSettings, seed: u64, now: Now) -> Self {
        let supervisor = Supervisor::new(config, settings, seed);
        let state = (supervisor.state_name(), now.mono);
        Self { supervisor, actions: Vec::new(), status: Cow::default(), publisher_waits: false, state, seen: now }
    }

    /// Hands an event to the supervisor, and has its actions carried out.
    pub fn handle(&mut self, cx: &mut Context<'_>, event: Event<'_>) {
        self.supervisor.handle(cx.mono(), event, &mut self.actions);
        for action in self.actions.drain(..) {
            match action {
                Action::Spawn { role, argv } => {
                    self.publisher_waits |= role == Role::Publisher;
                    cx.push(Output::Spawn { role, argv });
                }
                Action::CountStart => cx.bump(Counter::PipelineStarted),
                Action::Signal { role, signal } => {
                    if signal == StopSignal::Kill {
                        cx.bump(Counter::ChildKilled);
                    }
                    cx.push(Output::Signal { role, signal });
                }
                Action::Report(report) => cx.report(report),
                Action::CountFailure { stalled } => {
                    cx.bump(Counter::PipelineFailed);
                    if stalled {
                        cx.bump(Counter::PipelineStalled);
                    }
                }
            }
        }
        let state = self.supervisor.state_name();
        if state != self.state.0 {
            self.state = (state, cx.mono());
        }
        let status = self.supervisor.status();
        if status != self.status {
            cx.notify(Notice::Status(status.clone().into_owned()));
            self.status = status;
        }
    }

    /// Hands the supervisor an event when the wall clock was set.
    pub fn watch_clock(&mut self, cx: &mut Context<'_>) {
        let by_ms = cx.now.wall_set_by_ms(std::mem::replace(&mut self.seen, cx.now));
        if u128::from(by_ms.unsigned_abs()) > CLOCK_STEP.as_millis() {
            self.handle(cx, Event::ClockStepped { by_ms });
        }
    }

    /// When [`Event::Deadline`] is due.
    pub fn deadline(&self) -> Option<Mono> {
        self.supervisor.deadline()
    }

    /// Whether no child is left and none will be started.
    pub fn is_off(&self) -> bool {
        self.supervisor.is_off()
    }

    /// Why there is no picture, in words for people.
    pub fn why_no_picture(&self) -> Cow<'static, str> {
        self.supervisor.why_no_picture()
    }

    /// Whether the publisher has had nothing yet; from now on it has.
    pub fn take_waiting_publisher(&mut self) -> bool {
        std::mem::take(&mut self.publisher_waits)
    }

    /// Whether there is a publisher.
    pub fn is_publishing(&self) -> bool {
        self.supervisor.is_publishing()
    }

    /// The camera as the status shows it; `moves` if viewers see its picture, and it moves.
    pub fn status(&self, now: Mono, moves: bool) -> status::Camera {
        let (state, since) = self.state;
        let is_well = state == "running" && moves;
        let reason = (!is_well).then(|| self.why_no_picture().into_owned());
        status::Camera { state, since: now.since(since), reason, failing: self.supervisor.is_failing() }
    }
}
