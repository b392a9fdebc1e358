//! A tick allocates nothing, whatever the data source is: an allocator that counts, around the server with 1000
//! subscribers, around the reading of the file, and around the whole loop with real sockets.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "the loop has a thread of its own here")]

#[path = "support/allocations.rs"]
mod allocations;
#[path = "golden/vectors.rs"]
mod golden;

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::thread::JoinHandleExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use allocations::{Count, allocations, count_in};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{
    AuthConfig, CameraConfig, CameraSource, Config, DataConfig, DataSource, LoggingConfig, Secret,
};
use es_iot_server::reactor::{self, Listening, Resources};
use es_iot_server::server::{ConnId, Errno, Input, Output, Server, Service, Setup};
use es_iot_server::sys::file::Reread;
use es_iot_server::sys::log::{self, Surroundings};
use es_iot_server::sys::notify::Notifier;
use es_iot_server::sys::signalfd::{self, Signals};
use es_iot_server::sys::socket::{Bound, unix_listener};
use es_iot_server::sys::{clock, limits};
use es_iot_server::time::{Mono, Now};

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("es-iot-tick-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// A file at the end of a path that is longer than any buffer on a stack in the standard library.
    fn file(&self, content: &str) -> PathBuf {
        let directory = (0..8).fold(self.0.clone(), |path, _| path.join("d".repeat(250)));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("value");
        std::fs::write(&file, content).unwrap();
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn server(source: DataSource, now: Now) -> Server {
    let camera = CameraConfig { source: CameraSource::None, ..CameraConfig::default() };
    let auth = AuthConfig { required: false, ..AuthConfig::default() };
    let config = Config { camera, auth, data: DataConfig { source }, ..Config::default() };
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
    Server::new(config, setup, now)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

/// Ticks of a server with 1000 subscribers, some of them slow, once with each of the readings and then many times.
fn ticks_allocate_nothing(source: DataSource, readings: &[Option<Result<&[u8], Errno>>]) {
    let mut now = Now { mono: Mono::from_nanos(1), unix_ms: 0 };
    let mut server = server(source, now);
    let mut out: Vec<Output> = Vec::new();
    server.start(now, &mut out);
    for slot in 0..1000 {
        // One address may hold half of the places.
        let peer = IpAddr::from([192, 0, 2, if slot < 500 { 1 } else { 2 }]).into();
        let conn = ConnId { slot, generation: 1 };
        server.handle(now, Input::Accepted { conn, service: Service::Data, peer }, &mut out);
    }
    for slot in (0..1000).step_by(10) {
        server.handle(now, Input::Blocked { conn: ConnId { slot, generation: 1 } }, &mut out);
    }
    let mut tick = |reading| {
        out.clear();
        now.mono = now.mono + Duration::from_nanos(41_666_667);
        server.handle(now, Input::Tick { reading }, &mut out);
        let offers = out.iter().filter(|output| matches!(output, Output::Offer { .. })).count();
        assert_eq!(offers, 900, "everyone whose socket takes packets");
    };
    for reading in readings {
        tick(*reading);
        let count = allocations(|| (0..50).for_each(|_| tick(*reading)));
        assert_eq!(count, 0, "allocations in 50 ticks with {reading:?}");
    }
}

#[test]
fn a_tick_with_random_values_allocates_nothing() {
    ticks_allocate_nothing(DataSource::Random, &[None]);
}

#[test]
fn a_tick_with_a_file_allocates_nothing() {
    let source = DataSource::File("/sys/class/thermal/thermal_zone0/temp".into());
    // A change of the kind of reading is logged, which allocates; the ticks after it do not.
    ticks_allocate_nothing(source, &[Some(Ok(b"42\n")), Some(Err(Errno(2))), Some(Ok(b"hot")), Some(Ok(b"42\n"))]);
}

#[test]
fn reading_the_file_allocates_nothing() {
    let scratch = Scratch::new("reading");
    let source = Reread::new(scratch.file("17\n"));
    let missing = Reread::new(scratch.0.join("missing"));
    let count = allocations(|| {
        for _ in 0..50 {
            let mut buffer = [0; 64];
            assert_eq!(source.start(&mut buffer).unwrap(), b"17\n");
            assert_eq!(missing.start(&mut buffer).unwrap_err().raw_os_error(), Some(libc::ENOENT));
        }
    });
    assert_eq!(count, 0, "allocations in 50 readings");
}

/// The loop as the daemon runs it, without a camera; it ends on SIGTERM to its thread.
fn run(source: DataSource, listening: Vec<Listening>, scratch: &Path, count: Count) {
    signalfd::block().unwrap();
    let stderr = std::fs::File::create(scratch.join("log")).unwrap().into();
    let clock = Box::new(clock::now);
    let around = Surroundings { stderr, journal_stream: None, dev_log: scratch.join("none"), clock };
    let resources = Resources {
        datagrams: None,
        listening,
        signals: Signals::new().unwrap(),
        log: log::open(&LoggingConfig::default(), around).unwrap(),
        notifier: Notifier::from_env(|_| None, 1),
        settings_file: scratch.join("settings.json"),
        child_descriptors: limits::raise_descriptors(1).unwrap().0,
        reload: &mut || Err("nothing to reload".to_owned()),
    };
    count_in(count);
    reactor::run(server(source, clock::now()), resources).unwrap();
}

fn the_loop_allocates_nothing(source: DataSource, scratch: &Scratch, value: impl Fn(u8) -> bool) {
    let listeners = [0; 3].map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    });
    let address = listeners[0].local_addr().unwrap();
    let listening = Service::ALL.into_iter().zip(listeners.map(Bound::Tcp)).map(listening).collect();
    let count: Count = Box::leak(Box::default());
    let directory = scratch.0.clone();
    let thread = std::thread::spawn(move || run(source, listening, &directory, count));
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut packets = |number: usize| {
        for _ in 0..number {
            // Header, value, time, checksum.
            let mut packet = [0; 16];
            client.read_exact(&mut packet).unwrap();
            assert!(packet[..2] == [0x00, 0xff] && value(packet[6]), "{packet:?}");
        }
    };
    packets(4);
    let before = count.load(Ordering::Relaxed);
    assert!(before > 0, "the loop is counted");
    packets(24);
    assert_eq!(count.load(Ordering::Relaxed) - before, 0, "allocations in 24 ticks of the loop");
    end(thread);
}

fn listening((service, socket): (Service, Bound)) -> Listening {
    Listening { socket, service, most_unsent: 4096 }
}

/// Ends the loop in a thread, and waits for it.
fn end(thread: std::thread::JoinHandle<()>) {
    // SAFETY: the thread is joined only below, so its handle is valid.
    assert_eq!(unsafe { libc::pthread_kill(thread.as_pthread_t(), libc::SIGTERM) }, 0);
    thread.join().unwrap();
}

/// A Unix socket is one more listener: any service can be behind it, beside the same service on a TCP port.
#[test]
fn a_unix_socket_is_one_more_listener() {
    let scratch = Scratch::new("unix");
    let path = scratch.0.join("settings.sock");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    tcp.set_nonblocking(true).unwrap();
    let address = tcp.local_addr().unwrap();
    let sockets = [Bound::Tcp(tcp), Bound::Unix(unix_listener(&path, 0o660).unwrap())];
    let listening = sockets.into_iter().map(|socket| listening((Service::Settings, socket))).collect();
    let directory = scratch.0.clone();
    let thread = std::thread::spawn(move || run(DataSource::Random, listening, &directory, Box::leak(Box::default())));
    let mut replies = [[0; 16]; 2];
    let mut local = UnixStream::connect(&path).unwrap();
    local.write_all(&golden::READ).unwrap();
    local.read_exact(&mut replies[0]).unwrap();
    let mut remote = TcpStream::connect(address).unwrap();
    remote.write_all(&golden::READ).unwrap();
    remote.read_exact(&mut replies[1]).unwrap();
    assert_eq!(replies, [golden::DEFAULTS; 2]);
    drop(local);
    end(thread);
}

#[test]
fn the_loop_with_random_values_allocates_nothing() {
    the_loop_allocates_nothing(DataSource::Random, &Scratch::new("random"), |value| value <= 10);
}

#[test]
fn the_loop_with_a_file_allocates_nothing() {
    let scratch = Scratch::new("file");
    let source = DataSource::File(scratch.file("17\n"));
    the_loop_allocates_nothing(source, &scratch, |value| value == 17);
}
