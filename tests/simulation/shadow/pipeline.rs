//! Camera and publisher as one unit: by when its video has to move, what ends it, and when the next one starts. A
//! camera that restarts for new settings is no new unit.

mod inputs;

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::camera::supervisor::StopSignal;
use es_iot_server::config::{CameraConfig, CameraSource};
use es_iot_server::server::{Output, Server};
use es_iot_server::stats::Counter;
use es_iot_server::time::Mono;

use super::Shadow;
use crate::{MILLI, SECOND};

/// What a stall's time is longer by, once, while a camera's first video is awaited.
const STARTUP_ALLOWANCE: u64 = 5 * SECOND;
const STOP_GRACE: u64 = 1500 * MILLI;
const FIRST_WAIT: u64 = 500 * MILLI;
const LONGEST_WAIT: u64 = 30 * SECOND;

/// What follows once none of the children is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Failure { stalled: bool },
    Restart,
    Off,
}

#[derive(Debug)]
struct Unit {
    /// When video last moved, or the unit's start.
    last: u64,
    first: Option<u64>,
    /// Whether a camera's first video is awaited.
    starting: bool,
    cameras: u32,
    /// When a camera was last started for new settings.
    restarted: Option<u64>,
    /// Video made up for failures.
    recovered: bool,
    /// A child could not be started, and whether only a person can help.
    not_started: Option<bool>,
    /// The running camera sees no camera.
    no_camera: bool,
    /// When a child last named a cause.
    clue: Option<u64>,
    end: Option<End>,
}

#[derive(Debug)]
enum Life {
    /// Nothing runs and no wait is foretold.
    Idle,
    Probing {
        candidate: u32,
        end: Option<End>,
    },
    Unit(Unit),
    /// After a failure: the next start is due within these two.
    Waiting {
        least: u64,
        most: u64,
    },
}

#[derive(Debug)]
pub struct Pipeline {
    config: CameraConfig,
    life: Life,
    /// The wait after the next failure.
    next_wait: u64,
    /// When a child was last asked to stop, and whether it was killed since, by role.
    asked: [Option<(u64, bool)>; 3],
    /// Something has to be started before the next input.
    owes_start: bool,
    /// This input is a look at the timers.
    woken: bool,
    /// Stalls that were declared, and those among them with a settings change since the last video.
    pub stalls: u64,
    pub hidden_stalls: u64,
    /// Failures whose wait is a short one again, thanks to a unit with a settings change in its last 30 s.
    pub recoveries: u64,
    pub kills: u64,
}

impl Pipeline {
    pub fn new(config: CameraConfig) -> Self {
        Self {
            config,
            life: Life::Idle,
            next_wait: FIRST_WAIT,
            asked: [None; 3],
            owes_start: false,
            woken: false,
            stalls: 0,
            hidden_stalls: 0,
            recoveries: 0,
            kills: 0,
        }
    }

    /// Whatever runs makes way for a fresh start; without a failure to wait for.
    pub fn start_afresh(&mut self) {
        if let Life::Unit(Unit { end: end @ None, .. }) = &mut self.life {
            *end = Some(End::Restart);
        }
    }

    /// The unit that is to go on, and when it stalls.
    fn living(&self) -> Option<(&Unit, u64)> {
        let Life::Unit(unit @ Unit { end: None, .. }) = &self.life else { return None };
        let allowance = if unit.starting { STARTUP_ALLOWANCE } else { 0 };
        Some((unit, unit.last + u64::from(self.config.stall_seconds) * SECOND + allowance))
    }

    /// A failure, of which only a person can remove the cause if `slow`.
    fn fail(&mut self, at: u64, slow: bool) {
        let wait = if slow { LONGEST_WAIT } else { self.next_wait };
        self.next_wait = (self.next_wait * 2).min(LONGEST_WAIT);
        self.life = Life::Waiting { least: at + wait * 3 / 4, most: at + wait * 5 / 4 };
    }

    /// Nothing runs, and there is nothing to wait for.
    fn begin(&mut self) {
        self.life = Life::Idle;
        self.owes_start = self.config.source != CameraSource::None;
    }

    fn declared(&mut self) {
        let Life::Unit(unit) = &mut self.life else { return };
        unit.end = Some(End::Failure { stalled: true });
        self.stalls += 1;
        self.hidden_stalls += u64::from(unit.restarted.is_some_and(|at| at > unit.last));
    }
}

impl Shadow {
    pub(super) fn pipeline_output(&mut self, at: u64, output: &Output) {
        if let Output::Spawn { role, .. } = output {
            self.child_starts(at, *role);
        }
        if let Output::Signal { role, signal } = output {
            match signal {
                StopSignal::Interrupt => self.child_is_asked(at, *role),
                StopSignal::Kill => self.child_is_killed(at, *role),
            }
        }
    }

    fn child_is_asked(&mut self, at: u64, role: Role) {
        self.pipeline.asked[role as usize] = Some((at, false));
        // All else that ends a unit is foretold, and a camera may restart for new settings; a stall is up to the server.
        let last = if self.runs(Role::Publisher) { Role::Publisher } else { Role::Camera };
        let restarts = role == Role::Camera && self.takes_settings(at);
        if role == last
            && !restarts
            && let Some((unit, deadline)) = self.pipeline.living()
        {
            let last = unit.last;
            self.check(at >= deadline, || {
                format!("stalled at {at}: the last video was at {last}, the deadline is {deadline}")
            });
            self.pipeline.declared();
        }
    }

