//! Why connections end, in the log's words.

use std::fmt;

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Its request is answered, or it closed.
    Done,
    /// It was reset or vanished.
    Lost,
    /// A packet it had begun was not complete in time, or on the authentication port none came.
    TooSlow,
    /// Its socket took nothing in time.
    Stuck,
    /// It sent 1024 bytes that are no packet.
    NoProtocol,
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Lost => "connection lost",
            Self::TooSlow => "no complete packet within 5 s",
            Self::Stuck => "it took no data for 10 s",
            Self::NoProtocol => "1024 bytes that are no packet",
        })
    }
}
