//! The ring: the last pictures, once, with the RTP packets made from each, for any number of readers.
//!
//! A picture's bytes are never split: one that does not fit behind the newest goes to the ring's beginning, and the
//! room left at the end stays unused until the next lap. That costs at most one picture's room and makes every unit,
//! and every packet's payload, one slice. The oldest pictures make room for a new one. The ring does not know its
//! readers; each has a cursor ([`PacketCursor`], [`ByteCursor`], [`FragmentCursor`]) that finds out when its picture is
//! gone.
//!
//! RTP time stamps are the pictures' arrival times. Two pictures that were read together arrived at the same time, but
//! equal time stamps would make them one picture (RFC 6184, section 5.1), so the second is one tick later.

mod bytes;
mod fragments;
mod packets;
mod parts;
mod place;

use std::collections::VecDeque;
use std::fmt::{self, Display};
use std::time::Duration;

pub use bytes::ByteCursor;
pub use fragments::{FragmentCursor, Framing};
pub use packets::{Group, PacketCursor};
pub use parts::Parts;
pub use place::Start;

use super::clock::{rtp_time, ticks};
use super::format::Format;
use super::picture::Picture;
use super::rtcp::SenderReport;
use super::rtp::{self, FirstPacket, Packet, Packetiser, RTP_HEADER_BYTES};
use crate::limits::{RING_ASSUMED_BITS_PER_SECOND, RING_LEAST_BYTES, RING_MOST_BYTES, RING_PACKETS, RING_PICTURES};
use crate::time::{Mono, Now};

/// What RTP wants to be random, so that streams can't be mixed up or guessed (RFC 3550, section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The stream's source.
    pub ssrc: u32,
    /// The first packet's sequence number.
    pub first_sequence: u16,
    /// The RTP time at the monotonic clock's start.
    pub time_offset: u32,
}

/// A picture that the ring does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It has more bytes than half of the ring.
    TooLarge(usize),
    /// It has more packets than half of what the ring may hold.
    TooManyPackets(usize),
    /// It has no NAL units.
    Empty,
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => write!(f, "a picture of {bytes} bytes is too large for the ring"),
            Self::TooManyPackets(packets) => write!(f, "a picture of {packets} packets is too large for the ring"),
            Self::Empty => f.write_str("a picture has no NAL units"),
        }
    }
}

impl std::error::Error for Refused {}

/// A picture in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// Whether decoding can begin here.
    pub key: bool,
    /// When its first byte was read.
    pub arrived: Mono,
    /// Its RTP time.
    pub rtp_time: u32,
    /// The number of its format: [`Ring::format`] has the newest.
    pub format: u64,
    /// Its NAL units, each behind its length.
    pub units: &'a [u8],
    /// The units from the first slice on: what an MP4 file holds of it.
    pub slices: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: bool,
    arrived: Mono,
    rtp_time: u32,
    format: u64,
    at: usize,
    bytes: usize,
    slices_at: usize,
    first_packet: u64,
    packets: u32,
}

/// The last pictures.
#[derive(Debug)]
pub struct Ring {
    bytes: Vec<u8>,
    /// Where the newest picture ends.
    head: usize,
    pictures: VecDeque<Entry>,
    packets: VecDeque<Packet>,
    /// The newest picture's packets as frames of channel 0, one after the other. Most TCP viewers get a picture while it is
    /// the newest, and one part costs the kernel less than two a packet. At most a picture's largest size and its headers.
    newest_frames: Vec<u8>,
    /// The number of the oldest picture; of the next one, if there is none.
    oldest: u64,
    newest_key: Option<u64>,
    format: Option<Format>,
    format_number: u64,
    packetiser: Packetiser,
    identity: Identity,
    /// The newest picture's time, in ticks of 90 kHz.
    ticks: u64,
    octets: u64,
}

