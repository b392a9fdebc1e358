//! The video and its viewers.

use std::time::Duration;

use crate::ids::Peer;
use crate::logging::Level::{Debug, Info, Warning};
use crate::logging::Line;
use crate::media::ring::Refused;
use crate::service::rtsp::{Reason, Rejection, Transport};

/// Something about the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoReport {
    /// The camera's pictures have another format than before, or are the first.
    Format {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Profile and level, as in the SDP.
        profile: String,
    },
    /// Viewers see the slate instead of the camera's picture.
    Slate {
        /// What it says.
        words: String,
    },
    /// A picture can't be served.
    Refused {
        /// Why.
        why: Refused,
    },
}

impl VideoReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let logger = "camera";
        match self {
            Self::Format { width, height, profile } => {
                let text = format_args!("the video is {width}x{height}, H.264 profile and level {profile}");
                show(Line::limited(Info, logger, "video formats", text))
            }
            Self::Slate { words } => {
                show(Line::limited(Info, logger, "slates", format_args!("viewers see a slate: {words}")))
            }
            Self::Refused { why } => {
                let text = format_args!("{why}: lower camera.bitrate or the size of the picture");
                show(Line::limited(Warning, logger, "pictures refused", text))
            }
        }
    }
}

/// Something about viewers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewerReport {
    /// A viewer gets the stream.
    Watches {
        /// Its end.
        peer: Peer,
        /// How.
        transport: Transport,
    },
    /// A viewer that got the stream has left.
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

impl ViewerReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let logger = "rtsp";
        match self {
            Self::Watches { peer, transport } => {
                let way = match transport {
                    Transport::Udp { .. } => "UDP",
                    Transport::Tcp { .. } => "TCP",
                };
                show(Line::limited(Info, logger, "viewers", format_args!("{peer} watches the video over {way}")))
            }
            Self::Left { peer, after } => {
                let text = format_args!("{peer} no longer watches the video, after {} s", after.as_secs());
                show(Line::limited(Info, logger, "viewers", text))
            }
            Self::Refused { peer, rejection } => {
                // Every client that has a password to give asks without it first.
                let is_usual = matches!(rejection, Rejection::NotAuthenticated | Rejection::StaleNonce);
                let level = if is_usual { Debug } else { Warning };
                let logger = if rejection.status().code == 400 { "protocol" } else { logger };
                let text = format_args!("refused a request of {peer} on the rtsp port: {rejection}");
                show(Line::limited(level, logger, "rtsp refusals", text))
            }
            Self::Closed { peer, reason } => {
                let (level, logger) = match reason {
                    // The refusal has its own line.
                    Reason::Refused(_) | Reason::Silent | Reason::Idle | Reason::NoPassword => (Debug, logger),
                    Reason::NotRtsp | Reason::Http | Reason::Flood => (Warning, "protocol"),
                    Reason::SessionTimeout | Reason::Replaced | Reason::SizeChanged | Reason::NotAllowed => {
                        (Info, logger)
                    }
                };
                let text = format_args!("closed the connection of {peer} on the rtsp port: {reason}");
                show(Line::limited(level, logger, "rtsp connections closed", text))
            }
        }
    }
}
