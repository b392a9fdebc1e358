//! Failed passwords, the lock-outs that follow, and the grants that a right password gives. Both tables are bounded,
//! whatever is tried.
//!
//! Not here: comparing passwords (`service::auth`) and which port needs a grant (`server`).

use std::net::IpAddr;
use std::time::Duration;

use super::network::Network;
use crate::bucket::{Bucket, Rate};
use crate::ids::Peer;
use crate::limits::{
    BRAKE_BURST, BRAKE_EACH, BRAKE_OFF_ADDRESSES, EXEMPT_ADDRESSES, FAILURE_WINDOW, LOCKOUT_FIRST, LOCKOUT_LONGEST,
    MAX_FAILING_ADDRESSES, MAX_FAILURES, MAX_GRANTS,
};
use crate::sorted::SortedMap;
use crate::stats::{Counter, Stats};
use crate::time::Mono;

/// Passwords that are looked at while the brake is on.
const BRAKED: Rate = Rate { burst: BRAKE_BURST, each: BRAKE_EACH };

/// What becomes of an attempt, before it counts whether its password is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It counts.
    Open,
    /// The address is locked out.
    LockedOut,
    /// The brake is on, and has let enough attempts pass.
    Braked,
}

#[derive(Debug, Clone, Default)]
struct Failures {
    /// The last wrong passwords and their peers, newest last, no older than the window, none once a lock-out has begun.
    recent: Vec<(Mono, Peer)>,
    /// When the last wrong password came, forgiven or not.
    last: Option<Mono>,
    /// The end of the last lock-out, past or to come.
    locked_until: Option<Mono>,
    /// Lock-outs so far, each twice as long as the one before.
    lockouts: u32,
    /// When a right password last had failures forgiven.
    forgiven: Option<Mono>,
}

impl Failures {
    fn locked_for(&self, now: Mono) -> Option<Duration> {
        self.locked_until.filter(|&until| now < until).map(|until| until.since(now))
    }

    /// When its lock-outs no longer count.
    fn quiet_at(&self) -> Mono {
        let after_lockout = self.locked_until.map(|until| until + LOCKOUT_LONGEST);
        let after_failure = self.last.map(|last| last + FAILURE_WINDOW);
        after_lockout.max(after_failure).unwrap_or_default()
    }

    /// When forgetting it changes nothing but the memory in use.
    fn stale_at(&self) -> Mono {
        self.quiet_at().max(self.forgivable_at())
    }

    fn forgivable_at(&self) -> Mono {
        self.forgiven.map(|at| at + LOCKOUT_LONGEST).unwrap_or_default()
    }

    /// Notes a wrong password. Returns the length of the lock-out that it brought on, if it did.
    fn count(&mut self, now: Mono, peer: Peer) -> Option<Duration> {
        if now >= self.quiet_at() {
            (self.locked_until, self.lockouts) = (None, 0);
        }
        self.last = Some(now);
        self.recent.retain(|&(at, _)| now.since(at) < FAILURE_WINDOW);
        self.recent.push((now, peer));
        if self.recent.len() < MAX_FAILURES {
            return None;
        }
        let length = LOCKOUT_FIRST.saturating_mul(1 << self.lockouts.min(16)).min(LOCKOUT_LONGEST);
        self.recent = Vec::new();
        self.locked_until = Some(now + length);
        self.lockouts += 1;
        Some(length)
    }

    /// Forgives the failures of `peer` itself, unless some were forgiven a short while ago: an attacker may share the
    /// address of a client that knows the password.
    fn forgive(&mut self, now: Mono, peer: Peer) {
        if now < self.forgivable_at() {
            return;
        }
        let before = self.recent.len();
        self.recent.retain(|&(_, from)| from != peer);
        if self.recent.len() < before {
            self.forgiven = Some(now);
        }
    }
}

/// Holds down guesses from addresses that the table of failures has no room for.
#[derive(Debug, Clone, Copy)]
struct Brake {
    bucket: Bucket,
    /// When there may be room again.
    until: Mono,
}

