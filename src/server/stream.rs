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

/// What follows from a tick.
#[derive(Debug, Default)]
pub struct Tick {
    /// A subscriber that has taken nothing for too long, if there is one.
    pub stuck: Option<ConnId>,
    /// The value, if there is one.
    pub value: Option<u8>,
}

/// The 24 Hz stream.
#[derive(Debug)]
pub struct Stream {
    subscribers: Subscribers,
    schedule: Schedule,
    source: Source,
    /// Whether others than the subscribers want the values.
    others: bool,
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
            others: false,
            last_packet: None,
        }
    }

    /// How many there are.
    pub const fn subscribers(&self) -> usize {
        self.subscribers.len()
    }

    /// A tick. Nothing here allocates, once the outputs have grown to the number of subscribers.
    pub fn tick(&mut self, cx: &mut Context<'_>, reading: Option<Result<&[u8], Errno>>) -> Tick {
        let passed = self.schedule.advance(cx.mono());
        if !self.is_wanted() {
            cx.push(Output::ArmTick(None));
            return Tick::default();
        }
        cx.push(Output::ArmTick(Some(self.schedule.due())));
        if passed == 0 {
            return Tick::default();
        }
        cx.bump(Counter::Ticks);
        cx.stats.add(Counter::TicksSkipped, passed - 1);
        let value = self.next_value(cx, reading);
        let packet = wire::data::packet(value, cx.now.unix_ms);
        self.last_packet = Some(packet);
        let mut offered = 0;
        let mut stuck = None;
        for subscriber in self.subscribers.iter() {
            if subscriber.blocked_since.is_none() {
                offered += 1;
                cx.out.push(Output::Offer { conn: subscriber.conn, frame: packet.into() });
            } else if subscriber.stuck(cx.mono()) {
                // One a tick: they are rare, and the others wait 42 ms.
                stuck = Some(subscriber.conn);
            }
        }
        cx.stats.add(Counter::DataOffered, offered);
        // What a blocked subscriber was still to get is replaced by the new packet.
        cx.stats.add(Counter::DataDropped, self.subscribers.len() as u64 - offered);
        Tick { stuck, value: Some(value) }
    }

    /// Whether anyone wants the values.
    const fn is_wanted(&self) -> bool {
        self.others || !self.subscribers.is_empty()
    }

    /// Adds a subscriber, and has the ticks begin if it is the first.
    pub fn subscribe(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        if !self.is_wanted() {
            self.begin(cx);
        }
        self.subscribers.add(conn);
    }

    /// Removes a subscriber, and stops the ticks if no one else wants them.
    pub fn remove(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.subscribers.remove(conn);
        if self.subscribers.is_empty() {
            self.last_packet = None;
        }
        if !self.is_wanted() {
            cx.push(Output::ArmTick(None));
        }
    }

    /// Notes whether others than the subscribers want the values.
    pub fn set_others(&mut self, cx: &mut Context<'_>, others: bool) {
        let was_wanted = self.is_wanted();
        self.others = others;
        match (was_wanted, self.is_wanted()) {
            (false, true) => self.begin(cx),
            (true, false) => cx.push(Output::ArmTick(None)),
            (true, true) | (false, false) => {}
        }
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        // Ticks that no one wanted are not late.
        self.schedule.advance(cx.mono());
        cx.push(Output::ArmTick(Some(self.schedule.due())));
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
            cx.push(Output::Offer { conn, frame: packet.into() });
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
