//! Supervises the camera and its publisher: a state machine that maps (state, event) to actions.
//!
//! Camera and publisher are one pipeline: if one dies, the other is stopped. The exception is a change of the settings: it
//! restarts only the camera, so viewers stay connected. Stops follow a plan ([`STOP_PLAN`]) and retries back off; both are
//! data. Nothing here sleeps, reads a clock or touches a process.
//!
//! Not here: the command lines (`command`), the cause of a failure (`diagnosis`), and pipes, pids and reaping (`sys`,
//! `reactor`). [`Event`] and [`Action`] document the caller's obligations.

use std::borrow::Cow;
use std::time::Duration;

use super::diagnosis::{Exit, Role};
use super::report::Report;
use super::settings::CameraSettings;
use crate::config::{CameraConfig, CameraSource};
use crate::limits;
use crate::time::Mono;

mod backoff;
mod pipeline;
mod progress;
mod steps;
mod table;

use backoff::Backoff;
use pipeline::Pipeline;
use progress::Progress;

/// The plan for stopping a child: signals, and the wait after each.
pub const STOP_PLAN: [(StopSignal, Duration); 2] =
    [(StopSignal::Interrupt, limits::STOP_GRACE), (StopSignal::Kill, limits::KILL_GRACE)];

/// An input of the supervisor. Events for a role that is not alive are ignored, so late ones do no harm.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The server is ready: start.
    Start,
    /// The new settings.
    SettingsChanged(CameraSettings),
    /// The new camera section of the configuration.
    Reconfigured(CameraConfig),
    /// An [`Action::Spawn`] failed. Otherwise the child counts as alive until [`Event::Exited`].
    SpawnFailed {
        /// Which child.
        role: Role,
        /// The errno of fork, exec or the pipes.
        errno: i32,
        /// The error's text.
        text: &'a str,
    },
    /// A line of a child's standard error, without its line end. For the probe, also a line of its standard output.
    Line {
        /// Which child.
        role: Role,
        /// The line, which is masked and truncated here. A caller that truncates it must mask it first
        /// ([`crate::config::mask_url_passwords_in_cut`]).
        text: &'a str,
    },
    /// The pipeline made progress: video reached the publisher or, without one, the camera completed a picture.
    Video {
        /// How much, in bytes or pictures; zero is no progress.
        bytes: u64,
    },
    /// A child was reaped. Deliver the remaining lines from its pipe before this event.
    Exited {
        /// Which child.
        role: Role,
        /// How it ended.
        exit: Exit,
    },
    /// The wall clock was set. The publisher's time stamps use that clock, so the pipeline restarts.
    ClockStepped {
        /// The step in milliseconds; negative for a step back.
        by_ms: i64,
    },
    /// The time of [`Supervisor::deadline`] has come. An early event is ignored.
    Deadline,
    /// Stop everything until the next [`Event::Start`].
    Stop,
}

/// An output of the supervisor. The caller carries out the actions immediately and in order, before the next event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start a child in its own process group. The publisher gets the camera's pictures, those of the next camera included.
    Spawn {
        /// Which child.
        role: Role,
        /// Its program and arguments. An empty list must result in [`Event::SpawnFailed`].
        argv: Vec<String>,
    },
    /// Signal a child's process group. If there is no such child because its spawn has just failed, do nothing.
    Signal {
        /// Which child.
        role: Role,
        /// The signal.
        signal: StopSignal,
    },
    /// Log this.
    Report(Report),
    /// Count a start of the pipeline. A camera that restarts for new settings does not start the pipeline.
    CountStart,
    /// Count a pipeline failure. A separate [`Action::Report`] logs it, if it is due.
    CountFailure {
        /// Whether the pipeline stalled.
        stalled: bool,
    },
}

/// The signals of the stop plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, on which rpicam-vid and ffmpeg stop cleanly.
    Interrupt,
    /// SIGKILL.
    Kill,
}

/// The next step when a stop is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Start again immediately.
    Start,
    /// Diagnose the failure and back off.
    BackOff,
    /// Nothing.
    Off,
}

/// The children that a stop concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The camera, for new settings. It is started again; the publisher keeps running.
    CameraOnly,
    /// Every child.
    Everything(Then),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Stopped, or the source is `none`.
    Off,
    /// The source is `auto` and no camera program is installed.
    NoCamera { reprobe: Mono },
    /// A candidate of [`super::command::PROGRAMS`] is listing its options.
    Probing { candidate: usize, until: Mono, low_latency: bool, libav_format: bool },
    /// The camera, and the publisher if there is one, run; there is no video yet.
    Starting { since: Mono },
    /// Video has moved since `since`, which was `after` the camera's start. `proven` once it has moved for a while: a
    /// publisher without a server accepts some video before it fails.
    Running { since: Mono, after: Duration, proven: bool },
    /// `step` is the index in [`STOP_PLAN`]; at its length the plan is exhausted.
    Stopping { scope: Scope, step: usize, deadline: Mono },
    /// Nothing runs until `until`.
    BackingOff { until: Mono },
}

/// The camera program found by the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    name: String,
    libav: bool,
}

/// The state machine; see the module documentation.
#[derive(Debug)]
pub struct Supervisor {
    config: CameraConfig,
    settings: CameraSettings,
    /// The argv of the running camera.
    argv: Vec<String>,
    state: State,
    /// Whether the last command was [`Event::Stop`], or there was none yet.
    stopped: bool,
    program: Option<Program>,
    /// Whether [`Report::NoProgram`] was reported since a program was last found or the
    /// configuration changed.
    reported_no_program: bool,
    pipeline: Pipeline,
    backoff: Backoff,
    progress: Progress,
}

