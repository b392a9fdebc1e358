//! The packet: `00 FF`, ID, TYPE, a big-endian length, the payload, and the XOR of every byte before it.

use std::hint::black_box;

use crate::ids::Service;
use crate::limits::MAX_SKIPPED_BYTES;

/// The two bytes every packet begins with.
pub const MAGIC: [u8; 2] = [0x00, 0xFF];
/// Magic, ID, TYPE and LEN.
pub const HEADER_BYTES: usize = 6;
/// The longest packet the server sends: a data packet or a settings reply.
pub const MAX_OUTGOING_BYTES: usize = HEADER_BYTES + 9 + 1;

/// The ID byte: which service a packet belongs to.
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

impl From<Service> for Id {
    fn from(service: Service) -> Self {
        match service {
            Service::Data => Self::Data,
            Service::Settings => Self::Settings,
            Service::Auth => Self::Auth,
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
    /// `02`, server to client: a refusal, with an [`ErrorCode`] or, for a wrong password, with nothing.
    Error = 2,
}

/// The first payload byte of an error packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorCode {
    /// The packet's checksum is not the XOR of its bytes.
    BadChecksum = 1,
    /// The payload's length is not one this request can have.
    BadLength = 2,
    /// The ID or TYPE is reserved, or belongs to another port.
    NotValidHere = 3,
    /// The address has to authenticate first.
    NotAuthenticated = 4,
    /// The address has failed too often and is locked out.
    TooManyAttempts = 5,
    /// `server.max_clients` connections are open.
    TooManyClients = 6,
    /// The new settings are in force, but the file could not be written.
    NotStored = 7,
}

impl ErrorCode {
    /// The code a byte stands for, or `None` for one the protocol does not define.
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

    /// What the code says, as docs/PROTOCOL.md words it.
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
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Appends a whole packet to `out`.
///
/// # Panics
///
/// If the payload is longer than the format's 65535 bytes.
pub fn encode(id: Id, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    let len = u16::try_from(payload.len()).expect("a payload's length fits the LEN field");
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[id as u8, kind as u8]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(payload);
    out.push(checksum(&out[start..]));
}

/// A packet the server sends: at most [`MAX_OUTGOING_BYTES`], held by value, so that sending allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    bytes: [u8; MAX_OUTGOING_BYTES],
    len: u8,
}

impl Outgoing {
    /// A whole packet around `N` payload bytes; more than the nine of the longest reply do not compile.
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

    /// The error packet `code` of the service `id`.
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

/// A packet as it came: ID and TYPE are raw, since a peer may send reserved ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The ID byte.
    pub id: u8,
    /// The TYPE byte.
    pub kind: u8,
    /// The payload, its checksum verified.
    pub payload: &'a [u8],
}

impl Packet<'_> {
    /// Whether this is what `id` and `kind` say.
    pub const fn is(&self, id: Id, kind: Kind) -> bool {
        self.id == id as u8 && self.kind == kind as u8
    }
}

/// What is wrong with what a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The checksum is wrong; the packet is dropped and the next one is looked for behind it.
    BadChecksum,
    /// The header announces more payload than this side takes. The packet is passed over without being kept.
    TooLong {
        /// The announced payload length in bytes.
        len: u16,
    },
    /// [`MAX_SKIPPED_BYTES`] bytes in a row were no packet: this peer does not speak the protocol. Nothing
    /// more comes out of the decoder.
    LostSync,
}

/// Finds packets in a byte stream, however it is cut.
///
/// Once [`Decoder::next`] has said `None`, it holds no memory between packets, and within one at most the longest
/// packet this side takes; until then, also what was pushed.
#[derive(Debug)]
pub struct Decoder {
    max_payload_bytes: u16,
    buffer: Vec<u8>,
    /// Where in `buffer` the unread bytes begin.
    at: usize,
    /// Bytes of an over-long packet still to be passed over.
    discarding: usize,
    skipped: usize,
    lost: bool,
}

impl Decoder {
    /// A decoder that takes payloads of up to `max_payload_bytes`.
    pub const fn new(max_payload_bytes: u16) -> Self {
        Self { max_payload_bytes, buffer: Vec::new(), at: 0, discarding: 0, skipped: 0, lost: false }
    }

    /// Takes what arrived; [`Decoder::next`] finds the packets in it.
    pub fn push(&mut self, bytes: &[u8]) {
        let added = if self.lost { &[] } else { bytes };
        self.keep_unread(self.buffer.capacity().max(self.buffer.len() - self.at + added.len()));
        self.buffer.extend_from_slice(added);
    }

    /// The next packet, `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// What the peer did wrong. All but [`Damage::LostSync`] leave the decoder ready for the next packet.
    #[expect(clippy::should_implement_trait, reason = "the packet borrows from the decoder, so it is no Iterator")]
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

    /// Whether a packet has begun and is not complete: the peer owes the rest of it.
    pub const fn mid_packet(&self) -> bool {
        self.discarding > 0 || self.at < self.buffer.len()
    }

    /// The memory it holds, in bytes.
    pub const fn memory_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    fn discard(&mut self) {
        let passed = self.discarding.min(self.buffer.len() - self.at);
        self.at += passed;
        self.discarding -= passed;
    }

    /// Moves to the next `00 FF`, or to a `00` that may become one. Whether one was found whole.
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

    /// More bytes are needed: gives the memory back that the unfinished packet does not need, so that an idle
    /// connection costs none and one that leaves a packet unfinished no more than that packet.
    fn wait(&mut self) {
        let unread = self.buffer.len() - self.at;
        let most = unread.max(HEADER_BYTES + usize::from(self.max_payload_bytes) + 1);
        self.keep_unread(if unread == 0 { 0 } else { self.buffer.capacity().min(most) });
    }

    /// Forgets what was read, and has the buffer hold `capacity` bytes. Memory that is given back is wiped: there may have
    /// been a password in it.
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

/// Overwrites all of a buffer. Volatile writes would be `unsafe`, which is not for this part; the black box keeps the compiler
/// from leaving the writes out.
fn wipe(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.resize(buffer.capacity(), 0);
    black_box(buffer.as_slice());
}

#[cfg(test)]
mod tests;
