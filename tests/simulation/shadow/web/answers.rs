//! What each request is answered with.

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::CameraSource;
use es_iot_server::ids;
use es_iot_server::server::{ConnId, Service};
use es_iot_server::stats::Counter;
use serde_json::{Map, Value};

use super::super::Shadow;
use super::super::access::Answer;
use super::super::places::on_this_host;
use super::super::settings::Read;
use super::sessions::Final;
use super::{ANSWER, Browser, Due, Happens, Refusal, Request, Says, State, Waits};
use crate::SECOND;

const MOST_BODY: usize = 4096;
/// Different pictures as files that clients may hold.
const FILES: usize = 4;
/// Paths, and the methods that they have.
const PATHS: [(&str, &str); 11] = [
    ("/", "GET, HEAD"),
    ("/video.mp4", "GET, HEAD"),
    ("/snapshot.h264", "GET, HEAD"),
    ("/events", "GET, HEAD"),
    ("/api/settings", "GET, HEAD, PUT"),
    ("/api/status", "GET, HEAD"),
    ("/metrics", "GET, HEAD"),
    ("/healthz", "GET, HEAD"),
    ("/api/login", "POST"),
    ("/api/logout", "POST"),
    ("/api/reload", "POST"),
];
const RANGES: [(&str, f64, f64); 6] = [
    ("shutter", 0.0, 1_000_000.0),
    ("gain", 0.0, 255.0),
    ("awb_red", 0.0, 25.5),
    ("awb_blue", 0.0, 25.5),
    ("contrast", 0.0, 25.5),
    ("brightness", -1.0, 1.0),
];

/// What a change makes of settings, or the error.
fn changed(settings: &CameraSettings, body: &[u8]) -> Result<CameraSettings, Option<String>> {
    let changes: Map<String, Value> = serde_json::from_slice(body).map_err(|_| None)?;
    let mut all = serde_json::to_value(settings).expect("six numbers");
    for (key, value) in changes {
        if !RANGES.iter().any(|(name, ..)| *name == key) || !value.is_number() {
            return Err(None);
        }
        all[key] = value;
    }
    for (name, least, most) in RANGES {
        let value = all[name].as_f64().expect("a number");
        if value < least || value > most {
            return Err(Some(format!("{name} is {value}; allowed: {least} to {most}")));
        }
    }
    serde_json::from_value(all).map_err(|_| None)
}

fn message(body: &[u8]) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    (object.len() == 1).then(|| object.get("message")?.as_str().map(str::to_owned))?
}

impl Shadow {
    /// The head of a request is there.
    pub(super) fn asked(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: Request) {
        browser.requests += 1;
        if let Err(why) = self.admit(at, browser, &request) {
            return self.refuse_unread(at, conn, browser, Some(&request), &why);
        }
        if request.header("expect").is_some() && !request.old && request.has_body() {
            self.web_send(conn, browser, Due::Continue);
        }
        browser.state = State::Body(request);
    }

    fn admit(&mut self, at: u64, browser: &Browser, request: &Request) -> Result<(), Refusal> {
        match request.host() {
            None if request.old => {}
            None => return Err(Refusal::new(400)),
            Some("h:x") => return Err(Refusal::end(400)),
            Some(host) if self.is_named(browser.address, host) => {}
            Some(_) => return Err(Refusal::new(421)),
        }
        let path = PATHS.iter().find(|(path, _)| *path == request.path);
        let (path, methods) = *path.ok_or(Refusal::new(404))?;
        if !methods.split(", ").any(|method| method == request.method) {
            return Err(Refusal { header: Some(("Allow", methods)), ..Refusal::new(405) });
        }
        if matches!(&request.method[..], "PUT" | "POST") {
            let length = request.length.ok_or(Refusal::end(411))?;
            let same = |origin: &str| Some(origin) == request.host().map(|host| format!("http://{host}")).as_deref();
            if length > MOST_BODY {
                return Err(Refusal::end(413));
            }
            if request.header("origin").is_some_and(|origin| !same(origin)) {
                return Err(Refusal::new(403));
            }
            if request.header("content-type") != Some("application/json") {
                return Err(Refusal::new(415));
            }
        } else if request.has_body() {
            return Err(Refusal::end(400));
        }
        if request.header("expect").is_some_and(|what| what != "100-continue" && !request.old) {
            return Err(Refusal::new(417));
        }
        self.is_let_in(at, browser, request)?;
        if path == "/" && request.header("accept-encoding") == Some("identity") {
            return Err(Refusal::new(406));
        }
        Ok(())
    }

