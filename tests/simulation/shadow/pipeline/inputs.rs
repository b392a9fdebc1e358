//! What an input means to the unit.

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::config::{CameraConfig, CameraSource};
use es_iot_server::server::{Input, Request};
use es_iot_server::stats::Counter;

use super::super::Shadow;
use super::{End, FIRST_WAIT, Life, Pipeline, Unit};
use crate::SECOND;

/// Video that still moves this long after a unit's first makes up for all failures before.
const WELL: u64 = 30 * SECOND;
/// A line that is older than this, while video moves on, is not what ends a unit.
const OVERCOME: u64 = 3 * SECOND;

impl Shadow {
    /// Takes an input before the server does, and while a child that ends is still among the living.
    pub(in super::super) fn foresee(&mut self, at: u64, input: &Input<'_>) {
        self.pipeline.woken = matches!(input, Input::Wakeup);
        match input {
            // A slate is no progress of the camera.
            Input::Published { .. } if self.video.live && self.runs(Role::Publisher) => self.video_moves(at),
            Input::Line { role, text } => self.hint(at, *role, text),
            Input::SpawnFailed { role, errno } => self.child_not_started(at, *role, errno.0),
            Input::Exited { role, .. } => self.child_ends(at, *role),
            Input::Signal(Request::Stop) => match &mut self.pipeline.life {
                Life::Unit(Unit { end, .. }) | Life::Probing { end, .. } => *end = Some(End::Off),
                life @ (Life::Idle | Life::Waiting { .. }) => *life = Life::Idle,
            },
            Input::Reloaded(Ok(fresh)) if self.stopping.is_none() => self.reconfigured(&fresh.config.camera),
            Input::Accepted { .. }
            | Input::AcceptRests { .. }
            | Input::Room { .. }
            | Input::Received { .. }
            | Input::Finished { .. }
            | Input::Lost { .. }
            | Input::Blocked { .. }
            | Input::Unblocked { .. }
            | Input::Tick { .. }
            | Input::Wakeup
            | Input::Video { .. }
            | Input::VideoDrained
            | Input::Published { .. }
            | Input::Took { .. }
            | Input::Sent { .. }
            | Input::Rtcp { .. }
            | Input::Stored { .. }
            | Input::Signal(Request::Reload | Request::Counters)
            | Input::Reloaded(_)
            | Input::NotifyFailed { .. } => {}
        }
    }

    /// Video of the camera has got where it is to go: to the publisher or, without one, into a picture.
    pub(in super::super) fn video_moves(&mut self, at: u64) {
        let films = self.runs(Role::Camera);
        let Pipeline { life: Life::Unit(unit @ Unit { end: None, .. }), next_wait, .. } = &mut self.pipeline else {
            return;
        };
        if !films {
            return;
        }
        (unit.last, unit.starting) = (at, false);
        unit.clue = unit.clue.filter(|said| at < said + OVERCOME);
        if at >= *unit.first.get_or_insert(at) + WELL {
            unit.recovered |= *next_wait > FIRST_WAIT;
            *next_wait = FIRST_WAIT;
        }
    }

    fn hint(&mut self, at: u64, role: Role, text: &str) {
        let runs = self.runs(role);
        if let Life::Unit(unit) = &mut self.pipeline.life
            && runs
        {
            unit.clue = Some(at);
            unit.no_camera |= text.contains("no cameras available");
        }
    }

    fn child_ends(&mut self, at: u64, role: Role) {
        if !self.runs(role) {
            return;
        }
        let stalled = self.pipeline.living().is_some_and(|(_, deadline)| at >= deadline);
        let asked = self.pipeline.asked[role as usize].is_some();
        match &mut self.pipeline.life {
            Life::Unit(Unit { end: Some(_), .. }) => {}
            // The settings have changed. A restart must not hide that the unit stalls.
            Life::Unit(_) if role == Role::Camera && asked && stalled => self.pipeline.declared(),
            Life::Unit(_) if role == Role::Camera && asked => self.pipeline.owes_start = true,
            Life::Unit(unit) => unit.end = Some(End::Failure { stalled: false }),
            Life::Probing { end: Some(End::Off), .. } => self.pipeline.life = Life::Idle,
            Life::Probing { .. } => self.pipeline.begin(),
            Life::Idle | Life::Waiting { .. } => {}
        }
        self.unit_may_be_down(at, role);
    }

    fn child_not_started(&mut self, at: u64, role: Role, errno: i32) {
        if !self.runs(role) {
            return;
        }
        let slow = matches!(errno, 2 | 8 | 13);
        let fixed = self.pipeline.config.source == CameraSource::Rpicam;
        match &mut self.pipeline.life {
            Life::Unit(unit) => {
                unit.not_started.get_or_insert(slow);
                unit.end.get_or_insert(End::Failure { stalled: false });
            }
            Life::Probing { end: Some(End::Off), .. } => self.pipeline.life = Life::Idle,
            Life::Probing { end: Some(_), .. } => self.pipeline.begin(),
            Life::Probing { candidate: candidate @ 0, .. } if errno == 2 => {
                *candidate = 1;
                self.pipeline.owes_start = true;
            }
            Life::Probing { .. } if errno == 2 && !fixed => self.pipeline.life = Life::Idle,
            Life::Probing { .. } => {
                self.counters.one(Counter::PipelineFailed);
                self.pipeline.fail(at, slow);
            }
            Life::Idle | Life::Waiting { .. } => {}
        }
        self.unit_may_be_down(at, role);
    }

    fn unit_may_be_down(&mut self, at: u64, last: Role) {
        let Life::Unit(unit @ Unit { end: Some(end), .. }) = &self.pipeline.life else { return };
        if self.alive.keys().any(|&role| role != last as u8) {
            return;
        }
        match end {
            End::Off => self.pipeline.life = Life::Idle,
            End::Restart => self.pipeline.begin(),
            End::Failure { stalled } => {
                self.counters.one(Counter::PipelineFailed);
                // If a child has named a cause, the stall may count as that.
                if *stalled && unit.not_started.is_none() && unit.clue.is_none() {
                    self.counters.one(Counter::PipelineStalled);
                } else if *stalled {
                    self.counters.perhaps_stalled();
                }
                let lately = unit.restarted.is_some_and(|since| at < since + WELL);
                self.pipeline.recoveries += u64::from(unit.recovered && lately);
                let slow = unit.not_started.unwrap_or(unit.no_camera);
                self.pipeline.fail(at, slow);
            }
        }
    }

    /// The stall time and the slate are in force at once. Anything else starts everything afresh, and forgets the failures.
    fn reconfigured(&mut self, config: &CameraConfig) {
        let pipeline = &mut self.pipeline;
        (pipeline.config.stall_seconds, pipeline.config.slate) = (config.stall_seconds, config.slate);
        if pipeline.config == *config {
            return;
        }
        pipeline.config = config.clone();
        pipeline.next_wait = FIRST_WAIT;
        match &mut pipeline.life {
            Life::Unit(Unit { end, .. }) | Life::Probing { end, .. } => *end = Some(End::Restart),
            Life::Idle | Life::Waiting { .. } => pipeline.begin(),
        }
    }
}
