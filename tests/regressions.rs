//! A test a bug, named after it. Most were found by `tests/simulation`.

#[path = "regressions/access.rs"]
mod access;
#[path = "regressions/binary.rs"]
mod binary;
#[path = "regressions/browser.rs"]
mod browser;
#[path = "regressions/camera.rs"]
mod camera;
#[path = "regressions/demo.rs"]
mod demo;
#[path = "regressions/exec.rs"]
mod exec;
#[path = "golden/vectors.rs"]
mod golden;
#[path = "regressions/http.rs"]
mod http;
#[path = "regressions/http_review.rs"]
mod http_review;
#[path = "regressions/http_simulated.rs"]
mod http_simulated;
#[path = "regressions/links.rs"]
mod links;
#[path = "regressions/manager.rs"]
mod manager;
#[path = "regressions/operations.rs"]
mod operations;
#[path = "regressions/store.rs"]
mod store;
#[path = "regressions/supervision.rs"]
mod supervision;
mod support;
#[path = "regressions/video.rs"]
mod video;
#[path = "regressions/viewers.rs"]
mod viewers;
#[path = "regressions/wire.rs"]
mod wire_and_file;

use std::net::IpAddr;
use std::time::Duration;

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{AuthConfig, CameraConfig, CameraSource, Config, Level, Secret};
use es_iot_server::limits::{LOG_BURST, LOG_WINDOW};
use es_iot_server::media::draw::{self, Slate};
use es_iot_server::server::report::{AccessReport, Report, ServerReport};
use es_iot_server::server::{ConnId, Errno, Input, Output, Reloaded, Request, Server, Service, Setup};
use es_iot_server::time::{Mono, Now};
use es_iot_server::wire::{self, ErrorCode, Id, Kind, Outgoing, packet};

const A: ConnId = ConnId { slot: 0, generation: 1 };
const B: ConnId = ConnId { slot: 1, generation: 1 };

/// A server without a camera, clients of its settings port, and a clock that is moved by hand.
struct Bench {
    server: Server,
    now: Now,
}

impl Bench {
    fn new(clients: &[ConnId]) -> Self {
        Self::with(config(), clients)
    }

    fn with(config: Config, clients: &[ConnId]) -> Self {
        let now = Now { mono: Mono::from_nanos(1_000_000_000_000), unix_ms: 0 };
        let mut bench = Self { server: started(config, now), now };
        let peer = "192.0.2.1".parse::<IpAddr>().expect("an address").into();
        for &conn in clients {
            bench.handle(Input::Accepted { conn, service: Service::Settings, peer });
        }
        bench
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = self.handle_told(input);
        out.retain(|output| !matches!(output, Output::Report(_) | Output::Notify(_)));
        out
    }

    /// With what goes into the log.
    fn handle_told(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out
    }

    fn receive(&mut self, conn: ConnId, packets: &[Vec<u8>]) -> Vec<Output> {
        self.handle(Input::Received { conn, bytes: &packets.concat() })
    }

    /// Moves the clock and wakes the server.
    fn pass(&mut self, milliseconds: u64) -> Vec<Output> {
        self.now.mono = self.now.mono + Duration::from_millis(milliseconds);
        self.handle(Input::Wakeup)
    }

    fn reload(&mut self, in_file: CameraSettings) -> Vec<Output> {
        self.handle(Input::Signal(Request::Reload));
        let fresh = Reloaded {
            config: config(),
            password: Secret::new("1111"),
            settings: Some(in_file),
            needs_restart: Vec::new(),
            is_persistent: true,
        };
        let mut out = self.handle(Input::Reloaded(Ok(Box::new(fresh))));
        out.retain(|output| !matches!(output, Output::SetLogLevel(_)));
        out
    }
}

/// Ports that are open to the network, as the original's were.
fn open() -> AuthConfig {
    AuthConfig { required: false, ..AuthConfig::default() }
}

/// A server that has started, with the password `1111`. What it does at its start is not looked at.
fn started(config: Config, now: Now) -> Server {
    let setup = Setup {
        settings: CameraSettings::default(),
        password: Secret::new("1111"),
        seed: 1,
        watchdog: None,
        secret: [1; 32],
        host: "pi".into(),
        udp_port: None,
        is_persistent: true,
    };
    let mut server = Server::new(config, setup, now);
    server.start(now, &mut Vec::new());
    server
}

/// Two key pictures as a camera writes them. The first is complete when the second begins.
fn two_pictures() -> Vec<u8> {
    let mut slate = Slate::new(draw::Format::new(64, 64, 24).expect("a small picture"));
    let mut bytes = Vec::new();
    for words in ["one", "two"] {
        slate.picture(words, "pi", 0, &mut bytes);
    }
    bytes
}

