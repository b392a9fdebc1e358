//! What one connection is about, and how far it has got.

use crate::ids::Service;
use crate::service::requests::Requests;
use crate::wire::Id;

/// The conversation on one connection.
#[derive(Debug)]
pub enum Conversation {
    /// It gets the stream; what it sends is thrown away.
    Stream,
    /// It reads and updates settings.
    Settings {
        /// What it has sent.
        requests: Requests,
        /// Whether its read waits for the disk. Until then nothing more is read from it.
        awaiting: bool,
    },
    /// It tries a password.
    Auth(Requests),
    /// It watches the video; `viewers.rs` has its exchange.
    Rtsp,
    /// It is a browser or another HTTP client; `http.rs` has its exchange.
    Http,
    /// It has had its last reply. Whatever it still sends is thrown away until it closes.
    Over,
}

impl Conversation {
    /// A conversation that begins.
    pub const fn with(service: Service) -> Self {
        match service {
            Service::Data => Self::Stream,
            Service::Settings => Self::Settings { requests: Requests::new(Id::Settings), awaiting: false },
            Service::Auth => Self::Auth(Requests::new(Id::Auth)),
            Service::Rtsp => Self::Rtsp,
            Service::Http => Self::Http,
        }
    }

    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Stream | Self::Rtsp | Self::Http | Self::Over => {}
            Self::Settings { requests, .. } | Self::Auth(requests) => requests.push(bytes),
        }
    }

    /// Whether the client has had its last reply.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}
