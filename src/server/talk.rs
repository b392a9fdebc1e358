//! Connections: speaking, going. Who is let in is in `entry.rs`.

use super::peers::Talk;
use super::report::{Parting, Report};
use super::{ConnId, Output, Peer, Server, Service};
use crate::limits::{LINGER_TIMEOUT, WRITE_TIMEOUT};
use crate::service::requests::Fault;
use crate::service::settings;
use crate::stats::Counter;
use crate::time::Mono;
use crate::wire::{self, ErrorCode, Outgoing};

impl Server {
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
                let deadline = owes.then(|| now + self.patience(Service::Settings));
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
            self.peers.set_deadline(conn, Some(now + self.patience(Service::Settings)));
        }
    }

    /// Sends an error packet.
    pub(super) fn refuse(&mut self, now: Mono, conn: ConnId, code: ErrorCode, out: &mut Vec<Output>) {
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
        out.push(Output::Send { conn, frame: Outgoing::error(service.into(), code).into() });
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
        out.push(Output::Send { conn, frame: wire::settings::reply(self.store.current()).into() });
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

    /// Ends a conversation politely: what waits is sent, then the peer has a moment to close first.
    pub(super) fn leave(&mut self, now: Mono, conn: ConnId, why: Parting, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.retire(conn) else { return };
        let (service, address) = (peer.service, peer.address);
        self.release(now, conn, service, address, why, out);
        self.part(now, conn, out);
    }

    pub(super) fn part(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
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
        address: Peer,
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
}
