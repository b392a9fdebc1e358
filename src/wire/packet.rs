//! The packet: `00 FF`, ID, TYPE, a big-endian length, the payload, and the XOR of all preceding bytes.

use std::hint::black_box;

use crate::ids::Service;
use crate::limits::MAX_SKIPPED_BYTES;

/// The first two bytes of every packet.
const MAGIC: [u8; 2] = [0x00, 0xFF];
/// The length of magic, ID, TYPE and LEN.
pub const HEADER_BYTES: usize = 6;
/// The length of the longest packet the server sends: a data packet or a settings reply.
pub const MAX_OUTGOING_BYTES: usize = HEADER_BYTES + 9 + 1;

/// The ID byte: the service that a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Id {
    /// `00`, port 5002.
    Auth = 0,
    /// `01`, port 5000.
    Data = 1,
    /// `02`, port 5001.
    Settings = 2,
}

impl Id {
    /// The ID of a service; `None` if it does not speak this protocol.
    pub const fn of(service: Service) -> Option<Self> {
        match service {
            Service::Data => Some(Self::Data),
            Service::Settings => Some(Self::Settings),
            Service::Auth => Some(Self::Auth),
            Service::Rtsp | Service::Http => None,
        }
    }
}

/// The TYPE byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `00`, server to client.
    Response = 0,
    /// `01`, client to server.
    Request = 1,
    /// `02`, server to client: an error. The payload is an [`ErrorCode`], or empty for a wrong password.
    Error = 2,
}

/// The first payload byte of an error packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorCode {
    /// The packet's checksum is not the XOR of its bytes.
    BadChecksum = 1,
    /// The payload's length is invalid for this request.
    BadLength = 2,
    /// The ID or TYPE is reserved or belongs to another port.
    NotValidHere = 3,
    /// The address must authenticate first.
    NotAuthenticated = 4,
    /// The address has failed too often and is locked out.
    TooManyAttempts = 5,
    /// `server.max_clients` connections are open.
    TooManyClients = 6,
    /// The new settings are in force, but the file could not be written.
    NotStored = 7,
}

impl ErrorCode {
    /// Decodes an error code; `None` for a code that the protocol does not define.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::BadChecksum),
            2 => Some(Self::BadLength),
            3 => Some(Self::NotValidHere),
            4 => Some(Self::NotAuthenticated),
            5 => Some(Self::TooManyAttempts),
            6 => Some(Self::TooManyClients),
            7 => Some(Self::NotStored),
            _ => None,
        }
    }

    /// A description of the code, worded as in docs/PROTOCOL.md.
    pub const fn text(self) -> &'static str {
        match self {
            Self::BadChecksum => "bad checksum",
            Self::BadLength => "bad length",
            Self::NotValidHere => "message not valid on this port",
            Self::NotAuthenticated => "not authenticated",
            Self::TooManyAttempts => "too many attempts",
            Self::TooManyClients => "too many clients",
            Self::NotStored => "applied, but could not be stored",
        }
    }
}

/// The XOR of `bytes`.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Appends a complete packet to `out`.
///
/// # Panics
///
/// If the payload is longer than the format's maximum of 65535 bytes.
pub fn encode(id: Id, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    let len = u16::try_from(payload.len()).expect("a payload's length fits the LEN field");
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[id as u8, kind as u8]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(payload);
    out.push(checksum(&out[start..]));
}

/// A packet the server sends: at most [`MAX_OUTGOING_BYTES`], stored by value, so sending allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    bytes: [u8; MAX_OUTGOING_BYTES],
    len: u8,
}

impl Outgoing {
    /// A complete packet with an `N`-byte payload. More than nine bytes, the longest reply's payload, don't compile.
    #[expect(clippy::cast_possible_truncation, reason = "the assertion below limits `N` to 9")]
    pub(super) const fn new<const N: usize>(id: Id, kind: Kind, payload: [u8; N]) -> Self {
        const { assert!(HEADER_BYTES + N < MAX_OUTGOING_BYTES, "longer than any packet the server sends") };
        let mut bytes = [0; MAX_OUTGOING_BYTES];
        bytes[1] = MAGIC[1];
        bytes[2] = id as u8;
        bytes[3] = kind as u8;
        bytes[5] = N as u8;
        let mut at = 0;
        while at < N {
            bytes[HEADER_BYTES + at] = payload[at];
            at += 1;
        }
        let mut sum = 0;
        at = 0;
        while at < HEADER_BYTES + N {
            sum ^= bytes[at];
            at += 1;
        }
        bytes[HEADER_BYTES + N] = sum;
        Self { bytes, len: (HEADER_BYTES + N + 1) as u8 }
    }

    /// The error packet with `code` for the service `id`.
    pub const fn error(id: Id, code: ErrorCode) -> Self {
        Self::new(id, Kind::Error, [code as u8])
    }

    /// The packet's bytes, from magic to checksum.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({:02X?})", self.as_bytes())
    }
}

/// A received packet. ID and TYPE are raw bytes because a peer may send reserved ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The ID byte.
    pub id: u8,
    /// The TYPE byte.
    pub kind: u8,
    /// The payload; the packet's checksum has been verified.
    pub payload: &'a [u8],
}

impl Packet<'_> {
    /// Whether the packet has this ID and TYPE.
    pub const fn is(&self, id: Id, kind: Kind) -> bool {
        self.id == id as u8 && self.kind == kind as u8
    }
}