impl Supervisor {
    /// A supervisor in the off state; [`Event::Start`] starts it. `seed` seeds the jitter of the backoff.
    pub fn new(config: CameraConfig, settings: CameraSettings, seed: u64) -> Self {
        Self {
            config,
            settings,
            argv: Vec::new(),
            state: State::Off,
            stopped: true,
            program: None,
            reported_no_program: false,
            pipeline: Pipeline::default(),
            backoff: Backoff::new(seed),
            progress: Progress::default(),
        }
    }

    /// Handles one event and appends the resulting actions to `out`.
    pub fn handle(&mut self, now: Mono, event: Event<'_>, out: &mut Vec<Action>) {
        match event {
            Event::Start => self.on_start(now, out),
            Event::SettingsChanged(settings) => self.on_settings(now, settings, out),
            Event::Reconfigured(config) => self.on_config(now, config, out),
            Event::SpawnFailed { role, errno, text } => self.on_spawn_failed(now, role, errno, text, out),
            Event::Line { role, text } => self.on_line(now, role, text, out),
            Event::Video { bytes } => self.on_video(now, bytes, out),
            Event::Exited { role, exit } => self.on_exited(now, role, exit, out),
            Event::ClockStepped { by_ms } => self.on_clock(now, by_ms, out),
            Event::Deadline => self.on_deadline(now, out),
            Event::Stop => self.on_stop(now, out),
        }
    }

    /// When [`Event::Deadline`] is due. Every event may change it.
    pub fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Off => None,
            State::NoCamera { reprobe } => Some(reprobe),
            State::Probing { until, .. } | State::BackingOff { until } => Some(until),
            State::Starting { .. } | State::Running { .. } => Some(self.stall_deadline()),
            State::Stopping { deadline, .. } => Some(deadline),
        }
    }

    /// Whether the supervisor is stopped, or was never started, and no child is alive.
    pub fn is_off(&self) -> bool {
        self.stopped && self.state == State::Off
    }

    /// The state's name, for counters and tests.
    pub fn state_name(&self) -> &'static str {
        match self.state {
            State::Off => "off",
            State::NoCamera { .. } => "no-camera",
            State::Probing { .. } => "probing",
            State::Starting { .. } => "starting",
            State::Running { .. } => "running",
            State::Stopping { scope: Scope::CameraOnly, .. } => "restarting-camera",
            State::Stopping { scope: Scope::Everything(Then::Start), .. } => "stopping-to-start",
            State::Stopping { scope: Scope::Everything(Then::BackOff), .. } => "stopping-to-back-off",
            State::Stopping { scope: Scope::Everything(Then::Off), .. } => "stopping",
            State::BackingOff { .. } => "backing-off",
        }
    }

    /// A one-line status for people, such as for the service manager.
    pub fn status(&self) -> Cow<'static, str> {
        match self.state {
            State::Off => "camera off".into(),
            State::NoCamera { .. } => "camera: no camera program is installed".into(),
            State::Probing { .. } => "camera: looking for a camera program".into(),
            State::Starting { .. } | State::Running { proven: false, .. } => "camera starting".into(),
            State::Running { proven: true, .. } => "camera running".into(),
            State::Stopping { scope: Scope::CameraOnly, .. } => "camera restarting for new settings".into(),
            State::Stopping { .. } => "camera stopping".into(),
            State::BackingOff { .. } => self.backoff.status().into(),
        }
    }

    /// Why there is no picture from the camera at the moment, for the slate: what the log says, if something is wrong.
    pub fn why_no_picture(&self) -> Cow<'static, str> {
        let last = self.backoff.last_reason();
        match (&self.state, last) {
            (State::Off, _) if self.config.source == CameraSource::None => {
                "no camera: camera.source is \"none\" in the configuration".into()
            }
            (State::Off, _) => "the camera is off".into(),
            (State::NoCamera { .. }, _) => Report::NoProgram.to_string().into(),
            (State::Stopping { scope: Scope::CameraOnly, .. }, _) => {
                "one moment: the camera takes the new settings".into()
            }
            (
                State::BackingOff { .. } | State::Stopping { .. } | State::Starting { .. } | State::Probing { .. },
                Some(reason),
            ) => reason.to_string().into(),
            (State::Probing { .. } | State::Starting { .. }, None) => "one moment: the camera is starting".into(),
            (State::Stopping { .. } | State::BackingOff { .. }, None) => "one moment: the camera is stopping".into(),
            (State::Running { .. }, _) => {
                "no picture: the camera program runs, but delivers none that can be shown".into()
            }
        }
    }

    /// Whether the pipeline has failed since it was last healthy.
    pub fn is_failing(&self) -> bool {
        self.backoff.last_reason().is_some()
    }

    /// Whether there is a publisher.
    pub fn is_publishing(&self) -> bool {
        self.pipeline.is_alive(Role::Publisher)
    }

    /// When the pipeline counts as stalled. A long exposure lengthens the interval between pictures.
    fn stall_deadline(&self) -> Mono {
        let exposures = Duration::from_micros(self.settings.shutter.into()) * limits::STALL_FRAMES;
        self.progress.deadline(Duration::from_secs(self.config.stall_seconds.into()).max(exposures))
    }
}

#[cfg(test)]
mod random_events;
#[cfg(test)]
mod tests;
