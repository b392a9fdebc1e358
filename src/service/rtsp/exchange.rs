//! One connection's exchange: its requests in order, its session, its deadlines.

mod answer;

use super::digest::Challenges;
use super::interface::{Access, Context, FirstPacket, Input, Output, Reason};
use super::rejection::Rejection;
use super::reply::{HTTP, Reply};
use super::request::{Fault, Item, Parser};
use super::session::State;
use super::token::Tokens;
use super::transport::Transport;
use crate::limits::{RTSP_MAX_WAITING_BYTES, RTSP_REQUEST_TIMEOUT, RTSP_SESSION_GRACE, RTSP_SESSION_TIMEOUT};
use crate::service::status::Status;
use crate::time::Mono;

/// What a connection gets for which there is no place. No request has come, so no `CSeq` is known.
pub const TURNED_AWAY: &str = "RTSP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n";

/// What a client has set up.
#[derive(Debug)]
struct Session {
    id: String,
    transport: Transport,
    /// What RTP-Info names: the URI of the SETUP, which clients look for.
    uri: String,
    playing: bool,
}

/// A request that can't be answered yet. Those behind it wait: replies come in the order of the requests.
#[derive(Debug)]
enum Pending {
    /// A DESCRIBE.
    Describe { base: String },
    /// A PLAY.
    Play { range: String, scale: bool },
}

#[derive(Debug)]
struct Waiting {
    cseq: u32,
    until: Mono,
    what: Pending,
}

/// One RTSP connection.
#[derive(Debug)]
pub struct Exchange {
    parser: Parser,
    tokens: Tokens,
    challenges: Challenges,
    /// Since when it has not been let in; `None` once it is.
    outside_since: Option<Mono>,
    session: Option<Session>,
    waiting: Option<Waiting>,
    /// The last sign of life.
    heard: Mono,
    /// Since when the client owes the rest of a request, or its first one.
    owes_since: Option<Mono>,
    over: bool,
}

impl Exchange {
    /// A connection taken at `now`. `secret` is 32 bytes of the system's randomness, for this connection alone: session
    /// identifiers and nonces follow from it.
    pub fn new(now: Mono, secret: [u8; 32]) -> Self {
        Self {
            parser: Parser::default(),
            tokens: Tokens::new(secret),
            challenges: Challenges::default(),
            outside_since: Some(now),
            session: None,
            waiting: None,
            heard: now,
            owes_since: Some(now),
            over: false,
        }
    }

    /// Takes an input, and appends what is to be done.
    pub fn handle(&mut self, context: &Context<'_>, input: Input<'_>, out: &mut Vec<Output>) {
        if self.over {
            return;
        }
        match input {
            Input::Bytes(bytes) => self.received(bytes, out),
            Input::Described(sdp) => self.described(sdp, out),
            Input::Started(first) => self.started(first, out),
            Input::Alive => self.heard = context.now,
            Input::Wakeup => self.wakeup(context, out),
            Input::AccessChanged => self.access_changed(context, out),
            Input::End(reason) => self.close(reason, out),
        }
        self.proceed(context, out);
    }

    /// Whether a reply is pending, so that the connection is not to be read.
    pub const fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// When [`Input::Wakeup`] is due, `None` when the exchange is over.
    pub fn deadline(&self) -> Option<Mono> {
        if self.over {
            return None;
        }
        let pending = self.waiting.as_ref().map(|waiting| waiting.until);
        [pending, self.request_due(), self.password_due(), Some(self.silence_ends())].into_iter().flatten().min()
    }

    /// The session's transport, if there is one.
    pub fn transport(&self) -> Option<Transport> {
        self.session.as_ref().map(|session| session.transport)
    }

    /// Bytes of memory that unread input takes.
    pub const fn memory_bytes(&self) -> usize {
        self.parser.memory_bytes()
    }

    fn request_due(&self) -> Option<Mono> {
        self.owes_since.map(|since| since + RTSP_REQUEST_TIMEOUT)
    }

    /// Requests that need no password must not keep a place forever.
    fn password_due(&self) -> Option<Mono> {
        self.outside_since.map(|since| since + RTSP_SESSION_TIMEOUT)
    }

    fn silence_ends(&self) -> Mono {
        self.heard + (RTSP_SESSION_TIMEOUT + RTSP_SESSION_GRACE)
    }

    fn state(&self) -> State {
        match &self.session {
            None => State::Init,
            Some(session) if session.playing => State::Playing,
            Some(_) => State::Ready,
        }
    }

    fn received(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        self.parser.push(bytes);
        if self.waits() && self.parser.waiting_bytes() > RTSP_MAX_WAITING_BYTES {
            self.close(Reason::Flood, out);
        }
    }

