//! The transition table: one method per event, in which every (state, event) pair is handled explicitly.

use super::{Action, STOP_PLAN, Scope, State, Supervisor, Then};
use crate::camera::diagnosis::{Exit, Reason, Role};
use crate::camera::report::Report;
use crate::camera::settings::CameraSettings;
use crate::config::CameraConfig;
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
                // The command line decides: a command without placeholders needs no restart.
                if self.camera_argv() != self.argv {
                    out.push(Action::Report(Report::Restarting));
                    self.stop(now, Scope::CameraOnly, out);
                }
            }
            // The next camera starts with the current settings.
            State::Off
            | State::NoCamera { .. }
            | State::Probing { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_config(&mut self, now: Mono, config: CameraConfig, out: &mut Vec<Action>) {
        // Neither is passed to any child, so they need no restart.
        let CameraConfig { stall_seconds, slate, .. } = config;
        let same_children = CameraConfig { stall_seconds, slate, ..self.config.clone() } == config;
        self.config = config;
        if same_children {
            return;
        }
        self.backoff.reset();
        self.reported_no_program = false;
        self.wind_up(now, if self.stopped { Then::Off } else { Then::Start }, out);
    }

    /// Stops everything, then continues with `then`.
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
        if !self.pipeline.is_alive(role) {
            return;
        }
        if role == Role::Probe {
            if let State::Probing { low_latency, libav_format, .. } = &mut self.state {
                *low_latency |= text.contains("--low-latency");
                *libav_format |= text.contains("--libav-format");
            }
            return;
        }
        let proven = matches!(self.state, State::Running { proven: true, .. });
        self.pipeline.line(now, role, text, !proven && self.backoff.failures() > 0, out);
    }

    pub(super) fn on_video(&mut self, now: Mono, bytes: u64, out: &mut Vec<Action>) {
        if bytes == 0 {
            return;
        }
        match self.state {
            State::Starting { since } => {
                self.state = State::Running { since: now, after: now.since(since), proven: false };
            }
            State::Running { since, after, proven: false } if now.since(since) >= limits::RUNNING_PROOF => {
                out.push(Action::Report(Report::Running { after, failures: self.backoff.failures() }));
                self.state = State::Running { since, after, proven: true };
            }
            // The last video of a camera that is being restarted still reaches the publisher.
            State::Running { .. } | State::Stopping { scope: Scope::CameraOnly, .. } => {}
            State::Off
            | State::NoCamera { .. }
            | State::Probing { .. }
            | State::Stopping { scope: Scope::Everything(_), .. }
            | State::BackingOff { .. } => return,
        }
        if self.progress.video(now) {
            self.backoff.reset();
        }
        self.pipeline.findings.video(now);
    }

    pub(super) fn on_spawn_failed(&mut self, now: Mono, role: Role, errno: i32, text: &str, out: &mut Vec<Action>) {
        let Some(reason) = self.pipeline.spawn_failed(role, errno, text) else { return };
        match self.state {
            State::Probing { candidate, .. } => {
                if matches!(reason, Reason::ProgramMissing { .. }) {
                    self.probe(now, candidate + 1, out);
                } else {
                    self.back_off(now, &reason, out);
                }
            }
            State::Starting { .. } | State::Running { .. } | State::Stopping { scope: Scope::CameraOnly, .. } => {
                self.pipeline.findings.spawn_failed(reason);
                self.stop(now, Scope::Everything(Then::BackOff), out);
            }
            State::Stopping { scope: Scope::Everything(then), .. } => {
                self.pipeline.findings.spawn_failed(reason);
                self.stopped_one(now, then, out);
            }
            // No child is alive in these states.
            State::Off | State::NoCamera { .. } | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_exited(&mut self, now: Mono, role: Role, exit: Exit, out: &mut Vec<Action>) {
        if !self.pipeline.exited(role, exit) {
            return;
        }
        match self.state {
            State::Probing { candidate, low_latency, libav_format, .. } => {
                self.found(candidate, low_latency && libav_format, out);
                self.begin(now, out);
            }
            State::Starting { .. } | State::Running { .. } => self.stop(now, Scope::Everything(Then::BackOff), out),
            State::Stopping { scope: Scope::CameraOnly, step, deadline } => match role {
                // A restart must not hide a stall.
                Role::Camera if now >= self.stall_deadline() => self.stalled(now, out),
                Role::Camera => self.start_camera(now, out),
                // The camera is already being stopped, so its plan continues.
                Role::Publisher | Role::Probe => {
                    self.state = State::Stopping { scope: Scope::Everything(Then::BackOff), step, deadline };
                }
            },
            State::Stopping { scope: Scope::Everything(then), .. } => self.stopped_one(now, then, out),
            // No child is alive in these states.
            State::Off | State::NoCamera { .. } | State::BackingOff { .. } => {}
        }
    }

    pub(super) fn on_clock(&mut self, now: Mono, by_ms: i64, out: &mut Vec<Action>) {
        if !self.pipeline.is_alive(Role::Publisher) {
            return;
        }
        match self.state {
            // This is not a failure, so there is no backoff.
            State::Starting { .. } | State::Running { .. } | State::Stopping { scope: Scope::CameraOnly, .. } => {
                out.push(Action::Report(Report::ClockStepped { by_ms }));
                self.stop(now, Scope::Everything(Then::Start), out);
            }
            // The publisher is being stopped.
            State::Off
            | State::NoCamera { .. }
            | State::Probing { .. }
            | State::Stopping { scope: Scope::Everything(_), .. }
            | State::BackingOff { .. } => {}
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
                // The probe timed out; it has nothing to clean up, so kill it.
                self.stop_from(now, Scope::Everything(Then::Start), STOP_PLAN.len() - 1, out);
            }
            State::Starting { .. } | State::Running { .. } => self.stalled(now, out),
            State::Stopping { scope, step, .. } => self.stop_harder(now, scope, step, out),
        }
    }
}
