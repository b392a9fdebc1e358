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
//! | `login.rs` | logins without the password on the wire, and sessions |
//! | `stream.rs` | the subscribers and the tick |
//! | `settings.rs` | the camera settings between an update and the disk |
//! | `pipeline.rs` | the camera and its publisher |
//! | `video.rs` | the pictures, and the slate |
//! | `viewers.rs` | the viewers |
//! | `http.rs` | the HTTP clients |
//! | `device.rs` | the device's clock and disk |
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
mod device;
mod http;
mod interface;
mod lifecycle;
mod login;
mod parts;
mod pipeline;
pub mod report;
mod settings;
pub mod status;
mod stream;
mod video;
mod viewers;

use sha2::{Digest as _, Sha256};

pub use crate::ids::{ConnId, Peer, Service};
pub use crate::os::Errno;
pub use interface::{Input, Notice, Output, Reloaded, Request, Setup};

use crate::camera::supervisor::Event;
use crate::config::Config;
use crate::media::ring::Ring;
use crate::service;
use crate::service::rtsp::Ends;
use crate::stats::{Counter, Stats};
use crate::time::{Mono, Now};
use auth::Auth;
use connections::Connections;
use context::{Context, Journal};
use device::Device;
use http::Http;
use lifecycle::Lifecycle;
use login::Login;
use parts::Parts;
use pipeline::Pipeline;
use report::{ClientReport, ServerReport};
use settings::Settings;
use status::Status;
use stream::Stream;
use video::Video;
use viewers::Viewers;

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
        let Setup { settings, password, seed, watchdog, secret, host, udp_port, is_persistent } = setup;
        // Each part that needs randomness has its own.
        let random = |purpose: &str| Sha256::new().chain_update(secret).chain_update(purpose).finalize().into();
        let video = Video::new(&config.camera, host, random("rtp"), now.mono);
        let parts = Parts {
            connections: Connections::new(&config),
            login: Login::new(&password, random("login")),
            auth: Auth::new(password),
            stream: Stream::new(now.mono, seed),
            settings: Settings::new(settings),
            pipeline: Pipeline::new(config.camera.clone(), settings, seed, now),
            http: Http::new(),
            viewers: Viewers::new(secret, Ends { udp: udp_port, ssrc: video.ring().ssrc() }),
            video,
            device: Device::new(is_persistent, now),
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
        parts.device.watch_clock(cx);
        parts.pipeline.watch_clock(cx);
        match input {
            Input::Accepted { conn, service, peer } => parts.accepted(cx, conn, service, peer),
            Input::AcceptRests { errno } => {
                cx.bump(Counter::AcceptRested);
                cx.report(ClientReport::AcceptRests { errno });
            }
            Input::Received { conn, bytes } => parts.received(cx, conn, bytes),
            Input::Finished { conn } => parts.finished(cx, conn),
            Input::Lost { conn } => {
                let departed = parts.connections.lost(cx, conn);
                parts.departed(cx, departed);
            }
            Input::Blocked { conn } => parts.blocked(cx, conn),
            Input::Unblocked { conn } => parts.unblocked(cx, conn),
            Input::Sent { conn } => parts.http(cx, conn, service::http::Input::Sent),
            Input::Tick { reading } => parts.tick(cx, reading),
            Input::Wakeup => parts.wakeup(cx),
            Input::SpawnFailed { role, errno } => {
                let text = errno.to_string();
                parts.child_ended(cx, role, Event::SpawnFailed { role, errno: errno.0, text: &text });
            }
            Input::Line { role, text } => parts.pipeline.handle(cx, Event::Line { role, text }),
            Input::Video { bytes } => {
                cx.stats.add(Counter::VideoBytes, bytes.len() as u64);
                parts.video(cx, bytes);
            }
            Input::VideoDrained => parts.complete(cx, Video::drained),
            Input::Published { bytes } => parts.published(cx, bytes),
            Input::Took { conn } => parts.took(cx, conn),
            Input::Rtcp { peer, port, bytes } => parts.rtcp(cx, peer, port, bytes),
            Input::Exited { role, exit } => parts.child_ended(cx, role, Event::Exited { role, exit }),
            Input::Stored { result } => parts.stored(cx, result),
            Input::Signal(Request::Stop) => parts.stop(cx),
            Input::Signal(Request::Reload) => parts.lifecycle.begin_reload(cx),
            Input::Signal(Request::Counters) => parts.report_status(cx),
            Input::Reloaded(found) => {
                let outcome = match &found {
                    _ if parts.lifecycle.is_stopping() => Err("the server is stopping".to_owned()),
                    Ok(found) => Ok(found.needs_restart.clone()),
                    Err(why) => Err(why.clone()),
                };
                if let Some(found) = parts.lifecycle.check_reload(cx, found) {
                    self.reload(now, *found, out);
                }
                let (parts, mut cx) = self.split(now, out);
                return parts.reload_over(&mut cx, &outcome);
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
        self.parts.timers(&self.journal, &self.config).into_iter().filter_map(|(_, at)| at).min()
    }

    /// The counters.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The counters, for what the reactor drops.
    pub const fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    /// The state at `now`.
    pub fn status(&self, now: Mono) -> Status<'_> {
        self.parts.status(now, &self.config, &self.stats)
    }

    /// The pictures, and the counters.
    pub const fn lend(&mut self) -> (&Ring, &mut Stats) {
        (self.parts.video.ring(), &mut self.stats)
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
