//! Who may speak, by the words of the protocol's page and as simple as can be.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::SECOND;

#[derive(Debug, Default)]
struct Failures {
    at: Vec<u64>,
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
    grants: BTreeMap<IpAddr, u64>,
}

/// An IPv4 address, or the first half of an IPv6 one.
fn origin(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
    }
}

impl Access {
    pub fn attempt(&mut self, now: u64, address: IpAddr, right: bool, lasts: u64) -> Answer {
        let entry = self.failures.entry(origin(address)).or_default();
        if now < entry.locked_until {
            return Answer::LockedOut;
        }
        if right {
            self.failures.remove(&origin(address));
            self.grants.insert(address, now + lasts);
            return Answer::Ready;
        }
        entry.at.retain(|&at| now - at < 60 * SECOND);
        if entry.at.is_empty() && now - entry.locked_until >= 900 * SECOND {
            entry.lockouts = 0;
        }
        entry.at.push(now);
        if entry.at.len() == 5 {
            let seconds = (30 << entry.lockouts.min(10)).min(900);
            *entry = Failures { at: Vec::new(), locked_until: now + seconds * SECOND, lockouts: entry.lockouts + 1 };
        }
        Answer::Wrong
    }

    /// `open`: how many connections the address has.
    pub fn granted(&mut self, now: u64, address: IpAddr, open: usize) -> bool {
        if open == 0 && self.grants.get(&address).is_some_and(|&until| now >= until) {
            self.grants.remove(&address);
        }
        self.grants.contains_key(&address)
    }

    /// A connection closed, and `open` are left.
    pub fn closed(&mut self, now: u64, address: IpAddr, lasts: u64) {
        if let Some(until) = self.grants.get_mut(&address) {
            *until = now + lasts;
        }
    }

    pub fn revoke(&mut self) {
        self.grants.clear();
    }
}
