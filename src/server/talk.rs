//! Connections: coming, speaking, going.

use std::net::IpAddr;
use std::time::Duration;

use super::peers::Talk;
use super::report::{Parting, Report};
use super::{ConnId, Output, Server, Service};
use crate::limits::{LINGER_TIMEOUT, PACKET_TIMEOUT, WRITE_TIMEOUT};
use crate::service::requests::Fault;
use crate::service::{auth, settings};
use crate::stats::Counter;
use crate::time::Mono;
use crate::wire::{self, ErrorCode, Outgoing};

impl Server {
    pub(super) fn accepted(&mut self, now: Mono, conn: ConnId, service: Service, peer: IpAddr, out: &mut Vec<Output>) {
        self.stats.bump(Counter::Accepted);
        if self.stop_by.is_some() {
            return out.push(Output::Close(conn));
        }
        let refusal = if self.peers.clients() >= usize::from(self.config.server.max_clients) {
            Some((ErrorCode::TooManyClients, Counter::RefusedFull))
        } else if self.may_use(now, service, peer) {
            None
        } else {
            Some((ErrorCode::NotAuthenticated, Counter::RefusedNotAuthenticated))
        };
        if let Some((code, counter)) = refusal {
            self.stats.bump(counter);
            self.peers.insert(conn, service, peer, Talk::Leaving);
            self.refuse(now, conn, code, out);
            self.part(now, conn, out);
            return;
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
            Service::Auth => self.peers.set_deadline(conn, Some(now + PACKET_TIMEOUT)),
        }
    }

