//! What the server has to do, foretold: [`Shadow::before`] takes each input first and writes down what must follow,
//! [`Shadow::output`] strikes it off, and [`Shadow::after`] finds what is missing.

mod access;
mod clock;
mod counters;
mod foretell;
mod login;
mod parser;
mod pipeline;
mod places;
mod settings;
mod video;
mod viewers;
mod web;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use es_iot_server::camera::diagnosis::Role;
use es_iot_server::camera::settings::{CameraSettings, ChangedBy};
use es_iot_server::config::{Config, Secret};
use es_iot_server::ids;
use es_iot_server::server::report::{Report, SettingsReport};
use es_iot_server::server::{ConnId, Notice, Output, Server, Service, Setup};
use es_iot_server::time::Now;

use crate::SECOND;
use access::Access;
use clock::Clock;
use counters::Counters;
pub use login::login_message;
use login::{Keys, Login};
use parser::{Item, Parser};
use pipeline::Pipeline;
use places::Places;
use settings::{Kept, Settings};
use video::Video;
use viewers::{Due, Tokens, Viewer};
use web::{Browser, Events, Rest, Sessions};

#[derive(Debug)]
struct Peer {
    service: Service,
    address: ids::Peer,
    accepted: u64,
    /// It was refused as it came, and has no place.
    refused: bool,
    /// How long it may take for a packet.
    patience: u64,
    leaving: Option<u64>,
    parser: Parser,
    login: Option<Login>,
    /// Requests behind a read that waits.
    todo: VecDeque<Item>,
    awaiting: bool,
    blocked: Option<u64>,
    /// Since when it owes the rest of a packet.
    owes: Option<u64>,
}

#[derive(Debug)]
pub struct Shadow {
    seed: u64,
    config: Config,
    password: Secret,
    peers: BTreeMap<ConnId, Peer>,
    access: Access,
    keys: Keys,
    /// Right proofs.
    pub logins: u64,
    settings: Settings,
    places: Places,
    start: u64,
    /// The first tick that is not over.
    next_tick: u64,
    tick_armed: Option<u64>,
    /// The wall clock at the last tick, since there are subscribers.
    ticked: Option<u64>,
    /// That tick's packet, once one was offered.
    packet: Option<Vec<u8>>,
    /// Who has to be offered it now.
    round: BTreeSet<ConnId>,
    stuck: Vec<ConnId>,
    sends: BTreeMap<ConnId, VecDeque<Vec<u8>>>,
    closes: BTreeSet<ConnId>,
    finishes: BTreeSet<ConnId>,
    pauses: BTreeSet<ConnId>,
    resumes: BTreeSet<ConnId>,
    /// The children that run, and what the camera was started with.
    alive: BTreeMap<u8, Vec<String>>,
    camera_asked: bool,
    /// The timers were just looked at.
    woken: Option<u64>,
    clock: Clock,
    video: Video,
    viewers: BTreeMap<ConnId, Viewer>,
    /// What viewers' connections are to be sent now.
    said: BTreeMap<ConnId, VecDeque<Due>>,
    browsers: BTreeMap<ConnId, Browser>,
    /// What HTTP clients are to be sent now.
    web: BTreeMap<ConnId, VecDeque<web::Due>>,
    /// Those that the server does not read from.
    resting: BTreeSet<ConnId>,
    events: Events,
    sessions: Sessions,
    /// The pictures that were sent as files, and may still be held.
    files: Vec<usize>,
    /// How often something happened that followed from nothing before.
    turn: u64,
    /// What sockets still hold.
    rests: BTreeMap<ConnId, Rest>,
    /// How long the frames of an input are, and who gets something first.
    lengths: BTreeMap<ConnId, VecDeque<usize>>,
    order: Vec<ConnId>,
    /// How often MP4 began, how many logins over HTTP were right, and how many values were offered as events.
    pub web_watches: u64,
    pub web_logins: u64,
    pub values: u64,
    tokens: Tokens,
    /// How many texts the server had to make up.
    made: u64,
    udp_port: Option<u16>,
    /// How often the stream began for a viewer, and how many slates there were.
    pub watches: u64,
    pub slates: u64,
    pub pipeline: Pipeline,
    pub counters: Counters,
    pub clock_restarts: u64,
    pub stopping: Option<u64>,
    pub exited: bool,
    pub checks: u64,
}

