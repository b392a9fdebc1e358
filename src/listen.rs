//! The configured listeners, with their services, addresses and limits.
//!
//! Not here: binding (`start`, `sys::socket`), accepting (`reactor`), and reducing the places under a low limit on
//! descriptors (`server`).

use std::path::PathBuf;

use crate::config::{Config, ServerConfig};
use crate::ids::Service;
use crate::limits::{
    HTTP_LOCAL_PLACES, HTTP_MAX_UNSENT_BYTES, HTTP_PLACES, MAX_UNSENT_BYTES, REQUEST_PLACES, RTSP_MAX_UNSENT_BYTES,
    RTSP_SPARE_PLACES, SUBSCRIBER_UNSENT_BYTES, VIEWER_KERNEL_UNSENT_BYTES,
};

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The service for its clients.
    pub service: Service,
    /// The address to listen on.
    pub address: Address,
    /// The limits for its clients.
    pub limits: ServiceLimits,
}

/// The address of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// Address or host name; `::` serves IPv4 and IPv6.
        host: String,
        /// The port; 0 picks a free port.
        port: u16,
        /// The port's configuration key, for error messages.
        key: &'static str,
    },
    /// A Unix socket.
    Unix {
        /// The path of the socket's file.
        path: PathBuf,
        /// The file's permission bits, as in `chmod(2)`.
        mode: u32,
    },
}

/// The limits for the clients of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Maximum number of connections. Listeners of the same service share their places.
    pub places: usize,
    /// Maximum number of unsent reply bytes for one client.
    pub unsent_bytes: usize,
    /// Unsent bytes in the kernel above which a client's socket counts as full; `None` uses the kernel's default.
    pub kernel_unsent_bytes: Option<u32>,
}

/// The permission bits of a Unix socket: for the daemon's user and group.
const SOCKET_MODE: u32 = 0o660;

/// The listeners of a configuration, in the order of binding.
pub fn listeners(config: &Config) -> Vec<Listener> {
    let server = &config.server;
    let listener = |service, port, key| Listener {
        service,
        address: Address::Tcp { host: server.host.clone(), port, key },
        limits: limits(service, server),
    };
    let socket = |path: &PathBuf| Listener {
        service: Service::Http,
        address: Address::Unix { path: path.clone(), mode: SOCKET_MODE },
        limits: ServiceLimits { places: HTTP_LOCAL_PLACES, ..limits(Service::Http, server) },
    };
    let ports = [
        (Service::Data, Some(server.data_port), "server.data_port"),
        (Service::Settings, Some(server.settings_port), "server.settings_port"),
        (Service::Auth, Some(server.auth_port), "server.auth_port"),
        (Service::Rtsp, server.rtsp_port, "server.rtsp_port"),
        (Service::Http, server.http_port, "server.http_port"),
    ];
    let ports = ports.into_iter().filter_map(|(service, port, key)| Some(listener(service, port?, key)));
    ports.chain(server.http_socket.as_ref().map(socket)).collect()
}

fn limits(service: Service, server: &ServerConfig) -> ServiceLimits {
    let places = usize::from(server.max_clients);
    let requests =
        ServiceLimits { places: places.min(REQUEST_PLACES), unsent_bytes: MAX_UNSENT_BYTES, kernel_unsent_bytes: None };
    match service {
        Service::Data => ServiceLimits { places, kernel_unsent_bytes: Some(SUBSCRIBER_UNSENT_BYTES), ..requests },
        Service::Settings | Service::Auth => requests,
        Service::Rtsp => ServiceLimits {
            places: usize::from(server.max_viewers) + RTSP_SPARE_PLACES,
            unsent_bytes: RTSP_MAX_UNSENT_BYTES,
            kernel_unsent_bytes: Some(VIEWER_KERNEL_UNSENT_BYTES),
        },
        Service::Http => ServiceLimits {
            places: HTTP_PLACES,
            unsent_bytes: HTTP_MAX_UNSENT_BYTES,
            kernel_unsent_bytes: Some(VIEWER_KERNEL_UNSENT_BYTES),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_own_port_and_places() {
        let mut config = Config::default();
        let of = |config: &Config| -> Vec<(Service, usize, &'static str)> {
            let found = listeners(config).into_iter().map(|listener| match listener.address {
                Address::Tcp { key, .. } => (listener.service, listener.limits.places, key),
                Address::Unix { mode, .. } => {
                    assert_eq!(mode, 0o660);
                    (listener.service, listener.limits.places, "server.http_socket")
                }
            });
            found.collect()
        };
        assert_eq!(
            of(&config),
            [
                (Service::Data, 1024, "server.data_port"),
                (Service::Settings, 256, "server.settings_port"),
                (Service::Auth, 256, "server.auth_port"),
                (Service::Rtsp, 96, "server.rtsp_port"),
                (Service::Http, 160, "server.http_port"),
                (Service::Http, 8, "server.http_socket"),
            ]
        );
        config.server.max_clients = 3;
        config.server.max_viewers = 10;
        assert_eq!(of(&config).iter().map(|&(_, places, _)| places).collect::<Vec<_>>(), [3, 3, 3, 42, 160, 8]);
        config.server.rtsp_port = None;
        config.server.http_port = None;
        config.server.http_socket = None;
        assert_eq!(of(&config).len(), 3);
    }
}
