//! Bugs of the video service, found by the simulation: viewers, slates and pictures.

use std::net::IpAddr;
use std::time::Duration;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraConfig, CameraSource, Config, Secret};
use es_iot_server::limits::CLOCK_SET_FROM_MS;
use es_iot_server::media::draw::{Format, Slate};
use es_iot_server::server::{ConnId, Input, Output, Reloaded, Server, Service, Setup};
use es_iot_server::stats::Counter;
use es_iot_server::time::{Mono, Now};
use md5::{Digest, Md5};

use crate::{A, B};

const C: ConnId = ConnId { slot: 2, generation: 1 };
const STREAM: &str = "rtsp://192.0.2.9:8554/ES_MTX";
const TCP: &str = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";

/// A server with a camera, the password `1111`, and a clock that is moved by hand.
struct Bench {
    server: Server,
    now: Now,
    config: Config,
    slate: Slate,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let command = Some(vec!["cam".into()]);
        let (source, width, height) = (CameraSource::Command, 64, 64);
        let camera = CameraConfig { source, command, width, height, ..CameraConfig::default() };
        let mut config = Config { camera, auth: crate::open(), ..Config::default() };
        change(&mut config);
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), unix_ms: CLOCK_SET_FROM_MS };
        let setup = Setup {
            settings: CameraSettings::default(),
            password: Secret::new("1111"),
            seed: 1,
            watchdog: None,
            secret: [1; 32],
            host: "pi".into(),
            udp_port: Some(40_000),
            is_persistent: true,
        };
        let mut server = Server::new(config.clone(), setup, now);
        server.start(now, &mut Vec::new());
        Self { server, now, config, slate: Slate::new(Format::new(64, 64, 24).expect("a small picture")) }
    }

    /// What is done, but for lines of the log.
    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Report(_) | Output::Notify(_)));
        out
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now.mono = self.now.mono + Duration::from_millis(milliseconds);
    }

    fn connect(&mut self, conn: ConnId) -> Vec<Output> {
        let peer = "192.0.2.1".parse::<IpAddr>().expect("an address").into();
        self.handle(Input::Accepted { conn, service: Service::Rtsp, peer })
    }

    fn ask(&mut self, conn: ConnId, requests: &str) -> Vec<Output> {
        self.handle(Input::Received { conn, bytes: requests.as_bytes() })
    }

    /// Sets up a session: its Session header.
    fn set_up(&mut self, conn: ConnId, transport: &str) -> String {
        self.connect(conn);
        let out = self.ask(conn, &request("SETUP", &[transport]));
        format!("Session: {}", between(&replies(&out)[0], "Session: ", ";"))
    }

    /// The camera writes a key picture, or one that changes nothing, and its pipe is empty then.
    fn film(&mut self, key: bool) -> Vec<Output> {
        let mut bytes = Vec::new();
        if key {
            self.slate.picture("picture", "pi", 0, &mut bytes);
        } else {
            self.slate.repeat(1, &mut bytes);
        }
        let mut out = self.handle(Input::Video { bytes: &bytes });
        out.extend(self.handle(Input::VideoDrained));
        out
    }

    fn reload(&mut self) -> Vec<Output> {
        let (config, password) = (self.config.clone(), Secret::new("1111"));
        let fresh = Reloaded { config, password, settings: None, needs_restart: Vec::new(), is_persistent: true };
        self.handle(Input::Reloaded(Ok(Box::new(fresh))))
    }
}

fn request(method: &str, headers: &[&str]) -> String {
    let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
    format!("{method} {STREAM} RTSP/1.0\r\nCSeq: 1\r\n{headers}\r\n")
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap_or_default().to_owned()
}

fn replies(outputs: &[Output]) -> Vec<String> {
    let sent = |output: &Output| {
        let Output::Send { frame, .. } = output else { return None };
        Some(String::from_utf8_lossy(frame.as_bytes()).into_owned())
    };
    outputs.iter().filter_map(sent).filter(|text| text.starts_with("RTSP/")).collect()
}