impl Shadow {
    pub fn new(seed: u64, config: Config, password: Secret, setup: &Setup, now: Now) -> Self {
        let places = Places::new(&config.server);
        Self {
            seed,
            pipeline: Pipeline::new(config.camera.clone()),
            counters: Counters::default(),
            config,
            password,
            peers: BTreeMap::new(),
            access: Access::default(),
            keys: Keys::default(),
            logins: 0,
            settings: Settings::new(setup.settings),
            places,
            start: now.mono.as_nanos(),
            next_tick: 0,
            tick_armed: None,
            ticked: None,
            packet: None,
            round: BTreeSet::new(),
            stuck: Vec::new(),
            sends: BTreeMap::new(),
            closes: BTreeSet::new(),
            finishes: BTreeSet::new(),
            pauses: BTreeSet::new(),
            resumes: BTreeSet::new(),
            alive: BTreeMap::new(),
            camera_asked: false,
            woken: None,
            clock: Clock::new(now),
            video: Video::new(now.mono.as_nanos()),
            viewers: BTreeMap::new(),
            said: BTreeMap::new(),
            browsers: BTreeMap::new(),
            web: BTreeMap::new(),
            resting: BTreeSet::new(),
            events: Events::default(),
            sessions: Sessions::default(),
            files: Vec::new(),
            turn: 0,
            rests: BTreeMap::new(),
            lengths: BTreeMap::new(),
            order: Vec::new(),
            web_watches: 0,
            web_logins: 0,
            values: 0,
            tokens: Tokens::new(),
            made: 0,
            udp_port: setup.udp_port,
            watches: 0,
            slates: 0,
            clock_restarts: 0,
            stopping: None,
            exited: false,
            checks: 0,
        }
    }

