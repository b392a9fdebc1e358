//! Bugs of the video service, seen by its viewers and by the publisher.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::net::IpAddr;
use std::time::Duration;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraConfig, CameraSource, Config};
use es_iot_server::media::draw::{self, TestCamera};
use es_iot_server::server::{ConnId, Input, Output, Request, Server, Service};
use es_iot_server::time::{Mono, Now};

use crate::started;

const CONN: ConnId = ConnId { slot: 0, generation: 1 };
const OTHER: ConnId = ConnId { slot: 1, generation: 1 };
const SECOND: Duration = Duration::from_secs(1);

/// A server with viewers, and a clock that is moved by hand.
struct House {
    server: Server,
    now: Now,
    camera: TestCamera,
    cseq: u32,
}

impl House {
    fn new(camera: CameraConfig) -> Self {
        let now = Now { mono: Mono::from_nanos(20_000_000_000), unix_ms: 20_000 };
        let config = Config { camera, auth: crate::open(), ..Config::default() };
        Self { server: started(config, now), now, camera: test_camera(64), cseq: 0 }
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out
    }

    fn pass(&mut self, span: Duration) -> Vec<Output> {
        let mut out = Vec::new();
        let end = self.now.mono + span;
        while let Some(wakeup) = self.server.next_wakeup().filter(|wakeup| *wakeup <= end) {
            self.now.mono = wakeup.max(self.now.mono);
            out.extend(self.handle(Input::Wakeup));
        }
        self.now.mono = end;
        out
    }

    /// The camera writes a picture; the one before it is then complete.
    fn film(&mut self) -> Vec<Output> {
        let mut bytes = Vec::new();
        self.camera.picture(0, 0, &CameraSettings::default(), &mut bytes);
        self.handle(Input::Video { bytes: &bytes })
    }

    fn connect(&mut self, conn: ConnId, address: &str) {
        let peer = address.parse::<IpAddr>().unwrap().into();
        self.handle(Input::Accepted { conn, service: Service::Rtsp, peer });
    }

    /// A request; its outputs, and the reply if there is one.
    fn ask(&mut self, conn: ConnId, method: &str, headers: &str) -> (Vec<Output>, String) {
        self.cseq += 1;
        let track = if method == "SETUP" { "/trackID=0" } else { "" };
        let request = format!("{method} rtsp://pi:8554/ES_MTX{track} RTSP/1.0\r\nCSeq: {}\r\n{headers}\r\n", self.cseq);
        let out = self.handle(Input::Received { conn, bytes: request.as_bytes() });
        let reply = reply(&out);
        (out, reply)
    }

    /// Sets up TCP; the header that names the session.
    fn set_up(&mut self, conn: ConnId, headers: &str) -> String {
        let (_, reply) =
            self.ask(conn, "SETUP", &format!("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n{headers}"));
        let session = reply.lines().find(|line| line.starts_with("Session: ")).unwrap();
        format!("{}\r\n", session.split(';').next().unwrap())
    }
}

fn test_camera(width: u32) -> TestCamera {
    TestCamera::new(draw::Format::new(width, 64, 24).unwrap(), 2)
}

fn reply(out: &[Output]) -> String {
    let text = |output: &Output| {
        let Output::Send { frame, .. } = output else { return None };
        String::from_utf8(frame.as_bytes().to_vec()).ok()
    };
    out.iter().filter_map(text).collect()
}

fn command() -> CameraConfig {
    CameraConfig { source: CameraSource::Command, command: Some(vec!["cam".into()]), ..CameraConfig::default() }
}

fn watched(out: &[Output]) -> Vec<u64> {
    out.iter().filter_map(|output| if let Output::Watch { from, .. } = output { Some(*from) } else { None }).collect()
}

