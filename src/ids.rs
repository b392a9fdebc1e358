//! Identifiers of services, listeners, connections and peers.
//!
//! Not here: sockets and tables (`reactor`), and the state of a connection (`server`).

use std::fmt;
use std::net::IpAddr;

/// A connection: its slot in the reactor's table, and the generation that distinguishes it from earlier connections in that
/// slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    /// Index into the table, below 2^14.
    pub slot: u16,
    /// The number of connections that have used the slot, modulo 2^15.
    pub generation: u16,
}

/// A listener: its index in the list of listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u8);

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A host on the network, or this host over loopback. Construct it with [`Peer::from`], which makes the address canonical
    /// ([`IpAddr::to_canonical`]): an IPv4 host is then the same peer on an IPv6 listener.
    Ip(IpAddr),
    /// A program on this host, connected through a Unix socket.
    Local,
}

impl Peer {
    /// Its address; `None` for a peer on a Unix socket.
    pub const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Local => None,
        }
    }

    /// Whether the peer is a program on this host.
    pub const fn is_on_this_host(self) -> bool {
        match self {
            Self::Ip(address) => address.is_loopback(),
            Self::Local => true,
        }
    }
}

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Local => f.write_str("local"),
        }
    }
}

/// One of the services, each on its own port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The 24 Hz stream, port 5000.
    Data,
    /// Reading and updating the camera settings, port 5001.
    Settings,
    /// The password, port 5002.
    Auth,
    /// The video, port 8554.
    Rtsp,
    /// The page and the API, port 8080 and a Unix socket.
    Http,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Data, Self::Settings, Self::Auth, Self::Rtsp, Self::Http];

    /// Whether its clients are let in without a password, and asked for it with the requests that need it.
    pub const fn asks_for_password(self) -> bool {
        match self {
            Self::Rtsp | Self::Http => true,
            Self::Data | Self::Settings | Self::Auth => false,
        }
    }

    /// Its logger name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Settings => "settings",
            Self::Auth => "auth",
            Self::Rtsp => "rtsp",
            Self::Http => "http",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_peer_is_the_same_on_either_address_family() {
        let peer = |text: &str| Peer::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_eq!(peer("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(Peer::Local.to_string(), "local");
        assert!(peer("::ffff:127.0.0.1").is_on_this_host());
        assert!(Peer::Local.is_on_this_host());
        assert!(!peer("192.0.2.1").is_on_this_host());
    }
}
