//! What clients do, one after another.

use std::net::IpAddr;

use es_iot_server::ids::{Peer, Service};
use rand::RngExt;
use rand::rngs::SmallRng;

use super::requests::{change, logout, reload, request};
use super::{Ask, Body, Cookie, PEOPLE, Sign};
use crate::client::{Act, Client};
use crate::{MILLI, SECOND};

const PEERS: [&str; 10] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.1",
    "2001:db8::1",
    "fe80::1",
    "127.0.0.1",
    "127.0.0.1",
    "198.51.100.7",
    "local",
    "local",
];

/// Any HTTP client.
pub fn any(rng: &mut SmallRng) -> Client {
    let mut client = somebody(rng);
    match rng.random_range(0..20) {
        0..3 => orderly(rng, &mut client.script),
        3..6 => pipelines(rng, &mut client.script),
        6..9 => streams(rng, "/video.mp4", &mut client.script),
        9..12 => streams(rng, "/events", &mut client.script),
        12 => snapshots(rng, &mut client.script),
        13 | 14 => changes(rng, &mut client.script),
        15 | 16 => logs_in(rng, &mut client.script),
        17 => page(rng, &mut client.script),
        18 => stranger(rng, &mut client.script),
        _ => hungry(rng, &mut client.script),
    }
    let end = client.script.iter().map(|&(at, _)| at).max().unwrap_or(0) + rng.random_range(0..20 * SECOND);
    match rng.random_range(0..4) {
        0 => client.script.push((end, Act::Reset)),
        1 => client.script.push((end, Act::HalfClose)),
        // It falls silent, or goes on listening.
        _ => client.script.push((end + 100 * SECOND, Act::Reset)),
    }
    client
}

fn somebody(rng: &mut SmallRng) -> Client {
    let peer = PEERS[rng.random_range(0..PEERS.len())].parse::<IpAddr>().map_or(Peer::Local, Peer::from);
    Client { person: rng.random_range(0..PEOPLE), ..Client::new(Service::Http, peer) }
}

/// Logs in, listens for more than an hour, and asks for other things then.
pub fn faithful(rng: &mut SmallRng) -> Vec<(u64, Client)> {
    let person = rng.random_range(0..PEOPLE);
    let peer = Peer::from("192.0.2.2".parse::<IpAddr>().expect("an address"));
    let client = |script| Client { script, person, ..Client::new(Service::Http, peer) };
    let mut login = Vec::new();
    logs_in(rng, &mut login);
    let listens = vec![(0, Act::Browse(vec![Ask::get(["/events", "/video.mp4"][rng.random_range(0..2)])], None))];
    let asks = (0..6).map(|nth| (nth * 5 * SECOND, Act::Browse(vec![Ask::get("/api/status")], None))).collect();
    vec![(0, client(login)), (9 * SECOND, client(listens)), (rng.random_range(10..20) * SECOND, client(asks))]
}

/// Asks more often than one connection may.
pub fn insistent(rng: &mut SmallRng) -> Client {
    let mut script = Vec::new();
    for nth in 0..26 {
        let ask = Ask { cookie: Cookie::None, ..Ask::get(["/favicon.ico", "/healthz"][nth % 2]) };
        script.push((nth as u64 * 300 * MILLI, Act::Browse(vec![ask; 39], None)));
    }
    Client { script, ..somebody(rng) }
}

/// Takes a snapshot, but not off the socket.
pub fn hoarder(rng: &mut SmallRng) -> Client {
    let stays = rng.random_range(5..40) * SECOND;
    let take = Act::Browse(vec![Ask::get("/snapshot.h264")], None);
    let script = vec![(0, Act::Stick), (MILLI, take), (stays, Act::Loosen), (stays + SECOND, Act::Reset)];
    Client { script, ..somebody(rng) }
}

/// One request after another.
fn orderly(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    let pause = [100 * MILLI, 2 * SECOND, 40 * SECOND][rng.random_range(0..3)];
    for _ in 0..rng.random_range(1..8) {
        let ask = request(rng);
        script.push((at, Act::Browse(vec![ask], cut(rng, &mut at))));
        sticks(rng, 0.1, &mut at, script);
        at += rng.random_range(0..pause);
    }
}

/// Many requests in one piece.
fn pipelines(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    for _ in 0..rng.random_range(1..4) {
        let many = rng.random_range(2..12);
        let asks = if rng.random_bool(0.3) {
            vec![
                Ask { cookie: Cookie::None, ..Ask::get(["/", "/api/status", "/metrics"][rng.random_range(0..3)]) };
                many
            ]
        } else {
            (0..many).map(|_| request(rng)).collect()
        };
        if rng.random_bool(0.4) {
            script.push((at, Act::Stick));
        }
        script.push((at, Act::Browse(asks, cut(rng, &mut at))));
        at += rng.random_range(0..5 * SECOND);
        script.push((at, Act::Loosen));
        at += rng.random_range(0..5 * SECOND);
    }
}

/// Gets a stream, more or less readily.
fn streams(rng: &mut SmallRng, target: &'static str, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    let mut asks: Vec<Ask> = (0..rng.random_range(0..2)).map(|_| request(rng)).collect();
    asks.push(Ask::get(target));
    if rng.random_bool(0.2) {
        asks.push(Ask::get("/"));
    }
    script.push((at, Act::Browse(asks, cut(rng, &mut at))));
    for _ in 0..rng.random_range(0..6) {
        at += rng.random_range(0..10 * SECOND);
        match rng.random_range(0..8) {
            0 => script.push((at, Act::Browse(vec![Ask::get("/")], None))),
            1 => script.push((at, Act::HalfClose)),
            _ => sticks(rng, 1.0, &mut at, script),
        }
    }
}

