//! Parts of lines: why connections end, what the data source is like, what too few descriptors mean.

use std::fmt;

use crate::ids::Service;
use crate::service::data::SourceChange;

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

/// The limit on open descriptors, and the places that it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// The limit.
    pub limit: u32,
    /// What it should be.
    pub wanted: u32,
    /// `server.max_clients`.
    pub max_clients: u16,
    /// The places, in the order of [`Service::ALL`].
    pub places: [usize; Service::ALL.len()],
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, wanted, max_clients, places } = self;
        write!(
            f,
            "the limit on open files is {limit}, too low for server.max_clients = {max_clients}: raise it to {wanted}; \
             until then"
        )?;
        for (at, (service, places)) in Service::ALL.into_iter().zip(places).enumerate() {
            let (comma, verb) = if at == 0 { ("", "port has") } else { (",", "port") };
            write!(f, "{comma} the {} {verb} {places}", service.name())?;
            f.write_str(if at == 0 { " places" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Lost => "connection lost",
            Self::TooSlow => "no complete packet within 5 s, or 1 s while places are short",
            Self::Stuck => "it took no data for 10 s",
            Self::NoProtocol => "1024 bytes that are no packet",
        })
    }
}

pub(super) fn source(
    f: &mut fmt::Formatter<'_>,
    path: &std::path::Path,
    change: SourceChange,
    value: u8,
) -> fmt::Result {
    let path = path.display();
    match change {
        SourceChange::Unreadable(errno) => {
            write!(f, "cannot read data.source {path}: {errno}; the last value, {value}, is sent on")
        }
        SourceChange::NotANumber => {
            write!(f, "data.source {path} does not begin with a decimal number; the last value, {value}, is sent on")
        }
        SourceChange::Recovered => write!(f, "data.source {path} can be read again"),
    }
}