/// What is done to the children, for people.
fn done_to_children(output: &Output) -> Option<String> {
    if let Output::Spawn { role, .. } = output {
        Some(format!("+{}", role.name()))
    } else if let Output::Signal { role, signal } = output {
        Some(format!("{signal:?} {}", role.name()))
    } else {
        None
    }
}

fn config() -> Config {
    let camera = CameraConfig { source: CameraSource::None, ..CameraConfig::default() };
    Config { camera, auth: open(), ..Config::default() }
}

fn request(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet::encode(Id::Settings, Kind::Request, payload, &mut bytes);
    bytes
}

fn read() -> Vec<u8> {
    request(&[])
}

fn update(gain: u8) -> Vec<u8> {
    request(&wire::settings::encode(&gained(gain)))
}

fn gained(gain: u8) -> CameraSettings {
    CameraSettings { gain: f64::from(gain), ..CameraSettings::default() }
}

fn reply(conn: ConnId, settings: &CameraSettings) -> Output {
    Output::Send { conn, frame: wire::settings::reply(settings).into() }
}

fn error(conn: ConnId, code: ErrorCode) -> Output {
    Output::Send { conn, frame: Outgoing::error(Id::Settings, code).into() }
}

/// A reload that replaced the settings while a read waited for the disk left that read, and its client, waiting
/// for a write that was not needed any more.
#[test]
fn a_reload_answers_the_reads_that_waited_for_the_disk() {
    let mut bench = Bench::new(&[A]);
    bench.receive(A, &[update(2)]);
    assert_eq!(bench.pass(150), [Output::Store(gained(2))]);
    assert_eq!(bench.handle(Input::Stored { result: Ok(()) }), []);
    assert_eq!(bench.receive(A, &[update(3), read()]), [Output::Pause(A)], "the next write is not due yet");
    assert_eq!(bench.reload(gained(9)), [reply(A, &gained(9)), Output::Resume(A)]);
    assert_eq!(bench.pass(60_000), []);
}

/// A reload took an update back that had not reached the file yet: the file it read was the older one.
#[test]
fn a_reload_does_not_undo_an_update_that_is_not_in_the_file_yet() {
    let mut bench = Bench::new(&[A, B]);
    bench.receive(A, &[update(2)]);
    assert_eq!(bench.reload(CameraSettings::default()), []);
    assert_eq!(bench.receive(B, &[read()]), [Output::Pause(B)]);
    assert_eq!(bench.pass(0), [Output::Store(gained(2))]);
    assert_eq!(bench.reload(gained(2)), [], "the file is replaced, and the write is not over yet");
    assert_eq!(bench.handle(Input::Stored { result: Err(Errno(28)) })[1..], [reply(B, &gained(2)), Output::Resume(B)]);
    assert_eq!(bench.reload(CameraSettings::default()), [], "a full disk is no reason either");
    assert_eq!(bench.receive(B, &[read()]), [reply(B, &gained(2))]);
}

/// Two reads waited for the disk, and the first client had sent an update behind its read: the second client was
/// told settings that were not on the disk.
#[test]
fn a_waiting_read_is_not_told_what_an_update_behind_another_read_brings() {
    let mut bench = Bench::new(&[A, B]);
    bench.receive(A, &[update(2), read(), update(3)]);
    bench.receive(B, &[read()]);
    assert_eq!(bench.pass(0), [Output::Store(gained(2))]);
    assert_eq!(
        bench.handle(Input::Stored { result: Ok(()) }),
        [reply(A, &gained(2)), reply(B, &gained(2)), Output::Resume(A), Output::Resume(B)]
    );
    assert_eq!(bench.receive(B, &[read()]), [Output::Pause(B)], "3 is in force by now, and not kept");
}

/// A client whose socket took packets again while its read waited for the disk was given 5 s for the packets it
/// had sent behind that read, though they were complete.
#[test]
fn a_client_that_waits_for_the_disk_owes_nothing_when_its_socket_recovers() {
    let mut bench = Bench::new(&[A]);
    let out = bench.receive(A, &[request(&[1]), update(2), read(), read()]);
    assert_eq!(out, [error(A, ErrorCode::BadLength), Output::Pause(A)]);
    bench.handle(Input::Blocked { conn: A });
    assert_eq!(bench.pass(0), [Output::Store(gained(2))]);
    bench.handle(Input::Unblocked { conn: A });
    assert_eq!(bench.pass(6000), []);
    let both = [reply(A, &gained(2)), reply(A, &gained(2)), Output::Resume(A)];
    assert_eq!(bench.handle(Input::Stored { result: Ok(()) }), both);
}

