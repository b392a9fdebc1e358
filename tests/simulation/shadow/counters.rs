//! Every counter, kept a second time.
//!
//! Not foretold: `lines_suppressed`, since a line that is left out can't be seen; it is never less than the log
//! admits. The reactor's own counters (`accept_failed`, `peer_overflow`, `lines_lost`) stay zero without one, and the two
//! tables never fill up with so few addresses.

use es_iot_server::server::report::{Report, ServerReport};
use es_iot_server::server::{ConnId, Input, Output, Server, Service};
use es_iot_server::stats::Counter;

use super::parser::Item;
use super::{Peer, Shadow};

#[derive(Debug)]
pub struct Counters {
    counts: [u64; Counter::ALL.len()],
    /// One more stall may be counted now.
    perhaps_stalled: bool,
    /// Lines that the log says were left out.
    left_out: u64,
    suppressed: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self { counts: [0; Counter::ALL.len()], perhaps_stalled: false, left_out: 0, suppressed: 0 }
    }
}

impl Counters {
    pub fn one(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    pub fn add(&mut self, counter: Counter, amount: u64) {
        self.counts[counter as usize] += amount;
    }

    /// A refusal for lack of a place was one of an address that has its share.
    pub fn share_taken(&mut self) {
        self.counts[Counter::RefusedFull as usize] -= 1;
        self.one(Counter::RefusedShare);
    }

    pub fn count(&self, counter: Counter) -> u64 {
        self.counts[counter as usize]
    }

    pub fn perhaps_stalled(&mut self) {
        self.perhaps_stalled = true;
    }

    /// A packet is to be sent.
    pub fn sent(&mut self, packet: &[u8]) {
        match (packet[2], packet[3], &packet[6..packet.len() - 1]) {
            (0, 0, _) => self.one(Counter::AuthAccepted),
            (0, 2, []) => self.one(Counter::AuthRejected),
            (0, 3, [b'v', ..]) => self.one(Counter::AuthAccepted),
            (_, 2, [1]) => self.one(Counter::BadChecksum),
            (_, 2, [2]) => self.one(Counter::BadLength),
            (_, 2, [3]) => self.one(Counter::NotValidHere),
            (_, 2, [4]) => self.one(Counter::RefusedNotAuthenticated),
            (_, 2, [5]) => self.one(Counter::AuthLockedOut),
            (_, 2, [6]) => self.one(Counter::RefusedFull),
            _ => {}
        }
    }

    /// A settings or authentication client sent this.
    pub fn came(&mut self, item: &Item) {
        match item {
            Item::Packet { id: 2, kind: 1, payload } if payload.len() == 6 => self.one(Counter::SettingsUpdated),
            Item::LostSync => self.one(Counter::PeerLostSync),
            Item::Packet { .. } | Item::BadChecksum | Item::TooLong => {}
        }
    }

    /// A client's time is over.
    pub(super) fn overdue(&mut self, peer: &Peer) {
        if peer.leaving.is_none() {
            self.one(if peer.blocked.is_some() { Counter::PeerStuck } else { Counter::PeerTooSlow });
        }
    }
}

impl Shadow {
    /// Counts an input before it changes anything.
    pub(super) fn count_input(&mut self, at: u64, input: &Input<'_>) {
        match input {
            Input::Accepted { .. } => self.counters.one(Counter::Accepted),
            Input::AcceptRests { .. } => self.counters.one(Counter::AcceptRested),
            Input::Received { conn, .. } | Input::Finished { conn } => self.count_stale(*conn),
            Input::Lost { conn } => {
                self.count_stale(*conn);
                self.counters.add(Counter::PeerLost, u64::from(self.peers.contains_key(conn)));
            }
            Input::Blocked { conn } => {
                self.count_stale(*conn);
                self.counters.add(Counter::DataRefused, u64::from(self.subscriber(*conn).is_some()));
            }
            Input::Unblocked { conn } => {
                self.count_stale(*conn);
                let waits = self.subscriber(*conn).is_some_and(|peer| peer.blocked.is_some()) && self.ticked.is_some();
                self.counters.add(Counter::DataOffered, u64::from(waits));
            }
            Input::Tick { reading } => {
                let readable = reading.is_none_or(|read| read.is_ok_and(|bytes| bytes.starts_with(b"7")));
                self.count_tick(at, readable);
            }
            Input::Video { bytes } => self.counters.add(Counter::VideoBytes, bytes.len() as u64),
            Input::Published { bytes } => self.counters.add(Counter::PublishedBytes, *bytes),
            Input::Stored { result: Ok(()) } => self.counters.one(Counter::SettingsStored),
            Input::Stored { result: Err(_) } => self.counters.one(Counter::StoreFailed),
            Input::Reloaded(_) if self.stopping.is_some() => {}
            Input::Reloaded(Ok(_)) => self.counters.one(Counter::Reloads),
            Input::Reloaded(Err(_)) => self.counters.one(Counter::ReloadsFailed),
            Input::NotifyFailed { .. } => self.counters.one(Counter::NotifyDelayed),
            Input::Wakeup
            | Input::VideoDrained
            | Input::Took { .. }
            | Input::Sent { .. }
            | Input::Rtcp { .. }
            | Input::Room { .. }
            | Input::SpawnFailed { .. }
            | Input::Line { .. }
            | Input::Exited { .. }
            | Input::Signal(_) => {}
        }
    }

