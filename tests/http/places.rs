//! Floods: connections and requests. Clients that are there keep what they have, and the tick goes on.

use std::net::SocketAddr;
use std::process::Command;
use std::thread;

use es_iot_server::limits::{HTTP_LOCAL_PLACES, HTTP_PLACES};

use crate::client::Http;
use crate::stream::Listener;
use crate::support::{Client, Launch, skip, turn, until, while_data_flows};

const ALL: usize = HTTP_PLACES + HTTP_LOCAL_PLACES;

/// Moves this thread to a network of its own, with two addresses of the documentation's networks. A daemon that it starts is
/// in it too. False if that is not permitted.
pub fn in_network_namespace() -> bool {
    // SAFETY: only this thread is moved; it goes on with what it has opened, which is nothing.
    let is_alone = unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0;
    is_alone
        && ["link set lo up", "addr add 192.0.2.1/24 dev lo", "addr add 198.51.100.1/24 dev lo"]
            .into_iter()
            .all(|words| Command::new("ip").args(words.split(' ')).status().is_ok_and(|status| status.success()))
}

/// Whether a connection has a place: a request is answered. Otherwise it is turned away.
fn has_place(mut http: Http) -> Option<Http> {
    let text = http.compose("GET", "/healthz", &[], None);
    // One that is turned away may be closed by now.
    http.try_send(text.as_bytes());
    let reply = http.reply();
    if reply.status == 200 {
        return Some(http);
    }
    let reply = reply.expect(503);
    assert_eq!((reply.header("Retry-After"), reply.closes()), ("5", true));
    assert_eq!(reply.text(), "All places are taken: try again in a moment.\n");
    None
}

#[test]
fn idle_connections_take_no_more_than_their_share() {
    let _turn = turn();
    if !in_network_namespace() {
        return skip("this needs the right to a network namespace");
    }
    let launch = Launch::new().http().set("server.host", "0.0.0.0").set("auth.required", false);
    let mut daemon = launch.start();
    let port = daemon.http_port().port();
    let from = |source: &str| -> Http {
        Http::connect_from(source, SocketAddr::from((source.parse::<std::net::Ipv4Addr>().unwrap(), port)))
    };
    while_data_flows(&mut daemon, |daemon| {
        let first: Vec<Http> = (0..ALL / 2).map(|_| has_place(from("192.0.2.1")).expect("a share")).collect();
        assert!(has_place(from("192.0.2.1")).is_none());
        let second: Vec<Http> =
            (0..HTTP_PLACES - ALL / 2).map(|_| has_place(from("198.51.100.1")).expect("a place")).collect();
        assert!(has_place(from("198.51.100.1")).is_none());
        // Programs on this host have a few places more.
        let mut unix = Http::unix(&launch.http_socket());
        assert_eq!(unix.json("/api/status")["clients"]["http"], HTTP_PLACES + 1);
        assert_eq!((daemon.counter("refused_share"), daemon.counter("refused_full")), (1, 1));
        drop(first);
        until(|| unix.json("/api/status")["clients"]["http"] == second.len() + 1);
        has_place(from("192.0.2.1")).expect("a place is free again");
    });
}

#[test]
fn programs_that_come_by_loopback_leave_places_to_the_unix_socket() {
    let launch = Launch::new().http();
    let daemon = launch.start();
    let port = daemon.http_port();
    let taken: Vec<Http> = (0..HTTP_PLACES).map(|_| has_place(Http::connect(port)).expect("a place")).collect();
    assert!(has_place(Http::connect(port)).is_none());
    let unix: Vec<Http> = (0..HTTP_LOCAL_PLACES)
        .map(|_| has_place(Http::unix(&launch.http_socket())).expect("a place of its own"))
        .collect();
    assert!(has_place(Http::unix(&launch.http_socket())).is_none());
    drop((taken, unix));
    until(|| {
        let mut http = Http::unix(&launch.http_socket());
        let text = http.compose("GET", "/healthz", &[], None);
        http.try_send(text.as_bytes());
        http.reply().status == 200
    });
}

#[test]
fn a_flood_of_connections_delays_no_tick() {
    let _turn = turn();
    let mut daemon = Launch::new().http().start();
    let port = daemon.http_port();
    let mut listener = Listener::connect(port);
    while_data_flows(&mut daemon, |_| {
        thread::scope(|scope| {
            for flood in 0..4 {
                scope.spawn(move || {
                    for number in 0..500 {
                        let mut http = Http::connect(port);
                        match (flood + number) % 4 {
                            0 => drop(http),
                            1 => drop(http.try_send(b"\x16\x03\x01")),
                            2 => drop(http.try_send(b"GET / HTTP/1.1\r\nHo")),
                            _ => drop(has_place(http)),
                        }
                    }
                });
            }
        });
    });
    listener.value();
    until(|| Http::connect(port).json("/api/status")["clients"]["http"] == 2);
}

#[test]
fn a_flood_of_requests_delays_no_tick() {
    let _turn = turn();
    let mut daemon = Launch::new().http().start();
    let port = daemon.http_port();
    let mut other = Client::connect(daemon.settings_port());
    while_data_flows(&mut daemon, |_| {
        let clients = ["HEAD /api/status", "GET /metrics", "GET /none", "HEAD /"].map(|line| {
            thread::spawn(move || {
                let request = format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                // Several connections, as one is over after a thousand.
                for _ in 0..2 {
                    let mut http = Http::connect(port);
                    for _ in 0..20 {
                        http.send(request.repeat(50));
                        for _ in 0..50 {
                            if line.starts_with("HEAD") {
                                http.head()
                            } else {
                                http.reply()
                            };
                        }
                    }
                }
            })
        });
        for _ in 0..20 {
            other.read();
        }
        for client in clients {
            client.join().unwrap();
        }
    });
    assert_eq!(daemon.counter("http_not_found"), 2000);
}

/// One reply after the other, while all of it is in the kernel already.
#[test]
fn a_pipelined_flood_is_answered_whole() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    let request = http.compose("GET", "/api/status", &[], None);
    let mut writer = match &http.stream {
        crate::client::Stream::Tcp(stream) => stream.try_clone().unwrap(),
        crate::client::Stream::Unix(_) => panic!("it is TCP"),
    };
    let all = request.repeat(1000);
    let sender = thread::spawn(move || std::io::Write::write_all(&mut writer, all.as_bytes()));
    for number in 1..=1000 {
        let reply = http.reply().expect(200);
        reply.json();
        assert_eq!(reply.closes(), number == 1000);
    }
    sender.join().unwrap().unwrap();
    http.expect_end();
}
