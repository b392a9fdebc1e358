//! The HTTP clients: their exchanges, and which of them get a stream.
//!
//! Not here: HTTP itself (`service::http`), what the answers are made of (`parts/http.rs` asks the other parts), and what these
//! clients share with those of other services: places, sockets and deadlines (`connections.rs`).

mod client;
mod events;
mod snapshots;

use super::context::Context;
use super::interface::Output;
use super::report::HttpReport;
use super::status::StatusEvent;
use crate::frame::Shared;
use crate::ids::{ConnId, Peer};
use crate::limits::EVENTS_KERNEL_UNSENT_BYTES;
use crate::media::ring::Ring;
use crate::service::http::{self, Access, Hosts, Page, Question, Reason, Rejection, Stream};
use crate::stats::Counter;
use crate::time::Mono;
pub use client::Awaited;
use client::{Client, Stage};
use events::Events;
use snapshots::Snapshots;

/// What an exchange has led to, for other parts.
#[derive(Debug)]
pub enum Step {
    /// It asks this.
    Ask(Question),
    /// It is to get the events from now on.
    Listens,
    /// The exchange is over.
    Closed,
}

/// All HTTP clients, in no order.
#[derive(Debug)]
pub struct Http {
    list: Vec<Client>,
    page: Page,
    snapshots: Snapshots,
    events: Events,
}

impl Http {
    /// None yet.
    pub fn new() -> Self {
        Self { list: Vec::new(), page: http::page::page(), snapshots: Snapshots::default(), events: Events::default() }
    }

    /// Adds a connection.
    pub fn add(&mut self, cx: &Context<'_>, conn: ConnId, peer: Peer) {
        self.list.push(Client::new(conn, peer, cx.mono()));
    }

    /// Forgets a connection.
    pub fn remove(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(at) = self.list.iter().position(|client| client.conn == conn) else { return };
        self.list.swap_remove(at).stop(cx);
        self.events.count(self.listeners());
    }

    /// The page.
    pub fn page(&self) -> Page {
        self.page.clone()
    }

    /// The peer of a connection.
    pub fn peer(&self, conn: ConnId) -> Option<Peer> {
        self.get(conn).map(|client| client.peer)
    }

    /// All connections.
    pub fn all(&self) -> Vec<ConnId> {
        self.list.iter().map(|client| client.conn).collect()
    }

    /// The cookies of the sessions whose questions or streams go on.
    pub fn sessions(&self) -> impl Iterator<Item = &str> {
        self.list.iter().filter_map(|client| client.exchange.session())
    }

    /// The cookie of a client's question or stream.
    pub fn session(&self, conn: ConnId) -> Option<&str> {
        self.get(conn)?.exchange.session()
    }

    /// Clients that get the video.
    pub fn viewers(&self) -> usize {
        self.list.iter().filter(|client| client.is_viewer()).count()
    }

    /// Clients that get the events.
    pub fn listeners(&self) -> usize {
        self.list.iter().filter(|client| client.listens()).count()
    }

    /// Whether any client gets pictures, or waits for one.
    pub fn want_pictures(&self) -> bool {
        self.list.iter().any(|client| client.is_viewer() || client.awaits_picture())
    }

    /// Those that wait for a key picture.
    pub fn awaiting_picture(&self) -> Vec<ConnId> {
        self.list.iter().filter(|client| client.awaits_picture()).map(|client| client.conn).collect()
    }

    /// Those that wait for this.
    pub fn awaiting(&self, awaited: Awaited) -> Vec<ConnId> {
        self.list.iter().filter(|client| client.awaits == Some(awaited)).map(|client| client.conn).collect()
    }

    /// What a client waits for; it waits no more.
    pub fn take_awaited(&mut self, conn: ConnId) -> Option<Awaited> {
        self.find(conn)?.awaits.take()
    }

    /// Has a client wait.
    pub fn wait(&mut self, conn: ConnId, awaited: Awaited) {
        if let Some(client) = self.find(conn) {
            client.awaits = Some(awaited);
        }
    }

    /// When the client has to do something.
    pub fn deadline_of(&self, conn: ConnId) -> Option<Mono> {
        self.get(conn)?.deadline()
    }

    /// Whether a client has taken nothing for too long.
    pub fn is_stuck(&self, conn: ConnId, now: Mono) -> bool {
        self.get(conn).is_some_and(|client| client.is_stuck(now))
    }

    /// A client's socket takes nothing.
    pub fn blocked(&mut self, conn: ConnId, now: Mono) {
        if let Some(client) = self.find(conn) {
            client.blocked_since.get_or_insert(now);
        }
    }

    /// A client's socket has taken some of the stream.
    pub fn took(&mut self, conn: ConnId, now: Mono) {
        if let Some(client) = self.find(conn)
            && client.blocked_since.is_some()
        {
            client.blocked_since = Some(now);
        }
    }

