//! Who may speak, by the words of the protocol's page and as simple as can be.

use std::collections::BTreeMap;
use std::net::IpAddr;

use es_iot_server::ids::Peer;

use crate::SECOND;

#[derive(Debug, Default)]
struct Failures {
    at: Vec<(u64, Peer)>,
    last: Option<u64>,
    forgiven: Option<u64>,
    locked_until: u64,
    lockouts: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Ready,
    Wrong,
    LockedOut,
}

#[derive(Debug, Default)]
pub struct Access {
    failures: BTreeMap<Vec<u8>, Failures>,
    grants: BTreeMap<Peer, u64>,
}

/// An IPv4 address, or the first half of an IPv6 one, or all of it on one link; none for a local peer.
pub fn network(peer: Peer) -> Option<Vec<u8>> {
    match peer {
        Peer::Ip(IpAddr::V4(v4)) => Some(v4.octets().to_vec()),
        Peer::Ip(IpAddr::V6(v6)) if v6.segments()[0] & 0xFFC0 == 0xFE80 => Some(v6.octets().to_vec()),
        Peer::Ip(IpAddr::V6(v6)) => Some(v6.octets()[..8].to_vec()),
        Peer::Local => None,
    }
}

impl Access {
    pub fn attempt(&mut self, now: u64, peer: Peer, right: bool, lasts: u64) -> Answer {
        let Some(network) = network(peer) else {
            if right {
                self.grants.insert(peer, now + lasts);
            }
            return if right { Answer::Ready } else { Answer::Wrong };
        };
        let entry = self.failures.entry(network).or_default();
        if now < entry.locked_until {
            return Answer::LockedOut;
        }
        if right {
            self.forgive(now, peer);
            self.grants.insert(peer, now + lasts);
            return Answer::Ready;
        }
        self.fail(now, peer);
        Answer::Wrong
    }

    /// The same for a login, which gives no grant.
    pub fn attempt_without_grant(&mut self, now: u64, peer: Peer, right: bool) -> Answer {
        if self.is_locked_out(now, peer) {
            Answer::LockedOut
        } else if right {
            self.forgive(now, peer);
            Answer::Ready
        } else {
            self.fail(now, peer);
            Answer::Wrong
        }
    }

    /// Somebody who knows the password made mistakes before.
    pub fn forgive(&mut self, now: u64, peer: Peer) {
        let Some(entry) = network(peer).and_then(|network| self.failures.get_mut(&network)) else { return };
        if entry.forgiven.is_none_or(|at| now >= at + 900 * SECOND) {
            let before = entry.at.len();
            entry.at.retain(|&(_, who)| who != peer);
            entry.forgiven = if entry.at.len() < before { Some(now) } else { entry.forgiven };
        }
    }

    pub fn is_locked_out(&self, now: u64, peer: Peer) -> bool {
        let failures = network(peer).and_then(|network| self.failures.get(&network));
        failures.is_some_and(|failures| now < failures.locked_until)
    }

    /// A wrong password, wherever it was given.
    pub fn fail(&mut self, now: u64, peer: Peer) {
        let Some(network) = network(peer) else { return };
        let entry = self.failures.entry(network).or_default();
        let quiet = entry.last.is_none_or(|last| now >= last + 60 * SECOND);
        if quiet && now - entry.locked_until >= 900 * SECOND {
            entry.lockouts = 0;
        }
        entry.last = Some(now);
        entry.at.retain(|&(at, _)| now - at < 60 * SECOND);
        entry.at.push((now, peer));
        if entry.at.len() == 5 {
            let seconds = (30 << entry.lockouts.min(10)).min(900);
            (entry.locked_until, entry.lockouts) = (now + seconds * SECOND, entry.lockouts + 1);
            entry.at = Vec::new();
        }
    }

    /// `open`: how many connections the address has.
    pub fn granted(&mut self, now: u64, peer: Peer, open: usize) -> bool {
        if open == 0 && self.grants.get(&peer).is_some_and(|&until| now >= until) {
            self.grants.remove(&peer);
        }
        self.grants.contains_key(&peer)
    }

    /// A connection closed, and `open` are left.
    pub fn closed(&mut self, now: u64, peer: Peer, lasts: u64) {
        if let Some(until) = self.grants.get_mut(&peer) {
            *until = now + lasts;
        }
    }

    pub fn revoke(&mut self) {
        self.grants.clear();
    }
}