    /// Whether the camera was handed new settings just now, for which it restarts.
    fn takes_settings(&self, at: u64) -> bool {
        self.settings.handed.is_some_and(|(then, _)| then == at)
    }

    /// Whether a look at the timers shows first of all that the unit stalls.
    pub(super) fn stall_shows(&self, at: u64) -> bool {
        let restarts = self.pipeline.asked[Role::Camera as usize].is_some() || self.takes_settings(at);
        !restarts && self.pipeline.living().is_some_and(|(_, deadline)| at >= deadline)
    }

    fn child_is_killed(&mut self, at: u64, role: Role) {
        self.counters.one(Counter::ChildKilled);
        self.pipeline.kills += 1;
        let asked = &mut self.pipeline.asked[role as usize];
        let due = asked.is_some_and(|(since, killed)| killed || at >= since + STOP_GRACE);
        *asked = Some((at, true));
        match &mut self.pipeline.life {
            // A probe that takes too long has nothing to save, and what it has found so far is used.
            Life::Probing { end: end @ None, .. } => *end = Some(End::Restart),
            Life::Idle | Life::Probing { .. } | Life::Unit(_) | Life::Waiting { .. } => {
                self.check(due, || format!("{role:?} is killed at {at}, before it had its time to stop"));
            }
        }
    }

    fn child_starts(&mut self, at: u64, role: Role) {
        self.pipeline.asked[role as usize] = None;
        self.pipeline.owes_start = false;
        if let Life::Waiting { least, most } = self.pipeline.life {
            self.check(least <= at, || format!("{role:?} is started at {at}, not from {least} to {most}"));
        }
        let publishes = self.pipeline.config.rtsp_url.is_some();
        match (role, &mut self.pipeline.life) {
            (Role::Probe, Life::Probing { .. }) => {}
            (Role::Probe, life) => *life = Life::Probing { candidate: 0, end: None },
            (Role::Publisher, life) => {
                *life = Life::Unit(Unit::new(at));
                self.counters.one(Counter::PipelineStarted);
                self.video.publisher_waits = true;
                self.check(publishes, || "a publisher that has nowhere to publish".into());
            }
            (Role::Camera, life @ (Life::Idle | Life::Waiting { .. } | Life::Probing { .. })) => {
                *life = Life::Unit(Unit { cameras: 1, ..Unit::new(at) });
                self.counters.one(Counter::PipelineStarted);
                self.check(!publishes, || "a camera without a publisher".into());
            }
            (Role::Camera, Life::Unit(unit)) => {
                (unit.starting, unit.no_camera) = (true, false);
                unit.cameras += 1;
                unit.restarted = (unit.cameras > 1).then_some(at);
                let (end, last) = (unit.end, unit.last);
                self.check(end.is_none(), || {
                    format!(
                        "a camera is started at {at} in a unit that is over ({end:?}); the last video was at {last}"
                    )
                });
            }
        }
    }

    /// After an input: what was due has been done, and the server wakes up in time for what is next.
    pub(super) fn check_pipeline(&mut self, at: u64, server: &Server) {
        if self.exited {
            return;
        }
        let owes_start = self.pipeline.owes_start;
        self.check(!owes_start, || format!("nothing is started at {at}"));
        let ends = match &self.pipeline.life {
            Life::Unit(Unit { end, .. }) | Life::Probing { end, .. } => end.is_some(),
            Life::Idle | Life::Waiting { .. } => false,
        };
        let asked = self.pipeline.asked;
        let left_alone = self.alive.keys().find(|&&role| asked[usize::from(role)].is_none());
        let ended = !ends || left_alone.is_none();
        self.check(ended, || "a child of a unit that is over is left alone".into());
        let unkilled = self.alive.keys().filter_map(|&role| asked[usize::from(role)]);
        let kill = unkilled.filter(|&(_, killed)| !killed).map(|(since, _)| since + STOP_GRACE).min();
        let camera_stops = self.runs(Role::Camera) && asked[Role::Camera as usize].is_some();
        let (what, due) = match (self.pipeline.living(), &self.pipeline.life) {
            (Some((_, deadline)), _) if !camera_stops => ("a stall", Some(deadline)),
            (None, Life::Waiting { most, .. }) => ("the next try", Some(*most)),
            (_, Life::Idle | Life::Probing { .. } | Life::Unit(_) | Life::Waiting { .. }) => ("SIGKILL", kill),
        };
        let woken = std::mem::take(&mut self.pipeline.woken);
        let Some(due) = due else { return };
        self.check(!woken || at < due, || format!("{what} was due at {due}, and has not come at {at}"));
        let next = server.next_wakeup().map(Mono::as_nanos);
        self.check(next.is_some_and(|next| next <= due), || {
            format!("{what} is due at {due}, and the server sleeps until {next:?}")
        });
    }

    pub(super) fn runs(&self, role: Role) -> bool {
        self.alive.contains_key(&(role as u8))
    }
}

impl Unit {
    fn new(at: u64) -> Self {
        Self {
            last: at,
            first: None,
            starting: true,
            cameras: 0,
            restarted: None,
            recovered: false,
            not_started: None,
            no_camera: false,
            clue: None,
            end: None,
        }
    }
}