fn statuses(outputs: &[Output]) -> Vec<String> {
    replies(outputs).iter().map(|reply| reply["RTSP/1.0 ".len()..][..3].to_owned()).collect()
}

/// Viewers that had to give the password were refused a place before they could.
#[test]
fn a_viewer_without_a_grant_is_asked_for_the_password() {
    let mut bench = Bench::new(|config| config.auth.required = true);
    assert_eq!(bench.connect(A), []);
    assert_eq!(statuses(&bench.ask(A, &request("DESCRIBE", &[]))), ["401"]);
}

/// Every reload ended the sessions of viewers that had given the password, whatever it changed.
#[test]
fn a_reload_that_changes_neither_password_nor_auth_ends_no_session() {
    let mut bench = Bench::new(|config| config.auth.required = true);
    bench.connect(A);
    let challenge = replies(&bench.ask(A, &request("SETUP", &[TCP]))).remove(0);
    let nonce = between(&challenge, "nonce=\"", "\"");
    let hash = |text: &str| {
        let digits = Md5::digest(text.as_bytes()).into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect::<String>()
    };
    let (secret, asked) = (hash("es-iot:es-iot-server:1111"), hash(&format!("SETUP:{STREAM}")));
    let answer = format!(
        "Authorization: Digest username=\"es-iot\", realm=\"es-iot-server\", nonce=\"{nonce}\", uri=\"{STREAM}\", \
         response=\"{}\"",
        hash(&format!("{secret}:{nonce}:{asked}"))
    );
    assert_eq!(statuses(&bench.ask(A, &request("SETUP", &[TCP, &answer]))), ["200"]);
    bench.config.auth.grant_seconds += 1;
    assert!(!bench.reload().contains(&Output::Finish(A)));
    bench.config.auth.trust_loopback = false;
    assert!(bench.reload().contains(&Output::Finish(A)), "who may watch may have changed");
}

/// A late wake-up that completed the camera's picture showed the slate right after it: the slate had been due before.
#[test]
fn a_slate_gives_way_to_the_picture_of_the_same_wakeup() {
    let mut bench = Bench::new(|_| {});
    let session = bench.set_up(A, TCP);
    bench.ask(A, &request("PLAY", &[&session]));
    bench.pass(500);
    assert_eq!(bench.film(true), [], "it is complete once the pipe was empty for a second");
    bench.pass(1100);
    let out = bench.handle(Input::Wakeup);
    assert_eq!(out.iter().filter(|&output| *output == Output::Pictures).count(), 1, "{out:?}");
    assert_eq!(bench.server.stats().count(Counter::Slates), 0);
}

/// A PLAY with a TEARDOWN right behind it ended a stream that had not begun, and then began it.
#[test]
fn a_stream_begins_before_it_ends() {
    let mut bench = Bench::new(|_| {});
    let session = bench.set_up(A, TCP);
    let both = request("PLAY", &[&session]) + &request("TEARDOWN", &[&session]);
    bench.ask(A, &both);
    bench.film(true);
    let out = bench.film(true);
    assert_eq!(statuses(&out), ["200", "200"]);
    let began = out.iter().position(|output| matches!(output, Output::Watch { .. }));
    let ended = out.iter().position(|output| *output == Output::Unwatch(A));
    assert!(began.is_some() && began < ended, "{out:?}");
}

/// With all places for viewers taken, a TEARDOWN with a SETUP right behind it found no place: its own had just been freed.
#[test]
fn a_session_that_ends_makes_room_for_the_next_of_its_connection() {
    let mut bench = Bench::new(|config| config.server.max_viewers = 1);
    let session = bench.set_up(A, TCP);
    let both = request("TEARDOWN", &[&session]) + &request("SETUP", &[TCP]);
    assert_eq!(statuses(&bench.ask(A, &both)), ["200", "200"]);
}

