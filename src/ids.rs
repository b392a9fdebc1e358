//! Names for what the server serves: a service, and one connection to it.
//!
//! Not here: sockets and tables (`reactor`), and what is known of a connection (`server`).

use std::fmt;
use std::net::IpAddr;

/// A connection: its slot in the reactor's table and the generation that tells it from the slot's earlier tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Index into the table, below 2^14.
    pub slot: u16,
    /// Counts the slot's tenants, modulo 2^15.
    pub generation: u16,
}

/// A listener: its place in the list that is made from the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerId(pub u8);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// A host on the network, or this one.
    Ip(IpAddr),
    /// A process of this device, through a Unix socket.
    Local,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Local => f.write_str("local"),
        }
    }
}

/// One of the three services, each on a port of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The 24 Hz stream, port 5000.
    Data,
    /// Reading and updating the camera settings, port 5001.
    Settings,
    /// The password, port 5002.
    Auth,
}

impl Service {
    /// All three, in the order of their ports.
    pub const ALL: [Self; 3] = [Self::Data, Self::Settings, Self::Auth];

    /// Its logger name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Settings => "settings",
            Self::Auth => "auth",
        }
    }
}
