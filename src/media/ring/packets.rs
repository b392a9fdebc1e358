//! A viewer's place in the ring: RTP packets over TCP, in RTSP's frames, or as datagrams.

use super::place::Place;
use super::{Entry, Parts, Ring, Start};
use crate::limits::{GROUP_BYTES, GROUP_DATAGRAMS};
use crate::media::rtp::{DOLLAR, FirstPacket, INTERLEAVED_BYTES, Packet};

/// Which packet a viewer gets next.
///
/// Over TCP: [`Self::frames`] fills the parts of a `writev`, [`Self::wrote`] takes what that returned. A frame that was
/// begun has to be finished, whatever becomes of the ring; so what is left of it is copied into the cursor immediately,
/// at most one packet. The cursor itself thus always stands between packets.
///
/// Over UDP: [`Self::datagrams`] fills the parts of a `sendmsg`, [`Self::sent`] takes how many datagrams left.
///
/// The ring must not change between the two calls of a pair.
#[derive(Debug, Clone)]
pub struct PacketCursor {
    /// Its measure is packets.
    place: Place,
    /// `$` and the viewer's channel.
    mark: [u8; 2],
    /// What is left of a frame that was begun, from `rest_at` on.
    rest: Vec<u8>,
    rest_at: usize,
}

/// The datagrams that one `sendmsg` with `UDP_SEGMENT` sends. Each has two parts, so that `sendmmsg` can take them as
/// well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// How many there are; 0 if there is nothing to send.
    pub datagrams: u32,
    /// Bytes of each but the last, which may be shorter.
    pub segment_bytes: usize,
}

impl PacketCursor {
    /// A viewer that starts at `start`. Over TCP its frames are those of `channel`; over UDP that means nothing.
    pub fn new(ring: &Ring, start: Start, channel: u8) -> Self {
        let place = Place::new(ring, start);
        Self { place, mark: [DOLLAR, channel], rest: Vec::new(), rest_at: 0 }
    }

    /// The next packet: before anything was sent, a key picture's first. `None` while that picture has not come.
    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap")]
    pub fn next_packet(&mut self, ring: &Ring) -> Option<FirstPacket> {
        let entry = self.settle(ring)?;
        let seq = (entry.first_packet + self.place.read() as u64) as u16;
        Some(FirstPacket { seq, rtptime: entry.rtp_time })
    }

    /// Whether there is something to send.
    pub fn pending(&mut self, ring: &Ring) -> bool {
        self.mid_frame() || self.settle(ring).is_some()
    }

    /// Whether a frame has been begun and not finished: nothing else may be written before its rest.
    pub fn mid_frame(&self) -> bool {
        self.rest_at < self.rest.len()
    }

    /// What is left of a frame that was begun.
    pub fn rest(&self) -> &[u8] {
        &self.rest[self.rest_at..]
    }

    /// Pictures that the viewer lost since the last call because it was too slow, with one that it got a part of.
    pub fn take_lost(&mut self) -> u64 {
        self.place.take_lost()
    }

    /// Fills `parts` with the rest of a frame and the next frames of one picture: all of them, if they fit.
    pub fn frames<'a>(&'a mut self, ring: &'a Ring, parts: &mut Parts<'a>) {
        let entry = self.settle(ring);
        parts.add(&self.rest[self.rest_at..]);
        let Some(entry) = entry else { return };
        if let Some(frames) = ring.newest_frames(self.place.number()).filter(|_| self.is_at_common_frames()) {
            return parts.add(frames);
        }
        for packet in ring.packets(entry, self.place.read()) {
            if parts.room() < 3 {
                break;
            }
            let headers = packet.interleaved();
            if headers[..2] == self.mark {
                parts.add(headers);
            } else {
                parts.add(&self.mark);
                parts.add(&headers[2..]);
            }
            parts.add(ring.payload(packet));
        }
    }

    /// Whether its next frames are a picture's first ones, of the channel that nearly every client asks for.
    fn is_at_common_frames(&self) -> bool {
        self.place.read() == 0 && self.mark == [DOLLAR, 0]
    }

    /// Takes note that the first `bytes` of what [`Self::frames`] filled in have been written.
    pub fn wrote(&mut self, ring: &Ring, mut bytes: usize) {
        let rest = bytes.min(self.rest.len() - self.rest_at);
        self.rest_at += rest;
        bytes -= rest;
        if bytes == 0 {
            return;
        }
        let Some(entry) = ring.entry(self.place.number()) else { return };
        let mut sent = 0;
        for packet in ring.packets(entry, self.place.read()) {
            let frame = INTERLEAVED_BYTES + packet.datagram_bytes();
            if bytes == 0 {
                break;
            }
            sent += 1;
            if bytes < frame {
                self.keep_rest(ring, packet, bytes);
            }
            bytes = bytes.saturating_sub(frame);
        }
        self.place.took(sent, entry.packets as usize);
    }

    /// Keeps what comes after the first `written` bytes of a frame.
    fn keep_rest(&mut self, ring: &Ring, packet: &Packet, written: usize) {
        self.rest.clear();
        self.rest.extend_from_slice(packet.interleaved());
        self.rest[..2].copy_from_slice(&self.mark);
        self.rest.extend_from_slice(ring.payload(packet));
        self.rest_at = written;
    }

    /// Fills `parts` with the next datagrams of one picture that a single `sendmsg` can send: all as long as the first,
    /// but for the last, which may be shorter.
    pub fn datagrams<'a>(&mut self, ring: &'a Ring, parts: &mut Parts<'a>) -> Group {
        let mut group = Group { datagrams: 0, segment_bytes: 0 };
        let Some(entry) = self.settle(ring) else { return group };
        let mut bytes = 0;
        for packet in ring.packets(entry, self.place.read()) {
            let length = packet.datagram_bytes();
            let first = group.datagrams == 0;
            let full = group.datagrams as usize >= GROUP_DATAGRAMS || bytes + length > GROUP_BYTES || parts.room() < 2;
            if !first && (length > group.segment_bytes || full) {
                break;
            }
            parts.add(packet.datagram());
            parts.add(ring.payload(packet));
            group.datagrams += 1;
            bytes += length;
            if first {
                group.segment_bytes = length;
            } else if length < group.segment_bytes {
                break;
            }
        }
        group
    }

    /// Takes note that the first `datagrams` of those that [`Self::datagrams`] filled in have left, or were dropped by
    /// the kernel.
    pub fn sent(&mut self, ring: &Ring, datagrams: u32) {
        if let Some(entry) = ring.entry(self.place.number()) {
            self.place.took(datagrams as usize, entry.packets as usize);
        }
    }

    fn settle<'a>(&mut self, ring: &'a Ring) -> Option<&'a Entry> {
        let number = self.place.settle(ring)?;
        ring.entry(number)
    }
}