/// A client whose socket takes nothing was not closed any more once a second read of it waited for the disk.
#[test]
fn a_blocked_client_is_closed_in_time_though_its_read_waits_anew() {
    let mut bench = Bench::new(&[A]);
    bench.receive(A, &[request(&[1]), update(2), read(), update(3), read()]);
    bench.handle(Input::Blocked { conn: A });
    assert_eq!(bench.pass(0), [Output::Store(gained(2))]);
    assert_eq!(bench.handle(Input::Stored { result: Ok(()) }), [reply(A, &gained(2)), Output::Pause(A)]);
    assert_eq!(bench.pass(0), [Output::Store(gained(3))]);
    assert_eq!(bench.pass(10_000), [Output::Close(A)]);
}

/// A client that is hung up on for what it sent behind its read was told to be listened to again.
#[test]
fn a_closed_client_is_not_resumed() {
    let mut bench = Bench::new(&[A]);
    bench.receive(A, &[update(2), read(), vec![7; 1024]]);
    bench.pass(0);
    assert_eq!(bench.handle(Input::Stored { result: Ok(()) }), [reply(A, &gained(2)), Output::Close(A)]);
}

/// A client that updated faster than the disk writes kept every other client's read waiting for as long as it went
/// on.
#[test]
fn a_flood_of_updates_does_not_keep_a_read_waiting_for_ever() {
    let mut bench = Bench::new(&[A, B]);
    bench.receive(A, &[update(0)]);
    assert_eq!(bench.receive(B, &[read()]), [Output::Pause(B)]);
    let mut answered = false;
    for step in 0..105_u8 {
        let out = bench.pass(100);
        bench.receive(A, &[update(step + 1)]);
        if out.iter().any(|output| matches!(output, Output::Store(_))) {
            bench.handle(Input::Stored { result: Ok(()) });
        }
        answered |= out.contains(&Output::Resume(B));
    }
    assert!(answered, "within 10 s");
}

/// A reload that changed both the settings and the camera section started the camera with the old settings first.
#[test]
fn a_reload_of_settings_and_camera_starts_the_camera_once() {
    let mut bench = Bench::new(&[]);
    let mut changed = config();
    let command = ["cam", "{gain}"].map(String::from).to_vec();
    changed.camera = CameraConfig { source: CameraSource::Command, command: Some(command), ..changed.camera };
    let fresh = Reloaded {
        config: changed,
        password: Secret::new("1111"),
        settings: Some(gained(9)),
        needs_restart: Vec::new(),
        is_persistent: true,
    };
    let out = bench.handle(Input::Reloaded(Ok(Box::new(fresh))));
    let cameras: Vec<&[String]> = out
        .iter()
        .filter_map(
            |output| if let Output::Spawn { role: Role::Camera, argv } = output { Some(&argv[..]) } else { None },
        )
        .collect();
    assert_eq!(cameras, [["cam", "9"]]);
    assert!(!out.iter().any(|output| matches!(output, Output::Signal { .. })), "it is left to run");
}

fn reports(outputs: &[Output]) -> Vec<&Report> {
    outputs.iter().filter_map(|output| if let Output::Report(report) = output { Some(report) } else { None }).collect()
}

#[test]
fn where_the_level_was_warning_nobody_was_told_of_lines_left_out_nor_of_the_counters() {
    let mut config = config();
    config.logging.level = Level::Warning;
    let mut bench = Bench::with(config, &[A]);
    for _ in 0..LOG_BURST + 3 {
        bench.handle(Input::Received { conn: A, bytes: &golden::DAMAGED_READ });
    }
    bench.now.mono = bench.now.mono + LOG_WINDOW;
    let told = bench.handle_told(Input::Wakeup);
    let left_out: Report = ServerReport::Suppressed { kind: "refusals", count: 3, level: Level::Warning }.into();
    assert_eq!(reports(&told), [&left_out]);
    assert_eq!(left_out.level(), Level::Warning);
    let told = bench.handle_told(Input::Signal(Request::Counters));
    assert!(matches!(*reports(&told), [Report::Server(ServerReport::Counters { .. })]), "{told:?}");
}

#[test]
fn a_reload_that_opened_the_ports_did_not_say_so() {
    let mut closed = config();
    closed.auth.required = true;
    let mut bench = Bench::with(closed, &[]);
    let fresh = || Reloaded {
        config: config(),
        password: Secret::new("1111"),
        settings: None,
        needs_restart: Vec::new(),
        is_persistent: true,
    };
    let told = bench.handle_told(Input::Reloaded(Ok(Box::new(fresh()))));
    assert!(reports(&told).contains(&&Report::Access(AccessReport::OpenToNetwork)), "{told:?}");
    let told = bench.handle_told(Input::Reloaded(Ok(Box::new(fresh()))));
    assert!(!reports(&told).contains(&&Report::Access(AccessReport::OpenToNetwork)), "once is enough: {told:?}");
    let mut closed = config();
    closed.auth.required = true;
    let told = bench.handle_told(Input::Reloaded(Ok(Box::new(Reloaded { config: closed, ..fresh() }))));
    assert!(reports(&told).contains(&&Report::Access(AccessReport::PasswordNeeded)), "{told:?}");
}