    #[track_caller]
    pub fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        self.checks += 1;
        assert!(holds, "ES_IOT_SIM_SEED={}: {}", self.seed, what());
    }

    /// Takes one output: it has to be foretold, or allowed.
    pub fn output(&mut self, now: Now, output: &Output) {
        let at = now.mono.as_nanos();
        self.count_output(output);
        self.pipeline_output(at, output);
        match output {
            Output::Send { conn, .. }
            | Output::Offer { conn, .. }
            | Output::Unwatch(conn)
            | Output::Pause(conn)
            | Output::Resume(conn)
                if self.is_browser(*conn) =>
            {
                self.web_output(*conn, output);
            }
            Output::WhenSent(conn)
            | Output::Discard(conn)
            | Output::LimitUnsent { conn, .. }
            | Output::WatchMp4 { conn, .. } => {
                self.web_output(*conn, output);
            }
            Output::Send { conn, .. } if self.peers.get(conn).is_some_and(|peer| peer.service == Service::Rtsp) => {
                self.viewer_output(*conn, output);
            }
            Output::Watch { conn, .. } | Output::Unwatch(conn) | Output::Datagram { conn, .. } => {
                self.viewer_output(*conn, output);
            }
            Output::Send { conn, frame: packet } => {
                let foretold = self.sends.get_mut(conn).and_then(VecDeque::pop_front);
                let message = login_message(packet.as_bytes());
                let login = self.peers.get_mut(conn).and_then(|peer| peer.login.as_mut());
                if let (Some(message), Some(login)) = (message, login) {
                    login.server_first = String::from_utf8_lossy(message).into_owned();
                }
                let fits = |foretold: &[u8]| foretold == packet.as_bytes() || login::fits(foretold, packet.as_bytes());
                self.check(foretold.as_deref().is_some_and(fits), || {
                    format!("{conn:?} is sent {packet:?}, not {foretold:02X?}")
                });
            }
            Output::Offer { conn, frame } => self.offered(*conn, frame.as_bytes()),
            Output::Close(conn) => {
                let stuck = self.stuck.contains(conn);
                let foretold = self.closes.remove(conn);
                self.check(foretold || stuck, || format!("{conn:?} is closed for no reason at {at}"));
                if stuck {
                    self.stuck.clear();
                    self.remove(at, *conn);
                }
            }
            Output::Finish(conn) => {
                let foretold = self.finishes.remove(conn);
                self.check(foretold, || format!("{conn:?} is finished for no reason"));
            }
            Output::Pause(conn) => {
                let foretold = self.pauses.remove(conn);
                self.check(foretold, || format!("{conn:?} is paused for no reason"));
            }
            Output::Resume(conn) => {
                let foretold = self.resumes.remove(conn);
                self.check(foretold, || format!("{conn:?} is resumed for no reason"));
            }
            Output::ArmTick(armed) => self.tick_armed = armed.map(es_iot_server::time::Mono::as_nanos),
            Output::Spawn { role, argv } => self.spawned(*role, argv),
            Output::Signal { role, .. } => self.child_is_signalled(*role),
            Output::Store(settings) => self.stores(at, settings),
            Output::Exit => {
                let (first, stopping) = (!self.exited, self.stopping);
                self.check(first && stopping.is_some(), || "an exit that nobody asked for".into());
                let idle = self.alive.is_empty() && self.settings.in_flight.is_none();
                self.check(idle || at >= stopping.unwrap_or(0) + 3 * SECOND, || "an exit before all is over".into());
                self.exited = true;
            }
            Output::Notify(Notice::Status(text)) => self.check(!text.is_empty(), || "an empty status".into()),
            Output::Notify(Notice::Ready | Notice::Reloading | Notice::Stopping | Notice::Watchdog)
            | Output::ReadSource(_)
            | Output::MakeRoom { .. }
            | Output::Reload
            | Output::SetLogLevel(_)
            | Output::ReopenLog
            | Output::CloseListeners => {}
            Output::Publish { .. } => {
                let foretold = std::mem::take(&mut self.video.publishes);
                self.check(foretold, || format!("the publisher begins for no reason at {at}"));
            }
            Output::Pictures => {
                let foretold = std::mem::take(&mut self.video.arrived);
                self.check(foretold, || format!("pictures for no reason at {at}"));
            }
            Output::Report(report) => {
                self.check(report.to_string().len() < 4096, || "an endless report".into());
                if let Report::Camera(report) = report {
                    self.camera_reports(at, report);
                } else if let Report::Settings(SettingsReport::Applied { settings, by }) = report {
                    self.handed(at, settings, *by);
                }
            }
        }
    }

    /// A write of the settings begins.
    fn stores(&mut self, at: u64, settings: &CameraSettings) {
        let s = &self.settings;
        let due = s.writes.allow(at) || self.stopping.is_some();
        let fits = s.in_flight.is_none() && s.were_in_force(settings) && s.kept != Kept::Yes && due;
        self.check(fits, || format!("a write of {settings:?} that is not due at {at}"));
        self.settings.in_flight = Some((*settings, at));
        self.settings.writes.take(at);
        self.settings.kept = Kept::NotYet;
    }

    /// After an input: everything foretold has come.
    pub fn after(&mut self, now: Now, server: &Server) {
        let at = now.mono.as_nanos();
        self.sends.retain(|_, packets| !packets.is_empty());
        self.said.retain(|_, due| !due.is_empty());
        self.web.retain(|_, due| !due.is_empty());
        let nothing = self.sends.is_empty()
            && self.said.is_empty()
            && self.web.is_empty()
            && self.events.round.is_empty()
            && self.closes.is_empty()
            && self.finishes.is_empty()
            && self.pauses.is_empty()
            && self.resumes.is_empty()
            && self.round.is_empty()
            && self.stuck.is_empty()
            && !self.video.arrived
            && !self.video.publishes
            && (self.exited || !self.clock.missing());
        let missing = if nothing {
            String::new()
        } else {
            format!(
                "sends {:?} closes {:?} finishes {:?} pauses {:?} resumes {:?} offers {:?} stuck {:?} pictures {} {} \
                 viewers {:?} browsers {:?} {:?} {:?}",
                self.sends,
                self.closes,
                self.finishes,
                self.pauses,
                self.resumes,
                self.round,
                self.stuck,
                self.video.arrived,
                self.video.publishes,
                self.said,
                self.web,
                self.events.round,
                self.clock
            )
        };
        self.check(nothing, || format!("missing at {at}: {missing}"));
        self.check_pipeline(at, server);
        self.check_video(at, server);
        self.check_counters(server);
        let clients = self.clients();
        self.check(server.clients() == clients, || format!("{} clients, not {clients}", server.clients()));
        let streamed = self.peers.values().any(|peer| peer.service == Service::Data && peer.leaving.is_none());
        if !streamed {
            (self.ticked, self.packet) = (None, None);
        }
        self.check_browsers();
        let due = (streamed || self.listeners() > 0).then(|| self.tick_time(self.next_tick));
        let armed = self.tick_armed;
        self.check(armed == due, || format!("the tick is armed for {armed:?}, not {due:?}"));
        self.check_camera(server);
        if self.woken.take() == Some(at) && self.stopping.is_none() {
            let s = &self.settings;
            let idle = !s.readers.is_empty() && s.in_flight.is_none() && s.writes.allow(at);
            // A change may come behind a picture that this wake-up led to, after the settings had their turn.
            let goes_on = server.next_wakeup().is_some_and(|next| next.as_nanos() <= at);
            self.check(!idle || goes_on, || format!("a read waits at {at}, and nothing is written"));
        }
    }

    /// The server wakes up in time for viewers, slates and reports.
    fn check_video(&mut self, at: u64, server: &Server) {
        let due =
            self.viewers_due().map(|(due, _)| due).into_iter().chain(self.video_due()).chain(self.web_is_due()).min();
        let next = server.next_wakeup().map(es_iot_server::time::Mono::as_nanos);
        let in_time = self.exited || due.is_none_or(|due| next.is_some_and(|next| next <= due));
        self.check(in_time, || {
            format!("at {at} the server sleeps until {next:?}, and the video has something at {due:?}")
        });
    }

    /// Every offer since a tick is of that tick's packet.
    fn offered(&mut self, conn: ConnId, bytes: &[u8]) {
        let awaited = self.round.remove(&conn);
        self.check(awaited, || format!("{conn:?} is offered a packet for no reason"));
        let Some(unix_ms) = self.ticked else { return self.check(false, || "an offer before any tick".into()) };
        let packet = self.packet.get_or_insert_with(|| bytes.to_vec()).clone();
        let framed = bytes.len() == 16 && bytes[..6] == [0, 0xFF, 1, 0, 0, 9] && bytes[6] <= 10;
        let same = framed && self.value_is(bytes[6]);
        let holds = same && packet == bytes && bytes[7..15] == unix_ms.to_be_bytes();
        self.check(holds, || format!("{conn:?} is offered {bytes:02X?}, not {packet:02X?} of {unix_ms}"));
    }

    fn spawned(&mut self, role: Role, argv: &[String]) {
        let stopping = self.stopping;
        self.check(stopping.is_none(), || format!("{role:?} is started while stopping"));
        let alone = self.alive.insert(role as u8, argv.to_vec()).is_none();
        self.check(alone, || format!("a second {role:?}"));
        let beside_probe = self.alive.contains_key(&(Role::Probe as u8)) && self.alive.len() > 1;
        self.check(!beside_probe, || "a probe beside the pipeline".into());
        match role {
            Role::Camera => self.camera_asked = false,
            Role::Publisher => self.publisher_is_started(),
            Role::Probe => {}
        }
    }

    /// A camera that runs and was not asked to stop runs with the newest settings it was to be told.
    fn check_camera(&mut self, _: &Server) {
        let Some(argv) = self.alive.get(&(Role::Camera as u8)) else { return };
        if self.camera_asked {
            return;
        }
        let value = |key: &str| argv.iter().position(|word| word == key).map(|at| argv[at + 1].clone());
        let found = (value("--shutter"), value("--gain"));
        let told = (self.settings.applied.shutter.to_string(), self.settings.applied.gain.to_string());
        if let (Some(shutter), Some(gain)) = found {
            self.check((&shutter, &gain) == (&told.0, &told.1), || {
                format!("the camera runs with {shutter}, {gain}, not {told:?}")
            });
        }
    }

    /// The log names the settings that the camera is handed, and who brought them.
    fn handed(&mut self, at: u64, settings: &CameraSettings, changed_by: ChangedBy) {
        let by = match changed_by {
            ChangedBy::Peer(address) => Some(address),
            ChangedBy::File => None,
        };
        let foretold = (self.settings.applied, self.settings.handed);
        self.check(foretold == (*settings, Some((at, by))), || {
            format!("{settings:?} of {changed_by:?} at {at}, not {foretold:?}")
        });
    }

    fn clients(&self) -> usize {
        self.peers.values().filter(|peer| peer.leaving.is_none()).count()
    }

    fn clients_of(&self, address: ids::Peer) -> usize {
        self.peers.values().filter(|peer| peer.leaving.is_none() && peer.address == address).count()
    }

    fn tick_time(&self, n: u64) -> u64 {
        self.start + u64::try_from(u128::from(n) * 1_000_000_000 / 24).expect("the run is short")
    }
}