/// A protocol violation in the bytes from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The checksum is wrong. The packet is dropped; decoding continues after it.
    BadChecksum,
    /// The header announces more payload than this side accepts. The packet is skipped without being stored.
    TooLong {
        /// The announced payload length in bytes.
        len: u16,
    },
    /// [`MAX_SKIPPED_BYTES`] consecutive bytes were not part of a packet: the peer does not speak the protocol.
    /// The decoder returns nothing from here on.
    LostSync,
}

/// Finds packets in a byte stream, whatever the sizes of the reads.
///
/// After [`Decoder::next`] has returned `None`, the decoder holds no memory between packets, and at most the longest
/// acceptable packet within one. Until then it also holds the pushed bytes.
#[derive(Debug)]
pub struct Decoder {
    max_payload_bytes: u16,
    buffer: Vec<u8>,
    /// The offset of the unread bytes in `buffer`.
    at: usize,
    /// Remaining bytes of an over-long packet to skip.
    discarding: usize,
    skipped: usize,
    lost: bool,
}

impl Decoder {
    /// A decoder that accepts payloads of up to `max_payload_bytes`.
    pub const fn new(max_payload_bytes: u16) -> Self {
        Self { max_payload_bytes, buffer: Vec::new(), at: 0, discarding: 0, skipped: 0, lost: false }
    }

    /// Appends received bytes; [`Decoder::next`] finds the packets in them.
    pub fn push(&mut self, bytes: &[u8]) {
        let added = if self.lost { &[] } else { bytes };
        self.keep_unread(self.buffer.capacity().max(self.buffer.len() - self.at + added.len()));
        self.buffer.extend_from_slice(added);
    }

    /// The next packet; `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// The peer's protocol violation. After any except [`Damage::LostSync`], the decoder is ready for the next packet.
    #[expect(clippy::should_implement_trait, reason = "the packet borrows from the decoder, which no Iterator can do")]
    pub fn next(&mut self) -> Result<Option<Packet<'_>>, Damage> {
        self.discard();
        if !self.skip_to_magic()? {
            self.wait();
            return Ok(None);
        }
        let unread = &self.buffer[self.at..];
        let Some(header) = unread.first_chunk::<HEADER_BYTES>() else {
            self.wait();
            return Ok(None);
        };
        let len = u16::from_be_bytes([header[4], header[5]]);
        if len > self.max_payload_bytes {
            self.at += HEADER_BYTES;
            self.discarding = usize::from(len) + 1;
            self.discard();
            return Err(Damage::TooLong { len });
        }
        let end = HEADER_BYTES + usize::from(len);
        if unread.len() <= end {
            self.wait();
            return Ok(None);
        }
        let start = self.at;
        self.at += end + 1;
        if checksum(&self.buffer[start..start + end]) != self.buffer[start + end] {
            return Err(Damage::BadChecksum);
        }
        let packet = &self.buffer[start..start + end];
        Ok(Some(Packet { id: packet[2], kind: packet[3], payload: &packet[HEADER_BYTES..] }))
    }

    /// Whether a packet has begun but is not complete, so the peer owes the rest.
    pub const fn mid_packet(&self) -> bool {
        self.discarding > 0 || self.at < self.buffer.len()
    }

    /// The size of the decoder's buffer, in bytes.
    pub const fn memory_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    fn discard(&mut self) {
        let passed = self.discarding.min(self.buffer.len() - self.at);
        self.at += passed;
        self.discarding -= passed;
    }

    /// Skips to the next `00 FF`, or to a final `00` that may become one. Returns whether it found both bytes.
    fn skip_to_magic(&mut self) -> Result<bool, Damage> {
        while self.at < self.buffer.len() {
            let unread = &self.buffer[self.at..];
            if unread.starts_with(&MAGIC) {
                self.skipped = 0;
                return Ok(true);
            }
            if unread == &MAGIC[..1] {
                return Ok(false);
            }
            self.at += 1;
            self.skipped += 1;
            if self.skipped >= MAX_SKIPPED_BYTES {
                self.lost = true;
                self.at = self.buffer.len();
                return Err(Damage::LostSync);
            }
        }
        Ok(false)
    }

    /// Releases the memory that the unfinished packet does not need. An idle connection then holds no memory, and a
    /// connection with an unfinished packet holds no more than that packet.
    fn wait(&mut self) {
        let unread = self.buffer.len() - self.at;
        let most = unread.max(HEADER_BYTES + usize::from(self.max_payload_bytes) + 1);
        self.keep_unread(if unread == 0 { 0 } else { self.buffer.capacity().min(most) });
    }

    /// Drops the bytes already read and sets the buffer's capacity to `capacity` bytes. Released memory is wiped because it
    /// may have contained a password.
    fn keep_unread(&mut self, capacity: usize) {
        if capacity == self.buffer.capacity() {
            self.buffer.drain(..self.at);
        } else {
            let mut kept = Vec::with_capacity(capacity);
            kept.extend_from_slice(&self.buffer[self.at..]);
            wipe(&mut std::mem::replace(&mut self.buffer, kept));
        }
        self.at = 0;
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        wipe(&mut self.buffer);
    }
}

/// Overwrites the whole buffer. Volatile writes would be `unsafe`, which only `sys` may use; the black box keeps the
/// compiler from optimizing the writes away.
fn wipe(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(buffer.capacity(), 0);
    black_box(buffer.as_slice());
}

#[cfg(test)]
mod tests;
