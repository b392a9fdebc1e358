//! Who may speak: guesses that were not held down, and clients that took what was everybody's.

#[path = "access_daemon.rs"]
mod daemon;
#[path = "access_memory.rs"]
mod memory;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use es_iot_server::config::Config;
use es_iot_server::frame::Frame;
use es_iot_server::limits::{MAX_FAILING_ADDRESSES, MAX_FAILURES};
use es_iot_server::server::{ConnId, Input, Output, Request, Server, Service};
use es_iot_server::stats::Counter;
use es_iot_server::time::{Mono, Now};
use es_iot_server::wire::{Id, Kind, packet};

use super::{config, started};

/// A server, and clients at any address.
struct House {
    server: Server,
    now: Now,
    next: u16,
    log: Vec<String>,
}

/// What an attempt was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Ready,
    Wrong,
    TooMany,
}

impl House {
    fn new(config: Config) -> Self {
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), unix_ms: 0 };
        Self { server: started(config, now), now, next: 0, log: Vec::new() }
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        for output in &out {
            if let Output::Report(report) = output {
                self.log.push(report.to_string());
            }
        }
        out
    }

    /// A connection, and the code that it was refused with.
    fn connect(&mut self, service: Service, address: IpAddr) -> (ConnId, Option<u8>) {
        let conn = ConnId { slot: self.next % 16_000, generation: self.next / 16_000 };
        self.next += 1;
        let out = self.handle(Input::Accepted { conn, service, peer: address.into() });
        let sent =
            out.iter().find_map(|output| if let Output::Send { frame, .. } = output { Some(frame) } else { None });
        (conn, sent.map(Frame::as_bytes).filter(|packet| packet[3] == Kind::Error as u8).map(|packet| packet[6]))
    }

    fn attempt(&mut self, address: impl Into<IpAddr>, password: &[u8]) -> Answer {
        let (conn, refused) = self.connect(Service::Auth, address.into());
        assert_eq!(refused, None);
        let mut bytes = Vec::new();
        packet::encode(Id::Auth, Kind::Request, password, &mut bytes);
        let out = self.handle(Input::Received { conn, bytes: &bytes });
        self.handle(Input::Finished { conn });
        let [Output::Send { frame: packet, .. }, ..] = &out[..] else { panic!("{out:?}") };
        match packet.as_bytes()[3..] {
            [0, ..] => Answer::Ready,
            [2, 0, 0, _] => Answer::Wrong,
            [2, 0, 1, 5, _] => Answer::TooMany,
            _ => panic!("{packet:?}"),
        }
    }

    /// How many of `guesses` guesses are looked at, when `between` is done after every four.
    fn looked_at(&mut self, guesses: usize, address: IpAddr, mut between: impl FnMut(&mut Self)) -> usize {
        let mut looked_at = 0;
        for guess in 0..guesses {
            looked_at += usize::from(self.attempt(address, b"guess") == Answer::Wrong);
            if guess % 4 == 3 {
                between(self);
            }
        }
        looked_at
    }

    fn pass(&mut self, span: Duration) {
        self.now.mono = self.now.mono + span;
        self.handle(Input::Wakeup);
    }

    fn logged(&self, part: &str) -> usize {
        self.log.iter().filter(|line| line.contains(part)).count()
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The first address of the `n`th /64.
fn site(n: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, n, 0, 0, 0, 1).into()
}

#[test]
fn a_neighbour_that_logged_in_cleared_the_failures_of_a_guesser() {
    let mut house = House::new(config());
    let neighbour = |house: &mut House| {
        house.attempt(ip("2001:db8::2"), b"1111");
    };
    assert_eq!(house.looked_at(200, ip("2001:db8::1"), neighbour), MAX_FAILURES);
}

/// They were kept, and counted, until their table was full.
#[test]
fn grants_that_had_ended_were_counted() {
    let mut house = House::new(config());
    assert_eq!(house.attempt(ip("192.0.2.1"), b"1111"), Answer::Ready);
    house.handle(Input::Signal(Request::Counters));
    assert_eq!(house.logged(" grants=1 "), 1, "{:?}", house.log);
    house.pass(Duration::from_mins(2));
    house.handle(Input::Signal(Request::Counters));
    assert_eq!(house.logged(" grants=0 "), 1, "{:?}", house.log);
}

/// Behind one address of a NAT, the guesser and who knows the password are one.
#[test]
fn a_guesser_behind_the_same_address_as_a_client_was_never_locked_out() {
    let mut house = House::new(config());
    let address = ip("192.0.2.1");
    let client = |house: &mut House| {
        house.attempt(address, b"1111");
    };
    assert_eq!(house.looked_at(200, address, client), 4 + MAX_FAILURES, "forgiven once");
    house.pass(Duration::from_mins(14));
    assert_eq!(house.attempt(address, b"1111"), Answer::Ready);
    assert_eq!(house.looked_at(8, address, client), MAX_FAILURES, "and not again for 15 minutes");
}

#[test]
fn a_right_password_shortened_the_next_lock_out() {
    let mut house = House::new(config());
    let address = ip("192.0.2.1");
    for seconds in [30, 60, 120] {
        assert_eq!(house.looked_at(10, address, |_| ()), MAX_FAILURES);
        assert_eq!(house.logged(&format!("locked out for {seconds} s")), 1, "{:?}", house.log);
        house.pass(Duration::from_secs(seconds));
        assert_eq!(house.attempt(address, b"1111"), Answer::Ready);
    }
}