impl Ring {
    /// The room for two key-frame intervals, in bytes: a reader may start at a key picture that is one interval old,
    /// and be behind by as much again. Between [`RING_LEAST_BYTES`] and [`RING_MOST_BYTES`].
    pub fn capacity_bytes(bits_per_second: Option<u32>, key_interval: Duration) -> usize {
        let bits = u128::from(bits_per_second.unwrap_or(RING_ASSUMED_BITS_PER_SECOND));
        let wanted = bits * 2 * key_interval.as_millis() / 8 / 1000;
        usize::try_from(wanted).unwrap_or(usize::MAX).clamp(RING_LEAST_BYTES, RING_MOST_BYTES)
    }

    /// An empty ring of `capacity` bytes, at most [`RING_MOST_BYTES`].
    pub fn new(capacity: usize, identity: Identity) -> Self {
        Self {
            bytes: vec![0; capacity.min(RING_MOST_BYTES)],
            head: 0,
            pictures: VecDeque::new(),
            packets: VecDeque::new(),
            newest_frames: Vec::new(),
            oldest: 0,
            newest_key: None,
            format: None,
            format_number: 0,
            packetiser: Packetiser::new(identity.ssrc, identity.first_sequence),
            identity,
            ticks: 0,
            octets: 0,
        }
    }

    /// Changes the size, to at most [`RING_MOST_BYTES`]. All pictures go, unless the size is the same; numbers and time go on.
    pub fn resize(&mut self, capacity: usize) {
        let capacity = capacity.min(RING_MOST_BYTES);
        if capacity != self.bytes.len() {
            while !self.pictures.is_empty() {
                self.evict();
            }
            (self.bytes, self.head) = (vec![0; capacity], 0);
        }
    }

    /// Puts a picture in, makes its packets, and returns its number: one more than the one before.
    ///
    /// # Errors
    ///
    /// [`Refused`] if it is too large. The ring is then as before.
    pub fn push(&mut self, picture: &Picture) -> Result<u64, Refused> {
        let length = picture.units.len();
        if length > self.bytes.len() / 2 {
            return Err(Refused::TooLarge(length));
        }
        let packets = rtp::packets(picture.units);
        if packets == 0 {
            return Err(Refused::Empty);
        }
        if packets > RING_PACKETS / 2 {
            return Err(Refused::TooManyPackets(packets));
        }
        self.make_room(length, packets);
        self.bytes[self.head..self.head + length].copy_from_slice(picture.units);
        self.enter(picture);
        self.head += length;
        Ok(self.next() - 1)
    }

    /// Lets go of the oldest pictures until there is room at `head`, which is put to the beginning if need be.
    fn make_room(&mut self, length: usize, packets: usize) {
        while self.pictures.len() >= RING_PICTURES || self.packets.len() + packets > RING_PACKETS {
            self.evict();
        }
        if self.head + length > self.bytes.len() {
            // What is behind the head is older than all before it.
            while self.pictures.front().is_some_and(|oldest| oldest.at >= self.head) {
                self.evict();
            }
            self.head = 0;
        }
        let needed = self.head..self.head + length;
        while self.pictures.front().is_some_and(|oldest| needed.contains(&oldest.at)) {
            self.evict();
        }
    }

    fn evict(&mut self) {
        if let Some(Entry { packets, .. }) = self.pictures.pop_front() {
            self.packets.drain(..packets as usize);
            self.newest_key = self.newest_key.filter(|&key| key > self.oldest);
            self.oldest += 1;
        }
    }

    fn enter(&mut self, picture: &Picture) {
        if self.format.as_ref() != Some(picture.format) {
            self.format = Some(picture.format.clone());
            self.format_number += 1;
        }
        self.ticks = ticks(picture.arrived).max(self.ticks + 1);
        let rtp_time = rtp_time(self.ticks, self.identity.time_offset);
        let first_packet = self.packetiser.next();
        let at = u32::try_from(self.head).expect("a ring has at most RING_MOST_BYTES");
        let packets = self.packetiser.picture(picture.units, at, rtp_time, &mut self.packets);
        let newest = self.packets.iter().rev().take(packets as usize);
        self.octets += newest.map(|packet| (packet.datagram_bytes() - RTP_HEADER_BYTES) as u64).sum::<u64>();
        self.newest_frames.clear();
        for packet in self.packets.range(self.packets.len() - packets as usize..) {
            self.newest_frames.extend_from_slice(packet.interleaved());
            self.newest_frames.extend_from_slice(&self.bytes[packet.payload()]);
        }
        if picture.key {
            self.newest_key = Some(self.next());
        }
        self.pictures.push_back(Entry {
            key: picture.key,
            arrived: picture.arrived,
            rtp_time,
            format: self.format_number,
            at: self.head,
            bytes: picture.units.len(),
            slices_at: picture.slices_at.min(picture.units.len()),
            first_packet,
            packets,
        });
    }

