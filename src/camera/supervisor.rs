//! When to start, stop and restart the camera and its publisher: one state machine, states by events to actions.
//!
//! Camera and publisher are one pipeline: one dies, both go. The exception is a change of the settings, which restarts
//! the camera alone, so that viewers are not cut off. A stop is a plan ([`STOP_PLAN`]), a retry a backoff; both
//! are data. Nothing here sleeps, reads a clock or touches a process.
//!
//! Not here: the command lines (`command`), the meaning of a death (`diagnosis`), and pipes, pids and reaping
//! (`sys`, `reactor`). What the caller owes this module is written at [`Event`] and [`Action`].

use std::borrow::Cow;
use std::time::Duration;

use super::diagnosis::{Exit, Role};
use super::report::Report;
use super::settings::CameraSettings;
use crate::config::CameraConfig;
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

/// How a child is stopped: each signal, and how long it has before the next.
pub const STOP_PLAN: [(StopSignal, Duration); 2] =
    [(StopSignal::Interrupt, limits::STOP_GRACE), (StopSignal::Kill, limits::KILL_GRACE)];

/// What happened. Events about a role that is not alive are ignored, so a late one does no harm.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The server is up: begin.
    Start,
    /// The settings to use from now on.
    SettingsChanged(CameraSettings),
    /// The camera section to use from now on.
    Reconfigured(CameraConfig),
    /// A [`Action::Spawn`] could not be carried out. Without it the child is taken to live until [`Event::Exited`].
    SpawnFailed {
        /// Which child.
        role: Role,
        /// The errno of fork, exec or the pipes.
        errno: i32,
        /// Its text.
        text: &'a str,
    },
    /// A line of a child's standard error, or of the probe's standard output as well, without its line end.
    Line {
        /// Which child.
        role: Role,
        /// The line, masked by the caller if the caller has cut it ([`crate::config::mask_url_passwords_in_cut`]);
        /// masked and cut here.
        text: &'a str,
    },
    /// Video moved from the camera to the publisher. Bytes of a camera that has exited must not be counted.
    Video {
        /// How much; zero is no progress.
        bytes: u64,
    },
    /// A child is reaped. Hand in the lines it left in its pipe before this.
    Exited {
        /// Which child.
        role: Role,
        /// How it ended.
        exit: Exit,
    },
    /// The wall clock was set. The publisher's time stamps are of that clock, so the pipeline starts afresh.
    ClockStepped {
        /// By how many milliseconds: forward, or back when it is negative.
        by_ms: i64,
    },
    /// The time of [`Supervisor::deadline`] has come. Too early is ignored.
    Deadline,
    /// Stop everything for good; only [`Event::Start`] begins again.
    Stop,
}

/// What the caller is to do, at once and in this order, before it hands in the next event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start a child in its own process group. The camera's standard output goes to the publisher's standard input;
    /// a publisher that lives on gets the next camera's.
    Spawn {
        /// Which one.
        role: Role,
        /// Its program and arguments; an empty list can't be started and has to be answered as such.
        argv: Vec<String>,
    },
    /// Signal a child's process group. If there is none (its spawn failed a moment ago), do nothing.
    Signal {
        /// Which one.
        role: Role,
        /// With what.
        signal: StopSignal,
    },
    /// Log this.
    Report(Report),
    /// Count a failed pipeline. Whether it is logged as well is up to [`Action::Report`].
    CountFailure {
        /// Whether it failed because no video moved.
        stalled: bool,
    },
}

/// The signals of the stop plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, the clean stop of both rpicam-vid and ffmpeg.
    Interrupt,
    /// SIGKILL.
    Kill,
}

/// What there is to be done once a stop is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Begin again at once.
    Start,
    /// Judge the findings, and wait.
    BackOff,
    /// Nothing.
    Off,
}

/// What a stop is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The camera, for new settings; a new one follows and the publisher lives on.
    CameraOnly,
    /// Every child.
    Everything(Then),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Stopped, or the source is `none`.
    Off,
    /// The source is `auto`, and there is no camera program.
    NoCamera { reprobe: Mono },
    /// A candidate of [`super::command::PROGRAMS`] lists its options.
    Probing { candidate: usize, until: Mono, low_latency: bool, libav_format: bool },
    /// Camera and publisher run, no video yet.
    Starting { since: Mono },
    /// Video moves, `since` then, `after` its camera's start. `proven` once it has moved for a while: a publisher
    /// whose server is absent takes some before it finds out.
    Running { since: Mono, after: Duration, proven: bool },
    /// `step` counts along [`STOP_PLAN`]; at its length the plan is used up.
    Stopping { scope: Scope, step: usize, deadline: Mono },
    /// Nothing runs until then.
    BackingOff { until: Mono },
}

/// A camera program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    name: String,
    libav: bool,
}

/// The state machine. See the module's documentation.
#[derive(Debug)]
pub struct Supervisor {
    config: CameraConfig,
    settings: CameraSettings,
    /// What the running camera was started with.
    argv: Vec<String>,
    state: State,
    /// Whether the last word was [`Event::Stop`], or nothing was said yet.
    stopped: bool,
    program: Option<Program>,
    /// Whether [`Report::NoProgram`] was given since a program was last found.
    told_no_program: bool,
    pipeline: Pipeline,
    backoff: Backoff,
    progress: Progress,
}

impl Supervisor {
    /// A supervisor that is off; [`Event::Start`] begins. `seed` makes the jitter of the backoff.
    pub fn new(config: CameraConfig, settings: CameraSettings, seed: u64) -> Self {
        Self {
            config,
            settings,
            argv: Vec::new(),
            state: State::Off,
            stopped: true,
            program: None,
            told_no_program: false,
            pipeline: Pipeline::default(),
            backoff: Backoff::new(seed),
            progress: Progress::default(),
        }
    }

    /// Takes in one event and appends what is to be done to `out`.
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

    /// When [`Event::Deadline`] is due; it moves with every event.
    pub fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Off => None,
            State::NoCamera { reprobe } => Some(reprobe),
            State::Probing { until, .. } | State::BackingOff { until } => Some(until),
            State::Starting { .. } | State::Running { .. } => Some(self.stall_deadline()),
            State::Stopping { deadline, .. } => Some(deadline),
        }
    }

    /// Whether it was told to stop (or never to start) and no child is alive any more.
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

    /// One line for people, such as the service manager's status.
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

    /// When the pipeline counts as stalled. A long exposure stretches the time from picture to picture.
    fn stall_deadline(&self) -> Mono {
        let exposures = Duration::from_micros(self.settings.shutter.into()) * limits::STALL_FRAMES;
        self.progress.deadline(Duration::from_secs(self.config.stall_seconds.into()).max(exposures))
    }
}

#[cfg(test)]
mod random_events;
#[cfg(test)]
mod tests;
