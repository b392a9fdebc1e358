//! Conversations with a scripted server behind them.

mod access;
mod clients;
mod deadlines;
mod methods;
mod properties;
mod rows;
mod viewer;

use std::time::Duration;

use super::*;
use crate::limits::RTSP_MAX_HEAD_BYTES;
use crate::service::rtsp::transport::Ends;

const SDP: &str = "v=0\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=0\r\n";
const URI: &str = "rtsp://192.0.2.1:8554/ES_MTX";
const FIRST: FirstPacket = FirstPacket { seq: 4711, rtptime: 90_000 };
const TCP: &str = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";
const UDP: &str = "Transport: RTP/AVP;unicast;client_port=5000-5001";
const KEY_INTERVAL: Duration = Duration::from_secs(1);

/// A connection, and the server at its moment.
struct Rig {
    exchange: Exchange,
    now: Mono,
    access: Access<'static>,
    room: bool,
    /// The server's UDP port.
    udp: Option<u16>,
    /// Whether description and key picture are there as soon as they are asked for.
    ready: bool,
    cseq: u32,
}

impl Rig {
    fn new() -> Self {
        let now = Mono::from_nanos(5_000_000_000);
        let exchange = Exchange::new(now, [9; 32]);
        Self { exchange, now, access: Access::Open, room: true, udp: Some(8000), ready: true, cseq: 0 }
    }

    fn input(&mut self, input: Input<'_>) -> Vec<Output> {
        let (mut todo, mut all) = (Vec::new(), Vec::new());
        let ends = Ends { udp: self.udp, ssrc: 0xABCD_EF01 };
        let context = Context {
            now: self.now,
            access: self.access,
            path: "ES_MTX",
            ends,
            room: self.room,
            key_interval: KEY_INTERVAL,
        };
        self.exchange.handle(&context, input, &mut todo);
        while !todo.is_empty() {
            for output in std::mem::take(&mut todo) {
                if self.ready && output == Output::Describe {
                    self.exchange.handle(&context, Input::Described(SDP), &mut todo);
                } else if self.ready && output == Output::Start {
                    self.exchange.handle(&context, Input::Started(FIRST), &mut todo);
                }
                all.push(output);
            }
        }
        all
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) -> Vec<Output> {
        self.input(Input::Bytes(bytes.as_ref()))
    }

    /// Sends a request with the next number. `Session` is not among the headers.
    fn request(&mut self, method: &str, uri: &str, headers: &[&str]) -> Vec<Output> {
        self.cseq += 1;
        let number = format!("CSeq: {}", self.cseq);
        let lines = [&format!("{method} {uri} RTSP/1.0"), number.as_str()];
        let lines: Vec<&str> = lines.into_iter().chain(headers.iter().copied()).chain(["", ""]).collect();
        self.send(lines.join("\r\n"))
    }

    /// Sends a request, and returns its reply.
    fn ask(&mut self, method: &str, uri: &str, headers: &[&str]) -> Text {
        let reply = only_reply(&self.request(method, uri, headers));
        assert_eq!(reply.header("CSeq"), Some(self.cseq.to_string().as_str()), "CSeq is echoed always");
        reply
    }

    /// Sets up a session, and returns its header.
    fn set_up(&mut self, transport: &str) -> String {
        let reply = self.ask("SETUP", &format!("{URI}/trackID=0"), &[transport]);
        assert_eq!(reply.status(), 200, "{reply:?}");
        format!("Session: {}", reply.header("Session").unwrap().split(';').next().unwrap())
    }

    /// A connection that plays, and its session's header.
    fn playing(transport: &str) -> (Self, String) {
        let mut rig = Self::new();
        let session = rig.set_up(transport);
        assert_eq!(rig.ask("PLAY", URI, &[&session]).status(), 200);
        (rig, session)
    }

    fn after(&mut self, span: Duration) -> &mut Self {
        self.now = self.now + span;
        self
    }
}

/// A reply.
#[derive(Debug, Clone, PartialEq)]
struct Text(String);

impl Text {
    fn status(&self) -> u16 {
        self.0.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    fn headers(&self, name: &str) -> Vec<&str> {
        let (head, _) = self.0.split_once("\r\n\r\n").expect("a reply has a head");
        head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }

    fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").unwrap().1
    }
}

fn replies(outputs: &[Output]) -> Vec<Text> {
    let text = |output: &Output| if let Output::Reply(text) = output { Some(Text(text.clone())) } else { None };
    outputs.iter().filter_map(text).collect()
}

fn only_reply(outputs: &[Output]) -> Text {
    match &replies(outputs)[..] {
        [reply] => reply.clone(),
        other => panic!("{other:?} of {outputs:?}"),
    }
}

fn statuses(outputs: &[Output]) -> Vec<u16> {
    replies(outputs).iter().map(Text::status).collect()
}
