//! Bugs of the HTTP service.

use std::net::IpAddr;
use std::time::Duration;

use es_iot_server::config::{CameraConfig, CameraSource, Config};
use es_iot_server::limits::{HTTP_LOCAL_PLACES, HTTP_PLACES, HTTP_REPLIES_PER_STEP};
use es_iot_server::server::{ConnId, Input, Output, Peer, Server, Service};
use es_iot_server::service::scram;
use es_iot_server::time::{Mono, Now};

use crate::{A, B};

const C: ConnId = ConnId { slot: 2, generation: 1 };

/// A server without a camera, the password `1111`, and a clock that is moved by hand.
struct Bench {
    server: Server,
    now: Now,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let camera = CameraConfig { source: CameraSource::None, ..CameraConfig::default() };
        let mut config = Config { camera, ..Config::default() };
        config.auth.required = false;
        change(&mut config);
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), unix_ms: 0 };
        Self { server: crate::started(config, now), now }
    }

    /// What is done, but for lines of the log.
    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Report(_) | Output::Notify(_)));
        out
    }

    fn pass(&mut self, milliseconds: u64) -> Vec<Output> {
        self.now.mono = self.now.mono + Duration::from_millis(milliseconds);
        self.handle(Input::Wakeup)
    }

    fn connect_from(&mut self, conn: ConnId, peer: Peer) -> Vec<Output> {
        self.handle(Input::Accepted { conn, service: Service::Http, peer })
    }

    fn connect(&mut self, conn: ConnId) {
        self.connect_from(conn, address("192.0.2.1"));
    }

    fn ask(&mut self, conn: ConnId, requests: &str) -> Vec<Output> {
        self.handle(Input::Received { conn, bytes: requests.as_bytes() })
    }

    /// Asks, and expects one reply: its head and its body.
    fn reply(&mut self, conn: ConnId, request: &str) -> String {
        let out = self.ask(conn, request);
        let sent = sent(&out, conn);
        assert!(sent.starts_with("HTTP/1.1 "), "{sent}");
        sent
    }
}

fn address(text: &str) -> Peer {
    text.parse::<IpAddr>().expect("an address").into()
}

/// All that is sent to a connection.
fn sent(outputs: &[Output], to: ConnId) -> String {
    let frames = outputs.iter().filter_map(|output| {
        let Output::Send { conn, frame } = output else { return None };
        (*conn == to).then(|| String::from_utf8_lossy(frame.as_bytes()))
    });
    frames.collect()
}

fn call(method: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 192.0.2.9\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn put(gain: u8) -> String {
    call("PUT", "/api/settings", "", &format!("{{\"gain\":{gain}}}"))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 192.0.2.9\r\n\r\n")
}

fn guarded(config: &mut Config) {
    config.auth.required = true;
}

/// Logs in: the header of the session's cookie, and its key.
fn log_in(bench: &mut Bench, conn: ConnId) -> (String, scram::Key) {
    let message = |reply: &str| {
        let (_, body) = reply.split_once("\r\n\r\n").expect("a body");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        body["message"].as_str().expect("a message").to_owned()
    };
    let login = |text: &str| call("POST", "/api/login", "", &serde_json::json!({ "message": text }).to_string());
    let client = scram::Client::new([7; scram::NONCE_BYTES]);
    let first = bench.reply(conn, &login(&client.first()));
    let (last, expected) = client.answer(b"1111", message(&first).as_bytes()).expect("an answer");
    let reply = bench.reply(conn, &login(&last));
    let key = expected.check(message(&reply).as_bytes()).expect("the server knows the password");
    let (_, cookie) = reply.split_once("Set-Cookie: ").expect("a cookie");
    (format!("Cookie: {}\r\n", cookie.split(';').next().expect("its value")), key)
}

/// Two PUTs waited for the disk, and the first client had sent another one behind its own: the second client got an answer
/// with settings that were not on the disk.
#[test]
fn a_waiting_put_is_not_answered_with_what_a_put_behind_another_brings() {
    let mut bench = Bench::new(|_| {});
    bench.connect(A);
    bench.connect(B);
    bench.ask(A, &[put(2), put(3)].concat());
    bench.ask(B, &call("PUT", "/api/settings", "", "{}"));
    let out = bench.pass(0);
    assert!(out.iter().any(|output| matches!(output, Output::Store(_))), "{out:?}");
    let out = bench.handle(Input::Stored { result: Ok(()) });
    for conn in [A, B] {
        let reply = sent(&out, conn);
        assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("\"gain\": 2.0"), "{conn:?}: {reply}");
    }
}

