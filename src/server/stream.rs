//! The tick: one packet, built once, offered to every subscriber.

use std::path::Path;

use super::report::{Parting, Report};
use super::{ConnId, Errno, Output, Server};
use crate::config::DataSource;
use crate::stats::Counter;
use crate::time::{Mono, Now};
use crate::wire;

impl Server {
    /// A tick. Nothing here allocates, once `out` has grown to the number of subscribers.
    pub(super) fn tick(&mut self, now: Now, reading: Option<Result<&[u8], Errno>>, out: &mut Vec<Output>) {
        let passed = self.schedule.advance(now.mono);
        if self.subscribers.is_empty() {
            return out.push(Output::ArmTick(None));
        }
        out.push(Output::ArmTick(Some(self.schedule.due())));
        if passed == 0 {
            return;
        }
        self.stats.bump(Counter::Ticks);
        self.stats.add(Counter::TicksSkipped, passed - 1);
        let packet = wire::data::packet(self.next_value(now.mono, reading, out), now.unix_ms);
        self.last_packet = Some(packet);
        let mut offered = 0;
        let mut stuck = None;
        for subscriber in self.subscribers.iter() {
            if subscriber.blocked_since.is_none() {
                offered += 1;
                out.push(Output::Offer { conn: subscriber.conn, packet });
            } else if subscriber.stuck(now.mono) {
                stuck = Some(subscriber.conn);
            }
        }
        self.stats.add(Counter::DataOffered, offered);
        // What a blocked subscriber was still to get is replaced by the new packet.
        self.stats.add(Counter::DataDropped, self.subscribers.len() as u64 - offered);
        if let Some(conn) = stuck {
            // One a tick: they are rare, and the others wait 42 ms.
            self.drop_peer(now.mono, conn, Parting::Stuck, out);
        }
    }

    /// Adds a subscriber, and has the ticks begin if it is the first.
    pub(super) fn subscribe(&mut self, now: Mono, conn: ConnId, out: &mut Vec<Output>) {
        if self.subscribers.is_empty() {
            // Ticks that nobody was there for are not late.
            self.schedule.advance(now);
            out.push(Output::ArmTick(Some(self.schedule.due())));
        }
        self.subscribers.add(conn);
    }

    /// Removes a subscriber, and stops the ticks if it was the last.
    pub(super) fn unsubscribe(&mut self, conn: ConnId, out: &mut Vec<Output>) {
        self.subscribers.remove(conn);
        if self.subscribers.is_empty() {
            self.last_packet = None;
            out.push(Output::ArmTick(None));
        }
    }

    /// A subscriber's socket refused a packet.
    pub(super) fn subscriber_blocked(&mut self, now: Mono, conn: ConnId) {
        if let Some(subscriber) = self.subscribers.find(conn) {
            subscriber.blocked_since.get_or_insert(now);
            self.stats.bump(Counter::DataRefused);
        }
    }

    /// A subscriber's socket takes packets again: it gets the newest.
    pub(super) fn subscriber_unblocked(&mut self, conn: ConnId, out: &mut Vec<Output>) {
        if let Some(subscriber) = self.subscribers.find(conn)
            && subscriber.blocked_since.take().is_some()
            && let Some(packet) = self.last_packet
        {
            self.stats.bump(Counter::DataOffered);
            out.push(Output::Offer { conn, packet });
        }
    }

    /// The file that is read at every tick, if the data source is one.
    pub(super) fn source_file(&self) -> Option<&Path> {
        match &self.config.data.source {
            DataSource::Random => None,
            DataSource::File(path) => Some(path),
        }
    }

    fn next_value(&mut self, now: Mono, reading: Option<Result<&[u8], Errno>>, out: &mut Vec<Output>) -> u8 {
        let (value, change) = self.source.value(reading);
        if self.source.failing() {
            self.stats.bump(Counter::SourceFailed);
        }
        // The path is copied for a line in the log only, not at every tick.
        if let Some((change, path)) = change.zip(self.source_file()) {
            let path = path.to_owned();
            self.report(now, Report::Source { path, change, value }, out);
        }
        value
    }
}
