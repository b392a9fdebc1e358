//! The ways of the HTTP clients' questions: to the part that knows, and back.

use super::Parts;
use crate::config::{CameraConfig, CameraSource};
use crate::ids::{ConnId, Peer, Service};
use crate::limits::STARTUP_ALLOWANCE;
use crate::media::ring::{FragmentCursor, Framing, Start};
use crate::server::context::Context;
use crate::server::http::{Awaited, Step};
use crate::server::report::CloseReason;
use crate::server::settings::Reading;
use crate::server::status::Health;
use crate::service::http::route::Route;
use crate::service::http::{self, Access, Answer, Call, Content, Hosts, Kind, Question, Rejection, Status};

impl Parts {
    /// Hands an HTTP client's exchange an input, and the other parts what follows.
    pub fn http(&mut self, cx: &mut Context<'_>, conn: ConnId, input: http::Input<'_>) {
        let Some(peer) = self.http.peer(conn) else { return };
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let hosts = match peer {
                Peer::Local => Hosts::Any,
                Peer::Ip(_) => Hosts::Named { own: self.video.host(), listed: &cx.config.server.http_hosts },
            };
            let (now, login) = (cx.mono(), &self.login);
            let is_open = |cookie: &str| login.is_open(now, cookie);
            let access =
                if self.auth.may_use(cx, Service::Http, peer) { Access::Open } else { Access::Session(&is_open) };
            let steps = self.http.handle(cx, conn, (access, hosts, self.video.ring()), input);
            for step in steps {
                match step {
                    Step::Ask(question) => {
                        if let Some(cookie) = self.http.session(conn) {
                            self.login.touch(cx.mono(), cookie);
                        }
                        next = self.answer(cx, conn, peer, question).map(http::Input::Answer);
                    }
                    Step::Listens => {
                        self.stream.set_others(cx, true);
                        self.greet_listener(cx);
                    }
                    Step::Closed => {
                        let departed = self.connections.finish(cx, conn, CloseReason::Done);
                        self.departed(cx, departed);
                    }
                }
            }
        }
        self.connections.wake_at(conn, self.http.deadline_of(conn));
    }

    /// A client's deadline is here: it has asked for nothing, or taken nothing.
    pub fn http_due(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if self.http.is_stuck(conn, cx.mono()) {
            let departed = self.connections.close(cx, conn, CloseReason::Stuck);
            return self.departed(cx, departed);
        }
        self.http(cx, conn, http::Input::Wakeup);
    }

    /// The keys of a new password may be ready, or a session has ended. One whose stream goes on is not idle.
    pub fn sessions_due(&mut self, cx: &mut Context<'_>) {
        for cookie in self.http.sessions() {
            self.login.goes_on(cx.mono(), cookie);
        }
        if self.login.due(cx.mono()) {
            self.sessions_changed(cx);
        }
    }

    /// Another password or rule is in force, or a session has ended.
    pub fn sessions_changed(&mut self, cx: &mut Context<'_>) {
        for conn in self.http.all() {
            self.http(cx, conn, http::Input::AccessChanged);
        }
    }

    /// The answer to a question, unless it has to wait.
    fn answer(&mut self, cx: &mut Context<'_>, conn: ConnId, peer: Peer, question: Question) -> Option<Answer> {
        Some(match question {
            Question::Page => Answer::Page(self.http.page()),
            Question::Status => json(self.status(cx.mono(), cx.config, cx.stats).to_json()),
            Question::Metrics => {
                let text = self.status(cx.mono(), cx.config, cx.stats).to_metrics();
                Answer::Content(Content::new(Kind::Metrics, text))
            }
            Question::Health => match self.status(cx.mono(), cx.config, cx.stats).health(STARTUP_ALLOWANCE) {
                Health::Good => Answer::Content(Content::new(Kind::Text, "ok\n".to_owned())),
                Health::Bad(reason) => {
                    let content = Content::new(Kind::Text, reason + "\n");
                    Answer::Content(Content { status: Status::SERVICE_UNAVAILABLE, ..content })
                }
            },
            Question::Settings => json(self.settings.current().to_json()),
            Question::Events => Answer::Stream(Kind::Events),
            Question::Update(call) => return self.change(cx, conn, peer, &call),
            Question::Video => return self.begin_video(cx, conn),
            Question::Snapshot => return self.snapshot(cx, conn),
            Question::Reload(call) => return self.begin_reload(cx, conn, peer, &call),
            Question::Login(call) => self.login.post(cx, &mut self.auth, peer, &call.body),
            Question::Logout(call) => match self.check_signature(cx, peer, ("POST", Route::Logout), &call) {
                Ok(()) => self.login.logout(cx.mono(), &call),
                Err(rejection) => Answer::Refused(rejection),
            },
        })
    }

    /// Checks the signature of a change by a client that needs a session.
    fn check_signature(
        &mut self,
        cx: &Context<'_>,
        peer: Peer,
        (method, route): (&'static str, Route),
        call: &Call,
    ) -> Result<(), Rejection> {
        if self.auth.may_use(cx, Service::Http, peer) {
            return Ok(());
        }
        self.login.verify(cx.mono(), (method, route.path()), call)
    }

    fn begin_reload(&mut self, cx: &mut Context<'_>, conn: ConnId, peer: Peer, call: &Call) -> Option<Answer> {
        if !peer.is_on_this_host() {
            return Some(Answer::Refused(Rejection::NotOnThisHost));
        }
        if let Err(rejection) = self.check_signature(cx, peer, ("POST", Route::Reload), call) {
            return Some(Answer::Refused(rejection));
        }
        if self.lifecycle.is_stopping() {
            return Some(Answer::Refused(Rejection::NoAnswer));
        }
        self.lifecycle.begin_reload(cx);
        self.http.wait(conn, Awaited::Reload);
        None
    }

    fn change(&mut self, cx: &mut Context<'_>, conn: ConnId, peer: Peer, call: &Call) -> Option<Answer> {
        if let Err(rejection) = self.check_signature(cx, peer, ("PUT", Route::Settings), call) {
            return Some(Answer::Refused(rejection));
        }
        let settings = match self.settings.current().changed_by_json(&call.body) {
            Ok(settings) => settings,
            Err(error) => return Some(Answer::Content(Content::error(Status::BAD_REQUEST, &error.to_string()))),
        };
        self.settings.change(cx, conn, peer, settings);
        match self.settings.read(cx, conn) {
            Reading::Answer => Some(self.changed(true)),
            Reading::AnswerNotStored => Some(self.changed(false)),
            Reading::Wait => {
                self.http.wait(conn, Awaited::Settings);
                None
            }
        }
    }

    /// The answer to a change that is in force.
    fn changed(&self, is_stored: bool) -> Answer {
        if is_stored {
            return json(self.settings.current().to_json());
        }
        let text = "the settings are in force, but could not be written to their file: see the log";
        Answer::Content(Content::error(Status::SERVICE_UNAVAILABLE, text))
    }

    /// A write of the settings is over: the answer to a client that waits for it.
    pub fn settled(&mut self, conn: ConnId, is_stored: bool) -> Option<Answer> {
        (self.http.take_awaited(conn) == Some(Awaited::Settings)).then(|| self.changed(is_stored))
    }

    /// A reload is over: which changes need a restart, or why nothing has changed.
    pub fn reload_over(&mut self, cx: &mut Context<'_>, outcome: &Result<Vec<&'static str>, String>) {
        for conn in self.http.awaiting(Awaited::Reload) {
            let answer = match outcome {
                Ok(keys) => json(format!("{}\n", serde_json::json!({ "needs_restart": keys }))),
                Err(why) => Answer::Content(Content::error(Status::INTERNAL_SERVER_ERROR, why)),
            };
            self.http.take_awaited(conn);
            self.http(cx, conn, http::Input::Answer(answer));
        }
    }

    fn begin_video(&mut self, cx: &Context<'_>, conn: ConnId) -> Option<Answer> {
        let viewers = self.http.viewers() + self.http.awaiting(Awaited::Video).len();
        if viewers >= usize::from(cx.config.server.max_viewers) {
            return Some(Answer::Refused(Rejection::Full));
        }
        if let Some(answer) = self.moving_key(cx).and_then(|_| self.video_answer()) {
            return Some(answer);
        }
        self.await_picture(cx, conn, Awaited::Video)
    }

    /// The beginning of the video, at the newest key picture.
    fn video_answer(&self) -> Option<Answer> {
        let ring = self.video.ring();
        let codec = FragmentCursor::new(ring, Start::NewestKey, Framing::Plain).codec(ring)?;
        Some(Answer::Stream(Kind::Mp4(codec)))
    }

    fn snapshot(&mut self, cx: &Context<'_>, conn: ConnId) -> Option<Answer> {
        if self.moving_key(cx).is_none() {
            return self.await_picture(cx, conn, Awaited::Snapshot);
        }
        Some(self.snapshot_answer())
    }

    /// Has a client wait for a picture, if one can come.
    fn await_picture(&mut self, cx: &Context<'_>, conn: ConnId, awaited: Awaited) -> Option<Answer> {
        let CameraConfig { source, slate, .. } = &cx.config.camera;
        if *source == CameraSource::None && !slate {
            return Some(Answer::Refused(Rejection::NoPicture));
        }
        self.http.wait(conn, awaited);
        None
    }

    fn snapshot_answer(&mut self) -> Answer {
        match self.http.snapshot(self.video.ring()) {
            Some(picture) => Answer::Content(Content::new(Kind::H264, picture)),
            None => Answer::Refused(Rejection::Full),
        }
    }

    /// The newest key picture, if the video moves.
    fn moving_key(&self, cx: &Context<'_>) -> Option<u64> {
        self.video.moving_key(cx.mono(), &cx.config.camera, self.exposure())
    }

    /// A key picture has come, for clients that waited for one.
    pub fn key_picture(&mut self, cx: &mut Context<'_>) {
        for conn in self.http.awaiting_picture() {
            let answer = match self.http.take_awaited(conn) {
                Some(Awaited::Video) => self.video_answer(),
                Some(Awaited::Snapshot) => Some(self.snapshot_answer()),
                Some(Awaited::Settings | Awaited::Reload) | None => None,
            };
            // A key picture without its parameter sets is none to begin with.
            let answer = answer.unwrap_or(Answer::Refused(Rejection::NoPicture));
            self.http(cx, conn, http::Input::Answer(answer));
        }
    }

    /// Sends state and settings to a client that gets the events from now on. What the others have been sent last may have
    /// been so for days.
    fn greet_listener(&mut self, cx: &mut Context<'_>) {
        let now = self.status(cx.mono(), cx.config, cx.stats).event();
        self.http.refresh_events(&now);
        self.send_changes(cx);
    }

    /// Sends what of state and settings has changed to those that get the events.
    pub fn send_changes(&mut self, cx: &mut Context<'_>) {
        let key = self.status(cx.mono(), cx.config, cx.stats).event_key();
        if self.http.events_are_outdated_by(cx.mono(), &key) {
            let newest = self.status(cx.mono(), cx.config, cx.stats).event();
            self.http.renew_events(key, &newest);
        }
        self.http.send_missed(cx);
    }
}

fn json(text: String) -> Answer {
    Answer::Content(Content::new(Kind::Json, text))
}
