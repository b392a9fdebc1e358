//! Why a request is refused, and the status that this is on the wire.

use std::fmt::{self, Display};
use std::time::Duration;

use super::route::Route;
use crate::limits::{
    HTTP_ANSWER_TIMEOUT, HTTP_MAX_BODY_BYTES, HTTP_MAX_HEAD_BYTES, HTTP_MAX_HEADERS, HTTP_REQUEST_TIMEOUT,
};
pub use crate::service::status::Status;

/// The header that goes with each 401: RFC 9110 section 15.5.2 demands a challenge. No browser knows this scheme, so none
/// asks for a password.
pub const CHALLENGE: (&str, &str) = ("WWW-Authenticate", "Cookie realm=\"es-iot-server\"");

impl Status {
    /// The client has the page already.
    pub const NOT_MODIFIED: Self = Self::new(304, "Not Modified");
    /// The request has the wrong content.
    pub const BAD_REQUEST: Self = Self::new(400, "Bad Request");
    /// A wrong proof of the password, or no session.
    pub const UNAUTHORIZED: Self = Self::new(401, "Unauthorized");
    /// It could not be done.
    pub const INTERNAL_SERVER_ERROR: Self = Self::new(500, "Internal Server Error");
    /// Not at the moment.
    pub const SERVICE_UNAVAILABLE: Self = Self::new(503, "Service Unavailable");
}

/// Why a request is refused. Its text is sent to the client, and completes "request refused: " in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// It does not begin like HTTP: a TLS handshake, say. The connection ends.
    NotHttp,
    /// A head without the form of one, or one that another program might read differently. The connection ends.
    Malformed,
    /// An HTTP/1.1 request without `Host`.
    NoHost,
    /// A GET or HEAD with a body. The connection ends.
    Body,
    /// No session, where the context demands one.
    NoSession,
    /// A change without the signature that its session demands, or with a wrong one. For the parts that check it.
    Unsigned,
    /// A change that a page of another origin asked for.
    Origin,
    /// What only programs on this host may ask for. For the parts that know.
    NotOnThisHost,
    /// No such path.
    NotFound,
    /// A method that the path does not have.
    MethodNotAllowed(Route),
    /// The page, for a client that takes no gzip.
    NotAcceptable,
    /// The request was not complete in time. The connection ends.
    TooSlow,
    /// A PUT or POST without `Content-Length`. The connection ends.
    NoLength,
    /// A body in transfer codings. The connection ends.
    Chunked,
    /// A body above [`HTTP_MAX_BODY_BYTES`]. The connection ends.
    BodyTooLong,
    /// A request line above [`HTTP_MAX_HEAD_BYTES`]. The connection ends.
    TargetTooLong,
    /// A PUT or POST of something other than JSON.
    ContentType,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A host name that is not the device's: DNS rebinding, or a name that is missing in `server.http_hosts`.
    Misdirected,
    /// The address is locked out for this long after wrong passwords. For the parts that count them.
    LockedOut(Duration),
    /// A head above [`HTTP_MAX_HEAD_BYTES`], or more headers than [`HTTP_MAX_HEADERS`]. The connection ends.
    HeadTooLong,
    /// No answer in time. The connection ends.
    NoAnswer,
    /// No picture. For the parts that have them.
    NoPicture,
    /// All places for streams are taken. For the parts that know.
    Full,
    /// A version other than HTTP/1.0 and HTTP/1.1. The connection ends.
    Version,
}

impl Rejection {
    /// Whether the connection ends with it, whatever the request: what follows can't be read, or isn't wanted.
    pub const fn closes(self) -> bool {
        match self {
            Self::NotHttp
            | Self::Malformed
            | Self::Body
            | Self::TooSlow
            | Self::NoLength
            | Self::Chunked
            | Self::BodyTooLong
            | Self::TargetTooLong
            | Self::HeadTooLong
            | Self::NoAnswer
            | Self::Version => true,
            Self::NoHost
            | Self::NoSession
            | Self::Unsigned
            | Self::Origin
            | Self::NotOnThisHost
            | Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::NotAcceptable
            | Self::ContentType
            | Self::Expectation
            | Self::Misdirected
            | Self::LockedOut(_)
            | Self::NoPicture
            | Self::Full => false,
        }
    }