#[derive(Debug, Clone, Copy)]
struct Grant {
    /// Connections of the address that are open.
    open: usize,
    /// When it ends, if none is.
    until: Mono,
}

impl Grant {
    fn is_valid(&self, now: Mono) -> bool {
        self.open > 0 || now < self.until
    }
}

/// The two tables, and the brake.
#[derive(Debug, Default)]
pub struct Access {
    failures: SortedMap<Network, Failures>,
    grants: SortedMap<Peer, Grant>,
    brake: Option<Brake>,
}

impl Access {
    /// How much longer `peer` is locked out, if it is. A local one never is.
    fn locked_for(&self, now: Mono, peer: Peer) -> Option<Duration> {
        self.failures.get(&Network::of(peer.address()?))?.locked_for(now)
    }

    /// What becomes of an attempt of `peer`. One that the brake lets pass is counted.
    pub fn admit(&mut self, now: Mono, peer: Peer) -> Admission {
        let Peer::Ip(address) = peer else { return Admission::Open };
        if self.locked_for(now, peer).is_some() {
            return Admission::LockedOut;
        }
        let is_braked = self.brakes(now, peer, address);
        match &mut self.brake {
            Some(brake) if is_braked => {
                if brake.bucket.try_take(BRAKED, now) {
                    Admission::Open
                } else {
                    Admission::Braked
                }
            }
            Some(_) | None => Admission::Open,
        }
    }

    /// How long until an attempt of `peer` would be looked at; `None` if it would be now. No attempt is counted.
    pub fn wait(&self, now: Mono, peer: Peer) -> Option<Duration> {
        let address = peer.address()?;
        self.locked_for(now, peer).or_else(|| {
            let brake = self.brake.filter(|_| self.brakes(now, peer, address))?;
            (brake.bucket.tokens(BRAKED, now) == 0).then_some(BRAKE_EACH)
        })
    }

    /// Whether the brake, if it is on, is for this peer: the table of failures does not know its network.
    fn brakes(&self, now: Mono, peer: Peer, address: IpAddr) -> bool {
        let exempt = self.exempt(now, peer) && self.failures.len() < MAX_FAILING_ADDRESSES + EXEMPT_ADDRESSES;
        !exempt && !self.failures.contains_key(&Network::of(address))
    }

    /// Forgets the failures of the peer itself: it knows the password.
    pub fn forgive(&mut self, now: Mono, peer: Peer) {
        if let Some(entry) = peer.address().and_then(|address| self.failures.get_mut(&Network::of(address))) {
            entry.forgive(now, peer);
        }
    }

    /// Notes a wrong password. Returns the length of the lock-out that it brought on, if it did.
    pub fn failed(&mut self, now: Mono, peer: Peer, stats: &mut Stats) -> Option<Duration> {
        let network = Network::of(peer.address()?);
        if !self.failures.contains_key(&network) && !self.make_room(now, peer, stats) {
            return None;
        }
        let entry = self.failures.or_default(network);
        let lockout = entry.count(now, peer);
        let stale_at = entry.stale_at();
        if let Some(brake) = &mut self.brake {
            brake.until = brake.until.min(stale_at);
        }
        lockout
    }

    /// Notes a right password: failures of the peer itself are forgotten, and it, which has `open` connections,
    /// holds a grant from now on.
    pub fn succeeded(&mut self, now: Mono, peer: Peer, open: usize, lasts: Duration, stats: &mut Stats) {
        self.forgive(now, peer);
        if !self.grants.contains_key(&peer) && self.grants.len() >= MAX_GRANTS {
            self.grants.retain(|grant| grant.is_valid(now));
            if self.grants.len() >= MAX_GRANTS {
                let idle = self.grants.iter().filter(|(_, grant)| grant.open == 0);
                if let Some(oldest) = idle.min_by_key(|(_, grant)| grant.until).map(|(peer, _)| *peer) {
                    self.grants.remove(&oldest);
                    stats.bump(Counter::GrantsEvicted);
                }
            }
        }
        self.grants.insert(peer, Grant { open, until: now + lasts });
    }

