//! The HTTP clients.

use std::time::Duration;

use crate::ids::Peer;
use crate::logging::Level::{Debug, Info, Warning};
use crate::logging::Line;
use crate::service::http::{Reason, Rejection};

/// Something about HTTP clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpReport {
    /// A client gets the video.
    Watches {
        /// Its end.
        peer: Peer,
    },
    /// A client that got the video has left.
    Left {
        /// Its end.
        peer: Peer,
        /// How long it was there.
        after: Duration,
    },
    /// A request was refused.
    Refused {
        /// Whose.
        peer: Peer,
        /// Why.
        rejection: Rejection,
    },
    /// The server ended a connection.
    Closed {
        /// Whose.
        peer: Peer,
        /// Why.
        reason: Reason,
    },
}

impl HttpReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let logger = "http";
        match self {
            Self::Watches { peer } => {
                show(Line::limited(Info, logger, "browsers", format_args!("{peer} watches the video over HTTP")))
            }
            Self::Left { peer, after } => {
                let text = format_args!("{peer} no longer watches the video, after {} s", after.as_secs());
                show(Line::limited(Info, logger, "browsers", text))
            }
            Self::Refused { peer, rejection } => {
                // Every browser asks before it has logged in, and for an icon that does not exist.
                let is_usual = matches!(rejection, Rejection::NoSession | Rejection::NotFound);
                let level = if is_usual { Debug } else { Warning };
                let logger = if rejection.status().code == 400 { "protocol" } else { logger };
                let text = format_args!("refused a request of {peer} on the http port: {rejection}");
                show(Line::limited(level, logger, "http refusals", text))
            }
            Self::Closed { peer, reason } => {
                let (level, logger) = match reason {
                    // The refusal has its own line.
                    Reason::Refused(_) | Reason::Done | Reason::Finished | Reason::Silent | Reason::Idle => {
                        (Debug, logger)
                    }
                    Reason::NotAllowed => (Info, logger),
                    Reason::Flood => (Warning, "protocol"),
                };
                let text = format_args!("closed the connection of {peer} on the http port: {reason}");
                show(Line::limited(level, logger, "http connections closed", text))
            }
        }
    }
}
