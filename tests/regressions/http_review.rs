//! Bugs of the HTTP service that a review found.

use std::time::Duration;

use es_iot_server::config::{CameraConfig, CameraSource, Config};
use es_iot_server::media::draw::{Format, Slate};
use es_iot_server::server::{ConnId, Input, Output, Peer, Server, Service};
use es_iot_server::time::{Mono, Now};

use crate::{A, B};

/// A server with a camera, and a clock that is moved by hand.
struct Bench {
    server: Server,
    now: Now,
}

impl Bench {
    fn new() -> Self {
        let command = Some(vec!["cam".into()]);
        let (source, width, height) = (CameraSource::Command, 64, 64);
        let camera = CameraConfig { source, command, width, height, ..CameraConfig::default() };
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), unix_ms: 0 };
        Self { server: crate::started(Config { camera, ..Config::default() }, now), now }
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out
    }

    fn pass(&mut self, milliseconds: u64) -> Vec<Output> {
        self.now.mono = self.now.mono + Duration::from_millis(milliseconds);
        self.handle(Input::Wakeup)
    }

    fn ask(&mut self, conn: ConnId, request: &str) -> Vec<Output> {
        self.handle(Input::Accepted { conn, service: Service::Http, peer: Peer::Local });
        self.handle(Input::Received { conn, bytes: request.as_bytes() })
    }

    /// The camera writes a key picture of over 400 KB.
    fn film(&mut self) {
        let mut bytes = Vec::new();
        Slate::new(Format::new(64, 64, 24).expect("a small picture")).picture("picture", "pi", 0, &mut bytes);
        bytes.resize(bytes.len() + 400_000, 0x55);
        self.handle(Input::Video { bytes: &bytes });
        self.handle(Input::VideoDrained);
        self.pass(1000);
    }

    /// Asks for a snapshot, which the client's socket takes a part of.
    fn ask_for_snapshot(&mut self, headers: &str) {
        self.film();
        let out = self.ask(A, &format!("GET /snapshot.h264 HTTP/1.1\r\nHost: pi\r\n{headers}\r\n"));
        assert!(sent_bytes(&out, A) > 400_000, "{}", sent_bytes(&out, A));
        assert!(!closes(&out, A));
        self.handle(Input::Blocked { conn: A });
    }

    /// Lets time pass in which the client's socket takes bytes now and then. Whether the connection goes on.
    fn is_taken_for(&mut self, seconds: u64) -> bool {
        (0..seconds).all(|second| {
            let mut out = self.pass(1000);
            if second % 10 == 9 {
                out.extend(self.handle(Input::Took { conn: A }));
            }
            !closes(&out, A)
        })
    }
}

fn closes(outputs: &[Output], client: ConnId) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Close(conn) | Output::Finish(conn) if *conn == client))
}

fn sent(outputs: &[Output], client: ConnId) -> Vec<u8> {
    let frames = outputs.iter().filter_map(|output| {
        let Output::Send { conn, frame } = output else { return None };
        (*conn == client).then(|| frame.as_bytes())
    });
    frames.flatten().copied().collect()
}

fn sent_bytes(outputs: &[Output], client: ConnId) -> usize {
    sent(outputs, client).len()
}

/// How long the camera has been in its state, as the status event says that a client is sent.
fn since(outputs: &[Output], client: ConnId) -> f64 {
    let text = String::from_utf8_lossy(&sent(outputs, client)).into_owned();
    let (_, event) = text.split_once("event: status\ndata: ").expect("a status");
    let event: serde_json::Value = serde_json::from_str(event.lines().next().expect("a line")).expect("JSON");
    event["camera"]["since"].as_f64().expect("a time")
}

/// A client that wanted no further reply (`Connection: close`, HTTP/1.0) had a second to take its last one, as if it had been
/// refused: a snapshot on a slow link was cut off.
#[test]
fn a_long_last_reply_is_sent_to_its_end() {
    let mut bench = Bench::new();
    bench.ask_for_snapshot("Connection: close\r\n");
    assert!(bench.is_taken_for(60));
    let out = bench.handle(Input::Sent { conn: A });
    assert!(out.contains(&Output::Finish(A)), "{out:?}");
}

/// The same happened to one that had closed its sending side.
#[test]
fn a_long_reply_to_a_client_that_has_closed_its_side_is_sent_to_its_end() {
    let mut bench = Bench::new();
    bench.ask_for_snapshot("");
    bench.handle(Input::Finished { conn: A });
    assert!(bench.is_taken_for(60));
    let out = bench.handle(Input::Sent { conn: A });
    assert!(out.contains(&Output::Finish(A)), "{out:?}");
}

/// One that took longer over a reply than a connection may be idle was closed in the middle of it.
#[test]
fn a_client_that_takes_a_long_reply_is_not_idle() {
    let mut bench = Bench::new();
    bench.ask_for_snapshot("");
    assert!(bench.is_taken_for(60));
    bench.handle(Input::Unblocked { conn: A });
    bench.handle(Input::Sent { conn: A });
    assert!(bench.is_taken_for(29), "it is idle from now on");
    assert!(!bench.is_taken_for(2));
}

/// What takes nothing of a last reply is still closed.
#[test]
fn a_client_that_takes_nothing_of_its_last_reply_is_closed() {
    let mut bench = Bench::new();
    bench.ask_for_snapshot("Connection: close\r\n");
    assert!(!bench.is_taken_for(5) || bench.pass(25_000).contains(&Output::Close(A)));
}

/// A client of the events that came later was told how long the camera had been in its state when the first one came.
#[test]
fn a_later_client_of_the_events_is_told_the_present_state() {
    let events = "GET /events HTTP/1.1\r\nHost: pi\r\n\r\n";
    let mut bench = Bench::new();
    bench.film();
    let first = since(&bench.ask(A, events), A);
    for _ in 0..20 {
        bench.film();
    }
    bench.pass(200);
    let out = bench.ask(B, events);
    assert!(since(&out, B) > first + 20.0, "{} after {first}", since(&out, B));
    assert_eq!(sent_bytes(&out, A), 0, "nothing has changed for the first");
}

/// While a camera was silent, the answer depended on who watched: until `camera.stall_seconds` had passed, video moved unless a
/// viewer was there for whom a slate was drawn.
#[test]
fn a_silent_camera_is_not_healthy_when_nobody_watches() {
    let mut bench = Bench::new();
    let health = |bench: &mut Bench| {
        let out = bench.ask(A, "GET /healthz HTTP/1.1\r\nHost: pi\r\n\r\n");
        String::from_utf8_lossy(&sent(&out, A)).into_owned()
    };
    bench.film();
    assert!(health(&mut bench).starts_with("HTTP/1.1 200"));
    bench.pass(8000);
    let silent = health(&mut bench);
    assert!(silent.starts_with("HTTP/1.1 503"), "{silent}");
    bench.film();
    assert!(health(&mut bench).starts_with("HTTP/1.1 200"));
}
