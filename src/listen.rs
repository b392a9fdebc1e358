//! The listeners that a configuration asks for: what each serves, where, and within which limits.
//!
//! Not here: binding them (`start`, `sys::socket`), accepting (`reactor`), and what remains of the places under a low
//! limit on descriptors (`server`).

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::ids::Service;
use crate::limits::{MAX_UNSENT_BYTES, PACKET_TIMEOUT, PACKET_TIMEOUT_SHORT, REQUEST_PLACES, SUBSCRIBER_UNSENT_BYTES};

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What its clients get.
    pub service: Service,
    /// Where it listens.
    pub address: Address,
    /// What its clients may take.
    pub limits: ServiceLimits,
}

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// Address or name; `::` serves IPv4 and IPv6.
        host: String,
        /// The port; 0 takes a free one.
        port: u16,
        /// The configuration's key of the port, for error messages.
        key: &'static str,
    },
    /// A Unix socket.
    Unix {
        /// The socket's file.
        path: PathBuf,
        /// The file's permissions, as in `chmod(2)`.
        mode: u32,
    },
}

/// What the clients of one listener may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Connections at a time. Listeners of one service share their places.
    pub places: usize,
    /// Bytes of replies that may wait for one client.
    pub unsent_bytes: usize,
    /// Unsent bytes in the kernel above which a client's socket counts as full; `None` leaves that to the kernel.
    pub kernel_unsent_bytes: Option<u32>,
    /// How long a client may take to complete a request.
    pub request_timeout: Duration,
    /// The same while less than a quarter of the places is free.
    pub request_timeout_short: Duration,
}

/// The listeners of a configuration, in the order in which they are bound.
pub fn listeners(config: &Config) -> Vec<Listener> {
    let server = &config.server;
    let listener = |service, port, key| Listener {
        service,
        address: Address::Tcp { host: server.host.clone(), port, key },
        limits: limits(service, server.max_clients),
    };
    vec![
        listener(Service::Data, server.data_port, "server.data_port"),
        listener(Service::Settings, server.settings_port, "server.settings_port"),
        listener(Service::Auth, server.auth_port, "server.auth_port"),
    ]
}

fn limits(service: Service, max_clients: u16) -> ServiceLimits {
    let places = usize::from(max_clients);
    let requests = ServiceLimits {
        places: places.min(REQUEST_PLACES),
        unsent_bytes: MAX_UNSENT_BYTES,
        kernel_unsent_bytes: None,
        request_timeout: PACKET_TIMEOUT,
        request_timeout_short: PACKET_TIMEOUT_SHORT,
    };
    match service {
        Service::Data => ServiceLimits { places, kernel_unsent_bytes: Some(SUBSCRIBER_UNSENT_BYTES), ..requests },
        Service::Settings | Service::Auth => requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_each_in_order_and_places_of_its_own() {
        let mut config = Config::default();
        let of = |config: &Config| -> Vec<(Service, usize, &'static str)> {
            let found = listeners(config).into_iter().map(|listener| match listener.address {
                Address::Tcp { key, .. } => (listener.service, listener.limits.places, key),
                Address::Unix { .. } => panic!("no key asks for one"),
            });
            found.collect()
        };
        assert_eq!(
            of(&config),
            [
                (Service::Data, 1024, "server.data_port"),
                (Service::Settings, 256, "server.settings_port"),
                (Service::Auth, 256, "server.auth_port"),
            ]
        );
        config.server.max_clients = 3;
        assert!(of(&config).iter().all(|&(_, places, _)| places == 3));
    }
}
