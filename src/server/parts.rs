//! The parts side by side, and the ways between them: what one part returns is handed to the next.
//!
//! Not here: what a part does with it (its own file), and which input goes where (`server.rs`).

mod http;
mod login;
mod timers;
mod video;

use super::auth::Auth;
use super::connections::{Connections, Departed, Step};
use super::context::Context;
use super::device::Device;
use super::http::Http;
use super::interface::{Notice, Output, Reloaded};
use super::lifecycle::Lifecycle;
use super::login::Login;
use super::pipeline::Pipeline;
use super::report::{AccessReport, CloseReason, ServerReport};
use super::settings::{Effect, Outcome, Reading, Settings};
use super::status::{self, Status};
use super::stream::{self, Stream};
use super::video::Video;
use super::viewers::Viewers;
use crate::camera::supervisor::Event;
use crate::config::Config;
use crate::ids::{ConnId, Peer, Service};
use crate::os::Errno;
use crate::service::{self, rtsp};
use crate::stats::{Counter, Stats};
use crate::time::Mono;
use crate::wire::ErrorCode;

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
    pub http: Http,
    pub device: Device,
    pub lifecycle: Lifecycle,
}

impl Parts {
    pub fn start(&mut self, cx: &mut Context<'_>) {
        self.connections.configure(cx);
        cx.notify(Notice::Ready);
        Self::report_rule(cx);
        self.device.start(cx);
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
        let may_use = service.asks_for_password() || self.auth.may_use(cx, service, peer);
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
            Service::Http => {
                self.http.add(cx, conn, peer);
                self.connections.wake_at(conn, self.http.deadline_of(conn));
            }
        }
    }

    pub fn received(&mut self, cx: &mut Context<'_>, conn: ConnId, bytes: &[u8]) {
        match self.connections.service_of(conn) {
            Some(Service::Rtsp) => self.rtsp(cx, conn, rtsp::Input::Bytes(bytes)),
            Some(Service::Http) => self.http(cx, conn, service::http::Input::Bytes(bytes)),
            Some(Service::Data | Service::Settings | Service::Auth) | None => {
                self.connections.received(cx, conn, bytes);
                self.converse(cx, conn);
            }
        }
    }

    /// A peer has closed its sending side.
    pub fn finished(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let departed = self.connections.peer_finished(cx, conn);
        self.departed(cx, departed);
        self.http(cx, conn, service::http::Input::Finished);
    }

    /// A socket takes nothing.
    pub fn blocked(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        match self.connections.blocked(cx, conn) {
            Some(Service::Data) => self.stream.blocked(cx, conn),
            Some(Service::Http) => {
                self.http.blocked(conn, cx.mono());
                self.connections.wake_at(conn, self.http.deadline_of(conn));
            }
            Some(Service::Settings | Service::Auth | Service::Rtsp) | None => {}
        }
    }

    /// A socket takes bytes again.
    pub fn unblocked(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        match self.connections.unblocked(cx, conn) {
            Some(Service::Data) => self.stream.unblocked(cx, conn),
            Some(Service::Http) => {
                self.http.unblocked(cx, conn);
                self.connections.wake_at(conn, self.http.deadline_of(conn));
            }
            Some(Service::Settings | Service::Auth | Service::Rtsp) | None => {}
        }
    }

    /// A socket has taken some of the stream.
    pub fn took(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.rtsp(cx, conn, rtsp::Input::Alive);
        self.http.took(conn, cx.mono());
        if self.http.peer(conn).is_some() {
            self.connections.wake_at(conn, self.http.deadline_of(conn));
        }
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

    /// Answers the clients that a write of the settings concerns. All are answered, or have their answer made, before any goes
    /// on: what one has sent behind its read may change the settings again, and the next would be shown what is not on the disk.
    fn settle(&mut self, cx: &mut Context<'_>, outcome: Outcome) {
        for &conn in &outcome.not_stored {
            self.connections.refuse(cx, conn, ErrorCode::NotStored);
        }
        for &conn in &outcome.answer {
            self.connections.answer(cx, conn, self.settings.current());
        }
        let Outcome { answer, not_stored } = outcome;
        let settled = |conn: ConnId| (conn, self.settled(conn, !not_stored.contains(&conn)));
        let settled: Vec<_> = answer.into_iter().map(settled).collect();
        for (conn, answer) in settled {
            if let Some(answer) = answer {
                self.http(cx, conn, service::http::Input::Answer(answer));
            }
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
            Service::Http => {
                self.settings.remove(conn);
                self.http.remove(cx, conn);
                self.stream.set_others(cx, self.http.listeners() > 0);
            }
        }
        self.auth.closed(cx, peer);
    }

    pub fn tick(&mut self, cx: &mut Context<'_>, reading: Option<Result<&[u8], Errno>>) {
        let tick = self.stream.tick(cx, reading);
        if let Some(value) = tick.value {
            self.http.send_value(cx, value);
        }
        if let Some(stuck) = tick.stuck {
            let departed = self.connections.close(cx, stuck, CloseReason::Stuck);
            self.departed(cx, departed);
        }
    }

    pub fn settings_due(&mut self, cx: &mut Context<'_>) {
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
    pub fn status<'a>(&'a self, now: Mono, config: &'a Config, stats: &'a Stats) -> Status<'a> {
        let (failing_addresses, grants) = self.auth.sizes(now);
        let moves = self.video.camera_moves(now, &config.camera, self.exposure());
        Status {
            host: self.video.host(),
            uptime: self.lifecycle.uptime(now),
            clients: self.connections.by_service(),
            subscribers: self.stream.subscribers(),
            viewers: status::Viewers { rtsp: self.viewers.playing(), http: self.http.viewers() },
            rtsp: config.server.rtsp_port.map(|port| (port, &config.server.rtsp_path[..])),
            failing_addresses,
            grants,
            sessions: self.login.count(now),
            camera: self.pipeline.status(now, moves),
            video: self.video.status(now),
            clock_is_set: self.device.clock_is_set(),
            is_persistent: self.device.is_persistent(),
            settings: *self.settings.current(),
            stats,
        }
    }

    pub fn report_status(&self, cx: &mut Context<'_>) {
        let text = self.status(cx.mono(), cx.config, cx.stats).to_string();
        cx.report(ServerReport::Counters { text });
    }

    /// Acts on a reload: the configuration has replaced the `old` one already.
    pub fn reload(&mut self, cx: &mut Context<'_>, old: &Config, found: Reloaded) {
        let Reloaded { password, settings, needs_restart, is_persistent, config: _ } = found;
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
        self.device.set_persistent(cx, is_persistent);
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
