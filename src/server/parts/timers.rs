//! What may be due, and which part is to act then.

use std::time::Duration;

use super::Parts;
use crate::camera::supervisor::Event;
use crate::config::Config;
use crate::server::connections::Overdue;
use crate::server::context::{Context, Journal};
use crate::server::video::Video;
use crate::service::rtsp;
use crate::time::Mono;

/// What may be due. Each deadline is computed from the state it belongs to, so none can be forgotten or left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A peer owes a packet, its socket's attention, or its leave.
    Connections,
    /// The settings are to be applied or written.
    Settings,
    /// The supervisor's next step.
    Camera,
    /// The brake on wrong passwords may go off.
    Brake,
    /// The keys of a new password take their next turn, or a session ends.
    Login,
    /// The service manager wants a sign of life.
    Watchdog,
    /// A kind of lines has been suppressed for long enough.
    Journal,
    /// A picture may be complete.
    Picture,
    /// The slate is due.
    Slate,
    /// Viewers want a sender report.
    SenderReports,
    /// The clock that is not set is to be looked at.
    Clock,
    /// The state is to be looked at for those that get the events.
    Events,
    /// Stopping has to be over.
    Stop,
}

/// How many kinds of [`Timer`] there are.
const TIMERS: usize = 13;

impl Parts {
    /// When the slate is due: if a viewer is there to see it.
    fn slate_deadline(&self, config: &Config) -> Option<Mono> {
        let is_wanted = self.viewers.want_pictures() || self.http.want_pictures();
        let is_wanted = is_wanted && !self.lifecycle.is_stopping();
        self.video.slate_deadline(&config.camera, self.exposure()).filter(|_| is_wanted)
    }

    /// The exposure time of the camera.
    pub fn exposure(&self) -> Duration {
        Duration::from_micros(self.settings.current().shutter.into())
    }

    pub fn timers(&self, journal: &Journal, config: &Config) -> [(Timer, Option<Mono>); TIMERS] {
        [
            (Timer::Connections, self.connections.deadline()),
            (Timer::Settings, self.settings.deadline()),
            (Timer::Camera, self.pipeline.deadline()),
            (Timer::Brake, self.auth.deadline()),
            (Timer::Login, self.login.deadline()),
            (Timer::Watchdog, self.lifecycle.watchdog_deadline()),
            (Timer::Journal, journal.deadline()),
            (Timer::Picture, self.video.quiet_deadline()),
            (Timer::Slate, self.slate_deadline(config)),
            (Timer::SenderReports, self.viewers.report_deadline()),
            (Timer::Clock, self.device.clock_deadline()),
            (Timer::Events, self.http.events_deadline()),
            (Timer::Stop, self.lifecycle.stop_deadline()),
        ]
    }

    pub fn wakeup(&mut self, cx: &mut Context<'_>) {
        for turn in 0..TIMERS {
            // Looked up at its turn: what an earlier timer led to may have put it off. A slate that was due is not when the
            // camera's picture is complete by now, or its last viewer has gone.
            let (timer, at) = self.timers(cx.journal, cx.config)[turn];
            if at.is_none_or(|at| at > cx.mono()) {
                continue;
            }
            match timer {
                Timer::Connections => {
                    while let Some(overdue) = self.connections.close_overdue(cx) {
                        match overdue {
                            Overdue::Departed(departed) => self.departed(cx, Some(departed)),
                            Overdue::Exchange(conn) => {
                                self.rtsp(cx, conn, rtsp::Input::Wakeup);
                                self.http_due(cx, conn);
                            }
                        }
                    }
                }
                Timer::Settings => self.settings_due(cx),
                Timer::Camera => self.pipeline.handle(cx, Event::Deadline),
                Timer::Brake => self.auth.release_brake(cx),
                Timer::Login => self.sessions_due(cx),
                Timer::Watchdog => self.lifecycle.watchdog_due(cx),
                Timer::Journal => cx.report_suppressed(),
                Timer::Picture => self.complete(cx, Video::quiet),
                Timer::Slate => self.slate_due(cx),
                Timer::SenderReports => self.viewers.send_reports(cx, &self.video),
                Timer::Clock => self.device.watch_clock(cx),
                Timer::Events => self.send_changes(cx),
                Timer::Stop => {
                    let waiting_for = if self.pipeline.is_off() { "the settings file" } else { "the camera" };
                    self.lifecycle.stop_timed_out(cx, waiting_for);
                }
            }
        }
    }
}
