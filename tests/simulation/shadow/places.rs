//! Places for connections, by the words of the protocol's and the operator's page.

use es_iot_server::config::ServerConfig;
use es_iot_server::ids::{self, Service};

use super::access::network;
use super::{Peer, Shadow};
use crate::SECOND;

/// Places of HTTP clients over TCP, and those that are for clients of the Unix socket.
const PAGE: usize = 160;
const PAGE_HERE: usize = 8;

#[derive(Debug)]
pub struct Places {
    max_clients: usize,
    max_viewers: usize,
    descriptors: usize,
    /// Places of HTTP clients as configured, and those among them for clients of the Unix socket.
    page: (usize, usize),
    /// Data, settings, authentication, video, page, refusals.
    counts: [usize; 6],
}

impl Places {
    pub fn new(config: &ServerConfig) -> Self {
        let here = if config.http_socket.is_some() { PAGE_HERE } else { 0 };
        let page = (here + if config.http_port.is_some() { PAGE } else { 0 }, here);
        let mut places = Self { max_clients: 0, max_viewers: 0, descriptors: usize::MAX, page, counts: [0; 6] };
        places.set(config);
        places
    }

    pub fn set(&mut self, config: &ServerConfig) {
        (self.max_clients, self.max_viewers) = (config.max_clients.into(), config.max_viewers.into());
        self.share_out();
    }

    fn share_out(&mut self) {
        let viewers = self.max_viewers + 32;
        let small = self.max_clients.min(256);
        let (page, _) = self.page;
        self.counts = [self.max_clients, small, small, viewers, page, 64];
        let left = self.descriptors.saturating_sub(40);
        if left < self.counts.iter().sum() {
            let refused = (left / 4).clamp(1, 64);
            let left = left - refused;
            let share = left / 2 / if page > 0 { 4 } else { 3 };
            let (small, video, page) = (share.clamp(1, small), share.clamp(1, viewers), share.clamp(page.min(1), page));
            let data = left.saturating_sub(2 * small + video + page).clamp(1, self.max_clients);
            self.counts = [data, small, small, video, page, refused];
        }
    }

    pub fn limit(&mut self, descriptors: u32) {
        self.descriptors = usize::try_from(descriptors).expect("a limit");
        self.share_out();
    }
}

impl Shadow {
    fn taken(&self, service: Service) -> impl Iterator<Item = &Peer> {
        self.peers.values().filter(move |peer| !peer.refused && peer.service == service)
    }

    /// Whether a service has a free place for an address that has none yet. The last places, but half at most, are for
    /// clients of the Unix socket.
    pub(super) fn has_free_place(&self, service: Service, address: ids::Peer) -> bool {
        let places = self.places.counts[service as usize];
        let here = if service == Service::Http { self.places.page.1.min(places / 2) } else { 0 };
        self.taken(service).count() < if address == ids::Peer::Local { places } else { places - here }
    }

    /// The error code, if there is no place.
    pub(super) fn no_place(&self, service: Service, address: ids::Peer) -> bool {
        let places = self.places.counts[service as usize];
        let share = self.taken(service).filter(|peer| network(peer.address) == network(address)).count();
        !self.has_free_place(service, address) || (!on_this_host(address) && 2 * share >= places)
    }

    /// Whether too many are being refused for another to be told so.
    pub(super) fn too_many_refused(&self) -> bool {
        self.peers.values().filter(|peer| peer.refused).count() >= self.places.counts[5]
    }

    /// How long a client that begins now may take for a packet.
    pub(super) fn patience(&self, service: Service) -> u64 {
        let places = self.places.counts[service as usize];
        let free = places.saturating_sub(self.taken(service).count());
        if 4 * free < places { SECOND } else { 5 * SECOND }
    }
}

pub fn on_this_host(peer: ids::Peer) -> bool {
    peer.address().is_none_or(|address| address.is_loopback())
}
