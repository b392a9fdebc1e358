//! The server, pure: composes the three services and the camera. [`Server::handle`] takes one [`Input`] and
//! pushes the [`Output`]s that follow from it; nothing else happens.
//!
//! | file | what |
//! |---|---|
//! | `contract.rs` | `Input` and `Output`: the surface |
//! | `entry.rs` | connections: who is let in |
//! | `talk.rs` | connections: speaking, going |
//! | `stream.rs` | the tick |
//! | `coordination.rs` | camera, settings file, reload, stop |
//! | `store.rs` | the settings between an update and the disk |
//! | `places.rs` | how many connections each service may have |
//! | `peers.rs` | the table of connections and their deadlines |
//! | `report.rs` | everything that is said in the log |
//!
//! Not here: clocks, sockets, files and processes (`sys`, `reactor`).

mod contract;
mod coordination;
mod entry;
mod peers;
mod places;
pub mod report;
mod store;
mod stream;
mod talk;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

pub use crate::ids::{ConnId, Peer, Service};
pub use crate::os::Errno;
pub use contract::{Fresh, Input, Notice, Output, Request, Setup};

use crate::camera::supervisor::{Action, Event, Supervisor};
use crate::config::{Config, Secret};
use crate::limiter::{LeftOut, Limiter};
use crate::listen::listeners;
use crate::service::access::Access;
use crate::service::data::{Schedule, Source, Subscribers};
use crate::stats::{Counter, Stats};
use crate::time::{Mono, Now};
use peers::Connections;
use places::Places;
use report::Report;
use store::Store;

/// The whole of what the server knows.
#[derive(Debug)]
pub struct Server {
    config: Config,
    password: Secret,
    peers: Connections,
    places: Places,
    /// The limit on descriptors, once it is known.
    descriptors: Option<u32>,
    subscribers: Subscribers,
    schedule: Schedule,
    source: Source,
    /// The packet of the last tick, for subscribers whose socket takes packets again.
    last_packet: Option<crate::wire::Outgoing>,
    access: Access,
    store: Store,
    store_failing: bool,
    camera: Supervisor,
    /// The supervisor's actions, emptied after each event; kept to be reused.
    actions: Vec<Action>,
    /// What the service manager was told of the camera.
    status: Cow<'static, str>,
    limiter: Limiter,
    watchdog: Option<(Duration, Mono)>,
    /// Both clocks at the last input, to notice when the wall clock is set.
    seen: Now,
    /// While stopping: when it has to be over.
    stop_by: Option<Mono>,
    exited: bool,
    stats: Stats,
}

/// What may be due. Each is computed from the state it belongs to, so none can be forgotten or left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// A peer owes a packet, its socket's attention, or its leave.
    Peers,
    /// The settings are to be applied or written.
    Store,
    /// The supervisor's next step.
    Camera,
    /// The brake on wrong passwords may go off.
    Brake,
    /// The service manager wants a sign of life.
    Watchdog,
    /// The log has lines left out to tell of.
    Limiter,
    /// Stopping has to be over.
    Stop,
}

impl Server {
    /// A server that has done nothing yet; [`Server::start`] begins.
    pub fn new(config: Config, setup: Setup, now: Now) -> Self {
        let camera = Supervisor::new(config.camera.clone(), setup.settings, setup.seed);
        Self {
            peers: Connections::default(),
            places: Places::new(&listeners(&config)),
            descriptors: None,
            subscribers: Subscribers::default(),
            schedule: Schedule::new(now.mono),
            source: Source::new(setup.seed),
            last_packet: None,
            access: Access::default(),
            store: Store::new(setup.settings),
            store_failing: false,
            camera,
            actions: Vec::new(),
            status: Cow::default(),
            limiter: Limiter::default(),
            watchdog: setup.watchdog.map(|interval| (interval, now.mono + interval)),
            seen: now,
            stop_by: None,
            exited: false,
            stats: Stats::default(),
            password: setup.password,
            config,
        }
    }

