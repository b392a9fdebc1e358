//! Why a request is refused, and the status that this is on the wire.

use std::fmt::{self, Display};

use crate::service::status::Status;

/// Why a request was refused. Its text completes "request refused: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// A request line, header or Content-Length without the form of one. The connection ends.
    Malformed,
    /// A `CSeq` that is missing or no number.
    CSeq,
    /// A URI that is none, or not of the `rtsp` scheme.
    Uri,
    /// A SETUP without a Transport header.
    NoTransport,
    /// No answer to a Digest challenge, or one that can't be checked. The first request of every client that has to
    /// authenticate ends so.
    NotAuthenticated,
    /// A right answer to a challenge that has expired or is of another connection.
    StaleNonce,
    /// A wrong user name or password. The connection ends.
    WrongPassword,
    /// The address is locked out. The connection ends.
    LockedOut,
    /// No stream of this name.
    NotFound,
    /// ANNOUNCE, RECORD or REDIRECT.
    MethodNotAllowed,
    /// DESCRIBE for something other than SDP.
    NotAcceptable,
    /// The request was not complete in time. The connection ends.
    TooSlow,
    /// A body that is too long. The connection ends.
    BodyTooLong,
    /// A URI that is too long.
    UriTooLong,
    /// A head that is too long. The connection ends.
    HeadTooLong,
    /// Parameters that the server does not know: it knows none.
    Parameter,
    /// No session, or not one of this connection.
    NoSession,
    /// A method that the session's state does not allow.
    WrongState,
    /// A range that is no `npt` range, or one without a start.
    Range,
    /// A SETUP that would add a second stream to the session.
    OneStream,
    /// No transport in the list that the server has.
    Transport,
    /// A method that RFC 2326 does not know.
    UnknownMethod,
    /// A range in other units than `npt`.
    RangeUnit,
    /// No picture in time to describe or play.
    NoPicture,
    /// As many viewers as `server.max_viewers` allows.
    Full,
    /// A version other than RTSP/1.0.
    Version,
    /// A feature in a Require header: the server has none.
    Required,
}

impl Rejection {
    /// Whether the connection ends with it: what follows can't be read, or isn't wanted.
    pub const fn closes(self) -> bool {
        matches!(
            self,
            Self::Malformed
                | Self::WrongPassword
                | Self::LockedOut
                | Self::TooSlow
                | Self::BodyTooLong
                | Self::HeadTooLong
        )
    }

    /// The status of the reply.
    pub const fn status(self) -> Status {
        match self {
            Self::Malformed | Self::CSeq | Self::Uri | Self::NoTransport => Status::new(400, "Bad Request"),
            Self::NotAuthenticated | Self::StaleNonce | Self::WrongPassword => Status::new(401, "Unauthorized"),
            Self::LockedOut => Status::new(403, "Forbidden"),
            Self::NotFound => Status::new(404, "Not Found"),
            Self::MethodNotAllowed => Status::new(405, "Method Not Allowed"),
            Self::NotAcceptable => Status::new(406, "Not Acceptable"),
            Self::TooSlow => Status::new(408, "Request Time-out"),
            Self::BodyTooLong => Status::new(413, "Request Entity Too Large"),
            Self::UriTooLong => Status::new(414, "Request-URI Too Large"),
            // RFC 6585 section 5: RFC 2326 has no status for this.
            Self::HeadTooLong => Status::new(431, "Request Header Fields Too Large"),
            Self::Parameter => Status::new(451, "Parameter Not Understood"),
            Self::NoSession => Status::new(454, "Session Not Found"),
            Self::WrongState => Status::new(455, "Method Not Valid in This State"),
            Self::Range => Status::new(457, "Invalid Range"),
            Self::OneStream => Status::new(459, "Aggregate Operation Not Allowed"),
            Self::Transport => Status::new(461, "Unsupported Transport"),
            Self::UnknownMethod | Self::RangeUnit => Status::new(501, "Not Implemented"),
            Self::NoPicture | Self::Full => Status::new(503, "Service Unavailable"),
            Self::Version => Status::new(505, "RTSP Version Not Supported"),
            Self::Required => Status::new(551, "Option Not Supported"),
        }
    }
}

impl Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it does not have the form of an RTSP request",
            Self::CSeq => "its CSeq is missing or not a number",
            Self::Uri => "its URI is not an rtsp:// URI",
            Self::NoTransport => "SETUP without a Transport header",
            Self::NotAuthenticated => "the password is needed",
            Self::StaleNonce => "the answer is to an expired challenge",
            Self::WrongPassword => "wrong user name or password",
            Self::LockedOut => "the address is locked out after wrong passwords",
            Self::NotFound => "no stream has this path (server.rtsp_path)",
            Self::MethodNotAllowed => "the server sends its own stream and takes none",
            Self::NotAcceptable => "the client takes no SDP (application/sdp)",
            Self::TooSlow => "the request was not complete in time",
            Self::BodyTooLong => "its body is too long",
            Self::UriTooLong => "its URI is too long",
            Self::HeadTooLong => "its headers are too long",
            Self::Parameter => "the stream has no such parameter",
            Self::NoSession => "the connection has no such session",
            Self::WrongState => "the session's state does not allow this method",
            Self::Range => "the range has no start",
            Self::OneStream => "the session has its one stream already",
            Self::Transport => "no usable transport: RTP/AVP over unicast UDP or interleaved TCP is needed",
            Self::UnknownMethod => "unknown method",
            Self::RangeUnit => "the range is not in npt units",
            Self::NoPicture => "no picture from the camera in time",
            Self::Full => "all places for viewers are taken (server.max_viewers)",
            Self::Version => "the RTSP version is not 1.0",
            Self::Required => "it requires a feature that the server does not have",
        })
    }
}
