//! What is wrong with a reply.

use std::fmt::{self, Display};
use std::time::Duration;

use es_iot_server::limits::CTL_HTTP_TIMEOUT;

use crate::video::Fault;

/// The longest text of a server that is shown, in characters.
const MAX_SHOWN_CHARACTERS: usize = 300;

/// What is wrong with a reply, or the server's reason for refusing the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// No complete reply within the time-out.
    Silent(Duration),
    /// It is not HTTP as this server sends it.
    NotHttp,
    /// A head or a body above the limit.
    TooLong,
    /// The connection ended within it.
    CutShort,
    /// The body is not one of this path.
    NotOurs,
    /// Status 401.
    NeedsLogin {
        /// Whether the reply came over the Unix socket, whose clients get no grant.
        local: bool,
    },
    /// Any other status but 200, and the server's text.
    Refused {
        /// The status.
        status: u16,
        /// The reason, in one line.
        text: String,
    },
    /// The video is damaged.
    Video(Fault),
    /// No picture for this long.
    NoPicture(Duration),
}

impl Problem {
    /// The refusal with this status and body: an object with the member `error`, or text.
    pub fn refused(status: u16, body: &[u8]) -> Self {
        let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
        let error = json.as_ref().and_then(|json| json.get("error")).and_then(serde_json::Value::as_str);
        let text = error.map_or_else(|| String::from_utf8_lossy(body), Into::into);
        Self::Refused { status, text: one_line(&text) }
    }
}

/// A server's text for a terminal: its first line, without control characters, and not too long.
pub fn one_line(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let shown = line.chars().take(MAX_SHOWN_CHARACTERS);
    shown.map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

impl Display for Problem {
    /// Completes "SERVER ".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(timeout) => {
                write!(f, "sent no complete answer within {} s: is it es-iot-server?", timeout.as_secs_f64())?;
                if *timeout < CTL_HTTP_TIMEOUT { f.write_str(" Try a longer --timeout") } else { Ok(()) }
            }
            Self::NotHttp => f.write_str("is not the HTTP port of an es-iot-server: check --http-port"),
            Self::TooLong => f.write_str("sent a longer answer than es-iot-server does: check --http-port"),
            Self::CutShort => f.write_str("closed the connection in the middle of its answer: see the server's log"),
            Self::NotOurs => {
                f.write_str("sent something other than es-iot-server does: check --http-port and the server's version")
            }
            Self::NeedsLogin { local: false } => f.write_str(
                "requires the password: run es-iot-ctl auth first, from the same address; its grant also opens HTTP",
            ),
            Self::NeedsLogin { local: true } => f.write_str(
                "requires the password, because auth.trust_loopback is false: run es-iot-ctl auth first, and then this \
                 command with --host localhost",
            ),
            Self::Refused { status, text } if text.is_empty() => write!(f, "answered with status {status}"),
            Self::Refused { status, text } => write!(f, "answered: {text} (status {status})"),
            Self::Video(fault) => write!(f, "sent damaged video: {fault}"),
            Self::NoPicture(timeout) => write!(
                f,
                "sent no picture for {} s: see es-iot-ctl status; for a slow camera or network, use a longer --timeout",
                timeout.as_secs_f64()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let text = |body: &[u8]| {
            let Problem::Refused { text, .. } = Problem::refused(500, body) else { panic!("{body:?}") };
            text
        };
        assert_eq!(text(b"{\"error\":\"why\"}\n"), "why");
        assert_eq!(text(b"there is no picture\nmore"), "there is no picture");
        assert_eq!(text(b"{\"error\":7}"), "{\"error\":7}");
        assert_eq!(text(b""), "");
        assert_eq!(text(b"\x1b[2J\xFF"), "\u{FFFD}[2J\u{FFFD}");
        assert_eq!(text("é".repeat(1000).as_bytes()).chars().count(), MAX_SHOWN_CHARACTERS);
    }
}