/// A slate that was drawn for the last viewer, perhaps hours ago, was where the next one began: with old words, and a time
/// stamp that the next picture was hours away from.
#[test]
fn a_viewer_began_with_the_slate_that_the_last_one_had_left() {
    let mut house = House::new(CameraConfig { source: CameraSource::None, ..CameraConfig::default() });
    house.connect(CONN, "192.0.2.1");
    house.ask(CONN, "DESCRIBE", "");
    assert!(reply(&house.pass(SECOND)).contains("m=video"), "a slate describes the stream");
    let session = house.set_up(CONN, "");
    let first = watched(&house.ask(CONN, "PLAY", &session).0);
    assert_eq!(first.len(), 1, "the slate that is shown is there to begin with");
    house.handle(Input::Lost { conn: CONN });
    house.pass(SECOND * 600);
    house.connect(OTHER, "192.0.2.1");
    let session = house.set_up(OTHER, "");
    assert_eq!(watched(&house.ask(OTHER, "PLAY", &session).0), [0_u64; 0], "that slate is ten minutes old");
    let begun = watched(&house.handle(Input::Wakeup));
    assert!(begun.len() == 1 && begun[0] > first[0], "{begun:?}");
}

/// A publisher that was started while viewers saw a slate declared the slate's parameter sets.
#[test]
fn a_publisher_began_with_a_slate() {
    let mut house = House::new(CameraConfig { rtsp_url: Some("rtsp://h/x".into()), ..command() });
    let publishes = |out: &[Output]| out.iter().any(|output| matches!(output, Output::Publish { .. }));
    house.connect(CONN, "192.0.2.1");
    let session = house.set_up(CONN, "");
    house.ask(CONN, "PLAY", &session);
    assert!(!publishes(&house.pass(SECOND * 2)), "the slate is not for the publisher");
    house.film();
    assert!(publishes(&house.film()), "the camera's first key picture is");
    house.film();
    assert!(!publishes(&house.film()), "once");
    house.handle(Input::Exited { role: Role::Camera, exit: Exit::Code(1) });
    house.handle(Input::Exited { role: Role::Publisher, exit: Exit::Code(1) });
    assert!(!publishes(&house.pass(SECOND * 2)), "the next one waits as well");
    house.film();
    assert!(publishes(&house.film()));
}

/// After BYE, the stream went on until the camera had stopped (RFC 3550, section 6.6).
#[test]
fn the_stream_went_on_after_its_end_was_announced() {
    let mut house = House::new(command());
    house.connect(CONN, "192.0.2.1");
    let session = house.set_up(CONN, "");
    house.ask(CONN, "PLAY", &session);
    house.film();
    assert_eq!(watched(&house.film()).len(), 1);
    let out = house.handle(Input::Signal(Request::Stop));
    let position = |wanted: fn(&Output) -> bool| out.iter().position(wanted);
    let goodbye = position(|output| matches!(output, Output::Send { frame, .. } if frame.as_bytes()[0] == b'$'));
    let unwatch = position(|output| matches!(output, Output::Unwatch(_)));
    assert!(goodbye.is_some() && goodbye < unwatch, "{out:?}");
    let out = house.pass(SECOND * 2);
    assert!(!out.iter().any(|output| matches!(output, Output::Send { .. })), "no reports either: {out:?}");
}

/// A viewer that had the description of the old size, and no session yet, was left with it.
#[test]
fn a_viewer_between_description_and_session_was_not_told_of_a_new_size() {
    let mut house = House::new(command());
    house.film();
    house.film();
    house.connect(CONN, "192.0.2.1");
    assert!(house.ask(CONN, "DESCRIBE", "").1.contains("a=framesize:96 64-64"));
    house.handle(Input::Exited { role: Role::Camera, exit: Exit::Code(1) });
    house.pass(SECOND);
    house.camera = test_camera(128);
    house.film();
    let out = house.film();
    assert!(out.iter().any(|output| matches!(output, Output::Finish(conn) if *conn == CONN)), "{out:?}");
}
