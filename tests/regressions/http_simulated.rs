//! Bugs that the simulation found once HTTP clients took part in it.

use std::net::IpAddr;
use std::time::Duration;

use es_iot_server::config::{CameraConfig, CameraSource, Config, Secret};
use es_iot_server::media::draw::{Format, Slate};
use es_iot_server::server::{ConnId, Input, Output, Peer, Reloaded, Request, Server, Service};
use es_iot_server::service::scram::Client;
use es_iot_server::time::{Mono, Now};

use crate::{A, B};

const C: ConnId = ConnId { slot: 2, generation: 1 };

/// A server with a camera, the password `1111`, and a clock that is moved by hand.
struct Bench {
    server: Server,
    now: Now,
    config: Config,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let command = Some(vec!["cam".into()]);
        let (source, width, height) = (CameraSource::Command, 64, 64);
        let camera = CameraConfig { source, command, width, height, ..CameraConfig::default() };
        let mut config = Config { camera, ..Config::default() };
        change(&mut config);
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), unix_ms: 0 };
        Self { server: crate::started(config.clone(), now), now, config }
    }

    /// What is done, but for lines of the log.
    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Report(_) | Output::Notify(_)));
        out
    }

    /// Moves the clock and wakes the server.
    fn pass(&mut self, milliseconds: u64) -> Vec<Output> {
        self.now.mono = self.now.mono + Duration::from_millis(milliseconds);
        self.handle(Input::Wakeup)
    }

    fn connect(&mut self, conns: &[ConnId]) {
        for &conn in conns {
            self.handle(Input::Accepted { conn, service: Service::Http, peer: Peer::Local });
        }
    }

    /// From another host.
    fn connect_from_afar(&mut self, conn: ConnId) {
        let peer = "192.0.2.1".parse::<IpAddr>().expect("an address").into();
        self.handle(Input::Accepted { conn, service: Service::Http, peer });
    }

    fn ask(&mut self, conn: ConnId, requests: &str) -> Vec<Output> {
        self.handle(Input::Received { conn, bytes: requests.as_bytes() })
    }

    /// The camera writes a key picture, and its pipe is empty then.
    fn film(&mut self) -> Vec<Output> {
        self.film_of(64)
    }

    fn film_of(&mut self, width: u32) -> Vec<Output> {
        let mut bytes = Vec::new();
        Slate::new(Format::new(width, 64, 24).expect("a small picture")).picture("picture", "pi", 0, &mut bytes);
        let mut out = self.handle(Input::Video { bytes: &bytes });
        out.extend(self.handle(Input::VideoDrained));
        out.extend(self.pass(1000));
        out
    }

    fn log_in(&mut self, conn: ConnId) -> String {
        let client = Client::new([7; 18]);
        let post = |message: &str| call("POST", "/api/login", &format!("{{\"message\":\"{message}\"}}"));
        let out = self.ask(conn, &post(&client.first()));
        let server_first = between(&sent(&out), "\"message\":\"", "\"");
        let (client_final, _) = client.answer(b"1111", server_first.as_bytes()).expect("a challenge");
        let out = self.ask(conn, &post(&client_final));
        format!("Cookie: es_iot_session={}", between(&sent(&out), "es_iot_session=", ";"))
    }
}

fn get(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: pi\r\n{header}\r\n\r\n").replace("\r\n\r\n\r\n", "\r\n\r\n")
}

fn call(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    let headers = format!("Host: pi\r\nContent-Type: application/json\r\nContent-Length: {length}");
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n{body}")
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap_or_default().to_owned()
}

/// What is sent, to whomever.
fn sent(outputs: &[Output]) -> String {
    let text = |output: &Output| {
        let Output::Send { frame, .. } = output else { return None };
        Some(String::from_utf8_lossy(frame.as_bytes()).into_owned())
    };
    outputs.iter().filter_map(text).collect()
}

fn sent_to(conn: ConnId, outputs: Vec<Output>) -> String {
    let to = |output: &Output| matches!(output, Output::Send { conn: to, .. } if *to == conn);
    sent(&outputs.into_iter().filter(to).collect::<Vec<_>>())
}

/// A reader of the events whose socket was full for a moment right after a change got the same state once more.
#[test]
fn a_reader_of_the_events_is_not_sent_the_same_state_twice() {
    let mut bench = Bench::new(|_| {});
    bench.connect(&[A]);
    assert!(sent(&bench.ask(A, &get("/events", ""))).contains("event: status"));
    bench.handle(Input::Blocked { conn: A });
    assert_eq!(bench.handle(Input::Unblocked { conn: A }), []);
}

