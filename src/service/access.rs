//! Who may speak: failed passwords, lock-outs, and the grants of those who gave the right one. Both tables are
//! bounded, whatever is tried.
//!
//! Not here: comparing passwords (`service::auth`) and which port needs a grant (`server`).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::limits::{FAILURE_WINDOW, LOCKOUT_FIRST, LOCKOUT_LONGEST, MAX_FAILING_ADDRESSES, MAX_FAILURES, MAX_GRANTS};
use crate::stats::{Counter, Stats};
use crate::time::Mono;

/// Whose failures count together: an IPv4 address, or an IPv6 /64, the least a site is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Origin(IpAddr);

impl Origin {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            v4 @ IpAddr::V4(_) => Self(v4),
            IpAddr::V6(v6) => Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Failures {
    /// The last wrong passwords, newest last, no older than the window, none once a lock-out has begun.
    recent: Vec<Mono>,
    /// The end of the last lock-out, past or to come.
    locked_until: Option<Mono>,
    /// Lock-outs so far, each twice as long as the one before.
    lockouts: u32,
}

impl Failures {
    fn locked_for(&self, now: Mono) -> Option<Duration> {
        self.locked_until.filter(|&until| now < until).map(|until| until.since(now))
    }

    /// Whether forgetting it changes nothing but the memory in use.
    fn stale(&self, now: Mono) -> bool {
        let quiet_since_lockout = self.locked_until.is_none_or(|until| now.since(until) >= LOCKOUT_LONGEST);
        let no_recent = self.recent.last().is_none_or(|&last| now.since(last) >= FAILURE_WINDOW);
        self.locked_for(now).is_none() && quiet_since_lockout && no_recent
    }

    fn last_seen(&self) -> Option<Mono> {
        self.locked_until.max(self.recent.last().copied())
    }
}

#[derive(Debug, Clone, Copy)]
struct Grant {
    /// Connections of the address that are open.
    open: usize,
    /// When it ends, if none is.
    until: Mono,
}

/// The two tables.
#[derive(Debug, Default)]
pub struct Access {
    failures: BTreeMap<Origin, Failures>,
    grants: BTreeMap<IpAddr, Grant>,
}

impl Access {
    /// How much longer `address` is locked out, if it is.
    pub fn locked_for(&self, now: Mono, address: IpAddr) -> Option<Duration> {
        self.failures.get(&Origin::of(address))?.locked_for(now)
    }

    /// Notes a wrong password. Returns the length of the lock-out that it brought on, if it did.
    pub fn failed(&mut self, now: Mono, address: IpAddr, stats: &mut Stats) -> Option<Duration> {
        let origin = Origin::of(address);
        if !self.failures.contains_key(&origin) {
            self.make_room(now, stats);
        }
        let entry = self.failures.entry(origin).or_default();
        if entry.stale(now) {
            *entry = Failures::default();
        }
        entry.recent.retain(|&at| now.since(at) < FAILURE_WINDOW);
        entry.recent.push(now);
        if entry.recent.len() < MAX_FAILURES {
            return None;
        }
        let length = LOCKOUT_FIRST.saturating_mul(1 << entry.lockouts.min(16)).min(LOCKOUT_LONGEST);
        *entry = Failures { recent: Vec::new(), locked_until: Some(now + length), lockouts: entry.lockouts + 1 };
        Some(length)
    }

    /// Notes a right password: failures are forgotten, and the address, which has `open` connections, holds a
    /// grant from now on.
    pub fn succeeded(&mut self, now: Mono, address: IpAddr, open: usize, lasts: Duration, stats: &mut Stats) {
        self.failures.remove(&Origin::of(address));
        let address = address.to_canonical();
        if !self.grants.contains_key(&address) && self.grants.len() >= MAX_GRANTS {
            self.grants.retain(|_, grant| grant.open > 0 || now < grant.until);
            if self.grants.len() >= MAX_GRANTS {
                let idle = self.grants.iter().filter(|(_, grant)| grant.open == 0);
                if let Some(oldest) = idle.min_by_key(|(_, grant)| grant.until).map(|(&address, _)| address) {
                    self.grants.remove(&oldest);
                    stats.bump(Counter::GrantsEvicted);
                }
            }
        }
        self.grants.insert(address, Grant { open, until: now + lasts });
    }

    /// Whether `address` holds a grant.
    pub fn granted(&self, now: Mono, address: IpAddr) -> bool {
        self.grants.get(&address.to_canonical()).is_some_and(|grant| grant.open > 0 || now < grant.until)
    }

    /// Notes that a connection of `address` opened. Without a valid grant, nothing is noted.
    pub fn opened(&mut self, now: Mono, address: IpAddr) {
        if self.granted(now, address)
            && let Some(grant) = self.grants.get_mut(&address.to_canonical())
        {
            grant.open += 1;
        }
    }

