//! The events: the value of each tick, and state and settings when they change.
//!
//! A reader that is too slow loses values, whole ones. Of the state and the settings it gets the newest, once it reads again.

use super::client::{Client, Stage};
use crate::frame::Shared;
use crate::limits::HTTP_STATUS_EACH;
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::status::StatusEvent;
use crate::stats::Counter;
use crate::time::Mono;

/// What those that get the events have been sent.
#[derive(Debug, Default)]
pub struct Events {
    /// When the state is next looked at, while any client gets the events.
    due: Option<Mono>,
    /// What the newest events are about.
    key: String,
    /// The newest state and settings, as they are sent; `None` before the first.
    newest: Option<Shared>,
}

impl Events {
    /// Takes note of how many clients get the events.
    pub fn count(&mut self, listeners: usize) {
        if listeners == 0 {
            *self = Self::default();
        }
    }

    /// Whether any client gets the events.
    pub const fn are_wanted(&self) -> bool {
        self.due.is_some()
    }

    /// When the state is next looked at.
    pub const fn deadline(&self) -> Option<Mono> {
        self.due
    }

    /// Whether this is about something else than the newest events, at the time to look.
    pub fn are_outdated_by(&mut self, now: Mono, key: &str) -> bool {
        self.due = Some(now + HTTP_STATUS_EACH);
        self.newest.is_none() || self.key != key
    }

    /// Takes the newest events, for those that have missed some.
    pub fn refresh(&mut self, StatusEvent { status, settings }: &StatusEvent) {
        let text = event("status", status) + &event("settings", settings);
        self.newest = Some(Shared::new(text.into_bytes()));
    }

    /// Takes the newest events, which all that get them have missed now.
    pub fn renew(&mut self, key: String, newest: &StatusEvent, clients: &mut [Client]) {
        self.refresh(newest);
        self.key = key;
        for client in clients {
            if let Stage::Listens { missed } = &mut client.stage {
                *missed = true;
            }
        }
    }

    /// Sends a client what it has missed, if its socket takes it.
    pub fn make_up(&self, cx: &mut Context<'_>, client: &mut Client) {
        if client.stage == (Stage::Listens { missed: true })
            && client.blocked_since.is_none()
            && let Some(newest) = &self.newest
        {
            client.stage = Stage::Listens { missed: false };
            cx.send(client.conn, newest.clone());
        }
    }

    /// Sends the value of a tick.
    pub fn send_value(cx: &mut Context<'_>, clients: &[Client], value: u8) {
        let text = event("value", &format!("{{\"value\":{value},\"time\":{}}}", cx.now.unix_ms));
        let frame = Shared::new(text.into_bytes());
        for client in clients.iter().filter(|client| client.listens()) {
            if client.blocked_since.is_none() {
                cx.push(Output::Offer { conn: client.conn, frame: frame.clone().into() });
            } else {
                cx.bump(Counter::EventsLost);
            }
        }
    }
}

/// An event in the format of Server-Sent Events (HTML, section 9.2). The data has no line ends.
fn event(kind: &str, data: &str) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}