/// Viewers that waited for the first picture were not counted, and all began with it.
#[test]
fn viewers_that_wait_for_a_picture_have_a_place_already() {
    let mut bench = Bench::new(|config| config.server.max_viewers = 2);
    for conn in [A, B, C] {
        bench.connect(conn);
    }
    assert_eq!(sent(&bench.ask(A, &get("/video.mp4")), A), "");
    assert_eq!(sent(&bench.ask(B, &get("/video.mp4")), B), "");
    let reply = bench.reply(C, &get("/video.mp4"));
    assert!(reply.starts_with("HTTP/1.1 503") && reply.contains("Retry-After: 5"), "{reply}");
    // One that goes leaves its place.
    bench.handle(Input::Lost { conn: A });
    assert_eq!(sent(&bench.ask(C, &get("/video.mp4")), C), "");
}

/// A log-out and a reload of a session needed its cookie alone, which others may have overheard.
#[test]
fn every_change_of_a_session_is_signed() {
    let mut bench = Bench::new(|config| {
        guarded(config);
        config.auth.trust_loopback = false;
    });
    bench.connect_from(A, address("127.0.0.1"));
    let (cookie, key) = log_in(&mut bench, A);
    let mut counter = 0;
    let mut signed = |path: &str| {
        counter += 1;
        let change = scram::Change { counter, method: "POST", path, body: b"{}" };
        format!("{cookie}Es-Iot-Signature: {counter} {}\r\n", scram::sign(&key, &change))
    };
    for path in ["/api/reload", "/api/logout"] {
        let reply = bench.reply(A, &call("POST", path, &cookie, "{}"));
        assert!(reply.starts_with("HTTP/1.1 403"), "{path}: {reply}");
        let other = signed("/api/settings");
        let reply = bench.reply(A, &call("POST", path, &other, "{}"));
        assert!(reply.starts_with("HTTP/1.1 403"), "{path}: {reply}");
    }
    let out = bench.ask(A, &call("POST", "/api/reload", &signed("/api/reload"), "{}"));
    assert!(out.iter().any(|output| matches!(output, Output::Reload)), "{out:?}");
    let out = bench.handle(Input::Reloaded(Err("no file".into())));
    assert!(sent(&out, A).starts_with("HTTP/1.1 500"), "{out:?}");
    let reply = bench.reply(A, &call("POST", "/api/logout", &signed("/api/logout"), "{}"));
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

/// A wrong proof was answered with 401 and no challenge, which RFC 9110 (section 15.5.2) demands.
#[test]
fn a_wrong_proof_is_answered_with_a_challenge() {
    let mut bench = Bench::new(guarded);
    bench.connect(A);
    let login = |text: &str| call("POST", "/api/login", "", &serde_json::json!({ "message": text }).to_string());
    let client = scram::Client::new([7; scram::NONCE_BYTES]);
    let first = bench.reply(A, &login(&client.first()));
    let (_, message) = first.split_once("{\"message\":\"").expect("a message");
    let message = message.split('"').next().expect("its end");
    let (last, _) = client.answer(b"2222", message.as_bytes()).expect("an answer");
    let reply = bench.reply(A, &login(&last));
    assert!(reply.starts_with("HTTP/1.1 401") && reply.contains("WWW-Authenticate: Cookie realm="), "{reply}");
}

/// Clients that came by loopback, as all do that come through a proxy on this host, took the places of the Unix socket too:
/// no program had the status any more.
#[test]
fn the_places_of_the_unix_socket_are_for_its_clients() {
    let mut bench = Bench::new(|_| {});
    let connected = |bench: &mut Bench, slot: usize, peer: Peer| {
        let conn = ConnId { slot: u16::try_from(slot).expect("a slot"), generation: 1 };
        sent(&bench.connect_from(conn, peer), conn).is_empty()
    };
    for slot in 0..HTTP_PLACES {
        assert!(connected(&mut bench, slot, address("127.0.0.1")), "{slot}");
    }
    assert!(!connected(&mut bench, HTTP_PLACES, address("127.0.0.1")));
    for slot in 0..HTTP_LOCAL_PLACES {
        assert!(connected(&mut bench, 300 + slot, Peer::Local), "{slot}");
    }
    assert!(!connected(&mut bench, 400, Peer::Local));
}

/// The replies to all requests that a client had sent in one go were made in one step of the loop, and the tick waited: on
/// four connections, up to 200 ms.
#[test]
fn a_step_answers_few_requests() {
    let mut bench = Bench::new(|_| {});
    bench.connect(A);
    let request = "HEAD /api/status HTTP/1.1\r\nHost: 1.1.1.1\r\n\r\n";
    let mut out = bench.ask(A, &request.repeat(24));
    let (mut replies, mut steps) = (0, 0);
    loop {
        let count = sent(&out, A).matches("HTTP/1.1 200 OK").count();
        assert!((1..=HTTP_REPLIES_PER_STEP as usize).contains(&count), "{count} replies in one step");
        (replies, steps) = (replies + count, steps + 1);
        if !out.contains(&Output::WhenSent(A)) {
            break;
        }
        out = bench.handle(Input::Sent { conn: A });
    }
    assert_eq!(replies, 24);
    assert!(steps >= 3);
}

/// Without a slate and without a camera there was no answer for 15 s, and then none that named the reason.
#[test]
fn where_there_can_be_no_picture_the_answer_comes_immediately() {
    let mut bench = Bench::new(|config| config.camera.slate = false);
    bench.connect(A);
    for path in ["/video.mp4", "/snapshot.h264"] {
        let reply = bench.reply(A, &get(path));
        assert!(
            reply.starts_with("HTTP/1.1 503") && reply.ends_with("there is no picture from the camera\n"),
            "{reply}"
        );
        assert!(!reply.contains("Connection: close"), "{reply}");
    }
}

/// A camera that does not come, without a slate for it.
fn without_pictures(config: &mut Config) {
    config.camera = CameraConfig {
        source: CameraSource::Command,
        command: Some(vec!["cam".into()]),
        slate: false,
        ..CameraConfig::default()
    };
}

/// A client whose wait for a picture was over kept its place among the viewers.
#[test]
fn a_wait_that_is_over_leaves_its_place() {
    let mut bench = Bench::new(|config| {
        without_pictures(config);
        config.server.max_viewers = 1;
    });
    bench.connect(A);
    assert_eq!(sent(&bench.ask(A, &get("/video.mp4")), A), "");
    assert!(sent(&bench.pass(15_000), A).starts_with("HTTP/1.1 503"));
    bench.connect(B);
    assert_eq!(sent(&bench.ask(B, &get("/video.mp4")), B), "");
}

/// With a camera that is to come, the reason is named once the wait is over, and the connection goes on.
#[test]
fn a_picture_that_does_not_come_is_named_as_the_reason() {
    let mut bench = Bench::new(without_pictures);
    bench.connect(A);
    assert_eq!(sent(&bench.ask(A, &get("/snapshot.h264")), A), "");
    let reply = sent(&bench.pass(15_000), A);
    assert!(reply.starts_with("HTTP/1.1 503") && reply.ends_with("there is no picture from the camera\n"), "{reply}");
    assert!(bench.reply(A, &get("/healthz")).starts_with("HTTP/1.1 "), "the connection goes on");
}
