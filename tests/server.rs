//! Conversations with the server, input by input and byte for byte, where `tests/simulation` is too blunt.

use std::net::IpAddr;
use std::time::Duration;

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{AuthConfig, CameraConfig, CameraSource, Config, Secret};
use es_iot_server::limits::CLOCK_SET_FROM_MS;
use es_iot_server::server::{ConnId, Errno, Input, Output, Reloaded, Request, Server, Service, Setup};
use es_iot_server::time::{Mono, Now};

#[path = "server/device.rs"]
mod device;
#[path = "golden/vectors.rs"]
mod golden;
#[path = "server/login.rs"]
mod login;

use golden::{DATA, DATA_UNIX_MS, DEFAULTS, PASSWORD, READ, READY, REJECTED, UPDATE, UPDATED};

const WRONG: [u8; 11] = [0x00, 0xFF, 0x00, 0x01, 0x00, 0x04, 0x31, 0x31, 0x31, 0x32, 0xF9];

fn error(id: u8, code: u8) -> Vec<u8> {
    vec![0x00, 0xFF, id, 2, 0, 1, code, 0xFF ^ id ^ 2 ^ 1 ^ code]
}

fn config() -> Config {
    let camera = CameraConfig { source: CameraSource::None, ..CameraConfig::default() };
    Config { camera, auth: AuthConfig { required: false, ..AuthConfig::default() }, ..Config::default() }
}

fn setup() -> Setup {
    Setup {
        settings: CameraSettings::default(),
        password: Secret::new("1111"),
        seed: 7,
        watchdog: None,
        secret: [7; 32],
        host: "pi".into(),
        udp_port: None,
        is_persistent: true,
    }
}

struct Bench {
    server: Server,
    now: Now,
    next_slot: u16,
}

impl Bench {
    fn new(config: Config) -> Self {
        let now = Now { mono: Mono::from_nanos(5_000_000_000), unix_ms: DATA_UNIX_MS };
        let mut bench = Self { server: Server::new(config, setup(), now), now, next_slot: 0 };
        bench.server.start(now, &mut Vec::new());
        bench
    }

    fn requiring() -> Self {
        let mut config = config();
        config.auth.required = true;
        Self::new(config)
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        let mut out = Vec::new();
        self.server.handle(self.now, input, &mut out);
        out.retain(|output| !matches!(output, Output::Report(_) | Output::Notify(_)));
        out
    }

    fn connect_from(&mut self, service: Service, address: &str) -> (ConnId, Vec<Output>) {
        let conn = ConnId { slot: self.next_slot, generation: 1 };
        self.next_slot += 1;
        let peer = address.parse::<IpAddr>().expect("an address").into();
        let out = self.handle(Input::Accepted { conn, service, peer });
        (conn, out)
    }

    fn connect(&mut self, service: Service) -> ConnId {
        self.connect_from(service, "192.0.2.1").0
    }

    /// What a client is sent in answer, and whether it is then finished or closed.
    fn ask(&mut self, conn: ConnId, bytes: &[u8]) -> (Vec<u8>, bool) {
        digest(&self.handle(Input::Received { conn, bytes }))
    }

    fn try_password(&mut self, address: &str, bytes: &[u8]) -> Vec<u8> {
        let (conn, _) = self.connect_from(Service::Auth, address);
        let (sent, over) = self.ask(conn, bytes);
        assert!(over, "one request a connection");
        sent
    }

    fn pass(&mut self, milliseconds: u64) -> Vec<Output> {
        self.now.mono = self.now.mono + Duration::from_millis(milliseconds);
        self.handle(Input::Wakeup)
    }
}

fn digest(out: &[Output]) -> (Vec<u8>, bool) {
    let mut sent = Vec::new();
    for output in out {
        if let Output::Send { frame, .. } = output {
            sent.extend_from_slice(frame.as_bytes());
        }
        if let Output::Offer { frame, .. } = output {
            sent.extend_from_slice(frame.as_bytes());
        }
    }
    (sent, out.iter().any(|output| matches!(output, Output::Finish(_) | Output::Close(_))))
}

