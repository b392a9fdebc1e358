//! The table: each event's method meets every state in writing.

use super::{Action, Program, STOP_PLAN, Scope, State, StopSignal, Supervisor, Then};
use crate::camera::command::{self, PROGRAMS};
use crate::camera::diagnosis::{Clue, Exit, Reason, Role};
use crate::camera::report::Report;
use crate::camera::settings::CameraSettings;
use crate::config::{CameraConfig, CameraSource};
use crate::limits;
use crate::time::Mono;

impl Supervisor {
    pub(super) fn on_start(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.stopped = false;
        match self.state {
            State::Off => self.begin(now, out),
            State::Stopping { scope: Scope::Everything(Then::Off), step, deadline } => {
                self.state = State::Stopping { scope: Scope::Everything(Then::Start), step, deadline };
            }
            State::NoCamera { .. }
            | State::Probing { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { scope: Scope::CameraOnly | Scope::Everything(Then::Start | Then::BackOff), .. }
            | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_stop(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.stopped = true;
        self.wind_up(now, Then::Off, out);
    }

    pub(super) fn on_settings(&mut self, now: Mono, settings: CameraSettings, out: &mut Vec<Action>) {
        self.settings = settings;
        match self.state {
            State::Starting { .. } | State::Running { .. } => {
                if self.settings != self.applied && command::depends_on_settings(&self.config) {
                    out.push(Action::Report(Report::Restarting));
                    self.stop(now, Scope::CameraOnly, out);
                }
            }
            // The next camera to start takes the newest.
            State::Off
            | State::NoCamera { .. }
            | State::Probing { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_config(&mut self, now: Mono, config: CameraConfig, out: &mut Vec<Action>) {
        // No child is told the stall time, so it needs no restart.
        let same_children = CameraConfig { stall_seconds: config.stall_seconds, ..self.config.clone() } == config;
        self.config = config;
        if same_children {
            return;
        }
        self.backoff.reset();
        self.told_no_program = false;
        self.wind_up(now, if self.stopped { Then::Off } else { Then::Start }, out);
    }

    /// Ends whatever goes on, then does `then`.
    fn wind_up(&mut self, now: Mono, then: Then, out: &mut Vec<Action>) {
        match self.state {
            State::Off | State::NoCamera { .. } | State::BackingOff { .. } => self.after_stop(now, then, out),
            State::Probing { .. }
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { scope: Scope::CameraOnly, .. } => self.stop(now, Scope::Everything(then), out),
            State::Stopping { scope: Scope::Everything(_), step, deadline } => {
                self.state = State::Stopping { scope: Scope::Everything(then), step, deadline };
            }
        }
    }

    pub(super) fn on_line(&mut self, now: Mono, role: Role, text: &str, out: &mut Vec<Action>) {
        if !self.unit.is_alive(role) {
            return;
        }
        if role == Role::Probe {
            if let State::Probing { low_latency, libav_format, .. } = &mut self.state {
                *low_latency |= text.contains("--low-latency");
                *libav_format |= text.contains("--libav-format");
            }
            return;
        }
        let running = matches!(self.state, State::Running { .. });
        let clue = self.unit.line(role, text, !running && self.backoff.failures() > 0, out);
        match self.state {
            State::Starting { .. } | State::Running { .. } => {
                if clue == Some(Clue::ClockSetBack) {
                    self.stop(now, Scope::Everything(Then::BackOff), out);
                }
            }
            State::Off
            | State::NoCamera { .. }
            | State::Probing { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_video(&mut self, now: Mono, bytes: u64, out: &mut Vec<Action>) {
        if bytes == 0 {
            return;
        }
        match self.state {
            State::Starting { since } => {
                let (after, failures) = (now.since(since), self.backoff.failures());
                out.push(Action::Report(Report::Running { after, failures }));
                self.state = State::Running { since: now };
            }
            State::Running { .. } => {}
            State::Off
            | State::NoCamera { .. }
            | State::Probing { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. } => return,
        }
        self.progress = now;
        self.unit.evidence.video();
    }

    pub(super) fn on_spawn_failed(&mut self, now: Mono, role: Role, errno: i32, text: &str, out: &mut Vec<Action>) {
        let Some(reason) = self.unit.spawn_failed(role, errno, text) else { return };
        match self.state {
            State::Probing { candidate, .. } => match reason {
                Reason::ProgramMissing { .. } => self.probe(now, candidate + 1, out),
                other => self.back_off(now, &other, out),
            },
            State::Starting { .. } | State::Running { .. } | State::Stopping { scope: Scope::CameraOnly, .. } => {
                self.unit.evidence.spawn_failed(reason);
                self.stop(now, Scope::Everything(Then::BackOff), out);
            }
            State::Stopping { scope: Scope::Everything(then), .. } => {
                self.unit.evidence.spawn_failed(reason);
                self.stopped_one(now, then, out);
            }
            // Nobody is alive in these.
            State::Off | State::NoCamera { .. } | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_exited(&mut self, now: Mono, role: Role, exit: Exit, out: &mut Vec<Action>) {
        if !self.unit.exited(role, exit) {
            return;
        }
        match self.state {
            State::Probing { candidate, low_latency, libav_format, .. } => {
                self.found(candidate, low_latency && libav_format, out);
                self.begin(now, out);
            }
            State::Starting { .. } | State::Running { .. } => self.stop(now, Scope::Everything(Then::BackOff), out),
            State::Stopping { scope: Scope::CameraOnly, step, deadline } => match role {
                Role::Camera => self.start_camera(now, out),
                // The camera is on its way out already, so its plan goes on.
                Role::Publisher | Role::Probe => {
                    self.state = State::Stopping { scope: Scope::Everything(Then::BackOff), step, deadline };
                }
            },
            State::Stopping { scope: Scope::Everything(then), .. } => self.stopped_one(now, then, out),
            // Nobody is alive in these.
            State::Off | State::NoCamera { .. } | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_deadline(&mut self, now: Mono, out: &mut Vec<Action>) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.state {
            State::Off => {}
            State::NoCamera { .. } | State::BackingOff { .. } => self.begin(now, out),
            State::Probing { candidate, .. } => {
                self.found(candidate, false, out);
                // It had its time; there is nothing that a clean stop could save.
                self.stop_from(now, Scope::Everything(Then::Start), STOP_PLAN.len() - 1, out);
            }
            State::Starting { .. } | State::Running { .. } => {
                self.unit.evidence.stalled(self.config.stall_seconds);
                self.stop(now, Scope::Everything(Then::BackOff), out);
            }
            State::Stopping { scope, step, .. } => self.stop_harder(now, scope, step, out),
        }
    }

    /// Starts what the configuration asks for. Nothing is alive.
    fn begin(&mut self, now: Mono, out: &mut Vec<Action>) {
        match self.config.source {
            CameraSource::None => self.state = State::Off,
            CameraSource::Auto | CameraSource::Rpicam if self.program.is_none() => self.probe(now, 0, out),
            CameraSource::Auto | CameraSource::Rpicam | CameraSource::Test | CameraSource::Command => {
                self.unit.renew();
                self.unit.spawn(Role::Publisher, command::publisher(&self.config), out);
                self.start_camera(now, out);
            }
        }
    }

    fn probe(&mut self, now: Mono, candidate: usize, out: &mut Vec<Action>) {
        self.unit.renew();
        if let Some(program) = PROGRAMS.get(candidate) {
            self.unit.spawn(Role::Probe, command::probe(program), out);
            let until = now + limits::PROBE_TIMEOUT;
            self.state = State::Probing { candidate, until, low_latency: false, libav_format: false };
        } else if self.config.source == CameraSource::Rpicam {
            self.back_off(now, &Reason::ProgramMissing { program: PROGRAMS[0].into() }, out);
        } else {
            if !std::mem::replace(&mut self.told_no_program, true) {
                out.push(Action::Report(Report::NoProgram));
            }
            self.state = State::NoCamera { reprobe: now + limits::REPROBE };
        }
    }

    fn found(&mut self, candidate: usize, libav: bool, out: &mut Vec<Action>) {
        let name = PROGRAMS[candidate].to_owned();
        if self.backoff.failures() == 0 {
            out.push(Action::Report(Report::Found { program: name.clone(), libav }));
        }
        self.told_no_program = false;
        self.program = Some(Program { name, libav });
    }

    /// Starts the camera beside its publisher.
    fn start_camera(&mut self, now: Mono, out: &mut Vec<Action>) {
        let (name, libav) = self.program.as_ref().map_or(("", false), |program| (&program.name, program.libav));
        let argv = command::camera(&self.config, &self.settings, name, libav);
        self.unit.evidence.next_camera();
        self.unit.spawn(Role::Camera, argv, out);
        (self.applied, self.progress) = (self.settings, now);
        self.state = State::Starting { since: now };
    }

    fn stop(&mut self, now: Mono, scope: Scope, out: &mut Vec<Action>) {
        self.stop_from(now, scope, 0, out);
    }

    fn stop_from(&mut self, now: Mono, scope: Scope, step: usize, out: &mut Vec<Action>) {
        if let State::Running { since } = self.state
            && now.since(since) >= limits::BACKOFF_RESET
        {
            self.backoff.reset();
        }
        let (signal, grace) = STOP_PLAN[step];
        self.signal(scope, signal, out);
        self.state = State::Stopping { scope, step, deadline: now + grace };
        if let Scope::Everything(then) = scope {
            self.stopped_one(now, then, out);
        }
    }

    /// The next step of the plan. When it is used up, that is said once; SIGKILL is repeated now and then, since a
    /// child that left its process group's leader dying may have been missed.
    fn stop_harder(&mut self, now: Mono, scope: Scope, step: usize, out: &mut Vec<Action>) {
        let next = step + 1;
        let (signal, grace) = STOP_PLAN.get(next).copied().unwrap_or((StopSignal::Kill, limits::BACKOFF_LONGEST));
        if next == STOP_PLAN.len() {
            for role in scope.roles().iter().copied().filter(|role| self.unit.is_alive(*role)) {
                out.push(Action::Report(Report::WillNotDie { role }));
            }
        }
        self.signal(scope, signal, out);
        self.state = State::Stopping { scope, step: next.min(STOP_PLAN.len()), deadline: now + grace };
    }

    fn signal(&mut self, scope: Scope, signal: StopSignal, out: &mut Vec<Action>) {
        for role in scope.roles() {
            self.unit.signal(*role, signal, out);
        }
    }

    /// In a stop of everything: goes on once nobody is alive.
    fn stopped_one(&mut self, now: Mono, then: Then, out: &mut Vec<Action>) {
        if !self.unit.any_alive() {
            self.after_stop(now, then, out);
        }
    }

    fn after_stop(&mut self, now: Mono, then: Then, out: &mut Vec<Action>) {
        match then {
            Then::Start => self.begin(now, out),
            Then::BackOff => self.back_off(now, &self.unit.evidence.verdict(), out),
            Then::Off => self.state = State::Off,
        }
    }

    fn back_off(&mut self, now: Mono, reason: &Reason, out: &mut Vec<Action>) {
        if matches!(reason, Reason::NoEncoder | Reason::ProgramMissing { .. }) {
            self.program = None;
        }
        let failure = self.backoff.fail(reason);
        let tail = self.unit.take_tail();
        if failure.attempt.is_power_of_two() {
            let tail = if failure.attempt == 1 { tail } else { Vec::new() };
            let (reason, attempt, retry_in) = (reason.clone(), failure.attempt, failure.retry_in);
            out.push(Action::Report(Report::Failed { reason, attempt, retry_in, tail }));
        }
        self.state = State::BackingOff { until: now + failure.retry_in };
    }
}

impl Scope {
    /// Whom it is about; the camera first, so that it does not meet a closed pipe.
    const fn roles(self) -> &'static [Role] {
        match self {
            Self::CameraOnly => &[Role::Camera],
            Self::Everything(_) => &[Role::Probe, Role::Camera, Role::Publisher],
        }
    }
}
