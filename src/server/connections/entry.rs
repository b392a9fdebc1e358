//! Accepting connections: places, shares and refusals.

use super::Connections;
use super::conversation::Conversation;
use super::places::Places;
use crate::ids::{ConnId, Peer, Service};
use crate::listen::listeners;
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::report::{ClientReport, Shortage};
use crate::service::{http, rtsp};
use crate::stats::Counter;
use crate::wire::{ErrorCode, Id, Outgoing};

/// Why a connection is refused as it comes.
#[derive(Debug, Clone, Copy)]
enum Denial {
    /// Every place of the service is taken.
    Full,
    /// Every place that one network may have is taken.
    ShareTaken,
    /// The peer has given no password.
    NotAuthenticated,
}

impl Connections {
    /// Has each service have the places that are configured, as far as the limit on descriptors allows. No client that is
    /// there loses its place.
    pub fn configure(&mut self, cx: &mut Context<'_>) {
        let wanted = Places::new(&listeners(cx.config));
        self.places = self.descriptors.map_or(wanted, |descriptors| wanted.within(descriptors));
        cx.push(Output::MakeRoom { descriptors: wanted.descriptors() });
    }

    /// Takes the limit on descriptors that [`Output::MakeRoom`] has led to.
    pub fn set_descriptors(&mut self, cx: &mut Context<'_>, limit: u32) {
        let places = Places::new(&listeners(cx.config));
        self.descriptors = Some(limit);
        self.places = places.within(limit);
        let wanted = places.descriptors();
        if limit < wanted {
            let max_clients = cx.config.server.max_clients;
            let places = self.places.of_all();
            cx.report(ClientReport::TooFewDescriptors(Shortage { limit, wanted, max_clients, places }));
        }
    }

    /// Takes a connection. Whether it is served; if not, it is refused and ends.
    pub fn accept(&mut self, cx: &mut Context<'_>, conn: ConnId, service: Service, peer: Peer, may_use: bool) -> bool {
        if let Some(denial) = self.denial(service, peer, may_use) {
            self.turn_away(cx, conn, service, peer, denial);
            return false;
        }
        cx.report(ClientReport::Connected { service, peer });
        self.table.insert(conn, service, peer, Conversation::with(service));
        match service {
            Service::Data | Service::Settings | Service::Rtsp | Service::Http => {}
            Service::Auth => self.table.set_deadline(conn, Some(cx.mono() + self.patience(service))),
        }
        true
    }

    fn denial(&self, service: Service, peer: Peer, may_use: bool) -> Option<Denial> {
        if self.table.taken(service) >= self.places.open_to(service, peer) {
            Some(Denial::Full)
        } else if !peer.is_on_this_host() && self.table.share_of(peer, service) >= self.places.share(service) {
            Some(Denial::ShareTaken)
        } else if may_use {
            None
        } else {
            Some(Denial::NotAuthenticated)
        }
    }

    /// Refuses a connection as it comes: with an error packet, unless too many are being refused so already.
    fn turn_away(&mut self, cx: &mut Context<'_>, conn: ConnId, service: Service, peer: Peer, denial: Denial) {
        if self.table.refused() >= self.places.refused() {
            cx.bump(Counter::RefusedSilently);
            return cx.push(Output::Close(conn));
        }
        let (counter, code, report) = match denial {
            Denial::Full => (Counter::RefusedFull, ErrorCode::TooManyClients, None),
            Denial::ShareTaken => {
                let report = ClientReport::ShareTaken { service, peer, share: self.places.share(service) };
                (Counter::RefusedShare, ErrorCode::TooManyClients, Some(report))
            }
            Denial::NotAuthenticated => (Counter::RefusedNotAuthenticated, ErrorCode::NotAuthenticated, None),
        };
        cx.bump(counter);
        self.table.insert(conn, service, peer, Conversation::Over);
        match (Id::of(service), service) {
            (Some(id), _) => cx.send(conn, Outgoing::error(id, code)),
            (None, Service::Http) => cx.send(conn, http::exchange::TURNED_AWAY.to_owned()),
            (None, _) => cx.send(conn, rtsp::exchange::TURNED_AWAY.to_owned()),
        }
        cx.report(report.unwrap_or(ClientReport::Refused { service, peer, code }));
        self.linger(cx, conn);
    }
}
