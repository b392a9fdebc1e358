//! The server, pure: puts the services and the camera together. [`Server::handle`] takes one [`Input`] and pushes the
//! [`Output`]s that follow from it; nothing else happens.
//!
//! The server is made of parts. Each owns its state and no other part's: it is handed what all share as a
//! `Context`, and returns what concerns another. Here an input is routed to its part, and what the part returns
//! to the next.
//!
//! | file | part |
//! |---|---|
//! | `interface.rs` | `Input` and `Output`: the surface |
//! | `connections.rs` | the connections: how they begin, what they ask for, how they end |
//! | `auth.rs` | the password, lock-outs and grants |
//! | `stream.rs` | the subscribers and the tick |
//! | `settings.rs` | the camera settings between an update and the disk |
//! | `pipeline.rs` | the camera and its publisher |
//! | `lifecycle.rs` | watchdog, reload and stop |
//! | `status.rs` | the state in figures |
//! | `parts.rs` | the ways between the parts |
//! | `context.rs` | what all share: time, configuration, counters, log, outputs |
//! | `report.rs` | every line of the log |
//!
//! Not here: clocks, sockets, files and processes (`sys`, `reactor`).

mod auth;
mod connections;
mod context;
mod interface;
mod lifecycle;
mod parts;
mod pipeline;
pub mod report;
mod settings;
mod status;
mod stream;

pub use crate::ids::{ConnId, Peer, Service};
pub use crate::os::Errno;
pub use interface::{Input, Notice, Output, Reloaded, Request, Setup};

use crate::camera::supervisor::Event;
use crate::config::Config;
use crate::stats::{Counter, Stats};
use crate::time::{Mono, Now};
use auth::Auth;
use connections::Connections;
use context::{Context, Journal};
use lifecycle::Lifecycle;
use parts::Parts;
use pipeline::Pipeline;
use report::{ClientReport, ServerReport};
use settings::Settings;
use stream::Stream;

/// All that the server knows.
#[derive(Debug)]
pub struct Server {
    config: Config,
    stats: Stats,
    journal: Journal,
    parts: Parts,
}

impl Server {
    /// A server that has done nothing yet; [`Server::start`] begins.
    pub fn new(config: Config, setup: Setup, now: Now) -> Self {
        let Setup { settings, password, seed, watchdog } = setup;
        let parts = Parts {
            connections: Connections::new(&config),
            auth: Auth::new(password),
            stream: Stream::new(now.mono, seed),
            settings: Settings::new(settings),
            pipeline: Pipeline::new(config.camera.clone(), settings, seed, now),
            lifecycle: Lifecycle::new(watchdog, now.mono),
        };
        Self { config, stats: Stats::default(), journal: Journal::default(), parts }
    }

    /// Begins: the ports are bound, the camera may start.
    pub fn start(&mut self, now: Now, out: &mut Vec<Output>) {
        let (parts, mut cx) = self.split(now, out);
        parts.start(&mut cx);
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        let (parts, mut cx) = self.split(now, out);
        let cx = &mut cx;
        parts.pipeline.watch_clock(cx);
        match input {
            Input::Accepted { conn, service, peer } => parts.accepted(cx, conn, service, peer),
            Input::AcceptRests { errno } => {
                cx.bump(Counter::AcceptRested);
                cx.report(ClientReport::AcceptRests { errno });
            }
            Input::Received { conn, bytes } => {
                parts.connections.received(cx, conn, bytes);
                parts.converse(cx, conn);
            }
            Input::Finished { conn } => {
                let departed = parts.connections.peer_finished(cx, conn);
                parts.departed(cx, departed);
            }
            Input::Lost { conn } => {
                let departed = parts.connections.lost(cx, conn);
                parts.departed(cx, departed);
            }
            Input::Blocked { conn } => {
                if parts.connections.blocked(cx, conn) {
                    parts.stream.blocked(cx, conn);
                }
            }
            Input::Unblocked { conn } => {
                if parts.connections.unblocked(cx, conn) {
                    parts.stream.unblocked(cx, conn);
                }
            }
            Input::Tick { reading } => parts.tick(cx, reading),
            Input::Wakeup => parts.wakeup(cx),
            Input::SpawnFailed { role, errno } => {
                let text = errno.to_string();
                parts.pipeline.handle(cx, Event::SpawnFailed { role, errno: errno.0, text: &text });
            }
            Input::Line { role, text } => parts.pipeline.handle(cx, Event::Line { role, text }),
            Input::Video { bytes } => {
                cx.stats.add(Counter::VideoBytes, bytes);
                parts.pipeline.handle(cx, Event::Video { bytes });
            }
            Input::Exited { role, exit } => parts.pipeline.handle(cx, Event::Exited { role, exit }),
            Input::Stored { result } => parts.stored(cx, result),
            Input::Signal(Request::Stop) => parts.stop(cx),
            Input::Signal(Request::Reload) => parts.lifecycle.begin_reload(cx),
            Input::Signal(Request::Counters) => parts.report_status(cx),
            Input::Reloaded(found) => {
                if let Some(found) = parts.lifecycle.check_reload(cx, found) {
                    return self.reload(now, *found, out);
                }
            }
            Input::Room { descriptors } => parts.connections.set_descriptors(cx, descriptors),
            Input::NotifyFailed { errno } => {
                cx.bump(Counter::NotifyDelayed);
                cx.report(ServerReport::NotifyFailed { errno });
            }
        }
        parts.exit_if_over(cx);
    }

    /// When [`Input::Wakeup`] is next wanted, `None` when nothing is waited for.
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.parts.timers(&self.journal).into_iter().filter_map(|(_, at)| at).min()
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
    pub fn clients(&self) -> usize {
        self.parts.connections.clients()
    }

    /// The parts, and what they share.
    const fn split<'a>(&'a mut self, now: Now, out: &'a mut Vec<Output>) -> (&'a mut Parts, Context<'a>) {
        let Self { config, stats, journal, parts } = self;
        (parts, Context { now, config, stats, journal, out })
    }

    /// Puts in force of a reload what can change at run time.
    fn reload(&mut self, now: Now, found: Reloaded, out: &mut Vec<Output>) {
        let old = self.config.clone();
        self.config.adopt(&found.config);
        let (parts, mut cx) = self.split(now, out);
        parts.reload(&mut cx, &old, found);
    }
}