    /// Counts a connection that is closed without a word, though the server is not stopping.
    pub(super) fn count_refused_silently(&mut self, input: &Input<'_>) {
        if let Input::Accepted { conn, .. } = input {
            let taken = self.peers.contains_key(conn) || self.stopping.is_some();
            self.counters.add(Counter::RefusedSilently, u64::from(!taken));
        }
    }

    /// Counts an output that no input foretells.
    pub(super) fn count_output(&mut self, output: &Output) {
        if let Output::Close(conn) = output {
            self.counters.add(Counter::PeerStuck, u64::from(self.stuck.contains(conn)));
        }
        if let Output::Report(Report::Server(ServerReport::Suppressed { count, .. })) = output {
            self.counters.left_out += count;
        }
    }

    /// After an input: the server has counted the same.
    pub(super) fn check_counters(&mut self, server: &Server) {
        let found = |counter| server.stats().count(counter);
        let perhaps = std::mem::take(&mut self.counters.perhaps_stalled);
        if perhaps && found(Counter::PipelineStalled) > self.counters.count(Counter::PipelineStalled) {
            self.counters.one(Counter::PipelineStalled);
        }
        let suppressed = found(Counter::LinesSuppressed);
        let owned_up = suppressed >= self.counters.left_out && suppressed >= self.counters.suppressed;
        self.check(owned_up, || format!("lines_suppressed is {suppressed}: less than before, or than was logged"));
        self.counters.suppressed = suppressed;
        self.counters.counts[Counter::LinesSuppressed as usize] = suppressed;
        let wrong = Counter::ALL.iter().find(|&&counter| found(counter) != self.counters.count(counter)).copied();
        let difference = wrong.map(|counter| (counter.name(), found(counter), self.counters.count(counter)));
        self.check(difference.is_none(), || {
            let (name, found, foretold) = difference.unwrap_or_default();
            format!("{name} is {found}, not {foretold}")
        });
    }

    fn subscriber(&self, conn: ConnId) -> Option<&Peer> {
        self.peers.get(&conn).filter(|peer| peer.service == Service::Data && peer.leaving.is_none())
    }

    fn count_stale(&mut self, conn: ConnId) {
        self.counters.add(Counter::StaleEvents, u64::from(!self.peers.contains_key(&conn)));
    }

    fn count_tick(&mut self, at: u64, readable: bool) {
        let streamed: Vec<_> = self.peers.keys().filter_map(|&conn| self.subscriber(conn)).collect();
        if (streamed.is_empty() && self.listeners() == 0) || self.tick_time(self.next_tick) > at {
            return;
        }
        let blocked = streamed.iter().filter(|peer| peer.blocked.is_some()).count() as u64;
        let free = streamed.len() as u64 - blocked;
        let mut skipped = 0;
        while self.tick_time(self.next_tick + skipped + 1) <= at {
            skipped += 1;
        }
        self.counters.one(Counter::Ticks);
        self.counters.add(Counter::TicksSkipped, skipped);
        self.counters.add(Counter::DataOffered, free);
        self.counters.add(Counter::DataDropped, blocked);
        self.counters.add(Counter::SourceFailed, u64::from(!readable));
    }
}