/// Its socket fills, and perhaps takes a little now and then.
fn sticks(rng: &mut SmallRng, often: f64, at: &mut u64, script: &mut Vec<(u64, Act)>) {
    if !rng.random_bool(often) {
        return;
    }
    script.push((*at, Act::Stick));
    let longest = [300 * MILLI, 3 * SECOND, 60 * SECOND][rng.random_range(0..3)];
    let trickles = rng.random_bool(0.4);
    let end = *at + rng.random_range(0..longest);
    while *at < end {
        *at += rng.random_range(MILLI..20 * SECOND);
        if trickles {
            script.push((*at, Act::Trickle));
        }
    }
    script.push((*at, Act::Loosen));
}

fn snapshots(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    for _ in 0..rng.random_range(1..5) {
        let many = rng.random_range(1..4);
        let asks = vec![Ask::get("/snapshot.h264"); many];
        script.push((at, Act::Browse(asks, cut(rng, &mut at))));
        sticks(rng, 0.3, &mut at, script);
        at += rng.random_range(0..4 * SECOND);
    }
}

/// PUTs, one after another or a few at once.
fn changes(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    let pause = [150 * MILLI, 3 * SECOND, 12 * SECOND][rng.random_range(0..3)];
    for _ in 0..rng.random_range(1..8) {
        let many = if rng.random_bool(0.3) { rng.random_range(2..4) } else { 1 };
        let asks = (0..many).map(|_| if rng.random_bool(0.8) { change(rng) } else { Ask::get("/api/settings") });
        script.push((at, Act::Browse(asks.collect(), cut(rng, &mut at))));
        at += rng.random_range(0..pause);
    }
}

/// A login while there are perhaps no keys.
pub fn early(rng: &mut SmallRng) -> Client {
    let mut client = somebody(rng);
    logs_in(rng, &mut client.script);
    client
}

/// A login, what it is for, and perhaps its end.
fn logs_in(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let login = |body| Ask::json("POST", "/api/login", body);
    let mut at = 0;
    let mut one = |at: &mut u64, ask: Ask| script.push((*at, Act::Browse(vec![ask], None)));
    one(&mut at, login(Body::First));
    // Not all answer in time.
    at +=
        if rng.random_bool(0.1) { rng.random_range(25 * SECOND..35 * SECOND) } else { rng.random_range(MILLI..SECOND) };
    one(&mut at, login(Body::Final));
    if rng.random_bool(0.2) {
        one(&mut at, login(Body::Again));
    }
    for _ in 0..rng.random_range(0..5) {
        at += rng.random_range(0..2 * SECOND);
        let ask = if rng.random_bool(0.6) { Ask { sign: Sign::Right, ..change(rng) } } else { request(rng) };
        one(&mut at, ask);
        if rng.random_bool(0.2) {
            one(&mut at, Ask { sign: Sign::Again, ..change(rng) });
        }
    }
    if rng.random_bool(0.3) {
        one(&mut at, logout(rng));
        at += rng.random_range(0..SECOND);
        one(&mut at, Ask::get("/api/settings"));
    }
}

/// What the page asks for, over one connection.
fn page(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let asks = ["/", "/favicon.ico", "/api/settings", "/api/status"].map(Ask::get);
    let mut at = 0;
    for ask in asks {
        script.push((at, Act::Browse(vec![ask], None)));
        at += rng.random_range(0..300 * MILLI);
    }
    script.push((at, Act::Browse(vec![Ask::get("/events")], None)));
}

/// Asks for what is not there yet: a picture, or a reload.
fn hungry(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    for _ in 0..rng.random_range(1..4) {
        let ask = match rng.random_range(0..3) {
            0 => Ask::get("/video.mp4"),
            1 => Ask::get("/snapshot.h264"),
            _ => reload(rng),
        };
        script.push((at, Act::Browse(vec![ask, request(rng)], None)));
        at += rng.random_range(0..8 * SECOND);
    }
}

/// Sends a part of it first, and the rest later.
fn cut(rng: &mut SmallRng, at: &mut u64) -> Option<(usize, u64)> {
    if rng.random_bool(0.8) {
        return None;
    }
    let longest = [SECOND, 12 * SECOND][rng.random_range(0..2)];
    let after = rng.random_range(0..longest);
    *at += after;
    Some((rng.random_range(0..1000), after))
}

/// Speaks something else, or HTTP that can't be gone on with, or nothing.
fn stranger(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let text = match rng.random_range(0..10) {
        0 => Vec::new(),
        1 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        2 => b"GET / HTTP/1.1\nHost: pi\n\n".to_vec(),
        3 => format!("GET / HTTP/1.1\r\nHost: pi\r\nX: {}", "x".repeat(9000)).into_bytes(),
        4 => format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000)).into_bytes(),
        5 => ("GET / HTTP/1.1\r\n".to_owned() + &"X: y\r\n".repeat(65) + "\r\n").into_bytes(),
        6 => b"\r\n\r\nGET / HTTP/1.1\r\nHost: pi\r\nHost: pi\r\n\r\n".to_vec(),
        7 => b"GET / HTTP/1.1\r\nHost: p\x01\r\n\r\n".to_vec(),
        8 => b"OPTIONS * RTSP/1.0\r\nCSeq: 8\r\n\r\n".to_vec(),
        _ => b"PUT /api/settings HTTP/1.1\r\nHost: pi\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{"
            .to_vec(),
    };
    let (at, cut) = (rng.random_range(0..5 * SECOND), rng.random_range(0..=text.len()));
    script.push((at, Act::Send(text[..cut].to_vec())));
    script.push((at + rng.random_range(0..5 * SECOND), Act::Send(text[cut..].to_vec())));
}
