//! The parts side by side, and the ways between them: what one part returns is handed to the next.
//!
//! Not here: what a part does with it (its own file), and which input goes where (`server.rs`).

mod login;
mod video;

use std::time::Duration;

use super::auth::Auth;
use super::connections::{Connections, Departed, Overdue, Step};
use super::context::{Context, Journal};
use super::interface::{Notice, Output, Reloaded};
use super::lifecycle::Lifecycle;
use super::login::Login;
use super::pipeline::Pipeline;
use super::report::{AccessReport, CloseReason, ServerReport};
use super::settings::{Effect, Outcome, Reading, Settings};
use super::status::Status;
use super::stream::{self, Stream};
use super::video::Video;
use super::viewers::Viewers;
use crate::camera::supervisor::Event;
use crate::config::Config;
use crate::ids::{ConnId, Peer, Service};
use crate::os::Errno;
use crate::service::rtsp;
use crate::stats::{Counter, Stats};
use crate::time::Mono;
use crate::wire::ErrorCode;

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
    /// Stopping has to be over.
    Stop,
}

/// How many kinds of [`Timer`] there are.
const TIMERS: usize = 11;

/// The parts. None keeps another; one that needs to ask another is handed it.
#[derive(Debug)]
pub struct Parts {
    pub connections: Connections,
    pub auth: Auth,
    pub login: Login,
    pub stream: Stream,
    pub settings: Settings,
    pub pipeline: Pipeline,
    pub video: Video,
    pub viewers: Viewers,
    pub lifecycle: Lifecycle,
}

impl Parts {
    pub fn start(&mut self, cx: &mut Context<'_>) {
        self.connections.configure(cx);
        cx.notify(Notice::Ready);
        Self::report_rule(cx);
        stream::read_source(cx);
        self.pipeline.handle(cx, Event::Start);
    }

    /// Logs whether clients on the network need the password.
    fn report_rule(cx: &mut Context<'_>) {
        cx.report(if cx.config.auth.required { AccessReport::PasswordNeeded } else { AccessReport::OpenToNetwork });
    }

    pub fn accepted(&mut self, cx: &mut Context<'_>, conn: ConnId, service: Service, peer: Peer) {
        cx.bump(Counter::Accepted);
        if self.lifecycle.is_stopping() {
            return cx.push(Output::Close(conn));
        }
        // Viewers are let in and asked for the password, with each request that needs it.
        let may_use = service == Service::Rtsp || self.auth.may_use(cx, service, peer);
        if !self.connections.accept(cx, conn, service, peer, may_use) {
            return;
        }
        self.auth.opened(cx, peer);
        match service {
            Service::Data => self.stream.subscribe(cx, conn),
            Service::Settings | Service::Auth => {}
            Service::Rtsp => {
                self.viewers.add(cx, conn, peer);
                self.connections.wake_at(conn, self.viewers.deadline_of(conn));
            }
        }
    }

    pub fn received(&mut self, cx: &mut Context<'_>, conn: ConnId, bytes: &[u8]) {
        if self.connections.service_of(conn) == Some(Service::Rtsp) {
            return self.rtsp(cx, conn, rtsp::Input::Bytes(bytes));
        }
        self.connections.received(cx, conn, bytes);
        self.converse(cx, conn);
    }

    /// Answers what a client asks for, as far as it can be answered now.
    pub fn converse(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        while let Some(step) = self.connections.next_step(cx, conn, &self.auth) {
            match step {
                Step::ReadSettings => self.read_settings(cx, conn),
                Step::UpdateSettings { peer, payload } => self.settings.update(cx, conn, peer, payload),
                Step::Attempt { peer, right } => self.attempt(cx, conn, peer, right),
                Step::Login { peer, message, begun } => self.log_in(cx, conn, peer, &message, begun),
                Step::Departed(departed) => self.departed(cx, Some(departed)),
            }
        }
    }

    fn read_settings(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        match self.settings.read(cx, conn) {
            Reading::Answer => {}
            Reading::AnswerNotStored => self.connections.refuse(cx, conn, ErrorCode::NotStored),
            Reading::Wait => return self.connections.wait(cx, conn),
        }
        self.connections.answer(cx, conn, self.settings.current());
    }

    /// Answers the clients that a write of the settings concerns. All are answered before any goes on: what one has sent
    /// behind its read may change the settings again, and the next would be shown what is not on the disk.
    fn settle(&mut self, cx: &mut Context<'_>, outcome: Outcome) {
        for conn in outcome.not_stored {
            self.connections.refuse(cx, conn, ErrorCode::NotStored);
        }
        for &conn in &outcome.answer {
            self.connections.answer(cx, conn, self.settings.current());
        }
        for conn in outcome.answer {
            self.converse(cx, conn);
            let departed = self.connections.resume(cx, conn);
            self.departed(cx, departed);
        }
    }

    /// Has all parts that knew a client forget it.
    pub fn departed(&mut self, cx: &mut Context<'_>, departed: Option<Departed>) {
        let Some(Departed { conn, service, peer }) = departed else { return };
        match service {
            Service::Data => self.stream.remove(cx, conn),
            Service::Settings => self.settings.remove(conn),
            Service::Auth => {}
            Service::Rtsp => self.viewers.remove(cx, conn),
        }
        self.auth.closed(cx, peer);
    }