    /// Reads what has come, as far as it can be answered.
    fn proceed(&mut self, context: &Context<'_>, out: &mut Vec<Output>) {
        while !self.over && !self.waits() {
            match self.parser.next() {
                Ok(None) => break,
                Ok(Some(item)) => {
                    self.owes_since = None;
                    self.item(context, item, out);
                }
                Err(fault) => self.fault(fault, out),
            }
        }
        if self.waits() {
            self.owes_since = None;
        } else if self.parser.mid_item() {
            self.owes_since.get_or_insert(context.now);
        }
    }

    fn item(&mut self, context: &Context<'_>, item: Item, out: &mut Vec<Output>) {
        match item {
            Item::Request(request) => {
                self.heard = context.now;
                self.answer(context, &request, out);
            }
            Item::Bad(bad) => {
                self.heard = context.now;
                self.refuse(bad.cseq, bad.rejection, &[], out);
            }
            Item::Frame { channel, payload } => match self.transport() {
                Some(Transport::Tcp { rtcp, .. }) if channel == rtcp => {
                    self.heard = context.now;
                    out.push(Output::Rtcp(payload));
                }
                Some(_) | None => out.push(Output::FrameDropped),
            },
            Item::LongFrame { .. } => out.push(Output::FrameDropped),
        }
    }

    fn fault(&mut self, fault: Fault, out: &mut Vec<Output>) {
        let (cseq, rejection) = match fault {
            Fault::Http => {
                out.push(Output::Reply(HTTP.into()));
                return self.close(Reason::Http, out);
            }
            Fault::NotRtsp => {
                out.push(Output::Reply(Reply::new(Rejection::Malformed.status(), None).end()));
                return self.close(Reason::NotRtsp, out);
            }
            Fault::Malformed(cseq) => (cseq, Rejection::Malformed),
            Fault::HeadTooLong(cseq) => (cseq, Rejection::HeadTooLong),
            Fault::BodyTooLong(cseq) => (cseq, Rejection::BodyTooLong),
        };
        self.refuse(cseq, rejection, &[], out);
    }

    /// Refuses a request, with headers beside `CSeq`.
    fn refuse(&mut self, cseq: Option<u32>, rejection: Rejection, headers: &[(&str, String)], out: &mut Vec<Output>) {
        let reply = Reply::new(rejection.status(), cseq);
        let reply = headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value));
        out.push(Output::Reply(reply.end()));
        out.push(Output::Refused(rejection));
        if rejection.closes() {
            self.close(Reason::Refused(rejection), out);
        }
    }

    fn described(&mut self, sdp: &str, out: &mut Vec<Output>) {
        if let Some(Waiting { cseq, what: Pending::Describe { base }, .. }) = &self.waiting {
            let reply = Reply::new(Status::OK, Some(*cseq)).header("Content-Base", base);
            out.push(Output::Reply(reply.body("application/sdp", sdp)));
            self.waiting = None;
        }
    }

    fn started(&mut self, first: FirstPacket, out: &mut Vec<Output>) {
        if let (Some(Waiting { cseq, what: Pending::Play { range, scale }, .. }), Some(session)) =
            (&self.waiting, &mut self.session)
        {
            session.playing = true;
            out.push(Output::Reply(session.play_reply(*cseq, range, *scale, Some(first))));
            out.push(Output::Begin);
            self.waiting = None;
        }
    }

    fn wakeup(&mut self, context: &Context<'_>, out: &mut Vec<Output>) {
        let now = context.now;
        if self.waiting.as_ref().is_some_and(|waiting| waiting.until <= now)
            && let Some(waiting) = self.waiting.take()
        {
            match waiting.what {
                Pending::Describe { .. } => {}
                Pending::Play { .. } => out.push(Output::Stop),
            }
            self.refuse(Some(waiting.cseq), Rejection::NoPicture, &[], out);
        } else if self.password_due().is_some_and(|due| due <= now) {
            match context.access {
                Access::Open => self.outside_since = None,
                Access::Password(_) | Access::LockedOut(_) => self.close(Reason::NoPassword, out),
            }
        } else if self.silence_ends() <= now {
            let reason = if self.session.is_some() { Reason::SessionTimeout } else { Reason::Idle };
            self.close(reason, out);
        } else if self.request_due().is_some_and(|due| due <= now) {
            if self.parser.mid_item() {
                self.refuse(self.parser.cseq(), Rejection::TooSlow, &[], out);
            } else {
                self.close(Reason::Silent, out);
            }
        }
    }

    fn access_changed(&mut self, context: &Context<'_>, out: &mut Vec<Output>) {
        self.outside_since = match context.access {
            Access::Open => None,
            Access::Password(_) | Access::LockedOut(_) => Some(context.now),
        };
        if self.outside_since.is_some() && (self.session.is_some() || self.waits()) {
            self.close(Reason::NotAllowed, out);
        }
    }

    fn close(&mut self, reason: Reason, out: &mut Vec<Output>) {
        self.over = true;
        self.session = None;
        self.waiting = None;
        self.parser = Parser::default();
        out.push(Output::Close(reason));
    }
}

#[cfg(test)]
mod tests;
