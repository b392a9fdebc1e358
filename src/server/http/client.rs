//! One HTTP client.

use crate::ids::{ConnId, Peer};
use crate::limits::HTTP_TAKE_TIMEOUT;
use crate::media::ring::Ring;
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::report::HttpReport;
use crate::service::http::Exchange;
use crate::time::Mono;

/// What an answer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// A picture that the video can begin with.
    Video,
    /// A picture to be sent as a file.
    Snapshot,
    /// The disk, for changed settings.
    Settings,
    /// The end of a reload.
    Reload,
}

/// What a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Replies.
    Asks,
    /// The video, since then.
    Watches(Mono),
    /// The events.
    Listens {
        /// Whether there are a state and settings that it has not been sent.
        missed: bool,
    },
}

/// One HTTP connection.
#[derive(Debug)]
pub struct Client {
    /// Its connection.
    pub conn: ConnId,
    /// Its other end.
    pub peer: Peer,
    /// Its conversation.
    pub exchange: Exchange,
    /// What it gets.
    pub stage: Stage,
    /// What its answer waits for.
    pub awaits: Option<Awaited>,
    /// Since when its socket takes nothing.
    pub blocked_since: Option<Mono>,
    /// Whether reading from it rests.
    paused: bool,
}

impl Client {
    /// A connection taken at `now`.
    pub fn new(conn: ConnId, peer: Peer, now: Mono) -> Self {
        let exchange = Exchange::new(now);
        Self { conn, peer, exchange, stage: Stage::Asks, awaits: None, blocked_since: None, paused: false }
    }

    /// Whether it gets the video.
    pub const fn is_viewer(&self) -> bool {
        matches!(self.stage, Stage::Watches(_))
    }

    /// Whether it gets the events.
    pub const fn listens(&self) -> bool {
        matches!(self.stage, Stage::Listens { .. })
    }

    /// Whether it waits for a picture.
    pub const fn awaits_picture(&self) -> bool {
        matches!(self.awaits, Some(Awaited::Video | Awaited::Snapshot))
    }

    /// When it has to have asked for something, or taken something.
    pub fn deadline(&self) -> Option<Mono> {
        let takes = self.blocked_since.map(|since| since + HTTP_TAKE_TIMEOUT);
        [takes, self.exchange.deadline()].into_iter().flatten().min()
    }

    /// Whether it has taken nothing for too long.
    pub fn is_stuck(&self, now: Mono) -> bool {
        self.blocked_since.is_some_and(|since| since + HTTP_TAKE_TIMEOUT <= now)
    }

    /// Begins the video at the newest key picture.
    pub fn watch(&mut self, cx: &mut Context<'_>, ring: &Ring) {
        let Some(from) = ring.newest_key() else { return };
        cx.push(Output::WatchMp4 { conn: self.conn, from });
        self.stage = Stage::Watches(cx.mono());
        cx.report(HttpReport::Watches { peer: self.peer });
    }

    /// Ends the stream, if it gets one, and what it waits for.
    pub fn stop(&mut self, cx: &mut Context<'_>) {
        self.awaits = None;
        match std::mem::replace(&mut self.stage, Stage::Asks) {
            Stage::Watches(since) => {
                cx.push(Output::Unwatch(self.conn));
                cx.report(HttpReport::Left { peer: self.peer, after: cx.mono().since(since) });
            }
            Stage::Asks | Stage::Listens { .. } => {}
        }
    }

    /// Has reading from it rest while its exchange waits.
    pub fn pause_if_it_waits(&mut self, cx: &mut Context<'_>) {
        if self.exchange.waits() != self.paused {
            self.paused = !self.paused;
            cx.push(if self.paused { Output::Pause(self.conn) } else { Output::Resume(self.conn) });
        }
    }
}
