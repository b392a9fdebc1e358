//! Everything around the server: the clocks, the loop, the reactor's part of the contract, the disk.

mod apply;
mod happen;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::config::{CameraSource, Config, Secret};
use es_iot_server::ids::Peer;
use es_iot_server::server::{ConnId, Errno, Input, Output, Reloaded, Request, Server, Setup};
use es_iot_server::stats::Counter;
use es_iot_server::time::{Mono, Now};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::browser::{self, Person};
use crate::children::{Children, Deed};
use crate::client::{self, Act, Client};
use crate::shadow::Shadow;
use crate::socket::{Followup, Sent, Socket};
use crate::{MILLI, SECOND, login, viewer};

#[derive(Debug, Clone)]
enum Happening {
    Connect(Client),
    Act(ConnId, Act),
    Child(Role, u64, Deed),
    Stored(Result<(), i32>, CameraSettings),
    Reloaded,
    Signal(Request),
    Stale,
    EarlyTick,
    EarlyWakeup,
    WallJump,
    AcceptRests,
    NotifyFails,
    /// All replies are sent, as far as they can be.
    Sent(ConnId),
    /// The publisher takes some more video.
    Published,
    /// A datagram for the RTCP port.
    Rtcp(Peer, u16, &'static [u8]),
    /// So many seconds pass at once.
    Sleep(u64),
}

/// How much happened.
#[derive(Debug, Default)]
pub struct Ran {
    pub inputs: u64,
    pub checks: u64,
    pub ticks: u64,
    pub answered_reads: u64,
    pub restarts: u64,
    pub connections: u64,
    pub stores: u64,
    pub clock_restarts: u64,
    pub stalls: u64,
    pub hidden_stalls: u64,
    pub recoveries: u64,
    pub failures: u64,
    pub kills: u64,
    pub watches: u64,
    pub slates: u64,
    pub refusals: u64,
    pub lost_places: u64,
    pub requests: u64,
    pub mp4: u64,
    pub logins: u64,
    pub web_logins: u64,
    pub values: u64,
    pub values_lost: u64,
}

impl Ran {
    pub fn add(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.checks += other.checks;
        self.ticks += other.ticks;
        self.answered_reads += other.answered_reads;
        self.restarts += other.restarts;
        self.connections += other.connections;
        self.stores += other.stores;
        self.clock_restarts += other.clock_restarts;
        self.stalls += other.stalls;
        self.hidden_stalls += other.hidden_stalls;
        self.recoveries += other.recoveries;
        self.failures += other.failures;
        self.kills += other.kills;
        self.watches += other.watches;
        self.slates += other.slates;
        self.refusals += other.refusals;
        self.lost_places += other.lost_places;
        self.requests += other.requests;
        self.mp4 += other.mp4;
        self.logins += other.logins;
        self.web_logins += other.web_logins;
        self.values += other.values;
        self.values_lost += other.values_lost;
    }
}

pub struct World {
    seed: u64,
    verbose: bool,
    /// Long, and little but the settings changes.
    calm: bool,
    pub rng: SmallRng,
    now: Now,
    config: Config,
    password: &'static str,
    people: Vec<Person>,
    server: Server,
    shadow: Shadow,
    to_come: BTreeMap<(u64, u64), Happening>,
    order: u64,
    sockets: BTreeMap<ConnId, Socket>,
    generations: Vec<u16>,
    free: Vec<u16>,
    gone: Vec<ConnId>,
    children: Children,
    file: CameraSettings,
    tick_due: Option<u64>,
    outputs: Vec<Output>,
    followups: VecDeque<Followup>,
    spawn_failures: VecDeque<(Role, i32)>,
    /// The last proof of any login.
    last_proof: String,
    ran: Ran,
}

impl World {
    pub fn new(seed: u64, verbose: bool) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let now = Now {
            mono: Mono::from_nanos(10_000 * SECOND + rng.random_range(0..SECOND)),
            unix_ms: rng.random::<u64>() >> 2,
        };
        let mut config = config(&mut rng, &Config::default());
        config.server.http_port = config.server.http_port.filter(|_| rng.random_bool(0.95));
        config.server.http_socket = config.server.http_socket.filter(|_| rng.random_bool(0.9));
        let password = "1111";
        let setup = Setup {
            settings: CameraSettings::default(),
            password: Secret::new(password),
            seed,
            watchdog: rng.random_bool(0.3).then_some(Duration::from_secs(5)),
            // Few of them, since deriving the keys for another salt takes long.
            secret: [rng.random_range(0..4); 32],
            host: "pi".into(),
            udp_port: rng.random_bool(0.9).then_some(40_000),
            is_persistent: true,
        };
        let calm = rng.random_bool(0.25);
        let children = Children::new(&mut rng, calm);
        let people = browser::people(&mut rng);
        let shadow = Shadow::new(seed, config.clone(), Secret::new(password), &setup, now);
        Self {
            seed,
            verbose,
            calm,
            rng,
            now,
            server: Server::new(config.clone(), setup, now),
            config,
            password,
            people,
            shadow,
            to_come: BTreeMap::new(),
            order: 0,
            sockets: BTreeMap::new(),
            generations: Vec::new(),
            free: Vec::new(),
            gone: Vec::new(),
            children,
            file: CameraSettings::default(),
            tick_due: None,
            outputs: Vec::new(),
            followups: VecDeque::new(),
            spawn_failures: VecDeque::new(),
            last_proof: String::new(),
            ran: Ran::default(),
        }
    }

