//! What viewers do: RTSP clients that are orderly, slow, hasty, silent, or no RTSP clients at all.

use std::net::IpAddr;

use es_iot_server::ids::{Peer, Service};
use md5::Md5;
use rand::RngExt;
use rand::rngs::SmallRng;
use sha2::{Digest, Sha256};

use crate::client::{Act, Client};
use crate::{MILLI, SECOND};

const STREAM: &str = "rtsp://192.0.2.9:8554/ES_MTX";
const ADDRESSES: [&str; 8] =
    ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2", "fe80::1", "127.0.0.1", "198.51.100.7"];
/// A receiver report, and something that has another version.
const RTCP: [&[u8]; 2] = [&[0x80, 201, 0, 1, 1, 2, 3, 4], &[0x40, 201, 0, 1, 1, 2, 3, 4]];

/// Which session a request names.
#[derive(Debug, Clone, Copy)]
enum Named {
    Mine,
    Nothing,
    Another,
}

/// A request that is written once session and challenge are known.
#[derive(Debug, Clone)]
pub struct Ask {
    method: &'static str,
    uri: String,
    session: Named,
    /// More header lines.
    headers: Vec<String>,
    body: &'static str,
    version: &'static str,
    cseq: &'static str,
}

/// Which password a viewer gives when it is asked for one.
#[derive(Debug, Clone, Copy, Default)]
enum Gives {
    #[default]
    Right,
    Wrong,
    None,
}

/// What a viewer keeps in mind.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    session: Option<String>,
    nonce: Option<String>,
    number: u32,
    gives: Gives,
    /// It answers with SHA-256, not MD5.
    sha: bool,
}

