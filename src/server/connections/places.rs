//! How many connections each service may have, and how patient it is while few are free.
//!
//! Not here: which connection has one (`table.rs`).

use std::time::Duration;

use crate::ids::{Peer, Service};
use crate::limits::{PACKET_TIMEOUT, PACKET_TIMEOUT_SHORT, REFUSED_SLOTS, SPARE_DESCRIPTORS};
use crate::listen::{Address, Listener};

/// Places for connections: each takes a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    services: [usize; Service::ALL.len()],
    /// Those among them that are for clients of a Unix socket.
    local: [usize; Service::ALL.len()],
    refused: usize,
}

impl Places {
    /// What the listeners ask for.
    pub fn new(listeners: &[Listener]) -> Self {
        let (mut services, mut local) = ([0; Service::ALL.len()], [0; Service::ALL.len()]);
        for Listener { service, limits, address } in listeners {
            services[*service as usize] += limits.places;
            match address {
                Address::Tcp { .. } => {}
                Address::Unix { .. } => local[*service as usize] += limits.places,
            }
        }
        Self { services, local, refused: REFUSED_SLOTS }
    }

    /// What remains of them under a limit of so many descriptors. [`SPARE_DESCRIPTORS`] are not for clients. A quarter
    /// of the rest is for refusals. The data service gets half of what then remains; the other services share the other
    /// half equally, and what they don't want is the data service's as well. Each service keeps one place at least.
    pub fn within(self, descriptors: u32) -> Self {
        let left = usize::try_from(descriptors.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX);
        if left >= self.connections() {
            return self;
        }
        let refused = (left / 4).clamp(1, self.refused);
        let left = left.saturating_sub(refused);
        let others = || Service::ALL.into_iter().filter(|&service| service != Service::Data);
        let share = left / 2 / others().filter(|&service| self.of(service) > 0).count().max(1);
        let mut services = self.services;
        for service in others() {
            services[service as usize] = at_least_one(share, self.of(service));
        }
        let taken: usize = others().map(|service| services[service as usize]).sum();
        services[Service::Data as usize] = at_least_one(left.saturating_sub(taken), self.of(Service::Data));
        Self { services, refused, ..self }
    }

    /// Places of a service.
    pub const fn of(&self, service: Service) -> usize {
        self.services[service as usize]
    }

    /// Places of a service that a peer may take: the last ones, at most half, are for clients of its Unix socket. Not for those
    /// that come by loopback: a proxy on this host brings anyone that way.
    pub const fn open_to(&self, service: Service, peer: Peer) -> usize {
        let (all, local) = (self.of(service), self.local[service as usize]);
        if matches!(peer, Peer::Local) {
            all
        } else if local < all / 2 {
            all - local
        } else {
            all.div_ceil(2)
        }
    }

    /// All of them, in the order of [`Service::ALL`].
    pub const fn of_all(&self) -> [usize; Service::ALL.len()] {
        self.services
    }

    /// How many of a service's places one network may have: half, rounded up.
    pub const fn share(&self, service: Service) -> usize {
        self.of(service).div_ceil(2)
    }

    /// How long a client may take to complete a request, while so many places are taken.
    pub fn patience(&self, service: Service, taken: usize) -> Duration {
        let free = self.of(service).saturating_sub(taken);
        if free * 4 < self.of(service) { PACKET_TIMEOUT_SHORT } else { PACKET_TIMEOUT }
    }

    /// Connections that may be open only to be refused.
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// Descriptors that all of it takes, with those that are not for clients.
    pub fn descriptors(&self) -> u32 {
        u32::try_from(self.connections()).unwrap_or(u32::MAX).saturating_add(SPARE_DESCRIPTORS)
    }

    fn connections(&self) -> usize {
        self.services.iter().sum::<usize>() + self.refused
    }
}

/// At most what is wanted, and one at least if any is.
fn at_least_one(count: usize, wanted: usize) -> usize {
    count.clamp(wanted.min(1), wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::listen::listeners;

    fn places(max_clients: u16) -> Places {
        let mut config = Config::default();
        config.server.max_clients = max_clients;
        Places::new(&listeners(&config))
    }

    /// Data, settings, authentication, video, page, refusals.
    fn all(places: &Places) -> [usize; 6] {
        let [data, settings, auth, rtsp, http] = places.of_all();
        [data, settings, auth, rtsp, http, places.refused()]
    }

    #[test]
    fn the_small_services_have_places_of_their_own() {
        assert_eq!(all(&places(1024)), [1024, 256, 256, 96, 168, 64]);
        assert_eq!(all(&places(3)), [3, 3, 3, 96, 168, 64]);
        assert_eq!((places(3).share(Service::Auth), places(1024).share(Service::Data)), (2, 512));
    }

    #[test]
    fn a_limit_is_kept_and_every_service_has_a_place() {
        for max_clients in [1, 2, 3, 10, 255, 1024, 15_300] {
            let wanted = places(max_clients);
            assert_eq!(wanted.within(wanted.descriptors()), wanted);
            for descriptors in (SPARE_DESCRIPTORS + 6..wanted.descriptors()).step_by(7) {
                let left = wanted.within(descriptors);
                assert!(left.descriptors() <= descriptors, "{left:?} within {descriptors}");
                assert!(all(&left).iter().all(|&count| count > 0), "{left:?} within {descriptors}");
                assert!(all(&left).iter().zip(all(&wanted)).all(|(&count, wanted)| count <= wanted), "{left:?}");
            }
        }
        assert_eq!(all(&places(1024).within(0)), [1; 6]);
        assert_eq!(all(&places(1024).within(SPARE_DESCRIPTORS + 64)), [24, 6, 6, 6, 6, 16]);
    }

    #[test]
    fn a_service_without_a_listener_has_no_places_and_takes_none() {
        let mut list = listeners(&Config::default());
        list.retain(|listener| listener.service != Service::Auth);
        assert_eq!(all(&Places::new(&list)), [1024, 256, 0, 96, 168, 64]);
        assert_eq!(all(&Places::new(&list).within(SPARE_DESCRIPTORS + 64)), [24, 8, 0, 8, 8, 16]);
    }
}
