//! What an exchange takes and what it yields.

use std::fmt::{self, Display};
use std::time::Duration;

use super::rejection::Rejection;
use super::transport::{Ends, Transport};
use crate::limits::{RTSP_REQUEST_TIMEOUT, RTSP_SESSION_GRACE, RTSP_SESSION_TIMEOUT};
pub use crate::media::rtp::FirstPacket;
use crate::time::Mono;

/// What the server is like at the moment of an input.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: Mono,
    /// Whether this peer may watch.
    pub access: Access<'a>,
    /// The stream's path (`server.rtsp_path`) without slashes around it: characters that RFC 2396 calls unreserved, and
    /// slashes.
    pub path: &'a str,
    /// What a reply to SETUP names of the server.
    pub ends: Ends,
    /// Whether one more session fits (`server.max_viewers`).
    pub room: bool,
    /// The longest time from one key picture to the next: PLAY waits for one.
    pub key_interval: Duration,
}

/// Whether a peer may watch. A connection that was let in stays so until [`Input::AccessChanged`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// It may: no password is required, or its address is trusted or holds a grant.
    Open,
    /// If it knows this password.
    Password(&'a [u8]),
    /// Its address is locked out for so much longer. No password is looked at.
    LockedOut(Duration),
}

/// Something happened.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The client sent bytes. Not to be read while [`Exchange::waits`](super::Exchange::waits).
    Bytes(&'a [u8]),
    /// The stream's description, asked for by [`Output::Describe`].
    Described(&'a str),
    /// The key picture asked for by [`Output::Start`] is here; [`Output::Begin`] follows. Without effect when the start was
    /// called off by [`Output::Stop`] or [`Output::SessionOver`].
    Started(FirstPacket),
    /// The viewer lives: an RTCP packet came from its address and port, or its socket took some of the stream.
    Alive,
    /// The deadline is here.
    Wakeup,
    /// Who may watch has changed: after a reload that changed the password or `auth`. The context has the new rule.
    AccessChanged,
    /// The viewer has to go.
    End(Reason),
}

/// Something is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this text, whole, on the RTSP connection: after a frame that has been begun.
    Reply(String),
    /// Answer with [`Input::Described`], now or as soon as parameter sets are known.
    Describe,
    /// The session has this transport from now on, and nothing is sent yet. A viewer of the same address with the same UDP
    /// ports on another connection is to be ended with [`Reason::Replaced`].
    SetUp(Transport),
    /// Answer with [`Input::Started`] at the next key picture.
    Start,
    /// Send the stream from that picture on.
    Begin,
    /// Send no more, and call off a start. The session stays.
    Stop,
    /// The session is over: as [`Output::Stop`], and its place is free.
    SessionOver,
    /// An RTCP packet from the client, of a TCP session.
    Rtcp(Vec<u8>),
    /// A frame from the client was dropped: too long, or not on the session's RTCP channel.
    FrameDropped,
    /// A wrong user name or password: a failure of this address.
    AuthFailed,
    /// The right password.
    AuthSucceeded,
    /// A request was refused: for the counters and the log. The reply has gone out before.
    Refused(Rejection),
    /// The exchange is over, and so is its session: send what is unsent, and close. No input has an effect any more.
    Close(Reason),
}

/// Why a connection ends. Its text completes "viewer 192.0.2.7 closed: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// After a request that is refused like this.
    Refused(Rejection),
    /// It does not speak RTSP.
    NotRtsp,
    /// It speaks HTTP.
    Http,
    /// It never asked for anything.
    Silent,
    /// It has no session and asks for nothing.
    Idle,
    /// Its session had no sign of life.
    SessionTimeout,
    /// It sent more than fits while a reply was pending.
    Flood,
    /// Another connection of its address took over its UDP ports.
    Replaced,
    /// The picture's size is no longer what was described.
    SizeChanged,
    /// It may no longer watch.
    NotAllowed,
    /// It needs the password, and has not given it.
    NoPassword,
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = (RTSP_SESSION_TIMEOUT + RTSP_SESSION_GRACE).as_secs();
        match self {
            Self::Refused(rejection) => write!(f, "request refused: {rejection}"),
            Self::NotRtsp => f.write_str("it does not speak RTSP (rtsps:// is not supported)"),
            Self::Http => f.write_str("it speaks HTTP, and there is no tunnel over HTTP"),
            Self::Silent => write!(f, "no request within {} s", RTSP_REQUEST_TIMEOUT.as_secs()),
            Self::Idle => write!(f, "no request for {idle} s"),
            Self::SessionTimeout => write!(f, "no sign of life for {idle} s"),
            Self::Flood => f.write_str("it sent more requests than fit while one was pending"),
            Self::Replaced => f.write_str("a newer connection from its address took over its UDP ports"),
            Self::SizeChanged => f.write_str("the size of the picture changed"),
            Self::NotAllowed => f.write_str("it may no longer watch after a reload"),
            Self::NoPassword => write!(f, "no password within {} s", RTSP_SESSION_TIMEOUT.as_secs()),
        }
    }
}
