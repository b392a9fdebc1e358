//! RTCP (RFC 3550, section 6): sender reports and BYE to viewers, and what they send back.
//!
//! All viewers share the stream's source, so its reports are the same for all and can be made once. Over TCP each goes
//! into a frame of its own, whose prefix is the caller's.

use super::clock::ntp;

/// Packet types (RFC 3550, section 12.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// Version 2, without padding; the lower bits are a count.
const VERSION: u8 = 2 << 6;
/// The longest CNAME: its length is one byte.
const MAX_CNAME_BYTES: usize = 255;

/// What a sender report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport {
    /// The stream's source.
    pub ssrc: u32,
    /// The wall clock, Unix time in milliseconds.
    pub unix_ms: u64,
    /// The RTP time at the same moment.
    pub rtp_time: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Their payload in bytes.
    pub octets: u32,
}

/// Appends a sender report and the source's CNAME, of which at most 255 bytes are taken: a compound packet.
pub fn sender_report(report: &SenderReport, cname: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[VERSION, SENDER_REPORT, 0, 6]);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    out.extend_from_slice(&ntp(report.unix_ms).to_be_bytes());
    for number in [report.rtp_time, report.packets, report.octets] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    description(report.ssrc, cname, out);
}

/// Appends what a compound packet with BYE is: a sender report, the CNAME, and the BYE.
pub fn goodbye(report: &SenderReport, cname: &str, out: &mut Vec<u8>) {
    sender_report(report, cname, out);
    out.extend_from_slice(&[VERSION | 1, GOODBYE, 0, 1]);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
}

/// A source description with one chunk and one item (RFC 3550, section 6.5), ended and padded by one to four zeros.
fn description(ssrc: u32, cname: &str, out: &mut Vec<u8>) {
    const CNAME: u8 = 1;
    let cname = &cname.as_bytes()[..cname.len().min(MAX_CNAME_BYTES)];
    let zeros = 4 - (2 + cname.len()) % 4;
    let words = 1 + (2 + cname.len() + zeros) / 4;
    // At most 66 words and 255 bytes.
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    out.extend_from_slice(&[VERSION | 1, SOURCE_DESCRIPTION, 0, byte(words)]);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[CNAME, byte(cname.len())]);
    out.extend_from_slice(cname);
    out.extend_from_slice(&[0; 4][..zeros]);
}

/// One packet of a compound packet that a viewer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A receiver or sender report, without its blocks on other sources than the one asked for.
    Report {
        /// Who reports.
        from: u32,
        /// How the stream is received, if the report says.
        reception: Option<Reception>,
    },
    /// The viewer leaves.
    Goodbye,
    /// A packet of another type: a source description, feedback, or something unknown.
    Other(u8),
}

/// How a viewer receives the stream (RFC 3550, section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reception {
    /// Packets lost since the report before, in 256ths of those expected.
    pub lost_256ths: u8,
    /// Packets lost since the beginning; negative if some came twice.
    pub lost: i32,
    /// The highest sequence number received, in the low 16 bits, and how often it wrapped.
    pub highest_sequence: u32,
    /// The variation of the packets' travel, in 90 kHz ticks.
    pub jitter_ticks: u32,
    /// The middle 32 bits of the NTP time in the last sender report; 0 if none came.
    pub last_report: u32,
    /// The time since then, in 65536ths of a second.
    pub since_last_report: u32,
}

/// What is wrong with an RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The bytes end inside a packet.
    Truncated,
    /// The version is not 2.
    Version(u8),
    /// A packet is shorter than its type or its counts require.
    Short(u8),
}

/// The packets in `bytes`, a datagram or one interleaved frame, with what they say of `ssrc`. The first error is the
/// last item.
///
/// Reduced-size packets (RFC 5506) are accepted: viewers are not trusted, so there is nothing that a report in front
/// would prove.
pub fn heard(bytes: &[u8], ssrc: u32) -> impl Iterator<Item = Result<Heard, Damage>> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        let next = cut(left).and_then(|(packet, rest)| {
            left = rest;
            read(packet, ssrc)
        });
        if next.is_err() {
            left = &[];
        }
        Some(next)
    })
}

/// The first packet, by its length field, and what is behind it.
fn cut(bytes: &[u8]) -> Result<(&[u8], &[u8]), Damage> {
    let &[first, _, high, low, ..] = bytes else { return Err(Damage::Truncated) };
    if first >> 6 != 2 {
        return Err(Damage::Version(first >> 6));
    }
    let length = 4 * (1 + usize::from(u16::from_be_bytes([high, low])));
    bytes.split_at_checked(length).ok_or(Damage::Truncated)
}

/// A whole packet, which has its header at least.
fn read(packet: &[u8], ssrc: u32) -> Result<Heard, Damage> {
    const BLOCK_BYTES: usize = 24;
    let (kind, count) = (packet[1], usize::from(packet[0] & 31));
    let (from, blocks_at) = match kind {
        SENDER_REPORT => (word(packet, 4), 28),
        RECEIVER_REPORT => (word(packet, 4), 8),
        GOODBYE => return if packet.len() >= 4 * (1 + count) { Ok(Heard::Goodbye) } else { Err(Damage::Short(kind)) },
        other => return Ok(Heard::Other(other)),
    };
    let blocks = packet.get(blocks_at..blocks_at + count * BLOCK_BYTES);
    let (Some(from), Some(blocks)) = (from, blocks) else { return Err(Damage::Short(kind)) };
    let reception = blocks.chunks_exact(BLOCK_BYTES).find(|block| word(block, 0) == Some(ssrc)).and_then(reception);
    Ok(Heard::Report { from, reception })
}

fn reception(block: &[u8]) -> Option<Reception> {
    let lost = word(block, 4)?;
    Some(Reception {
        lost_256ths: lost.to_be_bytes()[0],
        // The lower 24 bits, with their sign.
        lost: (lost << 8).cast_signed() >> 8,
        highest_sequence: word(block, 8)?,
        jitter_ticks: word(block, 12)?,
        last_report: word(block, 16)?,
        since_last_report: word(block, 20)?,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().map(u32::from_be_bytes).ok()
}

#[cfg(test)]
mod tests;