/// A viewer whose UDP ports another connection took over was sent a goodbye: to these ports, where the other listens. And
/// of two that had one of the ports each, one stayed.
#[test]
fn viewers_whose_ports_are_taken_over_all_go_and_say_nothing_there() {
    let mut bench = Bench::new(|_| {});
    for (conn, ports) in [(A, "5000-5001"), (B, "5002-5003")] {
        let session = bench.set_up(conn, &format!("Transport: RTP/AVP;unicast;client_port={ports}"));
        bench.ask(conn, &request("PLAY", &[&session]));
    }
    bench.film(true);
    bench.film(true);
    bench.connect(C);
    let out = bench.ask(C, &request("SETUP", &["Transport: RTP/AVP;unicast;client_port=5001-5002"]));
    let gone = [Output::Unwatch(A), Output::Finish(A), Output::Unwatch(B), Output::Finish(B)];
    assert_eq!(out[1..], gone);
}

/// A picture that an empty pipe completed, and that could not be shown, was counted with the next one.
#[test]
fn a_picture_that_is_dropped_is_counted_at_once() {
    let mut bench = Bench::new(|_| {});
    for picture in 0..9 {
        bench.film(picture == 0);
        bench.pass(100);
    }
    let session = bench.set_up(A, TCP);
    bench.ask(A, &request("PLAY", &[&session]));
    bench.pass(1000);
    bench.handle(Input::Wakeup);
    assert_eq!(bench.server.stats().count(Counter::Slates), 1);
    bench.film(false);
    assert_eq!(bench.server.stats().count(Counter::PicturesWithoutKey), 1);
}

/// Once a picture had been dropped for lack of a key picture, the parameter sets of the next camera passed for a picture:
/// progress, though none was complete.
#[test]
fn parameter_sets_are_no_progress() {
    let mut bench = Bench::new(|_| {});
    let picture = |slate: &mut Slate| {
        let mut bytes = Vec::new();
        slate.picture("picture", "pi", 0, &mut bytes);
        bytes
    };
    let key = picture(&mut bench.slate);
    let idr = key.windows(4).position(|bytes| bytes[..3] == [0, 0, 1] && bytes[3] & 31 == 5).expect("a key picture");
    // A camera that begins in mid-stream: parameter sets, and two pictures that need others.
    bench.handle(Input::Video { bytes: &key[..idr] });
    bench.film(false);
    bench.film(false);
    assert_eq!(bench.server.stats().count(Counter::PicturesWithoutKey), 1);
    bench.handle(Input::Exited { role: Role::Camera, exit: Exit::Code(1) });
    bench.pass(1000);
    assert!(matches!(bench.handle(Input::Wakeup)[..], [Output::Spawn { role: Role::Camera, .. }]));
    let stalls_at = bench.server.next_wakeup();
    bench.pass(1000);
    bench.handle(Input::Video { bytes: &key[..idr + 8] });
    assert_eq!(bench.server.next_wakeup(), stalls_at);
}

/// A new SPS that was read without its PPS made the camera's progress go backwards, below zero.
#[test]
fn parameter_sets_that_come_in_two_pieces_are_taken() {
    let mut bench = Bench::new(|_| {});
    bench.film(true);
    for _ in 0..3 {
        bench.pass(100);
        bench.film(false);
    }
    // The slate takes over, and three pictures that need those before are dropped.
    let session = bench.set_up(A, TCP);
    bench.ask(A, &request("PLAY", &[&session]));
    bench.pass(1000);
    bench.handle(Input::Wakeup);
    for _ in 0..4 {
        bench.film(false);
    }
    let mut wider = Vec::new();
    Slate::new(Format::new(96, 64, 24).expect("a small picture")).picture("picture", "pi", 0, &mut wider);
    let pps = wider.windows(4).position(|bytes| bytes[..3] == [0, 0, 1] && bytes[3] & 31 == 8).expect("a PPS");
    bench.handle(Input::Video { bytes: &wider[..pps + 4] });
    bench.handle(Input::Video { bytes: &wider[pps + 4..] });
}
