//! The packetiser: a picture to RTP packets (RFC 3550, section 5.1; RFC 6184, sections 5.6 and 5.8).
//!
//! A NAL unit of at most [`MAX_RTP_PAYLOAD_BYTES`] is one packet; a longer one is cut into FU-A fragments, all as long
//! as can be but the last, so that the kernel can cut them as well (`UDP_SEGMENT`). Only headers are made here. The
//! payload is where the picture is, and a [`Packet`] says where.
//!
//! A header stands ready for both transports: four bytes of RTSP's interleaving (RFC 2326, section 10.12; channel 0),
//! then what is the datagram's beginning. All viewers get the same packets.

use std::collections::VecDeque;
use std::ops::Range;

use super::units;
use crate::limits::MAX_RTP_PAYLOAD_BYTES;

/// The dynamic payload type that the SDP gives H.264 (RFC 3551, section 3).
pub const PAYLOAD_TYPE: u8 = 96;
/// What begins a frame of RTSP's interleaving.
pub const DOLLAR: u8 = b'$';
/// `$`, the channel, and the length.
pub const INTERLEAVED_BYTES: usize = 4;
/// RTP's header without sources that contribute.
pub const RTP_HEADER_BYTES: usize = 12;
/// FU indicator and FU header.
const FU_BYTES: usize = 2;
/// The type of a FU-A in its indicator.
const FU_A: u8 = 28;
/// A datagram's longest, without the headers of UDP and IP.
pub const MAX_PACKET_BYTES: usize = RTP_HEADER_BYTES + MAX_RTP_PAYLOAD_BYTES;
const MARKER: u8 = 0x80;

/// One packet: its headers, and where its payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    headers: [u8; INTERLEAVED_BYTES + RTP_HEADER_BYTES + FU_BYTES],
    is_fragment: bool,
    payload_bytes: u16,
    payload_at: u32,
}

impl Packet {
    /// What comes before the payload over TCP: `$`, channel 0, the length, RTP's header, and those of a fragment. A
    /// viewer with another channel gets two bytes of its own in place of the first two.
    pub fn interleaved(&self) -> &[u8] {
        let unused = if self.is_fragment { 0 } else { FU_BYTES };
        &self.headers[..self.headers.len() - unused]
    }

    /// What comes before the payload in a datagram.
    pub fn datagram(&self) -> &[u8] {
        &self.interleaved()[INTERLEAVED_BYTES..]
    }

    /// Where the payload is in the bytes that the picture was put into.
    pub const fn payload(&self) -> Range<usize> {
        let at = self.payload_at as usize;
        at..at + self.payload_bytes as usize
    }

    /// The datagram's length, at most [`MAX_PACKET_BYTES`].
    pub fn datagram_bytes(&self) -> usize {
        self.datagram().len() + usize::from(self.payload_bytes)
    }
}

/// The first packet of those that a viewer is to get, for `RTP-Info` (RFC 2326, section 12.33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPacket {
    /// Its sequence number.
    pub seq: u16,
    /// Its time stamp, in 90 kHz.
    pub rtptime: u32,
}

/// How many packets [`Packetiser::picture`] makes of a picture.
pub fn packets(picture: &[u8]) -> usize {
    // A fragment has two bytes less of its unit than a packet has payload, and the unit's first byte is in none.
    let of = |unit: usize| {
        if unit <= MAX_RTP_PAYLOAD_BYTES { 1 } else { (unit - 1).div_ceil(MAX_RTP_PAYLOAD_BYTES - FU_BYTES) }
    };
    units::ranges(picture).map(|unit| of(unit.len())).sum()
}

/// Numbers a stream's packets.
#[derive(Debug, Clone)]
pub struct Packetiser {
    ssrc: u32,
    next: u64,
}

impl Packetiser {
    /// A stream whose source is `ssrc` and whose first packet is `first_sequence`; both are to be random (RFC 3550,
    /// section 5.1).
    pub const fn new(ssrc: u32, first_sequence: u16) -> Self {
        Self { ssrc, next: first_sequence as u64 }
    }

    /// The next packet's number. Its low 16 bits are the sequence number.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Appends a picture's packets to `packets` and returns how many. `picture` are its units behind their lengths,
    /// which are, or will be, at `at`; `time` is its RTP time. The last packet gets the marker.
    pub fn picture(&mut self, picture: &[u8], at: u32, time: u32, packets: &mut VecDeque<Packet>) -> u32 {
        let first = self.next;
        for range in units::ranges(picture) {
            let unit = &picture[range.clone()];
            if unit.len() <= MAX_RTP_PAYLOAD_BYTES {
                packets.push_back(self.packet(time, range, None, at));
            } else {
                self.fragments(unit[0], range, at, time, packets);
            }
        }
        if self.next > first
            && let Some(last) = packets.back_mut()
        {
            last.headers[INTERLEAVED_BYTES + 1] |= MARKER;
        }
        // A picture's size bounds its packets.
        u32::try_from(self.next - first).unwrap_or(u32::MAX)
    }

    /// FU-A (RFC 6184, section 5.8): the unit's header is spread over two bytes, and the rest is cut.
    fn fragments(&mut self, header: u8, range: Range<usize>, at: u32, time: u32, packets: &mut VecDeque<Packet>) {
        const START: u8 = 0x80;
        const END: u8 = 0x40;
        let mut from = range.start + 1;
        while from < range.end {
            let to = range.end.min(from + MAX_RTP_PAYLOAD_BYTES - FU_BYTES);
            let start = if from == range.start + 1 { START } else { 0 };
            let end = if to == range.end { END } else { 0 };
            let fu = [header & 0xE0 | FU_A, start | end | header & 31];
            packets.push_back(self.packet(time, from..to, Some(fu), at));
            from = to;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap, and a ring has less than 2^32 bytes")]
    fn packet(&mut self, time: u32, payload: Range<usize>, fu: Option<[u8; FU_BYTES]>, at: u32) -> Packet {
        let payload_bytes = payload.len() as u16;
        let length = (RTP_HEADER_BYTES + fu.map_or(0, |fu| fu.len())) as u16 + payload_bytes;
        let mut headers = [0; INTERLEAVED_BYTES + RTP_HEADER_BYTES + FU_BYTES];
        headers[0] = DOLLAR;
        headers[2..4].copy_from_slice(&length.to_be_bytes());
        headers[4] = 2 << 6;
        headers[5] = PAYLOAD_TYPE;
        headers[6..8].copy_from_slice(&(self.next as u16).to_be_bytes());
        headers[8..12].copy_from_slice(&time.to_be_bytes());
        headers[12..16].copy_from_slice(&self.ssrc.to_be_bytes());
        headers[16..18].copy_from_slice(&fu.unwrap_or_default());
        self.next += 1;
        Packet { headers, is_fragment: fu.is_some(), payload_bytes, payload_at: at + payload.start as u32 }
    }
}

#[cfg(test)]
pub(in crate::media) mod tests;