/// An answer to a Digest challenge: MD5 without `qop` (RFC 2617), or SHA-256 with it (RFC 7616).
pub fn digest(sha: bool, [user, realm, password, method, uri, nonce]: [&str; 6]) -> String {
    fn hash<D: Digest>(text: &str) -> String {
        D::digest(text.as_bytes()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }
    let (secret, asked) = (format!("{user}:{realm}:{password}"), format!("{method}:{uri}"));
    if sha {
        let (secret, asked) = (hash::<Sha256>(&secret), hash::<Sha256>(&asked));
        return hash::<Sha256>(&format!("{secret}:{nonce}:00000001:c:auth:{asked}"));
    }
    hash::<Md5>(&format!("{}:{nonce}:{}", hash::<Md5>(&secret), hash::<Md5>(&asked)))
}

impl Memory {
    /// Takes note of a reply.
    pub fn hear(&mut self, reply: &[u8]) {
        let Ok(text) = str::from_utf8(reply) else { return };
        let between = |before: &str, after: char| Some(text.split_once(before)?.1.split_once(after)?.0.to_owned());
        self.session = between("\r\nSession: ", ';').or_else(|| self.session.take());
        self.nonce = between("nonce=\"", '"').or_else(|| self.nonce.take());
    }

    /// Writes a request.
    pub fn write(&mut self, ask: &Ask, password: &str) -> Vec<u8> {
        self.number += 1;
        let Ask { method, uri, version, body, .. } = ask;
        let cseq = if ask.cseq == "n" { self.number.to_string() } else { ask.cseq.to_owned() };
        let mut lines = vec![format!("{method} {uri} {version}")];
        if !cseq.is_empty() {
            lines.push(format!("CSeq: {cseq}"));
        }
        match (ask.session, &self.session) {
            (Named::Mine, Some(id)) => lines.push(format!("Session: {id}")),
            (Named::Another, _) => lines.push("Session: 0123456789abcdef0123456789abcdef".into()),
            (Named::Mine | Named::Nothing, _) => {}
        }
        let password = match self.gives {
            Gives::Right => Some(password),
            Gives::Wrong => Some("guess"),
            Gives::None => None,
        };
        if let (Some(nonce), Some(password)) = (&self.nonce, password) {
            let realm = "es-iot-server";
            let response = digest(self.sha, ["es-iot", realm, password, method, uri, nonce]);
            let sha = if self.sha { ", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"c\"" } else { "" };
            lines.push(format!(
                "Authorization: Digest username=\"es-iot\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
                 response=\"{response}\"{sha}"
            ));
        }
        lines.extend(ask.headers.iter().cloned());
        if !body.is_empty() {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        (lines.join("\r\n") + "\r\n\r\n" + body).into_bytes()
    }
}

impl Ask {
    fn new(method: &'static str, session: Named) -> Self {
        let (headers, uri) = (Vec::new(), STREAM.to_owned());
        Self { method, uri, session, headers, body: "", version: "RTSP/1.0", cseq: "n" }
    }

    fn with(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }

    fn at(mut self, below: &str) -> Self {
        self.uri += below;
        self
    }
}

/// Any viewer.
pub fn any(rng: &mut SmallRng) -> Client {
    let address: IpAddr = ADDRESSES[rng.random_range(0..ADDRESSES.len())].parse().expect("an address");
    let gives = [Gives::Right, Gives::Right, Gives::Right, Gives::Wrong, Gives::None][rng.random_range(0..5)];
    let memory = Memory { gives, sha: rng.random_bool(0.3), ..Memory::default() };
    let mut client = Client { memory, ..Client::new(Service::Rtsp, Peer::from(address)) };
    match rng.random_range(0..12) {
        0..7 => orderly(rng, &mut client),
        7..10 => wild(rng, &mut client.script),
        10 => describes(rng, &mut client.script),
        _ => stranger(rng, &mut client.script),
    }
    let end = client.script.last().map_or(0, |&(at, _)| at) + rng.random_range(0..20 * SECOND);
    match rng.random_range(0..4) {
        0 => client.script.push((end, Act::Reset)),
        1 => client.script.push((end, Act::HalfClose)),
        // It falls silent.
        _ => client.script.push((end + 100 * SECOND, Act::Reset)),
    }
    client
}

/// Asks for the description, sets up, plays and stays for a while, in any tempo.
fn orderly(rng: &mut SmallRng, client: &mut Client) {
    let port = 5000 + rng.random_range(0..8_u16) * [1, 2][rng.random_range(0..2)];
    let transport = if rng.random_bool(0.5) {
        format!("RTP/AVP;unicast;client_port={port}-{}", port + 1)
    } else {
        ["RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP;unicast;interleaved=4-5"][rng.random_range(0..2)]
            .to_owned()
    };
    let mut asks = vec![Ask::new("OPTIONS", Named::Nothing)];
    for _ in 0..rng.random_range(0..3) {
        asks.push(Ask::new("DESCRIBE", Named::Nothing).with("Accept: application/sdp"));
    }
    asks.push(Ask::new("SETUP", Named::Nothing).at("/trackID=0").with(format!("Transport: {transport}")));
    asks.push(Ask::new("PLAY", Named::Mine).with("Range: npt=0.000-"));
    let pause = [0, 5 * MILLI, 300 * MILLI, 3 * SECOND][rng.random_range(0..4)];
    let mut at = 0;
    for ask in asks {
        at += rng.random_range(0..=pause);
        client.script.push((at, Act::Ask(vec![ask], cut(rng, &mut at))));
    }
    let longest = [2 * SECOND, 30 * SECOND, 100 * SECOND][rng.random_range(0..3)];
    let stays = at + rng.random_range(0..longest);
    let every = [SECOND, 10 * SECOND, 30 * SECOND, 60 * SECOND][rng.random_range(0..4)];
    let datagrams = rng.random_bool(0.5);
    while at < stays {
        at += rng.random_range(every / 2..=every);
        let damaged = usize::from(rng.random_bool(0.1));
        match rng.random_range(0..12) {
            0..4 => client.script.push((at, Act::Ask(vec![Ask::new("GET_PARAMETER", Named::Mine)], None))),
            4 => pauses(rng, &mut at, &transport, &mut client.script),
            5 => {
                client.script.push((at, Act::Stick));
                at += rng.random_range(0..20 * SECOND);
                client.script.push((at, Act::Loosen));
            }
            6 => client.script.push((at, Act::Ask(vec![Ask::new("PLAY", Named::Mine)], None))),
            _ if datagrams => {
                let strange = rng.random_bool(0.1);
                client.datagrams.push((at, port + if strange { 7 } else { 1 }, RTCP[damaged]));
            }
            _ => {
                let frame = [&[b'$', [1, 5, 7][rng.random_range(0..3)], 0, 8], RTCP[damaged]].concat();
                client.script.push((at, Act::Send(frame)));
            }
        }
    }
    if rng.random_bool(0.5) {
        client.script.push((at, Act::Ask(vec![Ask::new("TEARDOWN", Named::Mine)], None)));
    }
}

/// Pauses and goes on; perhaps with another transport, as a session of its own or not; perhaps all in one.
fn pauses(rng: &mut SmallRng, at: &mut u64, transport: &str, script: &mut Vec<(u64, Act)>) {
    let mut asks = vec![Ask::new("PAUSE", Named::Mine)];
    if rng.random_bool(0.5) {
        let transport = if rng.random_bool(0.5) { transport } else { "RTP/AVP/TCP;unicast;interleaved=2-3" };
        let named = if rng.random_bool(0.5) { Named::Mine } else { Named::Nothing };
        asks.push(Ask::new("SETUP", named).with(format!("Transport: {transport}")));
    }
    asks.push(Ask::new("PLAY", Named::Mine));
    if rng.random_bool(0.3) {
        return script.push((*at, Act::Ask(asks, None)));
    }
    for ask in asks {
        script.push((*at, Act::Ask(vec![ask], None)));
        *at += rng.random_range(0..2 * SECOND);
    }
}

/// Sends a part of a request first, and the rest later: how much of a thousand, and how much later.
fn cut(rng: &mut SmallRng, at: &mut u64) -> Option<(usize, u64)> {
    if rng.random_bool(0.85) {
        return None;
    }
    let longest = [SECOND, 12 * SECOND][rng.random_range(0..2)];
    let after = rng.random_range(0..longest);
    *at += after;
    Some((rng.random_range(0..1000), after))
}

/// Any requests in any order, one by one or several at once.
fn wild(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let mut at = 0;
    let pause = [100 * MILLI, 2 * SECOND][rng.random_range(0..2)];
    for _ in 0..rng.random_range(1..12) {
        at += rng.random_range(0..pause);
        let many = if rng.random_bool(0.4) { rng.random_range(2..7) } else { 1 };
        let asks = (0..many).map(|_| request(rng)).collect();
        script.push((at, Act::Ask(asks, cut(rng, &mut at))));
    }
}

/// Only wants the description, and stays.
fn describes(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    for number in 0..3 {
        let ask = Ask::new("DESCRIBE", Named::Nothing);
        script.push((number * rng.random_range(0..50 * SECOND), Act::Ask(vec![ask], None)));
    }
    script.sort_by_key(|&(at, _)| at);
}

fn request(rng: &mut SmallRng) -> Ask {
    let named =
        [Named::Mine, Named::Mine, Named::Mine, Named::Mine, Named::Nothing, Named::Another][rng.random_range(0..6)];
    let mut ask = match rng.random_range(0..24) {
        0 | 1 => Ask::new("OPTIONS", Named::Nothing),
        2 | 3 => Ask::new("DESCRIBE", Named::Nothing),
        4..9 => {
            let list = [
                "RTP/AVP/TCP;unicast",
                "RTP/AVP/TCP;unicast;interleaved=8-9",
                "RTP/AVP;unicast;client_port=5000-5001",
                "RTP/AVP/UDP;unicast;client_port=5001-5002;mode=\"PLAY\"",
                "RTP/AVP;unicast;destination=198.51.100.7;client_port=5003",
                "RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1",
                "RTP/AVP;multicast",
                "RTP/AVP;unicast;client_port=80-81",
                "RTP/SAVP;unicast;client_port=5000-5001",
                "RTP/AVP/TCP;interleaved=256-257",
            ];
            let named = [Named::Mine, Named::Nothing, Named::Nothing, Named::Another][rng.random_range(0..4)];
            Ask::new("SETUP", named).with(format!("Transport: {}", list[rng.random_range(0..list.len())]))
        }
        9 => Ask::new("SETUP", Named::Nothing),
        10..14 => {
            let ranges = ["npt=now-", "npt=0.000-", "npt=-20", "clock=19961108T142300Z-"];
            let which = if rng.random_bool(0.7) { 0 } else { rng.random_range(0..ranges.len()) };
            let ask = Ask::new("PLAY", named).with(format!("Range: {}", ranges[which]));
            if rng.random_bool(0.2) { ask.with("Scale: 2.0") } else { ask }
        }
        14 | 15 => Ask::new("PAUSE", named),
        16 => Ask::new("GET_PARAMETER", named),
        17 => Ask { body: "volume: 11\r\n", ..Ask::new("SET_PARAMETER", named) },
        18 | 19 => Ask::new("TEARDOWN", named),
        20 => Ask::new(["ANNOUNCE", "RECORD", "FLY"][rng.random_range(0..3)], Named::Nothing),
        21 => Ask::new("DESCRIBE", Named::Nothing).with("Accept: text/html"),
        22 => Ask::new("OPTIONS", Named::Nothing).with("Require: implicit-play"),
        _ => Ask { version: "RTSP/2.0", ..Ask::new("OPTIONS", Named::Nothing) },
    };
    match rng.random_range(0..25) {
        0 => ask.uri = "rtsp://192.0.2.9/elsewhere".into(),
        1 => ask.uri = "*".into(),
        2 => ask.uri = "nonsense".into(),
        3 => ask.cseq = ["", "x"][rng.random_range(0..2)],
        4 => ask = ask.at("/trackID=1"),
        5 => ask = ask.at("/?secret"),
        _ => {}
    }
    ask
}

/// Speaks something else, or RTSP that can't be gone on with.
fn stranger(rng: &mut SmallRng, script: &mut Vec<(u64, Act)>) {
    let text = match rng.random_range(0..8) {
        0 => Vec::new(),
        1 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        2 => b"GET /ES_MTX HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        3 => b"OPTIONS * RTSP/1.0\r\nCSeq: 4\r\nno header\r\n\r\n".to_vec(),
        4 => format!("OPTIONS * RTSP/1.0\r\nCSeq: 5\r\nX: {}", "x".repeat(9000)).into_bytes(),
        5 => b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 6\r\nContent-Length: 4097\r\n\r\n".to_vec(),
        6 => [b"\r\n$\x01\x0B\xB8".to_vec(), vec![7; 3000], b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n".to_vec()].concat(),
        _ => b"OPTIONS * RTSP/1.0\r\nCSeq: 8\r\n".to_vec(),
    };
    let (at, cut) = (rng.random_range(0..5 * SECOND), rng.random_range(0..=text.len()));
    script.push((at, Act::Send(text[..cut].to_vec())));
    script.push((at + rng.random_range(0..5 * SECOND), Act::Send(text[cut..].to_vec())));
}