    /// Whether `peer` holds a grant.
    pub fn granted(&self, now: Mono, peer: Peer) -> bool {
        self.grants.get(&peer).is_some_and(|grant| grant.is_valid(now))
    }

    /// Notes that a connection of `peer` opened. Without a valid grant, nothing is noted.
    pub fn opened(&mut self, now: Mono, peer: Peer) {
        if self.granted(now, peer)
            && let Some(grant) = self.grants.get_mut(&peer)
        {
            grant.open += 1;
        }
    }

    /// Notes that a connection of `peer` closed: a grant now `lasts` so much longer.
    pub fn closed(&mut self, now: Mono, peer: Peer, lasts: Duration) {
        if let Some(grant) = self.grants.get_mut(&peer)
            && grant.open > 0
        {
            grant.open -= 1;
            grant.until = now + lasts;
        }
    }

    /// Forgets every grant: the password has changed.
    pub fn revoke_grants(&mut self) {
        self.grants.clear();
    }

    /// Entries in the table of failures, and grants that have not ended. Ended ones stay in their table until it is full.
    pub fn sizes(&self, now: Mono) -> (usize, usize) {
        let grants = self.grants.iter().filter(|(_, grant)| grant.is_valid(now));
        (self.failures.len(), grants.count())
    }

    /// Whether the brake is on.
    pub const fn is_braked(&self) -> bool {
        self.brake.is_some()
    }

    /// When [`Self::release_brake`] has something to look at, `None` while the brake is off.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.brake.map(|brake| brake.until)
    }

    /// Takes the brake off if there is room again.
    pub fn release_brake(&mut self, now: Mono) {
        if self.brake.is_none_or(|brake| now < brake.until) {
            return;
        }
        self.failures.retain(|entry| now < entry.stale_at());
        let until = self.room_at();
        self.brake = self.brake.zip(until).map(|(brake, until)| Brake { until, ..brake });
    }

    /// When enough entries will be stale for the brake to go off, `None` if there is room.
    fn room_at(&self) -> Option<Mono> {
        let excess = self.failures.len().checked_sub(BRAKE_OFF_ADDRESSES + 1)?;
        let mut stale_at: Vec<Mono> = self.failures.iter().map(|(_, entry)| entry.stale_at()).collect();
        Some(*stale_at.select_nth_unstable(excess).1)
    }

    /// Whether the brake is not for this peer.
    fn exempt(&self, now: Mono, peer: Peer) -> bool {
        peer.is_on_this_host() || self.granted(now, peer)
    }

    /// Makes sure that one more address fits: stale entries go, then the oldest that is not locked out, with the brake
    /// on. Whether it fits: locked-out entries stay.
    fn make_room(&mut self, now: Mono, peer: Peer, stats: &mut Stats) -> bool {
        let extra = if self.exempt(now, peer) { EXEMPT_ADDRESSES } else { 0 };
        if self.failures.len() < MAX_FAILING_ADDRESSES + extra {
            return true;
        }
        self.failures.retain(|entry| now < entry.stale_at());
        if self.failures.len() < MAX_FAILING_ADDRESSES + extra {
            return true;
        }
        if self.brake.is_none()
            && let Some(until) = self.room_at()
        {
            let mut bucket = Bucket::default();
            // The attempt that this is about.
            bucket.take(BRAKED, now, 1);
            self.brake = Some(Brake { bucket, until });
        }
        let open = self.failures.iter().filter(|(_, entry)| entry.locked_for(now).is_none());
        let Some(oldest) = open.min_by_key(|(_, entry)| entry.locked_until.max(entry.last)) else { return false };
        let oldest = oldest.0;
        self.failures.remove(&oldest);
        stats.bump(Counter::AddressesEvicted);
        true
    }
}

#[cfg(test)]
mod tests;