    pub fn run(mut self) -> Ran {
        self.plan();
        self.server.start(self.now, &mut self.outputs);
        self.shadow.overhear(self.now, &self.server, &self.outputs);
        self.settle();
        let mut turns = 0_u32;
        while !self.shadow.exited {
            turns += 1;
            assert!(turns < 200_000, "ES_IOT_SIM_SEED={}: it does not end", self.seed);
            self.turn();
        }
        self.ran.ticks = self.server.stats().count(Counter::Ticks);
        self.ran.connections = self.server.stats().count(Counter::Accepted);
        self.ran.checks = self.shadow.checks;
        self.ran.clock_restarts = self.shadow.clock_restarts;
        let pipeline = &self.shadow.pipeline;
        (self.ran.stalls, self.ran.hidden_stalls) = (pipeline.stalls, pipeline.hidden_stalls);
        (self.ran.recoveries, self.ran.kills) = (pipeline.recoveries, pipeline.kills);
        (self.ran.watches, self.ran.slates) = (self.shadow.watches, self.shadow.slates);
        self.ran.logins = self.shadow.logins;
        self.ran.refusals = self.server.stats().count(Counter::RtspUnauthorized);
        self.ran.lost_places = self.server.stats().count(Counter::RtspUnavailable);
        let count = |counter| self.server.stats().count(counter);
        (self.ran.requests, self.ran.values_lost) = (count(Counter::HttpRequests), count(Counter::EventsLost));
        (self.ran.mp4, self.ran.web_logins) = (self.shadow.web_watches, self.shadow.web_logins);
        self.ran.values = self.shadow.values;
        self.ran.failures = self.server.stats().count(Counter::PipelineFailed);
        assert_eq!(self.server.stats().count(Counter::PeerOverflow), 0);
        self.ran
    }

    /// One turn of the loop, at the next moment that matters or later.
    fn turn(&mut self) {
        let timer = self.server.next_wakeup().map(Mono::as_nanos);
        let event = self.to_come.first_key_value().map(|(&(at, _), _)| at);
        let next = [timer, event, self.tick_due].into_iter().flatten().min().expect("a stop is to come at last");
        let lag = match self.rng.random_range(0..200) {
            0 => self.rng.random_range(0..4 * SECOND),
            1..10 => self.rng.random_range(0..100 * MILLI),
            10..100 => self.rng.random_range(0..MILLI),
            _ => 0,
        };
        let at = self.now.mono.as_nanos().max(next) + lag;
        self.now.unix_ms += (at - self.now.mono.as_nanos()) / MILLI;
        self.now.mono = Mono::from_nanos(at);
        if self.tick_due.is_some_and(|due| due <= at) {
            self.tick_due = None;
            self.tick();
        }
        let wake_first = self.rng.random_bool(0.5);
        if wake_first {
            self.wake();
        }
        while let Some(entry) = self.to_come.first_entry().filter(|entry| entry.key().0 <= at) {
            let happening = entry.remove();
            self.happen(happening);
            if self.shadow.exited {
                return;
            }
        }
        self.wake();
        let stop_by = self.shadow.stopping.map(|since| since + 3 * SECOND);
        assert!(self.shadow.exited || stop_by.is_none_or(|by| at < by), "ES_IOT_SIM_SEED={}: no exit", self.seed);
    }

    fn tick(&mut self) {
        let reading = match self.rng.random_range(0..40) {
            0..4 => Some(Ok(&b"7\n"[..])),
            4 => Some(Ok(&b"hot\n"[..])),
            5 => Some(Err(Errno(5))),
            _ => None,
        };
        self.feed(Input::Tick { reading });
    }

    /// Wakes the server for as long as something is due; that may not go on.
    fn wake(&mut self) {
        for _ in 0..4 {
            if self.shadow.exited || self.server.next_wakeup().is_none_or(|at| at > self.now.mono) {
                return;
            }
            self.feed(Input::Wakeup);
        }
        let next = self.server.next_wakeup();
        assert!(self.shadow.exited || next > Some(self.now.mono), "ES_IOT_SIM_SEED={}: it spins", self.seed);
    }

    pub fn feed(&mut self, input: Input<'_>) {
        if self.shadow.exited {
            return;
        }
        self.ran.inputs += 1;
        if self.verbose {
            println!("{:>15} {input:?}", self.now.mono.as_nanos());
        }
        self.shadow.next_turn();
        self.handle(input);
        self.settle();
    }

