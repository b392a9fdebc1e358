//! What the two services that take requests have in common: which packets are requests, and what is wrong with others.

use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;
use crate::wire::{Damage, Decoder, ErrorCode, Id, Kind};

/// How requests of HTTP and handshakes of TLS begin. A browser sends them to any port that a web page names, with bytes of the
/// page's choice behind: packets, if noise before a packet is skipped. The first fault of such a client is its last.
const BROWSERS: [&[u8]; 10] =
    [b"GET ", b"HEAD", b"POST", b"PUT ", b"DELE", b"OPTI", b"PATC", b"TRAC", b"CONN", &[0x16, 0x03]];
/// Bytes that tell them apart.
const TELLING_BYTES: usize = 4;

/// What is wrong with what a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Refuse it with this code.
    Refuse(ErrorCode),
    /// This client does not speak the protocol: close.
    HangUp,
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::BadChecksum => Self::Refuse(ErrorCode::BadChecksum),
            Damage::TooLong { .. } => Self::Refuse(ErrorCode::BadLength),
            Damage::LostSync => Self::HangUp,
        }
    }
}

/// The requests of one client to one service.
#[derive(Debug)]
pub struct Requests {
    service: Id,
    decoder: Decoder,
    /// The first bytes of the connection, and how many there are so far.
    beginning: ([u8; TELLING_BYTES], usize),
}

impl Requests {
    /// Requests to `service`, none yet.
    pub const fn new(service: Id) -> Self {
        Self { service, decoder: Decoder::new(MAX_REQUEST_PAYLOAD_BYTES), beginning: ([0; TELLING_BYTES], 0) }
    }

    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        let (beginning, count) = &mut self.beginning;
        for (kept, byte) in beginning[*count..].iter_mut().zip(bytes) {
            *kept = *byte;
            *count += 1;
        }
        self.decoder.push(bytes);
    }

    fn is_browser(&self) -> bool {
        let (beginning, count) = &self.beginning;
        BROWSERS.iter().any(|begins| beginning[..*count].starts_with(begins))
    }

    /// The payload of the next request, `None` when the client has to send more first.
    ///
    /// # Errors
    ///
    /// What came instead of a request.
    #[expect(clippy::should_implement_trait, reason = "the payload borrows from the decoder, so it is no Iterator")]
    pub fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        Ok(self.next_of(&[Kind::Request])?.map(|(_, payload)| payload))
    }

    /// The next packet, which has to be of one of these types, and its payload.
    ///
    /// # Errors
    ///
    /// What came instead.
    pub fn next_of(&mut self, kinds: &[Kind]) -> Result<Option<(Kind, &[u8])>, Fault> {
        if self.is_browser() {
            return Err(Fault::HangUp);
        }
        let service = self.service;
        let Some(packet) = self.decoder.next()? else { return Ok(None) };
        let kind = kinds.iter().copied().find(|&kind| packet.is(service, kind));
        kind.map(|kind| Some((kind, packet.payload))).ok_or(Fault::Refuse(ErrorCode::NotValidHere))
    }

    /// Whether the client owes the rest of a packet it has begun.
    pub const fn mid_packet(&self) -> bool {
        self.decoder.mid_packet()
    }
}