#[test]
fn golden_vectors_of_the_settings() {
    let mut bench = Bench::new(config());
    let conn = bench.connect(Service::Settings);
    assert_eq!(bench.ask(conn, &READ), (DEFAULTS.to_vec(), false));
    assert_eq!(bench.ask(conn, &UPDATE), (vec![], false), "an update has no reply");
    assert_eq!(bench.ask(conn, &READ), (vec![], false), "the reply waits for the disk");
    assert!(matches!(bench.pass(0)[..], [Output::Store(_)]));
    assert_eq!(digest(&bench.handle(Input::Stored { result: Ok(()) })), (UPDATED.to_vec(), false));
}

#[test]
fn golden_vectors_of_the_password() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.try_password("192.0.2.1", &PASSWORD), READY);
    for _ in 0..5 {
        assert_eq!(bench.try_password("192.0.2.1", &WRONG), REJECTED);
    }
    assert_eq!(bench.try_password("192.0.2.1", &PASSWORD), error(0, 5), "locked out");
    assert_eq!(bench.try_password("::ffff:192.0.2.1", &PASSWORD), error(0, 5), "the same address");
    assert_eq!(bench.try_password("192.0.2.2", &PASSWORD), READY);
    bench.pass(30_000);
    assert_eq!(bench.try_password("192.0.2.1", &PASSWORD), READY);
}

#[test]
fn golden_vector_of_the_stream() {
    let mut bench = Bench::new(config());
    let (first, out) = bench.connect_from(Service::Data, "192.0.2.1");
    let [Output::ArmTick(Some(due))] = out[..] else { panic!("{out:?}") };
    let second = bench.connect(Service::Data);
    bench.now.mono = due;
    let out = bench.handle(Input::Tick { reading: Some(Ok(b"5\n")) });
    assert_eq!(digest(&out), ([DATA, DATA].concat(), false));
    assert!(bench.handle(Input::Tick { reading: None }).iter().all(|o| matches!(o, Output::ArmTick(Some(_)))), "early");
    bench.handle(Input::Lost { conn: first });
    assert_eq!(bench.handle(Input::Lost { conn: second }), [Output::ArmTick(None)]);
    bench.now.unix_ms = CLOCK_SET_FROM_MS;
    bench.handle(Input::Wakeup);
    assert_eq!(bench.server.next_wakeup(), None, "an idle server does not wake up");
}

#[test]
fn damage_keeps_a_settings_client_and_ends_an_attempt() {
    let mut bad_checksum = UPDATE;
    bad_checksum[12] ^= 1;
    let other_port = |id: u8, kind: u8| vec![0x00, 0xFF, id, kind, 0, 0, 0xFF ^ id ^ kind];
    let settings: [(&[u8], u8); 7] = [
        (&bad_checksum, 1),
        (&[0x00, 0xFF, 0x02, 0x01, 0x01, 0x01], 2),
        (&[0x00, 0xFF, 0x02, 0x01, 0x00, 0x01, 0x09, 0xF4], 2),
        (&other_port(0, 1), 3),
        (&other_port(9, 1), 3),
        (&other_port(2, 0), 3),
        (&other_port(2, 7), 3),
    ];
    for (bytes, code) in settings {
        let mut bench = Bench::new(config());
        let conn = bench.connect(Service::Settings);
        assert_eq!(bench.ask(conn, bytes), (error(2, code), false), "{bytes:02X?}");
        if bytes.len() > 6 {
            assert_eq!(bench.ask(conn, &READ), (DEFAULTS.to_vec(), false), "after {bytes:02X?}");
        }
    }
    let mut bad_password = PASSWORD;
    bad_password[10] ^= 1;
    let auth: [(&[u8], u8); 3] =
        [(&bad_password, 1), (&[0x00, 0xFF, 0x00, 0x01, 0x01, 0x01], 2), (&other_port(2, 1), 3)];
    for (bytes, code) in auth {
        assert_eq!(Bench::new(config()).try_password("192.0.2.1", bytes), error(0, code), "{bytes:02X?}");
    }
}