    /// Has the server handle an input, and the shadow foretell what must have followed. It may overhear how long the
    /// server's replies are, which it can't know, and to whom they go first.
    fn handle(&mut self, input: Input<'_>) {
        let again = copy(&input);
        self.server.handle(self.now, input, &mut self.outputs);
        self.shadow.overhear(self.now, &self.server, &self.outputs);
        self.shadow.before(self.now, &again);
    }

    fn settle(&mut self) {
        loop {
            self.shadow.look(self.server.lend().0);
            for output in std::mem::take(&mut self.outputs) {
                if self.verbose {
                    println!("                  {output:?}");
                }
                self.shadow.output(self.now, &output);
                self.apply(&output);
            }
            self.shadow.after(self.now, &self.server);
            let input = if let Some(followup) = self.followups.pop_front() {
                match followup {
                    Followup::Lost(conn) => Input::Lost { conn },
                    Followup::Blocked(conn) => Input::Blocked { conn },
                    Followup::Unblocked(conn) => Input::Unblocked { conn },
                    Followup::Finished(conn) => Input::Finished { conn },
                    Followup::Room(descriptors) => Input::Room { descriptors },
                    Followup::Published(bytes) => Input::Published { bytes },
                    Followup::Took(conn) => Input::Took { conn },
                    Followup::Sent(conn) => Input::Sent { conn },
                }
            } else if let Some((role, errno)) = self.spawn_failures.pop_front() {
                Input::SpawnFailed { role, errno: Errno(errno) }
            } else {
                return;
            };
            if self.verbose {
                println!("                  -> {input:?}");
            }
            self.handle(input);
        }
    }

    fn follow(&mut self, plan: crate::children::Plan) {
        for (after, role, number, deed) in plan {
            self.later(after, Happening::Child(role, number, deed));
        }
    }

    fn later(&mut self, after: u64, happening: Happening) {
        self.order += 1;
        self.to_come.insert((self.now.mono.as_nanos() + after, self.order), happening);
    }
}

/// The same input once more.
fn copy<'a>(input: &Input<'a>) -> Input<'a> {
    match input {
        &Input::Accepted { conn, service, peer } => Input::Accepted { conn, service, peer },
        &Input::AcceptRests { errno } => Input::AcceptRests { errno },
        &Input::Received { conn, bytes } => Input::Received { conn, bytes },
        &Input::Finished { conn } => Input::Finished { conn },
        &Input::Lost { conn } => Input::Lost { conn },
        &Input::Blocked { conn } => Input::Blocked { conn },
        &Input::Unblocked { conn } => Input::Unblocked { conn },
        &Input::Sent { conn } => Input::Sent { conn },
        &Input::Tick { reading } => Input::Tick { reading },
        Input::Wakeup => Input::Wakeup,
        &Input::SpawnFailed { role, errno } => Input::SpawnFailed { role, errno },
        &Input::Line { role, text } => Input::Line { role, text },
        &Input::Video { bytes } => Input::Video { bytes },
        Input::VideoDrained => Input::VideoDrained,
        &Input::Published { bytes } => Input::Published { bytes },
        &Input::Took { conn } => Input::Took { conn },
        &Input::Rtcp { peer, port, bytes } => Input::Rtcp { peer, port, bytes },
        &Input::Exited { role, exit } => Input::Exited { role, exit },
        &Input::Stored { result } => Input::Stored { result },
        &Input::Signal(request) => Input::Signal(request),
        Input::Reloaded(found) => Input::Reloaded(found.clone()),
        &Input::Room { descriptors } => Input::Room { descriptors },
        &Input::NotifyFailed { errno } => Input::NotifyFailed { errno },
    }
}

/// A configuration of its own kind; a part of it is what a reload may find.
fn config(rng: &mut SmallRng, before: &Config) -> Config {
    use CameraSource::{Auto, None, Rpicam};
    let mut config = before.clone();
    config.server.max_clients = [3, 20, 100, 1000][rng.random_range(0..4)];
    config.server.max_viewers = [1, 2, 3, 64][rng.random_range(0..4)];
    config.server.http_hosts = if rng.random_bool(0.5) { vec!["cam.example".into()] } else { Vec::new() };
    config.auth.required = rng.random_bool(0.4);
    config.auth.plain = rng.random_bool(0.9);
    config.auth.grant_seconds = rng.random_range(0..30);
    config.auth.trust_loopback = rng.random_bool(0.5);
    config.camera.source = [Auto, Auto, Rpicam, Rpicam, None][rng.random_range(0..5)];
    (config.camera.width, config.camera.height) = (64, 64);
    config.camera.framerate = [24, 24, 24, 2][rng.random_range(0..4)];
    config.camera.slate = rng.random_bool(0.8);
    config.camera.stall_seconds = rng.random_range(1..=10);
    config.camera.rtsp_url = rng.random_bool(0.6).then(|| "rtsp://h/x".to_owned());
    config
}