    /// Page and login are for everybody.
    fn is_let_in(&mut self, at: u64, browser: &Browser, request: &Request) -> Result<(), Refusal> {
        let free = ["/", "/api/login"].contains(&&request.path[..]);
        let may = free || self.may_ask(at, browser, request.cookie().as_deref());
        if may { Ok(()) } else { Err(Refusal::new(401)) }
    }

    /// Whether a host is this device.
    fn is_named(&self, address: ids::Peer, host: &str) -> bool {
        if address == ids::Peer::Local {
            return true;
        }
        let host = host.to_ascii_lowercase();
        let name = if host.starts_with('[') { "[::1]" } else { host.split(':').next().unwrap_or_default() };
        ["192.0.2.9", "[::1]", "localhost", "pi", "pi.local"].contains(&name)
            || self.config.server.http_hosts.iter().any(|listed| listed == name)
    }

    /// A request is there with its body.
    pub(super) fn asked_whole(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: Request, body: &[u8]) {
        browser.owes = None;
        if let Err(why) = self.is_let_in(at, browser, &request) {
            return self.refuse_request(at, conn, browser, Some(&request), &why, false);
        }
        let path = request.path.clone();
        if request.is_head() && ["/video.mp4", "/events"].contains(&&path[..]) {
            return self.web_reply(at, conn, browser, &request, 200, Says::Stream { video: path == "/video.mp4" });
        }
        self.counters.one(Counter::HttpRequests);
        if let Some(token) = request.cookie().and_then(|cookie| self.token_of(&cookie)) {
            self.sessions.touch(at, token);
        }
        let says = match &path[..] {
            "/" if request.header("if-none-match").is_some() => {
                return self.web_reply(at, conn, browser, &request, 304, Says::NotModified);
            }
            "/" => Says::Page,
            "/api/status" => self.says_status(at, conn),
            "/metrics" => Says::Metrics { requests: self.counters.count(Counter::HttpRequests) },
            "/healthz" => return self.health(at, conn, browser, &request),
            "/api/settings" if request.method == "PUT" => return self.put(at, conn, browser, request, body),
            "/api/settings" => Says::Settings(self.settings.current),
            "/video.mp4" | "/snapshot.h264" => return self.wants_picture(at, conn, browser, request),
            "/events" => return self.stream_begins(conn, browser, &request, false),
            "/api/reload" if !on_this_host(browser.address) => {
                return self.refuse_request(at, conn, browser, Some(&request), &Refusal::new(403), false);
            }
            "/api/reload" | "/api/logout" if !self.is_signed(at, browser, &request, body) => {
                return self.refuse_request(at, conn, browser, Some(&request), &Refusal::new(403), false);
            }
            "/api/reload" if self.stopping.is_some() => {
                return self.refuse_request(at, conn, browser, Some(&request), &Refusal::end(503), false);
            }
            "/api/reload" => return wait(at, browser, request, Waits::Reload),
            "/api/login" => return self.page_logs_in(at, conn, browser, &request, body),
            _ => {
                if let Some(token) = request.cookie().and_then(|cookie| self.token_of(&cookie)) {
                    self.sessions.close(at, token);
                }
                Says::LoggedOut
            }
        };
        self.web_reply(at, conn, browser, &request, 200, says);
    }