    /// The status of the reply.
    pub const fn status(self) -> Status {
        match self {
            Self::NotHttp | Self::Malformed | Self::NoHost | Self::Body => Status::BAD_REQUEST,
            Self::NoSession => Status::UNAUTHORIZED,
            Self::Unsigned | Self::Origin | Self::NotOnThisHost => Status::new(403, "Forbidden"),
            Self::NotFound => Status::new(404, "Not Found"),
            Self::MethodNotAllowed(_) => Status::new(405, "Method Not Allowed"),
            Self::NotAcceptable => Status::new(406, "Not Acceptable"),
            Self::TooSlow => Status::new(408, "Request Timeout"),
            Self::NoLength | Self::Chunked => Status::new(411, "Length Required"),
            Self::BodyTooLong => Status::new(413, "Content Too Large"),
            Self::TargetTooLong => Status::new(414, "URI Too Long"),
            Self::ContentType => Status::new(415, "Unsupported Media Type"),
            Self::Expectation => Status::new(417, "Expectation Failed"),
            Self::Misdirected => Status::new(421, "Misdirected Request"),
            Self::LockedOut(_) => Status::new(429, "Too Many Requests"),
            Self::HeadTooLong => Status::new(431, "Request Header Fields Too Large"),
            Self::NoAnswer | Self::NoPicture | Self::Full => Status::SERVICE_UNAVAILABLE,
            Self::Version => Status::new(505, "HTTP Version Not Supported"),
        }
    }

    /// The header that its reply has beside those of every reply.
    pub fn header(self) -> Option<(&'static str, String)> {
        match self {
            Self::NoSession => Some((CHALLENGE.0, CHALLENGE.1.into())),
            Self::MethodNotAllowed(route) => Some(("Allow", route.allow().into())),
            Self::LockedOut(left) => Some(("Retry-After", (left.as_secs() + 1).to_string())),
            Self::NoAnswer | Self::NoPicture | Self::Full => Some(("Retry-After", "5".into())),
            Self::NotHttp
            | Self::Malformed
            | Self::NoHost
            | Self::Body
            | Self::Unsigned
            | Self::Origin
            | Self::NotOnThisHost
            | Self::NotFound
            | Self::NotAcceptable
            | Self::TooSlow
            | Self::NoLength
            | Self::Chunked
            | Self::BodyTooLong
            | Self::TargetTooLong
            | Self::ContentType
            | Self::Expectation
            | Self::Misdirected
            | Self::HeadTooLong
            | Self::Version => None,
        }
    }
}

impl Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotHttp => "this is not HTTP (https:// is not supported)",
            Self::Malformed => "the request does not have the form of an HTTP request",
            Self::NoHost => "the request has no Host header",
            Self::Body => "GET and HEAD take no body",
            Self::NoSession => "log in first: a password is required",
            Self::Unsigned => "the change is not signed with the key of its session: log in again",
            Self::Origin => "pages of other origins may change nothing here",
            Self::NotOnThisHost => "only programs on the device itself may ask for this",
            Self::NotFound => "there is nothing under this path",
            Self::MethodNotAllowed(route) => return write!(f, "{} takes {} only", route.path(), route.allow()),
            Self::NotAcceptable => "the page is stored compressed: the client must accept gzip (curl --compressed)",
            Self::TooSlow => {
                return write!(f, "the request was not complete within {} s", HTTP_REQUEST_TIMEOUT.as_secs());
            }
            Self::NoLength => "PUT and POST need a Content-Length",
            Self::Chunked => "transfer codings are not supported: send a Content-Length",
            Self::BodyTooLong => return write!(f, "the body is longer than {HTTP_MAX_BODY_BYTES} bytes"),
            Self::TargetTooLong => return write!(f, "the request line is longer than {HTTP_MAX_HEAD_BYTES} bytes"),
            Self::ContentType => "PUT and POST take Content-Type: application/json only",
            Self::Expectation => "100-continue is the only expectation that can be met",
            Self::Misdirected => {
                "this is not the device's name: use its address, or add the name to server.http_hosts on the device"
            }
            Self::LockedOut(left) => {
                return write!(f, "too many wrong passwords: try again in {} s", left.as_secs() + 1);
            }
            Self::HeadTooLong => {
                return write!(
                    f,
                    "the headers are longer than {HTTP_MAX_HEAD_BYTES} bytes or more than {HTTP_MAX_HEADERS}"
                );
            }
            Self::NoAnswer => return write!(f, "no answer within {} s", HTTP_ANSWER_TIMEOUT.as_secs()),
            Self::NoPicture => "there is no picture from the camera",
            Self::Full => "all places for viewers are taken",
            Self::Version => "only HTTP/1.1 and HTTP/1.0 are supported",
        };
        f.write_str(text)
    }
}
