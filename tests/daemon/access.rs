//! Passwords, lock-outs, grants and the number of clients, with clients at several addresses of this machine.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::golden::{READY, REJECTED, TOO_MANY_ATTEMPTS};
use crate::support::{Client, Daemon, Launch, packet, pass, skip, until};

const NOT_AUTHENTICATED: u8 = 4;
const TOO_MANY_CLIENTS: u8 = 6;

#[test]
fn only_the_password_is_right() {
    let daemon = Launch::new().start();
    assert_eq!(daemon.try_password("127.0.0.1", "1111"), READY);
    for (at, wrong) in ["", "1", "111", "11111", "11111111", "1112", "2111", &"1".repeat(256)].into_iter().enumerate() {
        let source = format!("127.0.1.{}", at + 1);
        assert_eq!(daemon.try_password(&source, wrong), REJECTED, "{wrong:?}");
    }
}

#[test]
fn an_address_is_locked_out_after_five_failures_and_no_other_is() {
    let mut daemon = Launch::new().start();
    for _ in 0..5 {
        assert_eq!(daemon.try_password("127.0.0.2", "wrong"), REJECTED);
    }
    daemon.await_log("127.0.0.2 is locked out for 30 s");
    assert_eq!(daemon.try_password("127.0.0.2", "wrong"), TOO_MANY_ATTEMPTS);
    assert_eq!(daemon.try_password("127.0.0.2", "1111"), TOO_MANY_ATTEMPTS);
    assert_eq!(daemon.try_password("127.0.0.3", "1111"), READY);

    // The data and settings ports have nothing to do with it.
    Client::connect_from("127.0.0.2", daemon.data_port()).data();
    Client::connect_from("127.0.0.2", daemon.settings_port()).read();
}

#[test]
fn attempts_can_be_multiplied_neither_in_one_connection_nor_in_many_at_once() {
    let daemon = Launch::new().start();
    let mut client = Client::connect_from("127.0.0.2", daemon.auth_port());
    client.send(&[packet(0, 1, b"wrong"), packet(0, 1, b"1111")].concat());
    assert_eq!(client.packet(), REJECTED);
    client.expect_end();

    let mut clients: Vec<Client> = (0..100).map(|_| Client::connect_from("127.0.0.3", daemon.auth_port())).collect();
    for client in &mut clients {
        client.send(&packet(0, 1, b"wrong"));
    }
    let wrong = clients.iter_mut().map(Client::packet).filter(|reply| *reply == REJECTED).count();
    assert_eq!(wrong, 5);
}

#[test]
fn a_right_password_clears_the_failures_before_it_once() {
    let daemon = Launch::new().start();
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!(daemon.try_password("127.0.0.2", "wrong"), REJECTED);
        }
        assert_eq!(daemon.try_password("127.0.0.2", "1111"), READY);
    }
    assert_eq!(daemon.try_password("127.0.0.2", "wrong"), REJECTED);
    assert_eq!(daemon.try_password("127.0.0.2", "1111"), TOO_MANY_ATTEMPTS);
}

#[test]
fn the_unspecified_address_serves_both_families() {
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skip("there is no IPv6");
    }
    let mut daemon = Launch::new().set("server.host", "::").start();
    let [data, settings, auth] = daemon.ports().map(|port| SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    Client::connect(data).data();
    Client::connect(settings).read();
    daemon.data().data();
    daemon.settings().read();

    for _ in 0..5 {
        let mut client = Client::connect(auth);
        client.send(&packet(0, 1, b"wrong"));
        assert_eq!(client.packet(), REJECTED);
    }
    daemon.await_log("::1 is locked out");
    let mut client = Client::connect(auth);
    client.send(&packet(0, 1, b"1111"));
    client.expect(&TOO_MANY_ATTEMPTS);
    assert_eq!(daemon.try_password("127.0.0.1", "1111"), READY, "the other family is another address");
}

fn refused(daemon: &Daemon, source: &str) {
    for (port, id) in [(daemon.data_port(), 1), (daemon.settings_port(), 2)] {
        let mut client = Client::connect_from(source, port);
        client.expect_error(id, NOT_AUTHENTICATED);
        client.expect_end();
    }
}

#[test]
fn with_authentication_required_an_address_needs_a_grant() {
    let launch = Launch::new().set("auth.required", true).set("auth.trust_loopback", false);
    let mut daemon = launch.start();
    refused(&daemon, "127.0.0.1");
    refused(&daemon, "127.0.0.2");
    assert_eq!(daemon.try_password("127.0.0.2", "wrong"), REJECTED);
    refused(&daemon, "127.0.0.2");
    assert_eq!(daemon.try_password("127.0.0.2", "1111"), READY);
    Client::connect_from("127.0.0.2", daemon.data_port()).data();
    refused(&daemon, "127.0.0.1");
    assert!(!daemon.log().contains("open to everyone"));
}

#[test]
fn a_grant_ends_with_the_last_connection_and_its_seconds() {
    let launch = Launch::new().set("auth.required", true).set("auth.trust_loopback", false);
    let daemon = launch.set("auth.grant_seconds", 1).start();
    assert_eq!(daemon.try_password("127.0.0.2", "1111"), READY);
    let mut data = Client::connect_from("127.0.0.2", daemon.data_port());
    // Two seconds of stream: the grant outlives its second while a connection is open.
    let (_, first) = data.data();
    until(|| data.data().1 >= first + 2000);
    Client::connect_from("127.0.0.2", daemon.settings_port()).read();
    drop(data);
    // A second without a connection; more than one try only if the machine is too busy for the daemon to see the end.
    let over = (0..10).any(|_| {
        pass(Duration::from_secs(2));
        let mut client = Client::connect_from("127.0.0.2", daemon.settings_port());
        client.send(&packet(2, 1, &[]));
        client.packet() == packet(2, 2, &[NOT_AUTHENTICATED])
    });
    assert!(over, "the grant never ended");
}

#[test]
fn loopback_is_trusted_if_so_configured() {
    let daemon = Launch::new().set("auth.required", true).start();
    daemon.data().data();
    Client::connect_from("127.0.0.9", daemon.settings_port()).read();
}

#[test]
fn one_client_more_than_allowed_is_told_and_closed() {
    let mut daemon = Launch::new().set("server.max_clients", 3).start();
    let mut clients = [daemon.settings(), daemon.settings(), daemon.settings()];
    let mut subscribers = [daemon.data(), daemon.data(), daemon.data()];
    for subscriber in &mut subscribers {
        subscriber.data();
    }
    for client in &mut clients {
        client.read();
    }
    let mut one_more = daemon.settings();
    one_more.expect_error(2, TOO_MANY_CLIENTS);
    one_more.expect_end();
    daemon.data().expect_error(1, TOO_MANY_CLIENTS);
    assert_eq!(daemon.counter("refused_full"), 2);
    assert_eq!(daemon.try_password("127.0.0.1", "1111"), READY, "each port has places of its own");

    let [mut first, mut second, _third] = clients;
    first.finish();
    first.expect_end();
    daemon.settings().read();
    second.read();
    subscribers[0].data();
}
