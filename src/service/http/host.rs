//! Under which names the server is asked, and by pages of which origins.
//!
//! A page on any site can resolve its own name to the device's address (DNS rebinding), and its scripts then ask the device
//! as if it were that site. Their `Host` shows it: it has the site's name. An address can't be rebound.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The names that a client may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts<'a> {
    /// Any: no browser reaches a Unix socket.
    Any,
    /// Addresses, `localhost`, and these.
    Named {
        /// The device's own name. Up to its first dot, and with `.local` after that, it is one too.
        own: &'a str,
        /// `server.http_hosts`.
        listed: &'a [String],
    },
}

impl Hosts<'_> {
    /// Whether a request for this host is for this server.
    pub fn have(self, asked: Authority<'_>) -> bool {
        let Self::Named { own, listed } = self else { return true };
        let host = asked.host;
        let is = |name: &str| host.eq_ignore_ascii_case(undotted(name));
        let label = own.split('.').next().unwrap_or_default();
        let local = |text: &str| {
            let (name, domain) = text.rsplit_once('.').unwrap_or_default();
            domain.eq_ignore_ascii_case("local") && name.eq_ignore_ascii_case(label)
        };
        is_address(host)
            || is("localhost")
            || (!label.is_empty() && (is(own) || is(label) || local(host)))
            || listed.iter().any(|name| is(name))
    }
}

/// A host and perhaps a port (RFC 3986 section 3.2, without user information).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authority<'a> {
    /// A name without a dot at its end, an IPv4 address, or an IPv6 address in brackets. Not empty.
    pub host: &'a str,
    /// The port.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads an authority, `None` if it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
        let (host, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return None,
            // RFC 3986 section 3.2.3: a port may be empty.
            Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
            Some(_) => return None,
        };
        let host = undotted(host);
        let named = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        (!host.is_empty() && (named || ipv6(host).is_some())).then_some(Self { host, port })
    }

    /// Whether a page of this origin (RFC 6454 section 6.2) comes from here. Over TLS, a proxy is in between.
    pub fn is_origin(self, origin: &str) -> bool {
        let (rest, default) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
            (Some(rest), _) => (rest, 80),
            (None, Some(rest)) => (rest, 443),
            (None, None) => return false,
        };
        Authority::parse(rest).is_some_and(|origin| {
            origin.host.eq_ignore_ascii_case(self.host)
                && origin.port.unwrap_or(default) == self.port.unwrap_or(default)
        })
    }
}

/// A name without the dot that may end it.
fn undotted(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn is_address(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok() || ipv6(host).is_some()
}

/// An address in brackets. Some clients leave the zone in it (RFC 6874).
fn ipv6(host: &str) -> Option<Ipv6Addr> {
    let inside = host.strip_prefix('[')?.strip_suffix(']')?;
    inside.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_hosts_are_this_server() {
        let listed = ["cam.example.com".to_owned(), "Shop.Example.".to_owned()];
        let hosts = Hosts::Named { own: "es-iot-7.plant.example", listed: &listed };
        for (host, taken) in [
            ("192.0.2.1", true),
            ("192.0.2.1:8080", true),
            ("[2001:db8::1]", true),
            ("[2001:db8::1]:8080", true),
            ("[fe80::1%25eth0]:8080", true),
            ("[::ffff:192.0.2.1]", true),
            ("0.0.0.0", true),
            ("localhost", true),
            ("LOCALHOST:1", true),
            ("localhost.", true),
            ("es-iot-7", true),
            ("es-iot-7.local", true),
            ("ES-IOT-7.Local.:8080", true),
            ("es-iot-7.plant.example", true),
            ("es-iot-7.plant.example.:80", true),
            ("cam.example.com", true),
            ("CAM.example.com.:443", true),
            ("shop.example", true),
            ("es-iot-8.local", false),
            ("es-iot-7.local.example", false),
            ("x.es-iot-7.local", false),
            ("es-iot-7.plant.local", false),
            ("local", false),
            (".local", false),
            ("localhost.example", false),
            ("x.localhost", false),
            ("cam.example.com.attacker.example", false),
            ("attacker-cam.example.com", false),
            ("192.0.2.1.attacker.example", false),
            ("192.0.2.1.nip.io", false),
            ("127.1", false),
            ("0x7f000001", false),
            ("2130706433", false),
        ] {
            let asked = Authority::parse(host).unwrap_or_else(|| panic!("{host}"));
            assert_eq!(hosts.have(asked), taken, "{host}");
            assert!(Hosts::Any.have(asked));
        }
        let nameless = Hosts::Named { own: "", listed: &[] };
        for host in [".local", "a", "x.local"] {
            assert!(!nameless.have(Authority::parse(host).unwrap()), "{host}");
        }
    }

    #[test]
    fn what_is_no_authority() {
        for text in [
            "", ".", ":80", "a b", "a/b", "user@h", "h:80:80", "h:x", "h:+1", "h:65536", "[::1", "::1", "[::1]x",
            "[h]", "h,h", "h\t", "h#", "é", "[]", "h%20",
        ] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
        assert_eq!(Authority::parse("h:"), Some(Authority { host: "h", port: None }));
    }

    #[test]
    fn which_origins_are_this_page() {
        for (host, origin, same) in [
            ("cam.local:8080", "http://cam.local:8080", true),
            ("CAM.local:8080", "http://cam.LOCAL:8080", true),
            ("cam.local.:8080", "http://cam.local:8080", true),
            ("cam.local", "http://cam.local", true),
            ("cam.local:80", "http://cam.local", true),
            ("cam.local", "http://cam.local:80", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("cam.example", "https://cam.example", true),
            ("cam.example:443", "https://cam.example", true),
            ("cam.local:8080", "http://cam.local", false),
            ("cam.local:8080", "http://cam.local:8081", false),
            ("cam.local:8080", "https://cam.local", false),
            ("cam.local:80", "https://cam.local", false),
            ("cam.local", "http://attacker.example", false),
            ("cam.local", "null", false),
            ("cam.local", "", false),
            ("cam.local", "cam.local", false),
            ("cam.local", "file://", false),
            ("cam.local", "http://cam.local/", false),
            ("cam.local", "http://cam.local http://attacker.example", false),
            ("192.0.2.1:8080", "http://192.0.2.1:8080", true),
            ("192.0.2.1:8080", "http://192.0.2.2:8080", false),
        ] {
            assert_eq!(Authority::parse(host).unwrap().is_origin(origin), same, "{host} {origin}");
        }
    }
}