    fn says_status(&self, at: u64, conn: ConnId) -> Says {
        let rtsp = self.viewers.values().filter(|viewer| viewer.gets_stream().is_some()).count();
        let http = self.browsers.values().filter(|browser| browser.watches()).count();
        let here = |(other, peer): (&ConnId, &super::super::Peer)| {
            peer.service == Service::Http && peer.leaving.is_none() && *other != conn
        };
        Says::Status {
            viewers: (rtsp, http),
            sessions: self.sessions.count(at),
            browsers: 1 + self.peers.iter().filter(|&peer| here(peer)).count(),
            subscribers: self.subscribers().len(),
            settings: self.settings.current,
            requests: self.counters.count(Counter::HttpRequests),
        }
    }

    /// It is healthy if there is nothing to film, or the video moves. Else it is up to the server when to complain.
    fn health(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: &Request) {
        let off = self.config.camera.source == CameraSource::None && self.alive.is_empty();
        let well = off || (self.camera_moves(at) && self.runs_well());
        let status = if well { 200 } else { 0 };
        self.web_reply(at, conn, browser, request, status, Says::Health);
    }

    fn put(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: Request, body: &[u8]) {
        if !self.is_signed(at, browser, &request, body) {
            return self.refuse_request(at, conn, browser, Some(&request), &Refusal::new(403), false);
        }
        let settings = match changed(&self.settings.current, body) {
            Ok(settings) => settings,
            Err(text) => return self.web_reply(at, conn, browser, &request, 400, Says::Error(text)),
        };
        self.counters.one(Counter::SettingsUpdated);
        self.settings.change(at, conn, browser.address, settings);
        match self.settings.read(at, conn) {
            Read::Waits => wait(at, browser, request, Waits::Disk),
            Read::Shown { not_stored } => {
                let settings = self.settings.current;
                self.stored(at, conn, browser, &request, !not_stored, settings);
            }
        }
    }

    /// Whether a change is signed, or need not be.
    fn is_signed(&mut self, at: u64, browser: &Browser, request: &Request, body: &[u8]) -> bool {
        if self.needs_no_session(at, browser.address) {
            return true;
        }
        let token = request.cookie().and_then(|cookie| self.token_of(&cookie)).expect("it was let in");
        let change = (&request.method[..], &request.path[..], &*String::from_utf8_lossy(body));
        self.sessions.verify(at, token, request.header("es-iot-signature"), change)
    }

    fn stored(
        &mut self,
        at: u64,
        conn: ConnId,
        browser: &mut Browser,
        request: &Request,
        ok: bool,
        settings: CameraSettings,
    ) {
        let (status, says) = if ok { (200, Says::Settings(settings)) } else { (503, Says::Error(None)) };
        self.web_reply(at, conn, browser, request, status, says);
    }

    fn wants_picture(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: Request) {
        let video = request.path == "/video.mp4";
        let places = self.browsers.values().filter(|other| other.watches() || other.waits() == Some(Waits::Video));
        if video && places.count() >= usize::from(self.config.server.max_viewers) {
            return self.refuse_request(at, conn, browser, Some(&request), &Refusal::new(503), false);
        }
        let moves = self.video.newest_key.is_some() && at <= self.next_picture_at();
        let camera = &self.config.camera;
        if !moves && camera.source == CameraSource::None && !camera.slate {
            return self.refuse_request(at, conn, browser, Some(&request), &Refusal::new(503), false);
        }
        if moves {
            self.picture_for(at, conn, browser, &request);
        } else {
            wait(at, browser, request, if video { Waits::Video } else { Waits::Snapshot });
        }
    }

    fn picture_for(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: &Request) {
        if request.path == "/video.mp4" {
            return self.stream_begins(conn, browser, request, true);
        }
        let newest = self.video.newest_key.expect("a key picture");
        let held = |number: &usize| {
            self.browsers.values().chain([&*browser]).any(|browser| browser.holds(self.turn, *number))
                || self.rests.values().any(|rest| rest.files.contains(number))
        };
        if self.files.last() != Some(&newest) {
            let files: Vec<usize> = self.files.iter().copied().filter(held).collect();
            self.files = files;
            if self.files.len() >= FILES {
                return self.refuse_request(at, conn, browser, Some(request), &Refusal::new(503), false);
            }
            self.files.push(newest);
        }
        if !request.is_head() {
            browser.files.push((newest, self.turn));
        }
        self.web_reply(at, conn, browser, request, 200, Says::Picture);
    }

