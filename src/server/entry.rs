//! Who is let in: places, grants and passwords.

use std::time::Duration;

use super::peers::Talk;
use super::report::{Parting, Report};
use super::{ConnId, Output, Peer, Server, Service};
use crate::limits::{PACKET_TIMEOUT, PACKET_TIMEOUT_SHORT};
use crate::service::access::Admission;
use crate::service::requests::Fault;
use crate::service::{auth, settings};
use crate::stats::Counter;
use crate::time::Mono;
use crate::wire::{self, ErrorCode, Outgoing};

/// Why a connection is refused as it comes.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    /// Every place of the service is taken.
    Full,
    /// Every place that one origin may have is taken.
    ShareTaken,
    /// The address has given no password.
    NotAuthenticated,
}

impl Server {
    pub(super) fn accepted(&mut self, now: Mono, conn: ConnId, service: Service, peer: Peer, out: &mut Vec<Output>) {
        self.stats.bump(Counter::Accepted);
        if self.stop_by.is_some() {
            return out.push(Output::Close(conn));
        }
        if let Some(refusal) = self.refusal(now, service, peer) {
            return self.turn_away(now, conn, service, peer, refusal, out);
        }
        self.access.opened(now, peer);
        self.report(now, Report::Connected { service, peer }, out);
        let talk = match service {
            Service::Data => Talk::Data,
            Service::Settings => Talk::Settings { conversation: settings::Conversation::default(), awaiting: false },
            Service::Auth => Talk::Auth(auth::Conversation::default()),
        };
        self.peers.insert(conn, service, peer, talk);
        match service {
            Service::Data => self.subscribe(now, conn, out),
            Service::Settings => {}
            Service::Auth => self.peers.set_deadline(conn, Some(now + self.patience(service))),
        }
    }

    fn refusal(&self, now: Mono, service: Service, peer: Peer) -> Option<Refusal> {
        if self.peers.taken(service) >= self.places.of(service) {
            Some(Refusal::Full)
        } else if !peer.is_on_this_host() && self.peers.share_of(peer, service) >= self.places.share(service) {
            Some(Refusal::ShareTaken)
        } else if self.may_use(now, service, peer) {
            None
        } else {
            Some(Refusal::NotAuthenticated)
        }
    }

    /// Refuses a connection as it comes: with an error packet, if not too many are being told so already.
    fn turn_away(
        &mut self,
        now: Mono,
        conn: ConnId,
        service: Service,
        peer: Peer,
        refusal: Refusal,
        out: &mut Vec<Output>,
    ) {
        if self.peers.refused() >= self.places.refused() {
            self.stats.bump(Counter::RefusedSilently);
            return out.push(Output::Close(conn));
        }
        let (counter, code, report) = match refusal {
            Refusal::Full => (Counter::RefusedFull, ErrorCode::TooManyClients, None),
            Refusal::ShareTaken => {
                let report = Report::ShareTaken { service, peer, share: self.places.share(service) };
                (Counter::RefusedShare, ErrorCode::TooManyClients, Some(report))
            }
            Refusal::NotAuthenticated => (Counter::RefusedNotAuthenticated, ErrorCode::NotAuthenticated, None),
        };
        self.stats.bump(counter);
        self.peers.insert(conn, service, peer, Talk::Leaving);
        out.push(Output::Send { conn, frame: Outgoing::error(service.into(), code).into() });
        self.report(now, report.unwrap_or(Report::Refused { service, peer, code }), out);
        self.part(now, conn, out);
    }

    /// How long a client may take to complete a packet: not long while places are short.
    pub(super) fn patience(&self, service: Service) -> Duration {
        let places = self.places.of(service);
        let free = places.saturating_sub(self.peers.taken(service));
        if free * 4 < places { PACKET_TIMEOUT_SHORT } else { PACKET_TIMEOUT }
    }

    pub(super) fn authenticate(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return };
        let Talk::Auth(conversation) = &mut peer.talk else { return };
        let right = match conversation.attempt() {
            Ok(None) => return,
            Err(Fault::HangUp) => return self.drop_peer(now, conn, Parting::NoProtocol, out),
            Err(Fault::Refuse(code)) => Err(code),
            Ok(Some(attempt)) => Ok(auth::matches(self.password.reveal(), attempt)),
        };
        match right {
            Err(code) => self.refuse(now, conn, code, out),
            Ok(right) => self.judge(now, conn, right, out),
        }
        self.leave(now, conn, Parting::Done, out);
    }

    /// Answers an attempt: the password is `right` or not, if it is to be looked at at all.
    fn judge(&mut self, now: Mono, conn: ConnId, right: bool, out: &mut Vec<Output>) {
        let Some(address) = self.peers.find(conn).map(|peer| peer.address) else { return };
        match (self.access.admit(now, address), right) {
            (Admission::LockedOut, _) => {
                self.stats.bump(Counter::AuthLockedOut);
                self.refuse(now, conn, ErrorCode::TooManyAttempts, out);
            }
            (Admission::Braked, _) => {
                self.stats.bump(Counter::AuthBraked);
                self.refuse(now, conn, ErrorCode::TooManyAttempts, out);
            }
            (Admission::Open, true) => {
                self.stats.bump(Counter::AuthAccepted);
                let open = self.peers.clients_of(address);
                self.access.succeeded(now, address, open, self.grant_length(), &mut self.stats);
                out.push(Output::Send { conn, frame: wire::auth::accepted().into() });
                self.report(now, Report::AuthAccepted { peer: address }, out);
            }
            (Admission::Open, false) => {
                self.stats.bump(Counter::AuthRejected);
                let braked = self.access.is_braked();
                let lockout = self.access.failed(now, address, &mut self.stats);
                out.push(Output::Send { conn, frame: wire::auth::rejected().into() });
                self.report(now, Report::AuthRejected { peer: address }, out);
                if let Some(length) = lockout {
                    self.report(now, Report::LockedOut { peer: address, length }, out);
                }
                if !braked && self.access.is_braked() {
                    self.report(now, Report::BrakeOn, out);
                }
            }
        }
    }

    /// There may be room again for the failures of new addresses.
    pub(super) fn brake_due(&mut self, now: Mono, out: &mut Vec<Output>) {
        self.access.release_brake(now);
        if !self.access.is_braked() {
            self.report(now, Report::BrakeOff, out);
        }
    }

    /// Whether a peer may use a service at all.
    fn may_use(&self, now: Mono, service: Service, peer: Peer) -> bool {
        let auth = &self.config.auth;
        service == Service::Auth
            || !auth.required
            || (auth.trust_loopback && peer.is_on_this_host())
            || self.access.granted(now, peer)
    }

    /// Tells those who may not use their service any more, now that the rules have changed, and closes them.
    pub(super) fn recheck_peers(&mut self, now: Mono, out: &mut Vec<Output>) {
        let refused: Vec<ConnId> = self
            .peers
            .iter()
            .filter(|peer| !matches!(peer.talk, Talk::Leaving))
            .filter(|peer| !self.may_use(now, peer.service, peer.address))
            .map(|peer| peer.conn)
            .collect();
        for conn in refused {
            self.stats.bump(Counter::RefusedNotAuthenticated);
            self.refuse(now, conn, ErrorCode::NotAuthenticated, out);
            self.leave(now, conn, Parting::Done, out);
        }
    }

    pub(super) fn grant_length(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.auth.grant_seconds))
    }
}
