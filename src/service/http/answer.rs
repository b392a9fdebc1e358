//! What other parts answer.

use std::fmt::{self, Display};
use std::time::Duration;

use super::rejection::{Rejection, Status};
use crate::frame::Shared;

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Something whole.
    Content(Content),
    /// The page.
    Page(Page),
    /// The stream that was asked for begins, with this type. What it consists of follows the outputs of this input.
    Stream(Kind),
    /// Nothing, for this reason.
    Refused(Rejection),
}

/// A body and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The status.
    pub status: Status,
    /// The type of the body.
    pub kind: Kind,
    /// The body.
    pub body: Body,
    /// What becomes of the client's session, if it changes.
    pub session: Option<SessionCookie>,
}

impl Content {
    /// Content with status 200.
    pub fn new(kind: Kind, body: impl Into<Body>) -> Self {
        Self { status: Status::OK, kind, body: body.into(), session: None }
    }

    /// An error of an API call, for a person to read.
    pub fn error(status: Status, text: &str) -> Self {
        let text = serde_json::Value::from(text);
        Self { status, ..Self::new(Kind::Json, format!("{{\"error\":{text}}}\n")) }
    }
}

/// The bytes of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A text for this client.
    Text(String),
    /// Bytes that other clients may get too.
    Shared(Shared),
}

impl Body {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Shared(shared) => shared.as_bytes().len(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Shared> for Body {
    fn from(shared: Shared) -> Self {
        Self::Shared(shared)
    }
}

/// The type of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// JSON.
    Json,
    /// Text for people.
    Text,
    /// Prometheus' text format.
    Metrics,
    /// H.264 as a byte stream.
    H264,
    /// MP4 with H.264 of this codec string (RFC 6381), such as `avc1.64001F`.
    Mp4(String),
    /// Server-Sent Events.
    Events,
}

impl Display for Kind {
    /// As a media type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json => f.write_str("application/json"),
            Self::Text => f.write_str("text/plain; charset=utf-8"),
            Self::Metrics => f.write_str("text/plain; version=0.0.4; charset=utf-8"),
            Self::H264 => f.write_str("video/h264"),
            Self::Mp4(codecs) => write!(f, "video/mp4; codecs=\"{codecs}\""),
            Self::Events => f.write_str("text/event-stream"),
        }
    }
}

/// A client's session cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCookie {
    /// A session begins.
    Set {
        /// Its value, of letters and digits.
        value: String,
        /// How long it lasts at most.
        lasts: Duration,
    },
    /// It is over.
    Clear,
}

/// The page: one HTML file with one script and one style sheet in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The file, compressed with gzip.
    pub gzip: Shared,
    /// Its entity tag, with quotation marks and without a comma, such as `"1f3a"`.
    pub etag: String,
    /// The SHA-256 of the script, in Base64: no other script runs.
    pub script: String,
    /// The SHA-256 of the style sheet, in Base64.
    pub style: String,
}
