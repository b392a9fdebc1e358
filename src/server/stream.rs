//! The tick: one packet, built once, offered to every subscriber.

use std::path::Path;

use super::context::Context;
use super::interface::Output;
use super::report::StreamReport;
use crate::config::{Config, DataSource};
use crate::ids::ConnId;
use crate::os::Errno;
use crate::service::data::{Schedule, Source, Subscribers};
use crate::stats::Counter;
use crate::time::Mono;
use crate::wire::{self, Outgoing};

/// The 24 Hz stream.
#[derive(Debug)]
pub struct Stream {
    subscribers: Subscribers,
    schedule: Schedule,
    source: Source,
    /// The packet of the last tick, for subscribers whose socket takes packets again.
    last_packet: Option<Outgoing>,
}

impl Stream {
    /// A stream without subscribers. Its ticks count from `now`, its random values follow from `seed`.
    pub fn new(now: Mono, seed: u64) -> Self {
        Self {
            subscribers: Subscribers::default(),
            schedule: Schedule::new(now),
            source: Source::new(seed),
            last_packet: None,
        }
    }

    /// How many there are.
    pub const fn subscribers(&self) -> usize {
        self.subscribers.len()
    }

    /// A tick. Returns a subscriber that has taken nothing for too long, if there is one. Nothing here allocates, once
    /// the outputs have grown to the number of subscribers.
    pub fn tick(&mut self, cx: &mut Context<'_>, reading: Option<Result<&[u8], Errno>>) -> Option<ConnId> {
        let passed = self.schedule.advance(cx.mono());
        if self.subscribers.is_empty() {
            cx.push(Output::ArmTick(None));
            return None;
        }
        cx.push(Output::ArmTick(Some(self.schedule.due())));
        if passed == 0 {
            return None;
        }
        cx.bump(Counter::Ticks);
        cx.stats.add(Counter::TicksSkipped, passed - 1);
        let packet = wire::data::packet(self.next_value(cx, reading), cx.now.unix_ms);
        self.last_packet = Some(packet);
        let mut offered = 0;
        let mut stuck = None;
        for subscriber in self.subscribers.iter() {
            if subscriber.blocked_since.is_none() {
                offered += 1;
                cx.out.push(Output::Offer { conn: subscriber.conn, packet });
            } else if subscriber.stuck(cx.mono()) {
                // One a tick: they are rare, and the others wait 42 ms.
                stuck = Some(subscriber.conn);
            }
        }
        cx.stats.add(Counter::DataOffered, offered);
        // What a blocked subscriber was still to get is replaced by the new packet.
        cx.stats.add(Counter::DataDropped, self.subscribers.len() as u64 - offered);
        stuck
    }

    /// Adds a subscriber, and has the ticks begin if it is the first.
    pub fn subscribe(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if self.subscribers.is_empty() {
            // Ticks without a subscriber are not late.
            self.schedule.advance(cx.mono());
            cx.push(Output::ArmTick(Some(self.schedule.due())));
        }
        self.subscribers.add(conn);
    }

    /// Removes a subscriber, and stops the ticks if it was the last.
    pub fn remove(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.subscribers.remove(conn);
        if self.subscribers.is_empty() {
            self.last_packet = None;
            cx.push(Output::ArmTick(None));
        }
    }

    /// A subscriber's socket refused a packet.
    pub fn blocked(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(subscriber) = self.subscribers.find(conn) {
            subscriber.blocked_since.get_or_insert(cx.mono());
            cx.bump(Counter::DataRefused);
        }
    }

    /// A subscriber's socket takes packets again: it gets the newest.
    pub fn unblocked(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if let Some(subscriber) = self.subscribers.find(conn)
            && subscriber.blocked_since.take().is_some()
            && let Some(packet) = self.last_packet
        {
            cx.bump(Counter::DataOffered);
            cx.push(Output::Offer { conn, packet });
        }
    }

    fn next_value(&mut self, cx: &mut Context<'_>, reading: Option<Result<&[u8], Errno>>) -> u8 {
        let (value, change) = self.source.value(reading);
        if self.source.failing() {
            cx.bump(Counter::SourceFailed);
        }
        // The path is copied for a line in the log only, not at every tick.
        if let Some((change, path)) = change.zip(source_file(cx.config)) {
            cx.report(StreamReport { path: path.to_owned(), change, value });
        }
        value
    }
}

/// Has the file read at every tick that the configuration names, if it names one.
pub fn read_source(cx: &mut Context<'_>) {
    let path = source_file(cx.config).map(Path::to_owned);
    cx.push(Output::ReadSource(path));
}

fn source_file(config: &Config) -> Option<&Path> {
    match &config.data.source {
        DataSource::Random => None,
        DataSource::File(path) => Some(path),
    }
}
