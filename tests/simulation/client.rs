//! What clients do: a script each, made before it connects.

use std::net::IpAddr;

use es_iot_server::ids::{Peer, Service};
use es_iot_server::service::scram::NONCE_BYTES;
use rand::RngExt;
use rand::rngs::SmallRng;

use crate::browser;
use crate::login::Answer;
use crate::viewer::{Ask, Memory};
use crate::{MILLI, SECOND};

#[derive(Debug, Clone)]
pub enum Act {
    Send(Vec<u8>),
    /// Writes these requests: all, or so many of a thousand bytes first and the rest so much later.
    Ask(Vec<Ask>, Option<(usize, u64)>),
    /// The same for HTTP.
    Browse(Vec<browser::Ask>, Option<(usize, u64)>),
    /// Answers the server's part of a login, with the same cut in the packet.
    Prove {
        nonce: [u8; NONCE_BYTES],
        answer: Answer,
        cut: Option<(usize, u64)>,
    },
    /// Writes the rest of what it has begun.
    Rest,
    HalfClose,
    Reset,
    Stick,
    /// It takes a little of what waits, and is stuck again.
    Trickle,
    Loosen,
}

#[derive(Debug, Clone)]
pub struct Client {
    pub service: Service,
    pub peer: Peer,
    /// What it does, and how long after it connected.
    pub script: Vec<(u64, Act)>,
    /// RTCP that it sends by UDP: when, from which port, and what.
    pub datagrams: Vec<(u64, u16, &'static [u8])>,
    /// What a viewer has in mind.
    pub memory: Memory,
    /// Who is behind it, over HTTP.
    pub person: usize,
}

impl Client {
    /// One that does nothing.
    pub fn new(service: Service, peer: Peer) -> Self {
        Self { service, peer, script: Vec::new(), datagrams: Vec::new(), memory: Memory::default(), person: 0 }
    }
}

/// Addresses, and a Unix socket on this host.
const PEERS: [&str; 13] = [
    "192.0.2.1",
    "192.0.2.2",
    "::ffff:192.0.2.1",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:0:1::1",
    "fe80::1",
    "fe80::2",
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "198.51.100.7",
    "local",
];

pub fn packet(id: u8, kind: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).expect("short").to_be_bytes();
    let mut bytes = vec![0, 0xFF, id, kind, high, low];
    bytes.extend(payload);
    bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte));
    bytes
}

pub fn peer(rng: &mut SmallRng) -> Peer {
    PEERS[rng.random_range(0..PEERS.len())].parse::<IpAddr>().map_or(Peer::Local, Peer::from)
}

/// Any client but a viewer. `password` is right.
pub fn any(rng: &mut SmallRng, password: &[u8]) -> Client {
    let service = Service::ALL[rng.random_range(0..3)];
    let peer = peer(rng);
    let mut client = Client::new(service, peer);
    match service {
        Service::Data => subscriber(rng, &mut client.script),
        Service::Settings => settings(rng, &mut client.script),
        Service::Auth => auth(rng, &mut client.script, password),
        Service::Rtsp | Service::Http => unreachable!("not among the first three"),
    }
    let end = client.script.last().map_or(0, |&(at, _)| at) + rng.random_range(0..6 * SECOND);
    match rng.random_range(0..4) {
        0 => client.script.push((end, Act::Reset)),
        1 | 2 => client.script.push((end, Act::HalfClose)),
        _ => client.script.push((end + 20 * SECOND, Act::Reset)),
    }
    client
}

/// One attempt of an address that no other client has; hardly ever with the first password.
pub fn guesser(first_password: bool) -> Client {
    let attempt = packet(0, 1, if first_password { b"1111" } else { b"guess" });
    let peer = Peer::Ip(IpAddr::from([203, 0, 113, 9]));
    let script = vec![(0, Act::Send(attempt)), (MILLI, Act::HalfClose)];
    Client { script, ..Client::new(Service::Auth, peer) }
}

