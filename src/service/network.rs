//! Whose connections and failures count together.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or an IPv6 /64, the least that a site is given. A link-local address (`fe80::/10`, RFC 4291) counts
/// alone: every host of a link is in the same /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// The network that an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_unicast_link_local() => {
                Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))))
            }
            alone @ (IpAddr::V4(_) | IpAddr::V6(_)) => Self(alone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_hosts_and_links() {
        let same = |one: &str, other: &str| {
            Network::of(one.parse().expect("an address")) == Network::of(other.parse().expect("an address"))
        };
        assert!(same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(!same("fe80::1", "fe80::2"));
        assert!(!same("febf:ffff::1", "febf:ffff::2"), "fe80::/10");
        assert!(same("fec0::1", "fec0::2"));
    }
}
