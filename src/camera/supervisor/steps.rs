//! The transitions that the table calls, and their actions in order.

use super::progress::Progress;
use super::{Action, Program, STOP_PLAN, Scope, State, StopSignal, Supervisor, Then};
use crate::camera::command::{self, PROGRAMS};
use crate::camera::diagnosis::{Reason, Role};
use crate::camera::report::Report;
use crate::config::CameraSource;
use crate::limits;
use crate::time::Mono;

impl Supervisor {
    /// Starts the configured source. No child may be alive.
    pub(super) fn begin(&mut self, now: Mono, out: &mut Vec<Action>) {
        match self.config.source {
            CameraSource::None => self.state = State::Off,
            CameraSource::Auto | CameraSource::Rpicam if self.program.is_none() => self.probe(now, 0, out),
            CameraSource::Auto | CameraSource::Rpicam | CameraSource::Test | CameraSource::Command => {
                self.pipeline.renew();
                self.progress = Progress::begin(now);
                out.push(Action::CountStart);
                if let Some(argv) = command::publisher(&self.config) {
                    self.pipeline.spawn(Role::Publisher, argv, out);
                }
                self.start_camera(now, out);
            }
        }
    }

    pub(super) fn probe(&mut self, now: Mono, candidate: usize, out: &mut Vec<Action>) {
        self.pipeline.renew();
        if let Some(program) = PROGRAMS.get(candidate) {
            self.pipeline.spawn(Role::Probe, command::probe(program), out);
            let until = now + limits::PROBE_TIMEOUT;
            self.state = State::Probing { candidate, until, low_latency: false, libav_format: false };
        } else if self.config.source == CameraSource::Rpicam {
            self.back_off(now, &Reason::ProgramMissing { program: PROGRAMS[0].into() }, out);
        } else {
            if !std::mem::replace(&mut self.reported_no_program, true) {
                out.push(Action::Report(Report::NoProgram));
            }
            self.state = State::NoCamera { reprobe: now + limits::REPROBE };
        }
    }

    pub(super) fn found(&mut self, candidate: usize, libav: bool, out: &mut Vec<Action>) {
        let name = PROGRAMS[candidate].to_owned();
        if self.backoff.failures() == 0 {
            out.push(Action::Report(Report::Found { program: name.clone(), libav }));
        }
        self.reported_no_program = false;
        self.program = Some(Program { name, libav });
    }

    /// Starts the camera for a running publisher.
    pub(super) fn start_camera(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.argv = self.camera_argv();
        self.pipeline.findings.next_camera();
        self.pipeline.spawn(Role::Camera, self.argv.clone(), out);
        self.progress.camera_started();
        self.state = State::Starting { since: now };
    }

    /// Stops a pipeline in which no video moves.
    pub(super) fn stalled(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.pipeline.findings.stalled(self.progress.idle(now));
        self.stop(now, Scope::Everything(Then::BackOff), out);
    }

    /// The camera's command line with the current settings.
    pub(super) fn camera_argv(&self) -> Vec<String> {
        let (name, libav) = self.program.as_ref().map_or(("", false), |program| (&program.name, program.libav));
        command::camera(&self.config, &self.settings, name, libav)
    }

    pub(super) fn stop(&mut self, now: Mono, scope: Scope, out: &mut Vec<Action>) {
        self.stop_from(now, scope, 0, out);
    }

    pub(super) fn stop_from(&mut self, now: Mono, scope: Scope, step: usize, out: &mut Vec<Action>) {
        let (signal, grace) = STOP_PLAN[step];
        self.signal(scope, signal, out);
        self.state = State::Stopping { scope, step, deadline: now + grace };
        if let Scope::Everything(then) = scope {
            self.stopped_one(now, then, out);
        }
    }

    /// Takes the next step of the plan. When the plan is exhausted, that is reported once, and SIGKILL is repeated from time to
    /// time, which costs nothing and maintains a deadline.
    pub(super) fn stop_harder(&mut self, now: Mono, scope: Scope, step: usize, out: &mut Vec<Action>) {
        let next = step + 1;
        let (signal, grace) = STOP_PLAN.get(next).copied().unwrap_or((StopSignal::Kill, limits::BACKOFF_LONGEST));
        if next == STOP_PLAN.len() {
            for role in scope.roles().iter().copied().filter(|role| self.pipeline.is_alive(*role)) {
                out.push(Action::Report(Report::WillNotDie { role }));
            }
        }
        self.signal(scope, signal, out);
        self.state = State::Stopping { scope, step: next.min(STOP_PLAN.len()), deadline: now + grace };
    }

    fn signal(&mut self, scope: Scope, signal: StopSignal, out: &mut Vec<Action>) {
        for role in scope.roles() {
            self.pipeline.signal(*role, signal, out);
        }
    }

    /// While everything is stopped: continues once no child is alive.
    pub(super) fn stopped_one(&mut self, now: Mono, then: Then, out: &mut Vec<Action>) {
        if !self.pipeline.any_alive() {
            self.after_stop(now, then, out);
        }
    }

    pub(super) fn after_stop(&mut self, now: Mono, then: Then, out: &mut Vec<Action>) {
        match then {
            Then::Start => self.begin(now, out),
            Then::BackOff => self.back_off(now, &self.pipeline.findings.verdict(), out),
            Then::Off => self.state = State::Off,
        }
    }

    pub(super) fn back_off(&mut self, now: Mono, reason: &Reason, out: &mut Vec<Action>) {
        if matches!(reason, Reason::NoEncoder | Reason::ProgramMissing { .. }) {
            self.program = None;
        }
        let failure = self.backoff.fail(reason);
        out.push(Action::CountFailure { stalled: matches!(reason, Reason::Stalled { .. }) });
        let tail = self.pipeline.take_tail(reason.guilty());
        if failure.attempt.is_power_of_two() {
            let tail = if failure.attempt == 1 { tail } else { Vec::new() };
            let (reason, attempt, retry_in) = (reason.clone(), failure.attempt, failure.retry_in);
            out.push(Action::Report(Report::Failed { reason, attempt, retry_in, tail }));
        }
        self.state = State::BackingOff { until: now + failure.retry_in };
    }
}

impl Scope {
    /// The roles concerned. The camera comes first, so that it does not write to a closed pipe.
    const fn roles(self) -> &'static [Role] {
        match self {
            Self::CameraOnly => &[Role::Camera],
            Self::Everything(_) => &[Role::Probe, Role::Camera, Role::Publisher],
        }
    }
}
