//! The RTSP exchange: requests mixed with `$` frames and rubbish. However they are cut, the same comes out; nothing
//! panics or spins, memory stays bounded, and what the viewer is to get follows the states of a session.
//!
//! The first byte chooses the access rule and whether answers are late, the second how many bytes after it are the lengths
//! of pieces. The rest makes the stream: a byte chooses a method, a frame or raw bytes, the next one the headers.
//! `cargo +nightly fuzz run rtsp`

#![no_main]

#[path = "../../src/service/rtsp/exchange/tests/viewer.rs"]
mod viewer;
mod pieces;

use std::time::Duration;

use es_iot_server::limits::{RTSP_MAX_HEAD_BYTES, RTSP_MAX_WAITING_BYTES};
use es_iot_server::service::rtsp::{Access, Context, Exchange, Ends, FirstPacket, Input, Output};
use es_iot_server::time::Mono;
use libfuzzer_sys::fuzz_target;
use pieces::pieces;
use viewer::Viewer;

const METHODS: [&str; 10] =
    ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN", "RECORD", "X"];
const URIS: [&str; 4] = ["rtsp://h/s", "rtsp://h:8554/s/trackID=0", "*", "rtsp://h/other?x"];
const TRANSPORTS: [&str; 4] = [
    "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n",
    "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n",
    "Transport: RTP/AVP;multicast,RTP/AVP/TCP\r\n",
    "",
];
const SECRET: [u8; 32] = [5; 32];

struct Rig {
    exchange: Exchange,
    now: Mono,
    access: Access<'static>,
    all: Vec<Output>,
    viewer: Viewer,
}

impl Rig {
    fn new(choice: u8) -> Self {
        let now = Mono::from_nanos(1);
        let access = match choice % 4 {
            0 | 1 => Access::Open,
            2 => Access::Password(b"1"),
            _ => Access::LockedOut(Duration::from_secs(1)),
        };
        Self { exchange: Exchange::new(now, SECRET), now, access, all: Vec::new(), viewer: Viewer::default() }
    }

    fn feed(&mut self, input: Input<'_>, answer: bool) {
        let ends = Ends { udp: Some(8000), ssrc: 1 };
        let context = Context { now: self.now, access: self.access, path: "s", ends, room: true, key_interval: Duration::from_secs(1) };
        let mut todo = Vec::new();
        self.exchange.handle(&context, input, &mut todo);
        while !todo.is_empty() {
            for output in std::mem::take(&mut todo) {
                self.viewer.follow(&output);
                if answer && output == Output::Describe {
                    self.exchange.handle(&context, Input::Described("v=0\r\n"), &mut todo);
                } else if answer && output == Output::Start {
                    let first = FirstPacket { seq: 1, rtptime: 2 };
                    self.exchange.handle(&context, Input::Started(first), &mut todo);
                }
                self.all.push(output);
            }
        }
    }

    fn pass(&mut self, seconds: u8) {
        self.now = self.now + Duration::from_secs(u64::from(seconds % 32));
        for _ in 0..3 {
            if self.exchange.deadline().is_some_and(|due| due <= self.now) {
                self.feed(Input::Wakeup, false);
            }
        }
        assert!(self.exchange.deadline().is_none_or(|due| due > self.now), "it spins");
    }
}

/// The stream that bytes stand for.
fn stream(mut bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(nth_id(ids.len()));
    }
    while let [what, how, rest @ ..] = bytes {
        bytes = rest;
        let (piece, behind) = rest.split_at(rest.len().min(usize::from(how % 16)));
        match what % 16 {
            method @ 0..10 => {
                let session = ids.get(usize::from(how >> 6)).map_or(String::new(), |id| format!("Session: {id}\r\n"));
                let head = format!(
                    "{} {} RTSP/1.0\r\nCSeq: {how}\r\n{}{session}\r\n",
                    METHODS[usize::from(method)],
                    URIS[usize::from(how & 3)],
                    TRANSPORTS[usize::from(how >> 2 & 3)],
                );
                stream.extend(head.into_bytes());
            }
            10 | 11 => {
                stream.extend([b'$', what >> 5, 0, how % 16]);
                stream.extend(piece);
                bytes = behind;
            }
            12 => {
                let head = format!("GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: {}\r\n\r\n", piece.len());
                stream.extend(head.into_bytes());
                stream.extend(piece);
                bytes = behind;
            }
            13 => stream.extend([b'$', what >> 5, how % 16, 0]),
            _ => {
                stream.extend(piece);
                bytes = behind;
            }
        }
    }
    stream
}

/// The identifier of the n-th session that a connection begins.
fn nth_id(n: usize) -> String {
    let mut rig = Rig::new(0);
    for _ in 0..=n {
        rig.feed(Input::Bytes(b"SETUP rtsp://h/s RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP\r\n\r\n"), true);
    }
    let Some(Output::Reply(reply)) = rig.all.last() else { unreachable!("a SETUP is answered") };
    reply.split("Session: ").nth(1).and_then(|rest| rest.split(';').next()).expect("it names the session").to_owned()
}

fuzz_target!(|input: &[u8]| {
    let [choice, count, rest @ ..] = input else { return };
    let (lengths, rest) = rest.split_at(rest.len().min(usize::from(*count)));
    let stream = stream(rest);

    if choice & 128 == 0 {
        // However it is cut, the same comes out.
        let mut whole = Rig::new(*choice);
        whole.feed(Input::Bytes(&stream), true);
        let mut cut = Rig::new(*choice);
        for piece in pieces(&stream, lengths) {
            cut.feed(Input::Bytes(piece), true);
        }
        assert_eq!(cut.all, whole.all);
    } else {
        // Time passes, answers come late or not at all, and a peer is read while it should not be.
        let mut rig = Rig::new(*choice);
        for (at, piece) in stream.chunks(100).enumerate() {
            let how = lengths.get(at).copied().unwrap_or_default();
            rig.feed(Input::Bytes(piece), how & 128 != 0);
            rig.pass(how & 31);
            match how >> 5 & 3 {
                0 => rig.feed(Input::Described("v=0\r\n"), false),
                1 => rig.feed(Input::Started(FirstPacket { seq: 1, rtptime: 2 }), false),
                2 => rig.feed(Input::Alive, false),
                _ => {
                    rig.access = if rig.access == Access::Open { Access::Password(b"1") } else { Access::Open };
                    rig.feed(Input::AccessChanged, false);
                }
            }
            // A Vec that grows doubles.
            assert!(rig.exchange.memory_bytes() <= 2 * (RTSP_MAX_HEAD_BYTES + RTSP_MAX_WAITING_BYTES));
        }
    }
});
