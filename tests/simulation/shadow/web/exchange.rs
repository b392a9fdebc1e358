//! A connection's way from request to reply.

use es_iot_server::ids;
use es_iot_server::server::{ConnId, Output, Server};
use es_iot_server::stats::Counter;
use es_iot_server::time::Now;

use super::super::Shadow;
use super::super::places::on_this_host;
use super::reader::{Reader, Refusal, Request};
use super::replies::{Due, Says};
use super::{Browser, Happens, REPLIES, REPLIES_AT_ONCE, REQUESTS, State, TAKE};

impl Shadow {
    /// Something happens to an HTTP client, if it is still there.
    pub(in super::super) fn browser(&mut self, at: u64, conn: ConnId, happens: &Happens<'_>) {
        let Some(mut browser) = self.browsers.remove(&conn) else { return };
        let listened = browser.listens();
        match happens {
            Happens::Bytes(bytes) => {
                let rests = browser.rests();
                self.check(!rests, || {
                    format!("{conn:?} is read from while it waits: the model of the reactor is wrong")
                });
                if matches!(browser.state, State::Head | State::Body(_)) {
                    browser.reader.push(bytes);
                    browser.unsent = 0;
                }
            }
            Happens::Finished => browser.finished = true,
            Happens::Sent => {
                (browser.unsent, browser.replies) = (0, 0);
                if matches!(browser.state, State::Full) {
                    (browser.state, browser.rests) = (State::Head, at);
                } else if matches!(browser.state, State::Last) {
                    self.end_browser(conn, &mut browser);
                }
            }
            Happens::Late => {
                if browser.blocked.is_some_and(|since| since + TAKE <= at) {
                    self.counters.one(Counter::PeerStuck);
                    self.closes.insert(conn);
                    self.browsers.insert(conn, browser);
                    return self.remove(at, conn);
                }
                self.browser_is_late(at, conn, &mut browser);
            }
            Happens::Access => {
                let stream = match &browser.state {
                    State::Stream { .. } => true,
                    State::Question { request, .. } => ["/video.mp4", "/events"].contains(&&request.path[..]),
                    State::Head | State::Body(_) | State::Full | State::Last | State::Over => false,
                };
                if stream && !self.may_ask(at, &browser, browser.cookie().as_deref()) {
                    self.end_browser(conn, &mut browser);
                }
            }
            Happens::Picture | Happens::Stored { .. } | Happens::Reloaded(_) => {
                self.answer_comes(at, conn, &mut browser, happens);
            }
        }
        self.read_browser(at, conn, &mut browser);
        let (over, begins) = (matches!(browser.state, State::Over), browser.listens() && !listened);
        browser.missed |= begins;
        if over {
            self.keep_rest(conn, &browser);
            return self.leave(at, conn);
        }
        self.browsers.insert(conn, browser);
        if begins {
            self.listening_begins(at);
        }
    }

    pub(super) fn read_browser(&mut self, at: u64, conn: ConnId, browser: &mut Browser) {
        loop {
            match std::mem::replace(&mut browser.state, State::Head) {
                State::Head => match browser.reader.head() {
                    None => break,
                    Some(Err(refusal)) => self.refuse_unread(at, conn, browser, None, &refusal),
                    Some(Ok(request)) => self.asked(at, conn, browser, request),
                },
                State::Body(request) => {
                    let Some(body) = browser.reader.body(request.length.unwrap_or(0)) else {
                        browser.state = State::Body(request);
                        break;
                    };
                    self.asked_whole(at, conn, browser, request, &body);
                }
                other @ (State::Question { .. } | State::Full | State::Last | State::Stream { .. } | State::Over) => {
                    browser.state = other;
                    return;
                }
            }
        }
        if browser.finished {
            self.end_browser(conn, browser);
        } else if browser.reader.has_bytes() || matches!(browser.state, State::Body(_)) {
            browser.owes.get_or_insert(at);
        }
    }

    pub(super) fn browser_is_late(&mut self, at: u64, conn: ConnId, browser: &mut Browser) {
        match std::mem::replace(&mut browser.state, State::Head) {
            State::Question { request, .. } => {
                let picture = ["/video.mp4", "/snapshot.h264"].contains(&&request.path[..]);
                let why = Refusal { ends: !picture, ..Refusal::new(503) };
                self.refuse_request(at, conn, browser, Some(&request), &why, false);
            }
            State::Body(request) => self.refuse_unread(at, conn, browser, Some(&request), &Refusal::end(408)),
            State::Head if browser.reader.has_bytes() => {
                self.refuse_unread(at, conn, browser, None, &Refusal::end(408));
            }
            State::Head => {
                self.counters.add(Counter::PeerTooSlow, u64::from(browser.owes.is_some()));
                self.end_browser(conn, browser);
            }
            State::Full | State::Last | State::Stream { .. } | State::Over => unreachable!("nothing is due for it"),
        }
    }