    pub fn tick(&mut self, cx: &mut Context<'_>, reading: Option<Result<&[u8], Errno>>) {
        if let Some(stuck) = self.stream.tick(cx, reading) {
            let departed = self.connections.close(cx, stuck, CloseReason::Stuck);
            self.departed(cx, departed);
        }
    }

    /// When the slate is due: if a viewer is there to see it.
    fn slate_deadline(&self, config: &Config) -> Option<Mono> {
        let is_wanted = self.viewers.want_pictures() && !self.lifecycle.is_stopping();
        let exposure = Duration::from_micros(self.settings.current().shutter.into());
        self.video.slate_deadline(&config.camera, exposure).filter(|_| is_wanted)
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
                            Overdue::Viewer(conn) => self.rtsp(cx, conn, rtsp::Input::Wakeup),
                        }
                    }
                }
                Timer::Settings => self.settings_due(cx),
                Timer::Camera => self.pipeline.handle(cx, Event::Deadline),
                Timer::Brake => self.auth.release_brake(cx),
                Timer::Login => {
                    let _sessions_ended = self.login.due(cx.mono());
                }
                Timer::Watchdog => self.lifecycle.watchdog_due(cx),
                Timer::Journal => cx.report_suppressed(),
                Timer::Picture => self.complete(cx, Video::quiet),
                Timer::Slate => self.slate_due(cx),
                Timer::SenderReports => self.viewers.send_reports(cx, &self.video),
                Timer::Stop => {
                    let waiting_for = if self.pipeline.is_off() { "the settings file" } else { "the camera" };
                    self.lifecycle.stop_timed_out(cx, waiting_for);
                }
            }
        }
    }

    fn settings_due(&mut self, cx: &mut Context<'_>) {
        while let Some(effect) = self.settings.due(cx) {
            match effect {
                Effect::Apply(settings) => self.pipeline.handle(cx, Event::SettingsChanged(settings)),
                Effect::Settle(outcome) => self.settle(cx, outcome),
            }
        }
    }

    /// A write of the settings file is over.
    pub fn stored(&mut self, cx: &mut Context<'_>, result: Result<(), Errno>) {
        let outcome = self.settings.written(cx, result);
        self.settle(cx, outcome);
        if self.lifecycle.is_stopping() && result.is_ok() {
            self.settings.flush(cx);
        }
    }

    /// The state of the server.
    pub fn status<'a>(&'a self, now: Mono, stats: &'a Stats) -> Status<'a> {
        let (failing_addresses, grants) = self.auth.sizes(now);
        Status {
            host: self.video.host(),
            uptime: self.lifecycle.uptime(now),
            clients: self.connections.by_service(),
            subscribers: self.stream.subscribers(),
            viewers: self.viewers.playing(),
            failing_addresses,
            grants,
            camera: self.pipeline.status(now, self.video.is_live()),
            video: self.video.status(now),
            settings: *self.settings.current(),
            stats,
        }
    }

    pub fn report_status(&self, cx: &mut Context<'_>) {
        let text = self.status(cx.mono(), cx.stats).to_string();
        cx.report(ServerReport::Counters { text });
    }

    /// Acts on a reload: the configuration has replaced the `old` one already.
    pub fn reload(&mut self, cx: &mut Context<'_>, old: &Config, found: Reloaded) {
        let Reloaded { password, settings, needs_restart, .. } = found;
        let config = cx.config;
        if (config.server.max_clients, config.server.max_viewers) != (old.server.max_clients, old.server.max_viewers) {
            self.connections.configure(cx);
        }
        cx.push(Output::SetLogLevel(config.logging.level));
        if config.data != old.data {
            stream::read_source(cx);
        }
        let is_new_password = self.auth.set_password(password);
        if is_new_password {
            self.login.set_password(cx.mono(), self.auth.password());
        }
        for conn in self.connections.not_allowed(cx, &self.auth) {
            cx.bump(Counter::RefusedNotAuthenticated);
            self.connections.refuse(cx, conn, ErrorCode::NotAuthenticated);
            let departed = self.connections.finish(cx, conn, CloseReason::Done);
            self.departed(cx, departed);
        }
        let rule = |config: &Config| (config.auth.required, config.auth.trust_loopback);
        if is_new_password || rule(config) != rule(old) {
            self.access_changed(cx);
        }
        if old.auth.required != config.auth.required {
            Self::report_rule(cx);
        }
        if let Some(settings) = settings {
            let outcome = self.settings.reread(cx, settings);
            self.settle(cx, outcome);
            self.settings_due(cx);
        }
        // After the settings, so that a camera that starts now takes the new ones immediately.
        if config.camera != old.camera {
            self.video.resize(&config.camera);
            self.pipeline.handle(cx, Event::Reconfigured(config.camera.clone()));
        }
        cx.report(ServerReport::Reloaded { needs_restart });
        cx.notify(Notice::Ready);
    }

    pub fn stop(&mut self, cx: &mut Context<'_>) {
        if self.lifecycle.stop(cx) {
            self.viewers.say_goodbye(cx, &self.video);
            self.settings.flush(cx);
            self.pipeline.handle(cx, Event::Stop);
        }
    }

    pub fn exit_if_over(&mut self, cx: &mut Context<'_>) {
        let all_over = self.pipeline.is_off() && self.settings.is_settled();
        self.lifecycle.exit_if(cx, all_over);
    }
}