#[test]
fn an_oversized_packet_is_refused_by_its_header_and_passed_over() {
    let mut bench = Bench::new(config());
    let conn = bench.connect(Service::Settings);
    assert_eq!(bench.ask(conn, &[0x00, 0xFF, 0x02, 0x01, 0xFF, 0xFF]), (error(2, 2), false));
    let mut rest = vec![0; 65_536];
    rest.extend_from_slice(&READ);
    assert_eq!(bench.ask(conn, &rest), (DEFAULTS.to_vec(), false));
}

#[test]
fn pipelined_requests_are_answered_in_order_around_a_read_that_waits() {
    let mut bench = Bench::new(config());
    let conn = bench.connect(Service::Settings);
    let mut bad = READ;
    bad[6] ^= 1;
    let bytes = [&READ[..], &UPDATE, &bad, &READ, &bad, &READ].concat();
    assert_eq!(bench.ask(conn, &bytes), ([&DEFAULTS[..], &error(2, 1)].concat(), false));
    bench.pass(0);
    let out = bench.handle(Input::Stored { result: Err(Errno(28)) });
    let rest = [&error(2, 7)[..], &UPDATED, &error(2, 1), &UPDATED].concat();
    assert_eq!(digest(&out), (rest, false), "07 to the updater before its read");
    assert_eq!(out.last(), Some(&Output::Resume(conn)));
}

#[test]
fn a_burst_of_updates_is_written_once() {
    let mut bench = Bench::new(config());
    let conn = bench.connect(Service::Settings);
    let mut other = UPDATE;
    (other[7], other[12]) = (0x41, 0xA9);
    for _ in 0..4 {
        bench.ask(conn, &other);
        assert_eq!(bench.pass(30), []);
        bench.ask(conn, &UPDATE);
        assert_eq!(bench.pass(30), []);
    }
    let out = bench.pass(120);
    assert!(matches!(out[..], [Output::Store(settings)] if (settings.gain - 64.0).abs() < 0.01), "{out:?}");
}

#[test]
fn only_who_authenticated_may_use_the_others() {
    let mut bench = Bench::requiring();
    for service in [Service::Data, Service::Settings] {
        let (_, out) = bench.connect_from(service, "192.0.2.1");
        assert_eq!(digest(&out), (error(es_iot_server::wire::Id::of(service).unwrap() as u8, 4), true));
        assert!(!digest(&bench.connect_from(service, "::1").1).1, "loopback is trusted");
    }
    assert_eq!(bench.try_password("192.0.2.1", &PASSWORD), READY);
    let (conn, out) = bench.connect_from(Service::Settings, "::ffff:192.0.2.1");
    assert_eq!(out, [], "a mapped address is the IPv4 one");
    bench.pass(600_000);
    assert_eq!(bench.connect_from(Service::Settings, "192.0.2.1").1, [], "while a connection is open");
    bench.handle(Input::Lost { conn });
    bench.handle(Input::Lost { conn: ConnId { slot: bench.next_slot - 1, generation: 1 } });
    bench.pass(60_000);
    assert!(digest(&bench.connect_from(Service::Settings, "192.0.2.1").1).1, "grant_seconds are over");
}

#[test]
fn a_new_password_ends_what_the_old_one_opened() {
    let mut bench = Bench::requiring();
    bench.try_password("192.0.2.1", &PASSWORD);
    let (conn, _) = bench.connect_from(Service::Settings, "192.0.2.1");
    bench.handle(Input::Signal(Request::Reload));
    let mut config = config();
    config.auth.required = true;
    let password = Secret::new("2222");
    let fresh = Box::new(Reloaded { config, password, settings: None, needs_restart: Vec::new(), is_persistent: true });
    let out = bench.handle(Input::Reloaded(Ok(fresh)));
    assert_eq!(digest(&out), (error(2, 4), true));
    assert!(bench.pass(1000).contains(&Output::Close(conn)));
    assert_eq!(bench.server.clients(), 0);
}

#[test]
fn one_client_too_many_is_told_so() {
    let mut config = config();
    config.server.max_clients = 1;
    let mut bench = Bench::new(config);
    bench.connect(Service::Settings);
    let (conn, out) = bench.connect_from(Service::Settings, "192.0.2.1");
    assert_eq!(digest(&out), (error(2, 6), true));
    assert_eq!(bench.pass(1000), [Output::Close(conn)]);
}
