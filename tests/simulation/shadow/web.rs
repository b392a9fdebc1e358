//! The HTTP clients: what each connection asks and waits for, and what follows for it from its requests, from other parts
//! and from time.

mod answers;
mod events;
mod exchange;
mod reader;
mod replies;
mod sessions;

use std::collections::BTreeSet;

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::ids;
use es_iot_server::server::{ConnId, Service};
use es_iot_server::stats::Counter;

use super::Shadow;
use crate::SECOND;
pub use events::Events;
use reader::{Reader, Refusal, Request};
pub use replies::Due;
use replies::Says;
pub use sessions::Sessions;

/// How long a request may take.
const REQUEST: u64 = 10 * SECOND;
/// How long a connection may rest between requests.
const REST: u64 = 30 * SECOND;
/// How long an answer may take.
const ANSWER: u64 = 15 * SECOND;
/// How long a client may take nothing.
const TAKE: u64 = 30 * SECOND;
/// Bytes of replies after which they are to be sent first.
const REPLIES: usize = 32 * 1024;
/// Replies that are made at one go.
const REPLIES_AT_ONCE: u32 = 4;
/// Requests on a connection.
const REQUESTS: u32 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    Video,
    Snapshot,
    Disk,
    Reload,
}

#[derive(Debug)]
enum State {
    Head,
    Body(Request),
    Question {
        request: Request,
        until: u64,
        waits: Option<Waits>,
    },
    /// Replies are to be sent before it is read on.
    Full,
    /// The last reply is to be sent before it ends.
    Last,
    Stream {
        video: bool,
        cookie: Option<String>,
    },
    Over,
}

#[derive(Debug)]
pub struct Browser {
    pub address: ids::Peer,
    reader: Reader,
    state: State,
    requests: u32,
    /// Bytes of replies since all were sent.
    unsent: usize,
    /// Replies since they were last let wait.
    replies: u32,
    rests: u64,
    /// Since when it owes a request, or the rest of one.
    owes: Option<u64>,
    finished: bool,
    blocked: Option<u64>,
    /// There is a state that it was not sent.
    missed: bool,
    /// The numbers of pictures that it was sent as files, and in which turn. Its socket holds them while it takes nothing.
    files: Vec<(usize, u64)>,
}

/// The pictures as files that the socket of a client holds that the server no longer serves.
#[derive(Debug)]
pub struct Rest {
    files: Vec<usize>,
    blocked: bool,
}

/// Something that happens to it.
#[derive(Debug)]
pub enum Happens<'a> {
    Bytes(&'a [u8]),
    Finished,
    /// All replies are sent.
    Sent,
    /// A time of its own is over.
    Late,
    /// Who may ask has changed.
    Access,
    /// What it waits for is there.
    Picture,
    Stored {
        ok: bool,
        settings: CameraSettings,
    },
    Reloaded(&'a Result<Vec<&'static str>, String>),
}

impl Browser {
    fn new(at: u64, address: ids::Peer) -> Self {
        Self {
            address,
            reader: Reader::default(),
            state: State::Head,
            requests: 0,
            unsent: 0,
            replies: 0,
            rests: at,
            owes: Some(at),
            finished: false,
            blocked: None,
            missed: false,
            files: Vec::new(),
        }
    }

    pub fn watches(&self) -> bool {
        matches!(self.state, State::Stream { video: true, .. })
    }

    pub fn listens(&self) -> bool {
        matches!(self.state, State::Stream { video: false, .. })
    }

    fn waits(&self) -> Option<Waits> {
        if let State::Question { waits, .. } = self.state { waits } else { None }
    }

    pub fn wants_pictures(&self) -> bool {
        self.watches() || matches!(self.waits(), Some(Waits::Video | Waits::Snapshot))
    }

    pub fn rests(&self) -> bool {
        matches!(self.state, State::Question { .. } | State::Full | State::Last)
    }

    /// Whether its socket holds a picture.
    fn holds(&self, turn: u64, number: usize) -> bool {
        self.held(turn).any(|held| held == number)
    }

    fn held(&self, turn: u64) -> impl Iterator<Item = usize> {
        let held = move |&&(_, since): &&(usize, u64)| self.blocked.is_some() || since == turn;
        self.files.iter().filter(held).map(|&(number, _)| number)
    }

    fn due(&self) -> Option<u64> {
        let asks = match &self.state {
            State::Head | State::Body(_) => Some(self.owes.map_or(self.rests + REST, |since| since + REQUEST)),
            State::Question { until, .. } => Some(*until),
            State::Full | State::Last | State::Stream { .. } | State::Over => None,
        };
        [asks, self.blocked.map(|since| since + TAKE)].into_iter().flatten().min()
    }

    /// The cookie of a response that goes on.
    fn cookie(&self) -> Option<String> {
        match &self.state {
            State::Question { request, .. } => request.cookie(),
            State::Stream { cookie, .. } => cookie.clone(),
            State::Head | State::Body(_) | State::Full | State::Last | State::Over => None,
        }
    }
}

impl Shadow {
    /// The next thing happens, and not only what follows from the last one: what could be sent is sent.
    pub fn next_turn(&mut self) {
        self.turn += 1;
        let peers = &self.peers;
        self.rests.retain(|conn, rest| rest.blocked && peers.contains_key(conn));
    }