    /// The number of the oldest picture in the ring; [`Self::next`] if it is empty.
    pub const fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The number that the next picture will get.
    pub fn next(&self) -> u64 {
        self.oldest + self.pictures.len() as u64
    }

    /// The number of the newest key picture in the ring.
    pub const fn newest_key(&self) -> Option<u64> {
        self.newest_key
    }

    /// A picture by its number, unless it is gone or has not come.
    pub fn picture(&self, number: u64) -> Option<Stored<'_>> {
        let &Entry { key, arrived, rtp_time, format, at, bytes, slices_at, .. } = self.entry(number)?;
        let units = &self.bytes[at..at + bytes];
        Some(Stored { key, arrived, rtp_time, format, units, slices: &units[slices_at..] })
    }

    /// The first of a picture's packets, unless the picture is gone or has not come.
    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap")]
    pub fn first_packet(&self, number: u64) -> Option<FirstPacket> {
        self.entry(number).map(|entry| FirstPacket { seq: entry.first_packet as u16, rtptime: entry.rtp_time })
    }

    /// The stream's source.
    pub const fn ssrc(&self) -> u32 {
        self.identity.ssrc
    }

    /// The newest picture's format and its number, which grows by one when another takes its place.
    pub fn format(&self) -> Option<(u64, &Format)> {
        Some((self.format_number, self.format.as_ref()?))
    }

    /// The newest pictures, `most` at most, measured from the arrival of the first of them to that of the last: how many came
    /// after the first, their bytes, and the time that they took.
    pub fn recent(&self, most: usize) -> (usize, usize, Duration) {
        let count = self.pictures.len().min(most);
        let recent = self.pictures.range(self.pictures.len() - count..);
        let (Some(first), Some(last)) = (recent.clone().next(), self.pictures.back()) else {
            return (0, 0, Duration::ZERO);
        };
        let bytes = recent.skip(1).map(|entry| entry.bytes).sum();
        (count - 1, bytes, last.arrived.since(first.arrived))
    }

    /// What a sender report says at `now`.
    #[expect(clippy::cast_possible_truncation, reason = "the counts of a sender report wrap (RFC 3550, section 6.4.1)")]
    pub fn report(&self, now: Now) -> SenderReport {
        SenderReport {
            ssrc: self.identity.ssrc,
            unix_ms: now.unix_ms,
            rtp_time: rtp_time(ticks(now.mono), self.identity.time_offset),
            packets: (self.packetiser.next() - u64::from(self.identity.first_sequence)) as u32,
            octets: self.octets as u32,
        }
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        self.pictures.get(usize::try_from(number.checked_sub(self.oldest)?).ok()?)
    }

    /// A picture's packets from its `from`th on.
    fn packets(&self, entry: &Entry, from: usize) -> impl Iterator<Item = &Packet> {
        let oldest = self.packetiser.next() - self.packets.len() as u64;
        let first =
            usize::try_from(entry.first_packet - oldest).expect("the packets of a picture in the ring are in it");
        let to = first + entry.packets as usize;
        self.packets.range((first + from).min(to)..to)
    }

    /// A picture's packets as frames of channel 0, if it is the newest.
    fn newest_frames(&self, number: u64) -> Option<&[u8]> {
        (number + 1 == self.next()).then_some(&self.newest_frames)
    }

    fn payload(&self, packet: &Packet) -> &[u8] {
        &self.bytes[packet.payload()]
    }
}

#[cfg(test)]
mod tests;