    fn stream_begins(&mut self, conn: ConnId, browser: &mut Browser, request: &Request, video: bool) {
        self.web_send(conn, browser, Due::Reply { status: 200, head: true, last: true, says: Says::Stream { video } });
        self.web_due(conn, Due::Discard);
        if video {
            let from = self.video.newest_key.expect("a key picture to begin with");
            self.web_due(conn, Due::WatchMp4(from));
            self.web_watches += 1;
        } else {
            self.web_due(conn, Due::LimitUnsent);
        }
        browser.state = State::Stream { video, cookie: request.cookie() };
    }

    fn page_logs_in(&mut self, at: u64, conn: ConnId, browser: &mut Browser, request: &Request, body: &[u8]) {
        let bad = |shadow: &mut Self, browser: &mut Browser, status, text: Option<&str>| {
            shadow.counters.one(Counter::LoginsRefused);
            shadow.web_reply(at, conn, browser, request, status, Says::Error(text.map(str::to_owned)));
        };
        let Some(message) = message(body) else { return bad(self, browser, 400, None) };
        if !self.keys.are_there() {
            return bad(self, browser, 503, None);
        }
        if !message.starts_with("c=") {
            let bare = message.strip_prefix("n,,").filter(|bare| bare.starts_with("n=es-iot,r="));
            let Some(bare) = bare else { return bad(self, browser, 400, None) };
            let number = self.sessions.begin(at, browser.address, bare);
            return self.web_reply(at, conn, browser, request, 200, Says::ServerFirst(number));
        }
        let password = String::from_utf8_lossy(self.password.reveal()).into_owned();
        let Final::Answer { right } = self.sessions.finish(at, browser.address, &message, &password) else {
            return bad(self, browser, 400, None);
        };
        match (self.access.attempt_without_grant(at, browser.address, right.is_some()), right) {
            (Answer::LockedOut, _) => {
                self.counters.one(Counter::AuthLockedOut);
                self.refuse_request(at, conn, browser, Some(request), &Refusal::new(429), false);
            }
            (Answer::Ready, Some(login)) => {
                self.counters.one(Counter::AuthAccepted);
                let token = self.new_token();
                self.sessions.open(at, token, login.signing);
                self.web_logins += 1;
                self.web_reply(at, conn, browser, request, 200, Says::LoggedIn { token, verifier: login.verifier });
            }
            (Answer::Ready | Answer::Wrong, _) => {
                self.counters.one(Counter::AuthRejected);
                self.web_reply(at, conn, browser, request, 401, Says::Error(Some("wrong password".into())));
            }
        }
    }

    /// What it waited for is there.
    pub(super) fn answer_comes(&mut self, at: u64, conn: ConnId, browser: &mut Browser, what: &Happens<'_>) {
        let State::Question { request, waits, .. } = std::mem::replace(&mut browser.state, State::Head) else {
            unreachable!("{conn:?} waits for nothing");
        };
        match (what, waits) {
            (Happens::Picture, Some(Waits::Video | Waits::Snapshot)) => self.picture_for(at, conn, browser, &request),
            (Happens::Stored { ok, settings }, Some(Waits::Disk)) => {
                self.stored(at, conn, browser, &request, *ok, *settings);
            }
            (Happens::Reloaded(Ok(keys)), Some(Waits::Reload)) => {
                self.web_reply(at, conn, browser, &request, 200, Says::NeedsRestart(keys.clone()));
            }
            (Happens::Reloaded(Err(why)), Some(Waits::Reload)) => {
                self.web_reply(at, conn, browser, &request, 500, Says::Error(Some(why.clone())));
            }
            _ => unreachable!("{conn:?} waits for {waits:?}, not {what:?}"),
        }
    }
}

fn wait(at: u64, browser: &mut Browser, request: Request, waits: Waits) {
    browser.state = State::Question { request, until: at + ANSWER, waits: Some(waits) };
}

const _: () = assert!(ANSWER > 10 * SECOND);