    /// The server ends it.
    pub(super) fn end_browser(&mut self, conn: ConnId, browser: &mut Browser) {
        if browser.watches() {
            self.web_due(conn, Due::Unwatch);
        }
        (browser.state, browser.reader) = (State::Over, Reader::default());
    }

    /// Whether it may have what is guarded.
    pub(super) fn may_ask(&mut self, at: u64, browser: &Browser, cookie: Option<&str>) -> bool {
        let token = cookie.and_then(|cookie| self.token_of(cookie));
        self.needs_no_session(at, browser.address) || token.is_some_and(|token| self.sessions.is_open(at, token))
    }

    pub(super) fn needs_no_session(&mut self, at: u64, address: ids::Peer) -> bool {
        let open = self.clients_of(address);
        let granted = self.access.granted(at, address, open);
        let auth = &self.config.auth;
        !auth.required || granted || (auth.trust_loopback && on_this_host(address))
    }

    pub(super) fn token_of(&self, cookie: &str) -> Option<u64> {
        self.tokens.iter().find(|(_, text)| *text == cookie).map(|(&token, _)| token)
    }

    pub(super) fn web_due(&mut self, conn: ConnId, due: Due) {
        self.web.entry(conn).or_default().push_back(due);
    }

    /// Sends a reply, and goes on or ends.
    pub(super) fn web_reply(
        &mut self,
        at: u64,
        conn: ConnId,
        browser: &mut Browser,
        request: &Request,
        status: u16,
        says: Says,
    ) {
        let last = request.is_last() || browser.requests >= REQUESTS;
        self.web_send(conn, browser, Due::Reply { status, head: request.is_head(), last, says });
        self.replied(at, conn, browser, last);
    }

    pub(super) fn replied(&mut self, at: u64, conn: ConnId, browser: &mut Browser, last: bool) {
        browser.rests = at;
        browser.state = State::Head;
        browser.replies += 1;
        let long = browser.unsent > REPLIES;
        let enough = browser.replies >= REPLIES_AT_ONCE && browser.reader.has_bytes();
        if last && !long {
            self.end_browser(conn, browser);
        } else if last || long || enough {
            browser.state = if last { State::Last } else { State::Full };
            self.web_due(conn, Due::WhenSent);
        }
    }

    pub(super) fn refuse_unread(
        &mut self,
        at: u64,
        conn: ConnId,
        browser: &mut Browser,
        request: Option<&Request>,
        why: &Refusal,
    ) {
        let unread = request.is_none_or(Request::has_body);
        self.refuse_request(at, conn, browser, request, why, unread);
    }

    pub(super) fn refuse_request(
        &mut self,
        at: u64,
        conn: ConnId,
        browser: &mut Browser,
        request: Option<&Request>,
        why: &Refusal,
        unread: bool,
    ) {
        browser.owes = None;
        self.counters.one(match why.status {
            401 | 403 | 429 => Counter::HttpUnauthorized,
            404 => Counter::HttpNotFound,
            421 => Counter::HttpMisdirected,
            503 => Counter::HttpUnavailable,
            _ => Counter::HttpBadRequest,
        });
        let last =
            why.ends || unread || request.is_none_or(|request| request.is_last() || browser.requests >= REQUESTS);
        let says = Says::Refused {
            header: why.header,
            json: request.is_some_and(|request| request.path.starts_with("/api/")),
        };
        let head = request.is_some_and(Request::is_head);
        self.web_send(conn, browser, Due::Reply { status: why.status, head, last, says });
        self.replied(at, conn, browser, last);
    }

    /// Foretells frames, and takes note of how long the server made them.
    pub(super) fn web_send(&mut self, conn: ConnId, browser: &mut Browser, due: Due) {
        let frames = due.frames();
        let lengths = self.lengths.entry(conn).or_default();
        browser.unsent += (0..frames).filter_map(|_| lengths.pop_front()).sum::<usize>();
        self.web_due(conn, due);
    }

    /// What the server has sent in reply to an input, before it is looked at: only how long it is, and to whom first.
    pub fn overhear(&mut self, now: Now, server: &Server, outputs: &[Output]) {
        self.sense(now, server, outputs);
        (self.lengths, self.order) = Default::default();
        for output in outputs {
            if let Output::Send { conn, frame } = output {
                self.lengths.entry(*conn).or_default().push_back(frame.as_bytes().len());
            }
            if let Output::Send { conn, .. } | Output::Unwatch(conn) | Output::Finish(conn) = output
                && !self.order.contains(conn)
            {
                self.order.push(*conn);
            }
        }
    }
}