/// One update after the other, for long. `every`: the longest pause between two.
pub fn tuner(rng: &mut SmallRng, every: u64, span: u64) -> Client {
    let address: IpAddr = [PEERS[0], "127.0.0.1"][rng.random_range(0..2)].parse().expect("an address");
    let mut client = Client::new(Service::Settings, Peer::from(address));
    let mut at = 0;
    while at < span {
        let update = packet(2, 1, &[100, rng.random_range(0..20), 10, 10, 10, rng.random()]);
        client.script.push((at, Act::Send(update)));
        at += rng.random_range(every / 2..=every);
    }
    client.script.push((at, Act::HalfClose));
    client
}

fn subscriber(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    if rng.random_bool(0.2) {
        script.push((0, Act::HalfClose));
    }
    let mut at = 0;
    for _ in 0..rng.random_range(0..4) {
        at += rng.random_range(0..2 * SECOND);
        if rng.random_bool(0.3) {
            script.push((at, Act::Send(vec![rng.random(); rng.random_range(1..300)])));
        }
        script.push((at, Act::Stick));
        at += if rng.random_bool(0.2) { rng.random_range(0..15 * SECOND) } else { rng.random_range(0..SECOND) };
        script.push((at, Act::Loosen));
    }
}

fn settings(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let slider = rng.random_bool(0.2);
    let pause = if slider { 100 * MILLI } else { 2 * SECOND };
    let (mut at, mut bytes) = (0, Vec::new());
    for _ in 0..rng.random_range(1..12) {
        bytes.extend(request(rng, slider));
        // Joined with the next, or cut, or as it is.
        match rng.random_range(0..5) {
            0 | 1 => continue,
            2 => {
                let cut = rng.random_range(0..=bytes.len());
                let rest = bytes.split_off(cut);
                script.push((at, Act::Send(std::mem::replace(&mut bytes, rest))));
                let longest = if rng.random_bool(0.1) { 7 * SECOND } else { SECOND };
                at += rng.random_range(0..longest);
            }
            _ => {}
        }
        script.push((at, Act::Send(std::mem::take(&mut bytes))));
        if rng.random_bool(0.15) {
            script.push((at, Act::Stick));
            at += if rng.random_bool(0.2) { rng.random_range(0..15 * SECOND) } else { rng.random_range(0..SECOND) };
            script.push((at, Act::Loosen));
        }
        at += rng.random_range(0..pause);
    }
    script.push((at, Act::Send(bytes)));
}

fn request(rng: &mut SmallRng, slider: bool) -> Vec<u8> {
    let update = |rng: &mut SmallRng| packet(2, 1, &[100, rng.random_range(0..20), 10, 10, 10, rng.random()]);
    match rng.random_range(0..if slider { 14 } else { 20 }) {
        0..6 => packet(2, 1, &[]),
        6..14 => update(rng),
        14 => packet(2, rng.random(), &[]),
        15 => packet(rng.random_range(0..9), 1, &[]),
        16 => packet(2, 1, &vec![1; rng.random_range(1..400)]),
        17 => {
            let mut bytes = update(rng);
            *bytes.last_mut().expect("a checksum") ^= 0x55;
            bytes
        }
        18 => vec![rng.random_range(1..=255); rng.random_range(1..400)],
        _ if rng.random_bool(0.3) => vec![0xFF; 1024],
        _ => packet(2, 1, &[]).repeat(rng.random_range(1..80)),
    }
}

fn auth(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>, password: &[u8]) {
    let bytes = match rng.random_range(0..10) {
        0..3 => packet(0, 1, password),
        3..7 => packet(0, 1, b"guess"),
        7 => packet(0, rng.random(), password),
        8 => vec![0, 0xFF, 0, 1, 9, 9],
        _ => vec![7; rng.random_range(1..1200)],
    };
    if rng.random_bool(0.2) {
        script.push((0, Act::Stick));
    }
    let cut = if rng.random_bool(0.7) { bytes.len() } else { rng.random_range(0..=bytes.len()) };
    script.push((rng.random_range(0..SECOND), Act::Send(bytes[..cut].to_vec())));
    script.push((rng.random_range(SECOND..8 * SECOND), Act::Send(bytes[cut..].to_vec())));
}
