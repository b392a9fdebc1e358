//! The connections: how they begin, what they ask for, how they end.
//!
//! A connection ends in one of three ways: [`Connections::finish`] sends what waits and gives the peer a moment to close
//! first, [`Connections::close`] closes now, [`Connections::remove`] takes one out of the table that is closed already.
//! Each returns what has [`Departed`], for the parts that knew the client.
//!
//! `entry.rs` accepts them, `dialogue.rs` has what they ask for; the three files are one part.
//!
//! Not here: access (`auth.rs`), the stream (`stream.rs`) and the settings (`settings.rs`).

mod conversation;
mod dialogue;
mod entry;
mod places;
mod table;

use std::time::Duration;

use super::auth::Auth;
use super::context::Context;
use super::interface::Output;
use super::report::{ClientReport, CloseReason};
use crate::config::Config;
use crate::ids::{ConnId, Peer, Service};
use crate::limits::LINGER_TIMEOUT;
use crate::listen::listeners;
use crate::stats::Counter;
use crate::time::Mono;
use conversation::Conversation;
pub use dialogue::Step;
use places::Places;
use table::{Connection, Table};

/// A client that is one no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "other parts know the client"]
pub struct Departed {
    /// Its connection.
    pub conn: ConnId,
    /// What it was a client of.
    pub service: Service,
    /// Its other end.
    pub peer: Peer,
}

/// A connection whose deadline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// It was closed.
    Departed(Departed),
    /// It has an exchange of its own, which decides.
    Exchange(ConnId),
}

/// All connections.
#[derive(Debug)]
pub struct Connections {
    table: Table,
    places: Places,
    /// The limit on descriptors, once it is known.
    descriptors: Option<u32>,
}

impl Connections {
    /// None yet, and the places that `config` asks for.
    pub fn new(config: &Config) -> Self {
        Self { table: Table::default(), places: Places::new(&listeners(config)), descriptors: None }
    }

    /// Connections that are being served.
    pub fn clients(&self) -> usize {
        self.table.clients()
    }

    /// Connections that are being served, in the order of [`Service::ALL`].
    pub fn by_service(&self) -> [usize; Service::ALL.len()] {
        let mut counts = [0; Service::ALL.len()];
        for client in self.table.iter() {
            counts[client.service as usize] += 1;
        }
        counts
    }

    /// Those among them of one peer.
    pub fn clients_of(&self, peer: Peer) -> usize {
        self.table.iter().filter(|connection| connection.peer == peer).count()
    }

    /// When [`Self::close_overdue`] has something to do.
    pub fn deadline(&self) -> Option<Mono> {
        self.table.next_deadline()
    }

    /// How long a client of a service may take for a request.
    fn patience(&self, service: Service) -> Duration {
        self.places.patience(service, self.table.taken(service))
    }

    /// The service of a client; `None` if it is gone or has had its last reply.
    pub fn service_of(&mut self, conn: ConnId) -> Option<Service> {
        let found = self.table.find(conn).filter(|connection| !connection.conversation.is_over());
        found.map(|connection| connection.service)
    }

    /// Sets when the exchange of a viewer or browser is to be woken up.
    pub fn wake_at(&mut self, conn: ConnId, at: Option<Mono>) {
        if self.service_of(conn).is_some() {
            self.table.set_deadline(conn, at);
        }
    }

    /// The clients that may not use their service any more.
    pub fn not_allowed(&self, cx: &Context<'_>, auth: &Auth) -> Vec<ConnId> {
        // Viewers and browsers may give the password now.
        let others = self.table.iter().filter(|client| !client.service.asks_for_password());
        let refused = others.filter(|client| !auth.may_use(cx, client.service, client.peer));
        refused.map(|client| client.conn).collect()
    }

    /// A peer has closed its sending side.
    pub fn peer_finished(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Option<Departed> {
        let Some(connection) = self.table.find(conn) else {
            cx.bump(Counter::StaleEvents);
            return None;
        };
        connection.finished = true;
        match connection.conversation {
            // It is still streamed to; only a failed write or a reset ends it.
            Conversation::Stream => None,
            // Its exchange decides.
            Conversation::Http => None,
            // Its last reply is still to come.
            Conversation::Settings { awaiting: true, .. } => None,
            Conversation::Settings { awaiting: false, .. } | Conversation::Auth(_) | Conversation::Rtsp => {
                self.finish(cx, conn, CloseReason::Done)
            }
            Conversation::Over => self.close(cx, conn, CloseReason::Done),
        }
    }

    /// A connection has failed, and is closed.
    pub fn lost(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Option<Departed> {
        cx.bump(if self.table.find(conn).is_some() { Counter::PeerLost } else { Counter::StaleEvents });
        self.remove(cx, conn, CloseReason::Lost)
    }

    /// Closes connections that have not done in time what they owe. Call until it returns `None`.
    pub fn close_overdue(&mut self, cx: &mut Context<'_>) -> Option<Overdue> {
        while let Some(conn) = self.table.overdue(cx.mono()) {
            let Some(connection) = self.table.find(conn) else { continue };
            let reason = match connection.conversation {
                Conversation::Over => CloseReason::Done,
                Conversation::Rtsp | Conversation::Http => return Some(Overdue::Exchange(conn)),
                Conversation::Stream | Conversation::Settings { .. } | Conversation::Auth(_) if connection.blocked => {
                    CloseReason::Stuck
                }
                Conversation::Stream | Conversation::Settings { .. } | Conversation::Auth(_) => CloseReason::TooSlow,
            };
            let departed = self.close(cx, conn, reason);
            if let Some(departed) = departed {
                return Some(Overdue::Departed(departed));
            }
        }
        None
    }

    /// Ends a conversation politely: what waits is sent, then the peer has a moment to close first.
    pub fn finish(&mut self, cx: &mut Context<'_>, conn: ConnId, reason: CloseReason) -> Option<Departed> {
        let &Connection { service, peer, .. } = self.table.finish(conn)?;
        cx.report(ClientReport::Disconnected { service, peer, reason });
        self.linger(cx, conn);
        Some(Departed { conn, service, peer })
    }

    fn linger(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.table.set_deadline(conn, Some(cx.mono() + LINGER_TIMEOUT));
        cx.push(Output::Finish(conn));
    }

    /// Closes a connection now.
    pub fn close(&mut self, cx: &mut Context<'_>, conn: ConnId, reason: CloseReason) -> Option<Departed> {
        match reason {
            CloseReason::TooSlow => cx.bump(Counter::PeerTooSlow),
            CloseReason::Stuck => cx.bump(Counter::PeerStuck),
            CloseReason::NoProtocol => cx.bump(Counter::PeerLostSync),
            CloseReason::Done | CloseReason::Lost => {}
        }
        cx.push(Output::Close(conn));
        self.remove(cx, conn, reason)
    }

    /// Takes a connection out of the table.
    fn remove(&mut self, cx: &mut Context<'_>, conn: ConnId, reason: CloseReason) -> Option<Departed> {
        let Connection { service, peer, conversation, .. } = self.table.remove(conn)?;
        cx.bump(Counter::Closed);
        if conversation.is_over() {
            return None;
        }
        cx.report(ClientReport::Disconnected { service, peer, reason });
        Some(Departed { conn, service, peer })
    }
}