    pub(super) fn is_browser(&self, conn: ConnId) -> bool {
        self.web.contains_key(&conn) || self.peers.get(&conn).is_some_and(|peer| peer.service == Service::Http)
    }

    /// The server reads from those that do not wait.
    pub(super) fn check_browsers(&mut self) {
        self.resting.retain(|conn| self.browsers.contains_key(conn));
        let rest: BTreeSet<ConnId> =
            self.browsers.iter().filter(|(_, browser)| browser.rests()).map(|(&conn, _)| conn).collect();
        let resting = self.resting.clone();
        self.check(rest == resting, || format!("reading rests from {resting:?}, not {rest:?}"));
    }

    fn keep_rest(&mut self, conn: ConnId, browser: &Browser) {
        let files = browser.held(self.turn).collect();
        self.rests.insert(conn, Rest { files, blocked: browser.blocked.is_some() });
    }

    pub(super) fn browser_comes(&mut self, at: u64, conn: ConnId, address: ids::Peer) {
        self.browsers.insert(conn, Browser::new(at, address));
    }

    /// Its connection ends.
    pub(super) fn browser_is_gone(&mut self, conn: ConnId) {
        if let Some(browser) = self.browsers.remove(&conn) {
            if browser.watches() {
                self.web_due(conn, Due::Unwatch);
            }
            self.keep_rest(conn, &browser);
        }
        if self.listeners() == 0 {
            self.events.nobody_listens();
        }
    }

    /// A connection for which there is no place.
    pub(super) fn turn_browser_away(&mut self, conn: ConnId, address: ids::Peer) {
        self.web_due(conn, Due::TurnedAway);
        self.counters.one(Counter::RefusedFull);
        if self.has_free_place(Service::Http, address) {
            self.counters.share_taken();
        }
    }

    pub(super) fn browsers_due(&self) -> Option<(u64, ConnId)> {
        self.browsers.iter().filter_map(|(&conn, browser)| Some((browser.due()?, conn))).min()
    }

    /// When something of the HTTP clients is due.
    pub(super) fn web_is_due(&self) -> Option<u64> {
        let browser = self.browsers_due().map(|(due, _)| due);
        [browser, self.events.due(), self.sessions.due(), self.keys.due()].into_iter().flatten().min()
    }

    pub(super) fn late_browsers(&mut self, at: u64) {
        while let Some((_, conn)) = self.browsers_due().filter(|&(due, _)| due <= at) {
            self.browser(at, conn, &Happens::Late);
        }
    }

    /// Keys of a new password, and sessions whose time is over. What goes on is not idle.
    pub(super) fn sessions_may_be_due(&mut self, at: u64) {
        if [self.sessions.due(), self.keys.due()].into_iter().flatten().min().is_none_or(|due| due > at) {
            return;
        }
        self.keys.wakeup(at);
        let cookies: Vec<String> = self.browsers.values().filter_map(Browser::cookie).collect();
        for cookie in cookies {
            if let Some(token) = self.token_of(&cookie) {
                self.sessions.goes_on(at, token);
            }
        }
        if self.sessions.wake(at) {
            self.access_changes(at);
        }
    }

    pub(super) fn access_changes(&mut self, at: u64) {
        for conn in self.browsers_that(|_| true) {
            self.browser(at, conn, &Happens::Access);
        }
    }

    /// A key picture has come.
    pub(super) fn browsers_get_picture(&mut self, at: u64) {
        for conn in self.browsers_that(|browser| matches!(browser.waits(), Some(Waits::Video | Waits::Snapshot))) {
            self.browser(at, conn, &Happens::Picture);
        }
    }

    pub(super) fn reload_is_over(&mut self, at: u64, outcome: &Result<Vec<&'static str>, String>) {
        for conn in self.browsers_that(|browser| browser.waits() == Some(Waits::Reload)) {
            self.browser(at, conn, &Happens::Reloaded(outcome));
        }
    }

    fn browsers_that(&self, fits: impl Fn(&Browser) -> bool) -> Vec<ConnId> {
        self.in_order(self.browsers.iter().filter(|(_, browser)| fits(browser)).map(|(&conn, _)| conn))
    }

    /// In the order in which the server gets to them: the first may take the last place.
    pub(super) fn in_order(&self, conns: impl Iterator<Item = ConnId>) -> Vec<ConnId> {
        let mut conns: Vec<ConnId> = conns.collect();
        conns.sort_by_key(|conn| self.order.iter().position(|other| other == conn));
        conns
    }

    pub(super) fn browser_blocks(&mut self, at: u64, conn: ConnId) {
        if let Some(browser) = self.browsers.get_mut(&conn)
            && browser.blocked.is_none()
        {
            browser.blocked = Some(at);
            browser.files.retain(|&(_, since)| since == self.turn);
        }
        if let Some(rest) = self.rests.get_mut(&conn) {
            rest.blocked = true;
        }
    }

    pub(super) fn browser_takes(&mut self, at: u64, conn: ConnId) {
        if let Some(browser) = self.browsers.get_mut(&conn) {
            browser.blocked = browser.blocked.and(Some(at));
        }
    }

    pub(super) fn browser_unblocks(&mut self, conn: ConnId) {
        if let Some(browser) = self.browsers.get_mut(&conn) {
            browser.blocked = None;
            browser.files.clear();
            self.make_up(conn);
        }
    }
}
