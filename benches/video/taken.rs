//! What has come to a viewer, taken apart as far as the figures need.

use std::io;

use es_iot_server::time::Mono;

use super::camera;

const RTP_HEADER_BYTES: usize = 12;
const INTERLEAVED_BYTES: usize = 4;
/// The type of a fragment (RFC 6184).
const FU_A: u8 = 28;
/// The size of a box of MP4, and of a unit in it.
const SIZE_BYTES: usize = 4;
/// A box's size and its kind.
const BOX_HEADER_BYTES: usize = 8;
/// The types of units that are slices, of key pictures and others (H.264, table 7-1).
const KEY_SLICE: u8 = 5;
const OTHER_SLICE: u8 = 1;

/// What has come to a viewer.
#[derive(Default)]
pub struct Taken {
    /// RTP packets; in MP4, fragments.
    pub packets: u64,
    /// Pictures: packets with the marker, or fragments.
    pub pictures: u64,
    /// Key pictures among them.
    pub keys: u64,
    /// Events with a value.
    pub values: u64,
    /// For each picture, the nanoseconds from the camera's `write` until its last packet was read. Only if it is timed.
    pub delays_ns: Vec<u64>,
    /// Whether delays are kept.
    pub timed: bool,
    /// Bytes of what has not come whole.
    rest: Vec<u8>,
    /// The time in the picture that has begun.
    written: Option<Mono>,
    key: bool,
}

impl Taken {
    /// Counts anew.
    pub fn restart(&mut self) {
        (self.packets, self.pictures, self.keys, self.values) = (0, 0, 0, 0);
        self.delays_ns.clear();
    }

    /// Takes bytes of a connection that were read before `now`.
    pub fn bytes(&mut self, bytes: &[u8], now: Mono) -> io::Result<()> {
        if self.rest.is_empty() {
            let used = self.whole(bytes, now)?;
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let used = self.whole(&rest, now)?;
            rest.drain(..used);
            self.rest = rest;
        }
        Ok(())
    }

    /// Takes what is whole. Returns how many bytes that has.
    fn whole(&mut self, bytes: &[u8], now: Mono) -> io::Result<usize> {
        let mut at = 0;
        while let rest @ [first, ..] = &bytes[at..] {
            // A box begins with its size, which is below 16 MB here.
            let taken = match first {
                b'$' => self.frame(rest, now),
                b'R' | b'H' => reply(rest)?,
                b'e' => self.event(rest),
                0 => self.mp4_box(rest, now),
                _ => return Err(io::Error::other(format!("no stream begins with {first}"))),
            };
            let Some(length) = taken else { break };
            at += length;
        }
        Ok(at)
    }

    /// Takes a frame of an RTSP connection (RFC 2326, section 10.12), if it is whole. Returns its length.
    fn frame(&mut self, bytes: &[u8], now: Mono) -> Option<usize> {
        let &[_, channel, high, low, ..] = bytes else { return None };
        let length = INTERLEAVED_BYTES + usize::from(u16::from_be_bytes([high, low]));
        let packet = bytes.get(INTERLEAVED_BYTES..length)?;
        if channel == 0 {
            self.packet(packet, now);
        }
        Some(length)
    }

    /// Takes an event, if it is whole. Returns its length.
    fn event(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = bytes.windows(2).position(|two| two == b"\n\n")?;
        self.values += u64::from(bytes.starts_with(b"event: value\n"));
        Some(end + 2)
    }

    /// Takes a box of MP4, if it is whole. Returns its length.
    fn mp4_box(&mut self, bytes: &[u8], now: Mono) -> Option<usize> {
        let length = (u32::from_be_bytes(*bytes.first_chunk()?) as usize).max(BOX_HEADER_BYTES);
        if let Some(slices) = bytes.get(SIZE_BYTES..length)?.strip_prefix(b"mdat") {
            self.packets += 1;
            self.slice(slices.get(SIZE_BYTES..).unwrap_or_default());
            self.picture(now);
        }
        Some(length)
    }

    /// Takes an RTP packet that was read before `now`.
    pub fn packet(&mut self, packet: &[u8], now: Mono) {
        let [_, marker, ..] = packet else { return };
        let payload = packet.get(RTP_HEADER_BYTES..).unwrap_or_default();
        // The unit's header has two bytes in a fragment (RFC 6184). The last one has the unit's type.
        let unit = match payload {
            [indicator, fu, ..] if indicator & 31 == FU_A && fu & 0x80 != 0 => &payload[1..],
            _ => payload,
        };
        if unit.first().is_some_and(|header| matches!(header & 31, OTHER_SLICE | KEY_SLICE)) {
            self.slice(unit);
        }
        self.packets += 1;
        if marker & 0x80 != 0 {
            self.picture(now);
        }
    }

    /// Takes the beginning of a unit that is a slice.
    fn slice(&mut self, unit: &[u8]) {
        self.written = unit.get(1 + camera::BEFORE_STAMP..).and_then(camera::read_stamp);
        self.key = unit.first().is_some_and(|header| header & 31 == KEY_SLICE);
    }

    /// Takes note of the end of a picture.
    fn picture(&mut self, now: Mono) {
        self.pictures += 1;
        self.keys += u64::from(self.key);
        if let Some(written) = self.written.take().filter(|_| self.timed) {
            self.delays_ns.push(u64::try_from(now.since(written).as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Whether the last packet ended a key picture.
    pub const fn at_key(&self) -> bool {
        self.key && self.written.is_none()
    }
}

/// Takes the head of a reply, if it is whole. Returns its length.
fn reply(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&bytes[..end]);
    if head.split_ascii_whitespace().nth(1) == Some("200") {
        Ok(Some(end + 4))
    } else {
        Err(io::Error::other(head.into_owned()))
    }
}
