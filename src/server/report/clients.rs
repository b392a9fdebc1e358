//! Connections: how they come, how they end, and what they are refused.

use std::fmt;

use crate::ids::{Peer, Service};
use crate::logging::Level::{Debug, Error, Warning};
use crate::logging::Line;
use crate::os::Errno;
use crate::wire::ErrorCode;

/// Something about connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientReport {
    /// A client connected.
    Connected {
        /// To what.
        service: Service,
        /// Its end.
        peer: Peer,
    },
    /// No connections are accepted for a moment.
    AcceptRests {
        /// What ran out.
        errno: Errno,
    },
    /// A connection ended.
    Disconnected {
        /// What it was connected to.
        service: Service,
        /// Its end.
        peer: Peer,
        /// Why it ended.
        reason: CloseReason,
    },
    /// A packet or a connection was refused with an error packet.
    Refused {
        /// By what.
        service: Service,
        /// The client's end.
        peer: Peer,
        /// The code in the packet.
        code: ErrorCode,
    },
    /// A connection was refused because its network has its share of the places.
    ShareTaken {
        /// By what.
        service: Service,
        /// The client's end.
        peer: Peer,
        /// How many that is.
        share: usize,
    },
    /// The limit on open descriptors leaves clients fewer places than are configured.
    TooFewDescriptors(Shortage),
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// Its request is answered, or it closed.
    Done,
    /// It was reset or vanished.
    Lost,
    /// A packet it had begun was not complete in time, or on the authentication port none came.
    TooSlow,
    /// Its socket took nothing in time.
    Stuck,
    /// It sent 1024 bytes that are not a packet, or began like HTTP or TLS.
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

impl ClientReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        match self {
            Self::Connected { service, peer } => show(Line::limited(
                Debug,
                service.name(),
                "connections",
                format_args!("{peer} connected to the {} port", service.name()),
            )),
            Self::AcceptRests { errno } => show(Line::limited(
                Error,
                "tcp",
                "connections not taken",
                format_args!(
                    "cannot take connections: {errno}; trying again every 0.5 s: raise the limit on open files or lower \
                     server.max_clients"
                ),
            )),
            Self::Disconnected { service, peer, reason } => {
                let name = service.name();
                let (level, logger) = match reason {
                    CloseReason::Done | CloseReason::Lost => (Debug, name),
                    CloseReason::Stuck => (Warning, name),
                    CloseReason::TooSlow | CloseReason::NoProtocol => (Warning, "protocol"),
                };
                let text = format_args!("{peer} disconnected from the {name} port: {reason}");
                show(Line::limited(level, logger, "disconnections", text))
            }
            Self::Refused { service, peer, code } => {
                let name = service.name();
                let logger = match code {
                    ErrorCode::BadChecksum | ErrorCode::BadLength | ErrorCode::NotValidHere => "protocol",
                    ErrorCode::NotAuthenticated
                    | ErrorCode::TooManyAttempts
                    | ErrorCode::TooManyClients
                    | ErrorCode::NotStored
                    | ErrorCode::NotReady => name,
                };
                let text = format_args!("refused {peer} on the {name} port: {}", code.text());
                let not_stored = format_args!("{peer} got error 07 on the {name} port: {}", code.text());
                let text = if *code == ErrorCode::NotStored { not_stored } else { text };
                show(Line::limited(Warning, logger, "refusals", text))
            }
            Self::ShareTaken { service, peer, share } => show(Line::limited(
                Warning,
                service.name(),
                "refusals",
                format_args!(
                    "refused {peer} on the {} port: it holds {share} connections, the share of an address",
                    service.name()
                ),
            )),
            Self::TooFewDescriptors(shortage) => show(Line::new(Warning, "server", format_args!("{shortage}"))),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Lost => "connection lost",
            Self::TooSlow => "no complete packet within 5 s, or 1 s while places are short",
            Self::Stuck => "it took no data for 10 s",
            Self::NoProtocol => "it sent HTTP, TLS, or 1024 bytes that are not a packet",
        })
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, wanted, max_clients, places } = self;
        write!(
            f,
            "the limit on open files is {limit}, too low for server.max_clients = {max_clients}: raise it to {wanted}; \
             until then"
        )?;
        let (mut separator, mut verb, mut unit) = ("", "port has", " places");
        for (service, places) in Service::ALL.into_iter().zip(places) {
            write!(f, "{separator} the {} {verb} {places}{unit}", service.name())?;
            (separator, verb, unit) = (",", "port", "");
        }
        Ok(())
    }
}