    /// Notes that a connection of `address` closed: a grant now `lasts` so much longer.
    pub fn closed(&mut self, now: Mono, address: IpAddr, lasts: Duration) {
        if let Some(grant) = self.grants.get_mut(&address.to_canonical())
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

    /// Entries in the two tables, failures and grants.
    pub fn sizes(&self) -> (usize, usize) {
        (self.failures.len(), self.grants.len())
    }

    /// Makes sure one more address fits: stale entries go, then the oldest that is not locked out, then the one
    /// whose lock-out ends first.
    fn make_room(&mut self, now: Mono, stats: &mut Stats) {
        if self.failures.len() < MAX_FAILING_ADDRESSES {
            return;
        }
        self.failures.retain(|_, entry| !entry.stale(now));
        if self.failures.len() < MAX_FAILING_ADDRESSES {
            return;
        }
        let oldest = self.failures.iter().min_by_key(|(_, entry)| (entry.locked_for(now).is_some(), entry.last_seen()));
        if let Some(oldest) = oldest.map(|(&origin, _)| origin) {
            self.failures.remove(&oldest);
            stats.bump(Counter::AddressesEvicted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LASTS: Duration = Duration::from_mins(1);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn fail_until_locked(access: &mut Access, now: Mono, peer: IpAddr) -> Duration {
        let mut stats = Stats::default();
        for _ in 1..MAX_FAILURES {
            assert_eq!(access.failed(now, peer, &mut stats), None);
        }
        access.failed(now, peer, &mut stats).expect("the fifth failure locks out")
    }

    #[test]
    fn lockouts_double_up_to_fifteen_minutes_and_end() {
        let mut access = Access::default();
        let peer = address("192.0.2.1");
        let mut now = Mono::default();
        for expected in [30, 60, 120, 240, 480, 900, 900] {
            let length = fail_until_locked(&mut access, now, peer);
            assert_eq!(length.as_secs(), expected);
            assert_eq!(access.locked_for(now, peer), Some(length));
            assert_eq!(access.locked_for(now, address("192.0.2.2")), None);
            now = now + length;
            assert_eq!(access.locked_for(now, peer), None);
        }
        now = now + LOCKOUT_LONGEST;
        assert_eq!(fail_until_locked(&mut access, now, peer), LOCKOUT_FIRST, "after a quiet time it starts afresh");
    }

    #[test]
    fn slow_failures_do_not_lock_out() {
        let mut access = Access::default();
        let mut stats = Stats::default();
        let mut now = Mono::default();
        for _ in 0..100 {
            assert_eq!(access.failed(now, address("192.0.2.1"), &mut stats), None);
            now = now + SECOND * 15;
        }
    }

    #[test]
    fn ipv6_counts_by_64_and_mapped_addresses_as_ipv4() {
        let mut access = Access::default();
        let now = Mono::default();
        fail_until_locked(&mut access, now, address("2001:db8::1"));
        assert!(access.locked_for(now, address("2001:db8::ffff:2")).is_some());
        assert!(access.locked_for(now, address("2001:db8:0:1::1")).is_none());
        fail_until_locked(&mut access, now, address("::ffff:192.0.2.1"));
        assert!(access.locked_for(now, address("192.0.2.1")).is_some());
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_keeps_the_locked_out() {
        let mut access = Access::default();
        let mut stats = Stats::default();
        let now = Mono::default();
        let locked = address("192.0.2.1");
        fail_until_locked(&mut access, now, locked);
        for n in 0..5_000_u64 {
            let peer = IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n) << 64));
            access.failed(now + Duration::from_micros(n), peer, &mut stats);
            assert!(access.sizes().0 <= MAX_FAILING_ADDRESSES);
        }
        assert!(access.locked_for(now + SECOND, locked).is_some());
        assert!(stats.count(Counter::AddressesEvicted) > 3_900);
    }

    #[test]
    fn a_grant_lasts_while_a_connection_is_open_and_a_while_after() {
        let mut access = Access::default();
        let mut stats = Stats::default();
        let peer = address("192.0.2.1");
        let now = Mono::default();
        assert!(!access.granted(now, peer));
        access.succeeded(now, peer, 1, LASTS, &mut stats);
        access.opened(now, peer);
        access.closed(now, peer, LASTS);
        let later = now + LASTS * 100;
        assert!(access.granted(later, peer));
        access.closed(later, peer, LASTS);
        assert!(access.granted(later + SECOND * 59, peer));
        assert!(!access.granted(later + LASTS, peer));
        access.opened(later + LASTS, peer);
        assert!(!access.granted(later + LASTS, peer), "an ended grant is not revived by a connection");
    }

    #[test]
    fn grants_are_bounded_and_those_in_use_stay() {
        let mut access = Access::default();
        let mut stats = Stats::default();
        let now = Mono::default();
        let in_use = address("192.0.2.1");
        access.succeeded(now, in_use, 1, LASTS, &mut stats);
        for n in 0..5000_u32 {
            access.succeeded(now, IpAddr::V4((0x0a00_0000 + n).into()), 0, LASTS, &mut stats);
        }
        assert!(access.sizes().1 <= MAX_GRANTS);
        assert!(access.granted(now, in_use));
        assert_eq!(stats.count(Counter::GrantsEvicted), 5001 - MAX_GRANTS as u64);
        access.revoke_grants();
        assert!(!access.granted(now, in_use));
    }
}