/// A camera was gone, and no viewer there to get a slate: the state was that of its last pictures, 24 a second.
#[test]
fn a_camera_that_is_gone_has_no_rate() {
    let mut bench = Bench::new(|_| {});
    bench.connect(&[A]);
    for _ in 0..5 {
        bench.film();
    }
    let mut rate = || {
        let status = sent(&bench.ask(A, &get("/api/status", "")));
        bench.pass(2000);
        between(&status, "\"pictures_per_second\": ", ",")
    };
    assert_eq!(rate(), "1.0");
    assert_eq!(rate(), "1.0", "the next picture may still come");
    assert_eq!(rate(), "0.0");
}

/// Two changes waited for the disk, and the first client had sent another change behind its own: the second client was
/// shown that as stored.
#[test]
fn a_change_is_not_answered_with_what_another_client_has_changed_since() {
    let mut bench = Bench::new(|_| {});
    bench.connect(&[A, B]);
    let put = |gain: u8| call("PUT", "/api/settings", &format!("{{\"gain\":{gain}}}"));
    bench.ask(A, &(put(2) + &put(3)));
    bench.ask(B, &call("PUT", "/api/settings", "{}"));
    assert!(bench.pass(150).iter().any(|output| matches!(output, Output::Store(_))));
    let out = bench.handle(Input::Stored { result: Ok(()) });
    assert!(sent_to(B, out).contains("\"gain\": 2.0"), "3 is in force by now, and not on the disk");
}

/// Clients that waited for the first picture all got the video, however many they were.
#[test]
fn no_more_viewers_than_allowed_wait_for_the_video() {
    let mut bench = Bench::new(|config| config.server.max_viewers = 2);
    bench.connect(&[A, B, C]);
    let out: Vec<Output> = [A, B, C].iter().flat_map(|&conn| bench.ask(conn, &get("/video.mp4", ""))).collect();
    assert!(sent(&out).starts_with("HTTP/1.1 503 "), "the third is refused");
    let begun = bench.film().into_iter().filter(|output| matches!(output, Output::WatchMp4 { .. })).count();
    assert_eq!(begun, 2);
}

/// A session whose stream went on ended after an hour all the same.
#[test]
fn a_session_is_not_idle_while_its_stream_goes_on() {
    let mut bench = Bench::new(|config| config.auth.required = true);
    bench.connect_from_afar(A);
    let cookie = bench.log_in(A);
    bench.ask(A, &get("/events", &cookie));
    for _ in 0..23 {
        let out = bench.pass(3_600_000);
        assert!(!out.contains(&Output::Finish(A)), "the stream goes on");
    }
    bench.connect_from_afar(B);
    assert!(sent(&bench.ask(B, &get("/api/settings", &cookie))).starts_with("HTTP/1.1 200 "));
    assert!(bench.pass(3_600_000).contains(&Output::Finish(A)), "a day is over");
}

/// A reload that was over only when the server was stopping was answered as if it had taken effect.
#[test]
fn a_reload_that_comes_too_late_is_not_reported_as_done() {
    let mut bench = Bench::new(|_| {});
    bench.connect(&[A]);
    assert!(bench.ask(A, &call("POST", "/api/reload", "{}")).contains(&Output::Reload));
    bench.handle(Input::Signal(Request::Stop));
    let found = Reloaded {
        config: bench.config.clone(),
        password: Secret::new("1111"),
        settings: None,
        needs_restart: Vec::new(),
        is_persistent: true,
    };
    let out = bench.handle(Input::Reloaded(Ok(Box::new(found))));
    assert!(sent(&out).starts_with("HTTP/1.1 500 "), "{}", sent(&out));
}

/// A DESCRIBE was refused after a wait, and a PLAY behind it waited on. With the first picture, the viewer counted as one
/// that knows its size, and was closed when a camera of another size began.
#[test]
fn a_viewer_whose_description_was_refused_is_not_closed_for_another_size() {
    let mut bench = Bench::new(|config| config.auth.required = false);
    let peer = "192.0.2.1".parse::<IpAddr>().expect("an address").into();
    bench.handle(Input::Accepted { conn: A, service: Service::Rtsp, peer });
    let uri = "rtsp://192.0.2.9:8554/ES_MTX";
    let set_up = format!("SETUP {uri} RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n");
    let session = between(&sent(&bench.ask(A, &set_up)), "Session: ", ";");
    let describe = format!("DESCRIBE {uri} RTSP/1.0\r\nCSeq: 2\r\n\r\n");
    let play = format!("PLAY {uri} RTSP/1.0\r\nCSeq: 3\r\nSession: {session}\r\n\r\n");
    bench.ask(A, &(describe + &play));
    let out = bench.pass(8000);
    assert!(sent(&out).contains("RTSP/1.0 503 ") && sent(&out).contains("RTSP/1.0 200 "), "{}", sent(&out));
    assert!(!bench.film_of(96).contains(&Output::Finish(A)));
}
