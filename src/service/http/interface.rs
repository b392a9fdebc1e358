//! What an exchange takes and what it yields.

use std::fmt::{self, Debug, Display};

use super::answer::Answer;
use super::host::Hosts;
use super::rejection::Rejection;
pub use super::route::Stream;
use crate::frame::Frame;
use crate::limits::{HTTP_IDLE_TIMEOUT, HTTP_REQUEST_TIMEOUT};
use crate::time::Mono;

/// The name of the cookie that holds a session.
pub const SESSION_COOKIE: &str = "es_iot_session";
/// The name of the header that holds a change's signature.
pub const SIGNATURE_HEADER: &str = "Es-Iot-Signature";

/// What the server is like at the moment of an input.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: Mono,
    /// Whether this peer needs a session.
    pub access: Access<'a>,
    /// Under which names it may ask.
    pub hosts: Hosts<'a>,
}

/// Whether a peer needs a session. Page and login need none.
#[derive(Clone, Copy)]
pub enum Access<'a> {
    /// No: no password is required, or its address is trusted or holds a grant.
    Open,
    /// It needs a cookie of which this holds. The function compares in constant time. [`Input::AccessChanged`] has to follow
    /// when a session ends.
    Session(&'a dyn Fn(&str) -> bool),
}

impl Access<'_> {
    /// Whether a client with this cookie may have what is guarded.
    pub fn admits(self, session: Option<&str>) -> bool {
        match self {
            Self::Open => true,
            Self::Session(valid) => session.is_some_and(valid),
        }
    }
}

impl Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "Open",
            Self::Session(_) => "Session",
        })
    }
}

/// Something happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// The client sent bytes. Not to be read while [`Exchange::waits`](super::Exchange::waits) or while replies are unsent,
    /// and without effect on a stream.
    Bytes(&'a [u8]),
    /// The client closed its sending side. What it asked before is answered.
    Finished,
    /// The answer to the [`Output::Ask`] before. Without effect when nothing is asked.
    Answer(Answer),
    /// All replies are sent: asked for by [`Output::WhenSent`].
    Sent,
    /// The deadline is here.
    Wakeup,
    /// Who needs a session has changed, or a session has ended. The context has the new rule.
    AccessChanged,
}

/// Something is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this, whole.
    Send(Frame),
    /// Give [`Input::Sent`] in a later step, when everything is sent. The next request waits for it, or the end.
    WhenSent,
    /// Give [`Input::Answer`], immediately or later. No other question comes before.
    Ask(Question),
    /// From here on the connection carries this stream, with no framing by HTTP. It ends when the connection is closed.
    Stream(Stream),
    /// A request was refused: for the counters and the log. The reply has gone out before.
    Refused(Rejection),
    /// The exchange is over, and so are its question and its stream: send what is unsent, and close. No input has an effect
    /// any more.
    Close(Reason),
}

/// What other parts are asked. Answered with [`Answer::Content`] or [`Answer::Refused`], except for the page and the streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The page: [`Answer::Page`].
    Page,
    /// The video: [`Answer::Stream`] when it can begin.
    Video,
    /// The newest key picture, with its parameter sets.
    Snapshot,
    /// The events: [`Answer::Stream`].
    Events,
    /// The settings in force.
    Settings,
    /// A change of settings.
    Update(Call),
    /// The state, for programs.
    Status,
    /// The state, for Prometheus.
    Metrics,
    /// Whether video moves.
    Health,
    /// A step of a login.
    Login(Call),
    /// The end of a session.
    Logout(Call),
    /// The configuration anew.
    Reload(Call),
}

/// What a PUT or POST has in it. Host, origin, type and, except for a login, session are checked already; the signature is
/// not.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// The body: JSON, if the client is right, of at most [`HTTP_MAX_BODY_BYTES`](crate::limits::HTTP_MAX_BODY_BYTES).
    pub body: Vec<u8>,
    /// The value of the cookie [`SESSION_COOKIE`].
    pub session: Option<String>,
    /// The value of the header [`SIGNATURE_HEADER`].
    pub signature: Option<String>,
}

impl Debug for Call {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} bytes)", self.body.len())
    }
}

/// Why a connection ends. Its text completes "client 192.0.2.7 closed: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// After a request that is refused like this.
    Refused(Rejection),
    /// After the last reply: the client wants no other, or has had as many as one connection gets.
    Done,
    /// The client closed its sending side, and has all its replies.
    Finished,
    /// It never asked for anything.
    Silent,
    /// It has asked for nothing more.
    Idle,
    /// It sent more than fits while an answer was pending.
    Flood,
    /// It may no longer have the stream.
    NotAllowed,
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(rejection) => write!(f, "request refused: {rejection}"),
            Self::Done => f.write_str("it has its last reply"),
            Self::Finished => f.write_str("it has closed its side"),
            Self::Silent => write!(f, "no request within {} s", HTTP_REQUEST_TIMEOUT.as_secs()),
            Self::Idle => write!(f, "no further request within {} s", HTTP_IDLE_TIMEOUT.as_secs()),
            Self::Flood => f.write_str("it sent more requests than fit while one was pending"),
            Self::NotAllowed => f.write_str("its session has ended"),
        }
    }
}
