//! Feeds the whole pure server with inputs decoded from bytes, under the reactor's rules. It must not panic, spin or produce
//! unbounded output. `tests/simulation` checks the outputs; this target looks for cases that no simulation covers.
#![no_main]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use es_iot_server::camera::diagnosis::{Exit, Role};
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraSource, Config, Secret};
use es_iot_server::ids::Peer;
use es_iot_server::media::draw::{self, Slate};
use es_iot_server::server::{ConnId, Errno, Reloaded, Input, Output, Request, Server, Service, Setup};
use es_iot_server::time::{Mono, Now};
use libfuzzer_sys::fuzz_target;

/// The most outputs of one input: a reply or error for each byte of the longest chunk, and some for each slot.
const MOST_OUTPUTS: usize = 2048;
const SLOTS: u16 = 16;

#[derive(Default)]
struct Socket {
    stuck: bool,
    reported_blocked: bool,
    paused: bool,
    finished: bool,
    discards: bool,
    notify_sent: bool,
}

/// What the reactor notices while it carries out outputs.
enum Noticed {
    Blocked(ConnId),
    Sent(ConnId),
}

struct World {
    server: Server,
    now: Now,
    sockets: BTreeMap<u16, (ConnId, Socket)>,
    generation: u16,
    alive: BTreeMap<u8, Role>,
    storing: bool,
    reloading: bool,
    tick: Option<Mono>,
    watching: BTreeSet<ConnId>,
    exited: bool,
    outputs: Vec<Output>,
}

impl World {
    fn feed(&mut self, input: Input<'_>) {
        let mut noticed = VecDeque::new();
        self.server.handle(self.now, input, &mut self.outputs);
        loop {
            assert!(self.outputs.len() <= MOST_OUTPUTS, "{} outputs of one input", self.outputs.len());
            for output in std::mem::take(&mut self.outputs) {
                self.apply(output, &mut noticed);
            }
            let input = match noticed.pop_front() {
                None => return,
                Some(Noticed::Blocked(conn)) => Input::Blocked { conn },
                Some(Noticed::Sent(conn)) => Input::Sent { conn },
            };
            self.server.handle(self.now, input, &mut self.outputs);
        }
    }

    fn apply(&mut self, output: Output, noticed: &mut VecDeque<Noticed>) {
        match output {
            Output::Send { conn, .. } | Output::Offer { conn, .. } => {
                if let Some(socket) = self.find(conn)
                    && socket.stuck
                    && !std::mem::replace(&mut socket.reported_blocked, true)
                {
                    noticed.push_back(Noticed::Blocked(conn));
                }
            }
            Output::WhenSent(conn) => {
                if let Some(socket) = self.find(conn) {
                    if socket.stuck {
                        socket.notify_sent = true;
                    } else {
                        noticed.push_back(Noticed::Sent(conn));
                    }
                }
            }
            Output::Discard(conn) => {
                if let Some(socket) = self.find(conn) {
                    socket.discards = true;
                }
            }
            Output::Pause(conn) => {
                if let Some(socket) = self.find(conn) {
                    socket.paused = true;
                }
            }
            Output::Resume(conn) | Output::Finish(conn) => {
                if let Some(socket) = self.find(conn) {
                    socket.paused = false;
                }
            }
            Output::Close(conn) => {
                if self.find(conn).is_some() {
                    self.sockets.remove(&conn.slot);
                }
            }
            Output::ArmTick(at) => self.tick = at,
            Output::Spawn { role, .. } => {
                assert!(self.alive.insert(role as u8, role).is_none(), "a second {role:?}");
            }
            Output::Store(_) => assert!(!std::mem::replace(&mut self.storing, true), "two writes at once"),
            Output::Reload => self.reloading = true,
            Output::Exit => assert!(!std::mem::replace(&mut self.exited, true), "two exits"),
            Output::Watch { conn, from, .. } | Output::WatchMp4 { conn, from } => {
                let (ring, _) = self.server.lend();
                assert!(ring.picture(from).is_some_and(|picture| picture.key), "a stream begins at a key picture");
                self.watching.insert(conn);
            }
            Output::Unwatch(conn) => drop(self.watching.remove(&conn)),
            Output::Publish { from } => assert!(self.server.lend().0.picture(from).is_some()),
            Output::Datagram { .. } | Output::Pictures => {}
            Output::ReadSource(_)
            | Output::MakeRoom { .. }
            | Output::LimitUnsent { .. }
            | Output::Signal { .. }
            | Output::SetLogLevel(_)
            | Output::ReopenLog
            | Output::Notify(_)
            | Output::Report(_)
            | Output::CloseListeners => {}
        }
    }