    pub(super) fn received(&mut self, now: Mono, conn: ConnId, bytes: &[u8], out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return self.stats.bump(Counter::StaleEvents) };
        match &mut peer.talk {
            Talk::Data | Talk::Leaving => {}
            Talk::Settings { conversation, .. } => {
                conversation.push(bytes);
                self.converse(now, conn, out);
            }
            Talk::Auth(conversation) => {
                conversation.push(bytes);
                self.authenticate(now, conn, out);
            }
        }
    }

    /// A peer has closed its sending side.
    pub(super) fn finished(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return self.stats.bump(Counter::StaleEvents) };
        peer.finished = true;
        match peer.talk {
            // It is still streamed to; only a failed write or a reset ends it.
            Talk::Data => {}
            // Its last reply is still to come.
            Talk::Settings { awaiting: true, .. } => {}
            Talk::Settings { awaiting: false, .. } | Talk::Auth(_) => self.leave(now, conn, Parting::Done, out),
            Talk::Leaving => self.drop_peer(now, conn, Parting::Done, out),
        }
    }

    /// A connection is gone.
    pub(super) fn lost(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        if self.peers.find(conn).is_none() {
            return self.stats.bump(Counter::StaleEvents);
        }
        self.stats.bump(Counter::PeerLost);
        self.forget(now, conn, Parting::Lost, out);
    }

    pub(super) fn blocked(&mut self, now: Mono, conn: ConnId) {
        let Some(peer) = self.peers.find(conn) else { return self.stats.bump(Counter::StaleEvents) };
        match peer.talk {
            Talk::Data => self.subscriber_blocked(now, conn),
            Talk::Leaving => {}
            Talk::Settings { .. } | Talk::Auth(_) => {
                if !std::mem::replace(&mut peer.blocked, true) {
                    self.peers.set_deadline(conn, Some(now + WRITE_TIMEOUT));
                }
            }
        }
    }

    pub(super) fn unblocked(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return self.stats.bump(Counter::StaleEvents) };
        match &peer.talk {
            Talk::Data => self.subscriber_unblocked(conn, out),
            Talk::Leaving => {}
            Talk::Settings { conversation, awaiting } => {
                peer.blocked = false;
                // What it sent behind a read that waits is not looked at yet, so it may well be complete.
                let owes = !awaiting && conversation.mid_packet();
                let deadline = owes.then(|| now + PACKET_TIMEOUT);
                self.peers.set_deadline(conn, deadline);
            }
            Talk::Auth(_) => peer.blocked = false,
        }
    }

    /// Whatever peers owe has not come.
    pub(super) fn peers_overdue(&mut self, now: Mono, out: &mut Vec<Output>) {
        while let Some(conn) = self.peers.overdue(now) {
            let Some(peer) = self.peers.find(conn) else { continue };
            let why = match peer.talk {
                Talk::Leaving => Parting::Done,
                Talk::Data | Talk::Settings { .. } | Talk::Auth(_) if peer.blocked => Parting::Stuck,
                Talk::Data | Talk::Settings { .. } | Talk::Auth(_) => Parting::TooSlow,
            };
            self.drop_peer(now, conn, why, out);
        }
    }

    /// Carries out what a settings client has sent, as far as it can be.
    pub(super) fn converse(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        let mut taken = false;
        loop {
            let Some(peer) = self.peers.find(conn) else { return };
            let address = peer.address;
            let Talk::Settings { conversation, awaiting } = &mut peer.talk else { return };
            if *awaiting {
                return;
            }
            let Some(step) = conversation.step().transpose() else { break };
            taken = true;
            match step {
                Ok(settings::Step::Read) => self.read_settings(now, conn, out),
                Ok(settings::Step::Update(payload)) => {
                    self.stats.bump(Counter::SettingsUpdated);
                    let settings = wire::settings::update(self.store.current(), payload);
                    self.store.update(now, conn, address, settings);
                }
                Err(Fault::Refuse(code)) => self.refuse(now, conn, code, out),
                Err(Fault::HangUp) => return self.drop_peer(now, conn, Parting::NoProtocol, out),
            }
        }
        self.expect_rest(now, conn, taken);
    }

    /// Gives a peer that is within a packet its time to complete it, counted from the packet's begin.
    fn expect_rest(&mut self, now: Mono, conn: ConnId, another: bool) {
        let Some(peer) = self.peers.find(conn) else { return };
        let Talk::Settings { conversation, .. } = &peer.talk else { return };
        if peer.blocked {
            return;
        }
        if !conversation.mid_packet() {
            self.peers.set_deadline(conn, None);
        } else if another || self.peers.deadline_of(conn).is_none() {
            self.peers.set_deadline(conn, Some(now + PACKET_TIMEOUT));
        }
    }

    fn authenticate(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return };
        let address = peer.address;
        let Talk::Auth(conversation) = &mut peer.talk else { return };
        let right = match conversation.attempt() {
            Ok(None) => return,
            Err(Fault::HangUp) => return self.drop_peer(now, conn, Parting::NoProtocol, out),
            Err(Fault::Refuse(code)) => Err(code),
            Ok(Some(attempt)) => Ok(auth::matches(self.password.reveal(), attempt)),
        };
        match right {
            Err(code) => self.refuse(now, conn, code, out),
            Ok(_) if self.access.locked_for(now, address).is_some() => {
                self.stats.bump(Counter::AuthLockedOut);
                self.refuse(now, conn, ErrorCode::TooManyAttempts, out);
            }
            Ok(true) => {
                self.stats.bump(Counter::AuthAccepted);
                let open = self.peers.clients_of(address);
                self.access.succeeded(now, address, open, self.grant_length(), &mut self.stats);
                out.push(Output::Send { conn, packet: wire::auth::accepted() });
                self.report(now, Report::AuthAccepted { peer: address }, out);
            }
            Ok(false) => {
                self.stats.bump(Counter::AuthRejected);
                let lockout = self.access.failed(now, address, &mut self.stats);
                out.push(Output::Send { conn, packet: wire::auth::rejected() });
                self.report(now, Report::AuthRejected { peer: address }, out);
                if let Some(length) = lockout {
                    self.report(now, Report::LockedOut { peer: address, length }, out);
                }
            }
        }
        self.leave(now, conn, Parting::Done, out);
    }

    /// Sends an error packet.
    fn refuse(&mut self, now: Mono, conn: ConnId, code: ErrorCode, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return };
        let (service, address) = (peer.service, peer.address);
        match code {
            ErrorCode::BadChecksum => self.stats.bump(Counter::BadChecksum),
            ErrorCode::BadLength => self.stats.bump(Counter::BadLength),
            ErrorCode::NotValidHere => self.stats.bump(Counter::NotValidHere),
            // These are counted where they are decided.
            ErrorCode::NotAuthenticated
            | ErrorCode::TooManyAttempts
            | ErrorCode::TooManyClients
            | ErrorCode::NotStored => {}
        }
        out.push(Output::Send { conn, packet: Outgoing::error(service.id(), code) });
        self.report(now, Report::Refused { service, peer: address, code }, out);
    }

    /// Tells a settings client that its update could not be stored.
    pub(super) fn not_stored(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        self.refuse(now, conn, ErrorCode::NotStored, out);
    }

    /// Answers a read that waited for the disk. [`Self::go_on`] is to follow.
    pub(super) fn answer(&mut self, conn: ConnId, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.find(conn) else { return };
        let Talk::Settings { awaiting, .. } = &mut peer.talk else { return };
        *awaiting = false;
        out.push(Output::Send { conn, packet: wire::settings::reply(self.store.current()) });
    }

    /// Goes on with what a client sent behind its read, and listens to it again.
    pub(super) fn go_on(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        self.converse(now, conn, out);
        let Some(peer) = self.peers.find(conn) else { return };
        match peer.talk {
            Talk::Settings { awaiting: false, .. } if peer.finished => self.leave(now, conn, Parting::Done, out),
            Talk::Settings { awaiting: false, .. } => out.push(Output::Resume(conn)),
            Talk::Settings { awaiting: true, .. } | Talk::Data | Talk::Auth(_) | Talk::Leaving => {}
        }
    }

    /// Whether a peer may use a service at all.
    fn may_use(&self, now: Mono, service: Service, peer: IpAddr) -> bool {
        let auth = &self.config.auth;
        service == Service::Auth
            || !auth.required
            || (auth.trust_loopback && peer.to_canonical().is_loopback())
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

    /// Ends a conversation politely: what waits is sent, then the peer has a moment to close first.
    fn leave(&mut self, now: Mono, conn: ConnId, why: Parting, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.retire(conn) else { return };
        let (service, address) = (peer.service, peer.address);
        self.release(now, conn, service, address, why, out);
        self.part(now, conn, out);
    }

    fn part(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        self.peers.set_deadline(conn, Some(now + LINGER_TIMEOUT));
        out.push(Output::Finish(conn));
    }

    /// Closes a connection at once.
    pub(super) fn drop_peer(&mut self, now: Mono, conn: ConnId, why: Parting, out: &mut Vec<Output>) {
        match why {
            Parting::TooSlow => self.stats.bump(Counter::PeerTooSlow),
            Parting::Stuck => self.stats.bump(Counter::PeerStuck),
            Parting::NoProtocol => self.stats.bump(Counter::PeerLostSync),
            Parting::Done | Parting::Lost => {}
        }
        out.push(Output::Close(conn));
        self.forget(now, conn, why, out);
    }

    /// Takes a connection out of the books.
    fn forget(&mut self, now: Mono, conn: ConnId, why: Parting, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.remove(conn) else { return };
        self.stats.bump(Counter::Closed);
        if !matches!(peer.talk, Talk::Leaving) {
            self.release(now, conn, peer.service, peer.address, why, out);
        }
    }

    /// What the end of a client means to the others.
    fn release(
        &mut self,
        now: Mono,
        conn: ConnId,
        service: Service,
        address: IpAddr,
        why: Parting,
        out: &mut Vec<Output>,
    ) {
        match service {
            Service::Data => self.unsubscribe(conn, out),
            Service::Settings => self.store.forget(conn),
            Service::Auth => {}
        }
        self.access.closed(now, address, self.grant_length());
        self.report(now, Report::Disconnected { service, peer: address, why }, out);
    }

    fn grant_length(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.auth.grant_seconds))
    }
}