/// Everybody on a link shares `fe80::/64`.
#[test]
fn one_host_locked_out_every_host_on_its_link() {
    let mut house = House::new(config());
    assert_eq!(house.looked_at(10, ip("fe80::1"), |_| ()), MAX_FAILURES);
    assert_eq!(house.attempt(ip("fe80::2"), b"1111"), Answer::Ready);
    assert_eq!(house.attempt(ip("fe80::1"), b"1111"), Answer::TooMany);
}

#[test]
fn more_sites_than_the_table_has_room_for_were_forgotten_while_locked_out() {
    let mut house = House::new(config());
    let known = ip("192.0.2.7");
    assert_eq!(house.attempt(known, b"1111"), Answer::Ready);
    let table = u16::try_from(MAX_FAILING_ADDRESSES).expect("it fits");
    let looked_at = (0..table + 200).map(|n| house.looked_at(5, site(n), |_| ())).sum::<usize>();
    let braked = looked_at - usize::from(table) * MAX_FAILURES;
    assert!((1..=20).contains(&braked), "{braked} guesses from sites that are not in the table");
    for n in 0..table {
        assert_eq!(house.attempt(site(n), b"1111"), Answer::TooMany, "site {n}");
    }
    assert_eq!(house.attempt(site(5000), b"1111"), Answer::TooMany, "not even looked at");
    assert_eq!(house.attempt(known, b"1111"), Answer::Ready, "it holds a grant");
    assert_eq!(house.attempt(ip("127.0.0.1"), b"1111"), Answer::Ready, "loopback is excepted");
    assert_eq!(house.logged("gave wrong passwords recently"), 1);
    house.pass(Duration::from_mins(20));
    assert_eq!(house.logged("checked again"), 1);
    assert_eq!(house.attempt(site(5000), b"guess"), Answer::Wrong);
}

/// 1040 idle connections of one address to the authentication port were all of `server.max_clients`.
#[test]
fn one_address_took_every_place_of_every_service() {
    let mut house = House::new(config());
    let refused = (0..1040).filter(|_| house.connect(Service::Auth, ip("192.0.2.1")).1 == Some(6)).count();
    assert!(refused > 0 || house.server.stats().count(Counter::RefusedSilently) > 0);
    assert!(house.server.clients() <= 128, "half of the 256 places");
    assert!(house.logged("192.0.2.1 on the auth port: it holds 128 connections, the share of an address") > 0);
    for service in Service::ALL {
        assert_eq!(house.connect(service, ip("192.0.2.2")).1, None, "{service:?}");
        assert_eq!(house.connect(service, ip("127.0.0.1")).1, None, "{service:?}");
    }
    assert_eq!(house.connect(Service::Data, ip("192.0.2.1")).1, None, "it has a share of each service");
}

#[test]
fn a_site_has_one_share_and_loopback_all_places() {
    let mut config = config();
    config.server.max_clients = 5;
    let mut house = House::new(config);
    let codes: Vec<_> = (1..=4).map(|n| house.connect(Service::Data, ip(&format!("2001:db8::{n}"))).1).collect();
    assert_eq!(codes, [None, None, None, Some(6)], "half of five, rounded up");
    let codes: Vec<_> = (0..6).map(|_| house.connect(Service::Settings, ip("127.0.0.1")).1).collect();
    assert_eq!(codes, [None, None, None, None, None, Some(6)], "all five");
}

/// Idle connections of a few addresses are gone after a second once they leave less than a quarter of the places.
#[test]
fn idle_connections_kept_the_authentication_port_full() {
    let mut house = House::new(config());
    let idle = |house: &mut House, host: &str, count: usize| {
        for _ in 0..count {
            assert_eq!(house.connect(Service::Auth, ip(host)).1, None);
        }
    };
    idle(&mut house, "192.0.2.1", 96);
    idle(&mut house, "192.0.2.2", 96);
    house.pass(Duration::from_millis(1500));
    assert_eq!(house.server.clients(), 192, "5 s, while a quarter of the places is free");
    idle(&mut house, "192.0.2.3", 64);
    assert_eq!(house.connect(Service::Auth, ip("192.0.2.4")).1, Some(6), "full");
    house.pass(Duration::from_secs(1));
    assert_eq!(house.server.clients(), 192);
    assert_eq!(house.attempt(ip("192.0.2.4"), b"1111"), Answer::Ready);
}

/// A refused connection is held for up to a second, until its client closes.
#[test]
fn refused_connections_took_the_places_of_clients() {
    let mut house = House::new(config());
    let silent = |house: &House| house.server.stats().count(Counter::RefusedSilently);
    for _ in 0..128 + 64 {
        house.connect(Service::Auth, ip("192.0.2.1"));
    }
    assert_eq!(silent(&house), 0);
    for _ in 0..10 {
        let conn = ConnId { slot: house.next, generation: 0 };
        house.next += 1;
        let peer = ip("192.0.2.1").into();
        let out = house.handle(Input::Accepted { conn, service: Service::Auth, peer });
        assert_eq!(out, [Output::Close(conn)], "as many are being told already");
    }
    assert_eq!(silent(&house), 10);
    assert_eq!(house.connect(Service::Data, ip("192.0.2.2")).1, None);
}