    fn find(&mut self, conn: ConnId) -> Option<&mut Socket> {
        self.sockets.get_mut(&conn.slot).filter(|(tenant, _)| *tenant == conn).map(|(_, socket)| socket)
    }

    fn wake(&mut self) {
        for _ in 0..4 {
            if self.exited || self.server.next_wakeup().is_none_or(|at| at > self.now.mono) {
                return;
            }
            self.feed(Input::Wakeup);
        }
        panic!("the server spins");
    }

    fn step(&mut self, code: u8, argument: u8, bytes: &[u8]) {
        let slot = u16::from(argument) % SLOTS;
        let role = Role::ALL[usize::from(argument) % 3];
        match code % 16 {
            0 | 1 if !self.sockets.contains_key(&slot) => self.connect(slot, argument),
            2..5 => {
                if let Some((conn, socket)) = self.sockets.get(&slot)
                    && !socket.paused
                    && !socket.finished
                    && !socket.reported_blocked
                    && !socket.discards
                    && !bytes.is_empty()
                {
                    self.feed(Input::Received { conn: *conn, bytes });
                }
            }
            5 => {
                if let Some((conn, socket)) = self.sockets.get_mut(&slot)
                    && !socket.paused
                    && !socket.reported_blocked
                    && !std::mem::replace(&mut socket.finished, true)
                {
                    let conn = *conn;
                    self.feed(Input::Finished { conn });
                }
            }
            6 => {
                if let Some((conn, _)) = self.sockets.remove(&slot) {
                    self.feed(Input::Lost { conn });
                }
            }
            7 => {
                if let Some((conn, socket)) = self.sockets.get_mut(&slot) {
                    socket.stuck = !socket.stuck;
                    if !socket.stuck && std::mem::take(&mut socket.reported_blocked) {
                        let (conn, sent) = (*conn, std::mem::take(&mut socket.notify_sent));
                        self.feed(Input::Unblocked { conn });
                        if sent && self.find(conn).is_some() {
                            self.feed(Input::Sent { conn });
                        }
                    }
                }
            }
            8 => {
                let span = Duration::from_millis(1 << (argument % 17));
                self.now = Now { mono: self.now.mono + span, unix_ms: self.now.unix_ms.wrapping_mul(3) };
                if self.tick.is_some_and(|due| due <= self.now.mono) {
                    self.tick = None;
                    let reading = (!bytes.is_empty()).then_some(Ok(bytes));
                    self.feed(Input::Tick { reading });
                }
            }
            9 if self.alive.contains_key(&(role as u8)) => {
                let text = String::from_utf8_lossy(bytes);
                self.feed(Input::Line { role, text: &text });
            }
            10 if self.alive.remove(&(role as u8)).is_some() => match argument {
                0..32 => self.feed(Input::SpawnFailed { role, errno: Errno(i32::from(argument)) }),
                32..64 => self.feed(Input::Exited { role, exit: Exit::Signal(i32::from(argument - 32)) }),
                _ => self.feed(Input::Exited { role, exit: Exit::Code(i32::from(argument - 64)) }),
            },
            11 => self.video(slot, argument, bytes),
            12 if std::mem::take(&mut self.storing) => {
                self.feed(Input::Stored { result: if argument > 99 { Ok(()) } else { Err(Errno(28)) } });
            }
            13 if std::mem::take(&mut self.reloading) => self.reload(argument),
            14 => self.feed(Input::Signal(if argument < 128 { Request::Reload } else { Request::Counters })),
            15 if argument == 255 => self.feed(Input::Signal(Request::Stop)),
            15 => {
                let conn = ConnId { slot, generation: u16::from(argument) << 8 };
                if self.find(conn).is_none() {
                    self.feed(Input::Received { conn, bytes });
                }
            }
            _ => {}
        }
    }