    /// Begins: the ports are bound, the camera may start.
    pub fn start(&mut self, now: Now, out: &mut Vec<Output>) {
        self.seen = now;
        out.push(Output::MakeRoom { descriptors: self.places.descriptors() });
        out.push(Output::Notify(Notice::Ready));
        if !self.config.auth.required {
            self.report(now.mono, Report::OpenToNetwork, out);
        }
        out.push(Output::ReadSource(self.source_file().map(Path::to_owned)));
        self.camera_event(now.mono, Event::Start, out);
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        self.look_at_clock(now, out);
        match input {
            Input::Accepted { conn, service, peer } => {
                self.accepted(now.mono, conn, service, peer, out);
            }
            Input::AcceptRests { errno } => {
                self.stats.bump(Counter::AcceptRested);
                self.report(now.mono, Report::AcceptRests { errno }, out);
            }
            Input::Received { conn, bytes } => self.received(now.mono, conn, bytes, out),
            Input::Finished { conn } => self.finished(now.mono, conn, out),
            Input::Lost { conn } => self.lost(now.mono, conn, out),
            Input::Blocked { conn } => self.blocked(now.mono, conn),
            Input::Unblocked { conn } => self.unblocked(now.mono, conn, out),
            Input::Tick { reading } => self.tick(now, reading, out),
            Input::Wakeup => self.wakeup(now, out),
            Input::SpawnFailed { role, errno } => {
                let text = errno.to_string();
                self.camera_event(now.mono, Event::SpawnFailed { role, errno: errno.0, text: &text }, out);
            }
            Input::Line { role, text } => self.camera_event(now.mono, Event::Line { role, text }, out),
            Input::Video { bytes } => {
                self.stats.add(Counter::VideoBytes, bytes);
                self.camera_event(now.mono, Event::Video { bytes }, out);
            }
            Input::Exited { role, exit } => self.camera_event(now.mono, Event::Exited { role, exit }, out),
            Input::Stored { result } => self.stored(now.mono, result, out),
            Input::Signal(request) => self.signal(now.mono, request, out),
            Input::Reloaded(found) => self.reloaded(now.mono, found, out),
            Input::Room { descriptors } => self.room_made(now.mono, descriptors, out),
            Input::NotTold { errno } => {
                self.stats.bump(Counter::NotifyDelayed);
                self.report(now.mono, Report::NotTold { errno }, out);
            }
        }
    }

    /// When [`Input::Wakeup`] is next wanted, `None` when nothing is waited for.
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.timers().into_iter().filter_map(|(_, at)| at).min()
    }

    /// The counters.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The counters, for what the reactor drops.
    pub const fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// Connections that are being served.
    pub const fn clients(&self) -> usize {
        self.peers.clients()
    }

    fn timers(&self) -> [(Timer, Option<Mono>); 7] {
        [
            (Timer::Peers, self.peers.next_deadline()),
            (Timer::Store, self.store.deadline()),
            (Timer::Camera, self.camera.deadline()),
            (Timer::Brake, self.access.next_deadline()),
            (Timer::Watchdog, self.watchdog.map(|(_, at)| at)),
            (Timer::Limiter, self.limiter.next_deadline()),
            (Timer::Stop, self.stop_by.filter(|_| !self.exited)),
        ]
    }

    fn wakeup(&mut self, now: Now, out: &mut Vec<Output>) {
        for (timer, at) in self.timers() {
            if at.is_none_or(|at| at > now.mono) {
                continue;
            }
            match timer {
                Timer::Peers => self.peers_overdue(now.mono, out),
                Timer::Store => self.store_due(now.mono, out),
                Timer::Camera => self.camera_event(now.mono, Event::Deadline, out),
                Timer::Brake => self.brake_due(now.mono, out),
                Timer::Watchdog => {
                    self.watchdog = self.watchdog.map(|(interval, _)| (interval, now.mono + interval));
                    out.push(Output::Notify(Notice::Watchdog));
                }
                Timer::Limiter => self.limiter_due(now.mono, out),
                Timer::Stop => self.stop_timed_out(now.mono, out),
            }
        }
    }

    /// Says something, unless its kind has said too much lately.
    fn report(&mut self, now: Mono, report: Report, out: &mut Vec<Output>) {
        let level = report.level();
        if level < self.config.logging.level && !report.is_an_answer() {
            return;
        }
        if let Some(kind) = report.kind() {
            self.limiter_due(now, out);
            if !self.limiter.allow(kind, level, now) {
                self.stats.bump(Counter::LinesSuppressed);
                return;
            }
        }
        out.push(Output::Report(report));
    }

    fn limiter_due(&mut self, now: Mono, out: &mut Vec<Output>) {
        for LeftOut { kind, count, level } in self.limiter.flush_due(now) {
            out.push(Output::Report(Report::LeftOut { kind, count, level }));
        }
    }
}
