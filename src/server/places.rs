//! How many connections each service may have.
//!
//! Not here: who has which (`peers.rs`).

use super::Service;
use crate::limits::{REFUSED_SLOTS, REQUEST_PLACES, SPARE_DESCRIPTORS};

/// Places for connections: each takes a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    data: usize,
    /// Of the settings and the authentication service, each.
    request: usize,
    refused: usize,
}

impl Places {
    /// What `server.max_clients` asks for.
    pub fn new(max_clients: u16) -> Self {
        let data = usize::from(max_clients);
        Self { data, request: data.min(REQUEST_PLACES), refused: REFUSED_SLOTS }
    }

    /// What is left of them under a limit of so many descriptors: [`SPARE_DESCRIPTORS`] are not for clients. A quarter
    /// of the rest is for refusals and a quarter of what then is left for each of the small services, if they want as
    /// much. Each has one at least.
    pub fn within(self, descriptors: u32) -> Self {
        let left = usize::try_from(descriptors.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX);
        if left >= self.connections() {
            return self;
        }
        let refused = (left / 4).clamp(1, self.refused);
        let left = left.saturating_sub(refused);
        let request = (left / 4).clamp(1, self.request);
        Self { data: left.saturating_sub(2 * request).clamp(1, self.data), request, refused }
    }

    /// Places of a service.
    pub const fn of(&self, service: Service) -> usize {
        match service {
            Service::Data => self.data,
            Service::Settings | Service::Auth => self.request,
        }
    }

    /// How many of a service's places one origin may have: half, rounded up.
    pub const fn share(&self, service: Service) -> usize {
        self.of(service).div_ceil(2)
    }

    /// Connections that may be open only to be refused.
    pub const fn refused(&self) -> usize {
        self.refused
    }

    /// Descriptors that all of it takes, with those that are not for clients.
    pub fn descriptors(&self) -> u32 {
        u32::try_from(self.connections()).unwrap_or(u32::MAX).saturating_add(SPARE_DESCRIPTORS)
    }

    const fn connections(&self) -> usize {
        self.data + 2 * self.request + self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(places: &Places) -> [usize; 4] {
        let [data, settings, auth] = Service::ALL.map(|service| places.of(service));
        [data, settings, auth, places.refused()]
    }

    #[test]
    fn the_small_services_have_places_of_their_own() {
        assert_eq!(all(&Places::new(1024)), [1024, 256, 256, 64]);
        assert_eq!(all(&Places::new(3)), [3, 3, 3, 64]);
        assert_eq!((Places::new(3).share(Service::Auth), Places::new(1024).share(Service::Data)), (2, 512));
    }

    #[test]
    fn a_limit_is_kept_and_every_service_has_a_place() {
        for max_clients in [1, 2, 3, 10, 255, 1024, 15_500] {
            let wanted = Places::new(max_clients);
            assert_eq!(wanted.within(wanted.descriptors()), wanted);
            for descriptors in (SPARE_DESCRIPTORS + 4..wanted.descriptors()).step_by(7) {
                let places = wanted.within(descriptors);
                assert!(places.descriptors() <= descriptors, "{places:?} within {descriptors}");
                assert!(all(&places).iter().all(|&count| count > 0), "{places:?} within {descriptors}");
                assert!(all(&places).iter().zip(all(&wanted)).all(|(&count, wanted)| count <= wanted), "{places:?}");
            }
        }
        assert_eq!(all(&Places::new(1024).within(0)), [1; 4]);
        assert_eq!(all(&Places::new(1024).within(SPARE_DESCRIPTORS + 64)), [24, 12, 12, 16]);
    }
}