    /// A client's socket takes bytes again. Events that it has missed follow.
    pub fn unblocked(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Self { list, events, .. } = self;
        if let Some(client) = list.iter_mut().find(|client| client.conn == conn) {
            client.blocked_since = None;
            events.make_up(cx, client);
        }
    }

    /// Hands an exchange an input, and does what follows from it. Returns what concerns other parts.
    pub fn handle(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        (access, hosts, ring): (Access<'_>, Hosts<'_>, &Ring),
        input: http::Input<'_>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some(client) = self.list.iter_mut().find(|client| client.conn == conn) else {
            cx.bump(Counter::StaleEvents);
            return steps;
        };
        let context = http::Context { now: cx.mono(), access, hosts };
        let mut outputs = Vec::new();
        client.exchange.handle(&context, input, &mut outputs);
        for output in outputs {
            match output {
                http::Output::Send(frame) => cx.send(conn, frame),
                http::Output::WhenSent => cx.push(Output::WhenSent(conn)),
                http::Output::Ask(question) => {
                    cx.bump(Counter::HttpRequests);
                    steps.push(Step::Ask(question));
                }
                http::Output::Stream(stream) => {
                    cx.push(Output::Discard(conn));
                    match stream {
                        Stream::Video => client.watch(cx, ring),
                        Stream::Events => {
                            cx.push(Output::LimitUnsent { conn, bytes: EVENTS_KERNEL_UNSENT_BYTES });
                            client.stage = Stage::Listens { missed: true };
                            steps.push(Step::Listens);
                        }
                    }
                }
                http::Output::Refused(rejection) => {
                    // What it waited for is not to answer a later question.
                    client.awaits = None;
                    cx.bump(counter(rejection));
                    cx.report(HttpReport::Refused { peer: client.peer, rejection });
                }
                http::Output::Close(reason) => {
                    client.stop(cx);
                    if let Some(counter) = counter_of_close(reason) {
                        cx.bump(counter);
                    }
                    cx.report(HttpReport::Closed { peer: client.peer, reason });
                    steps.push(Step::Closed);
                }
            }
        }
        client.pause_if_it_waits(cx);
        steps
    }

    /// Sends the value of a tick to those that get the events.
    pub fn send_value(&mut self, cx: &mut Context<'_>, value: u8) {
        if self.events.are_wanted() {
            Events::send_value(cx, &self.list, value);
        }
    }

    /// When the state is to be looked at.
    pub const fn events_deadline(&self) -> Option<Mono> {
        self.events.deadline()
    }

    /// Whether those that get the events are to get state and settings anew. To be called when [`Self::events_deadline`] is.
    pub fn events_are_outdated_by(&mut self, now: Mono, key: &str) -> bool {
        self.events.are_outdated_by(now, key)
    }

    /// Takes the newest state and settings for those that get the events.
    pub fn renew_events(&mut self, key: String, newest: &StatusEvent) {
        self.events.renew(key, newest, &mut self.list);
    }

    /// Takes state and settings as they are now, for those that have missed some.
    pub fn refresh_events(&mut self, newest: &StatusEvent) {
        self.events.refresh(newest);
    }

    /// Sends those that get the events what they have missed.
    pub fn send_missed(&mut self, cx: &mut Context<'_>) {
        for client in &mut self.list {
            self.events.make_up(cx, client);
        }
    }

    /// The newest key picture as a file, for one more client; `None` if too many have not taken theirs.
    pub fn snapshot(&mut self, ring: &Ring) -> Option<Shared> {
        self.snapshots.newest(ring)
    }

    fn get(&self, conn: ConnId) -> Option<&Client> {
        self.list.iter().find(|client| client.conn == conn)
    }

    fn find(&mut self, conn: ConnId) -> Option<&mut Client> {
        self.list.iter_mut().find(|client| client.conn == conn)
    }
}

/// The counter of a refusal: one for each group of statuses.
const fn counter(rejection: Rejection) -> Counter {
    match rejection.status().code {
        401 | 403 | 429 => Counter::HttpUnauthorized,
        404 => Counter::HttpNotFound,
        421 => Counter::HttpMisdirected,
        503 => Counter::HttpUnavailable,
        _ => Counter::HttpBadRequest,
    }
}

/// The counter of a connection that the server ends; `None` where a refused request or the client itself is the cause.
const fn counter_of_close(reason: Reason) -> Option<Counter> {
    match reason {
        Reason::Flood => Some(Counter::PeerLostSync),
        Reason::Silent => Some(Counter::PeerTooSlow),
        Reason::Refused(_) | Reason::Done | Reason::Finished | Reason::Idle | Reason::NotAllowed => None,
    }
}