    fn video(&mut self, slot: u16, argument: u8, bytes: &[u8]) {
        match argument {
            0..60 if !bytes.is_empty() => self.feed(Input::Video { bytes }),
            60..140 => {
                let mut pictures = Vec::new();
                let side = if argument < 130 { 64 } else { 128 };
                let mut slate = Slate::new(draw::Format::new(side, 64, 24).expect("a small picture"));
                slate.picture("fuzz", "host", 0, &mut pictures);
                slate.repeat(1, &mut pictures);
                self.feed(Input::Video { bytes: &pictures });
            }
            140..180 => self.feed(Input::VideoDrained),
            180..200 => self.feed(Input::Published { bytes: u64::from(argument) }),
            200..220 => {
                if let Some((conn, _)) = self.sockets.get(&slot) {
                    self.feed(Input::Took { conn: *conn });
                }
            }
            _ => {
                let peer = "192.0.2.1".parse::<std::net::IpAddr>().expect("an address").into();
                self.feed(Input::Rtcp { peer, port: 5000 + u16::from(argument & 3), bytes });
            }
        }
    }

    fn connect(&mut self, slot: u16, argument: u8) {
        self.generation = (self.generation + 1) % (1 << 15);
        let conn = ConnId { slot, generation: self.generation };
        self.sockets.insert(slot, (conn, Socket::default()));
        let service = Service::ALL[usize::from(argument) % 5];
        let peer = match (service, argument >> 6) {
            (Service::Http, 3) => Peer::Local,
            (_, address) => ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "127.0.0.1"][usize::from(address)]
                .parse::<std::net::IpAddr>()
                .expect("an address")
                .into(),
        };
        self.feed(Input::Accepted { conn, service, peer });
    }

    fn reload(&mut self, argument: u8) {
        let found = Reloaded {
            config: config(argument),
            password: Secret::new(if argument > 200 { "2" } else { "1" }),
            settings: Some(CameraSettings { gain: f64::from(argument), ..CameraSettings::default() }),
            needs_restart: Vec::new(),
            is_persistent: true,
        };
        self.feed(Input::Reloaded(if argument == 0 { Err("no".into()) } else { Ok(Box::new(found)) }));
    }
}

fn config(choice: u8) -> Config {
    let mut config = Config::default();
    config.server.max_clients = if choice & 1 == 0 { 4 } else { 1000 };
    config.auth.required = choice & 2 != 0;
    config.auth.plain = choice & 64 == 0;
    config.camera.source = [CameraSource::Auto, CameraSource::None, CameraSource::Test, CameraSource::Rpicam]
        [usize::from(choice >> 2 & 3)];
    config
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let now = Now { mono: Mono::from_nanos(1_000_000_000), unix_ms: 1 };
    let setup = Setup {
        settings: CameraSettings::default(),
        password: Secret::new("1"),
        seed: u64::from(choice),
        watchdog: (choice > 127).then_some(Duration::from_secs(5)),
        secret: [choice; 32],
        host: "host".into(),
        udp_port: Some(40_000),
        is_persistent: true,
    };
    let mut world = World {
        server: Server::new(config(choice), setup, now),
        now,
        sockets: BTreeMap::new(),
        generation: 0,
        alive: BTreeMap::new(),
        storing: false,
        reloading: false,
        tick: None,
        watching: BTreeSet::new(),
        exited: false,
        outputs: Vec::new(),
    };
    world.server.start(now, &mut world.outputs);
    let mut none = VecDeque::new();
    for output in std::mem::take(&mut world.outputs) {
        world.apply(output, &mut none);
    }
    // A step: a code, an argument, a length, and this many bytes.
    while let [code, argument, length, after @ ..] = rest
        && !world.exited
    {
        let (bytes, behind) = after.split_at(usize::from(*length).min(after.len()));
        rest = behind;
        world.step(*code, *argument, bytes);
        world.wake();
        assert!(world.server.clients() <= usize::from(SLOTS));
    }
});
