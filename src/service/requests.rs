//! What the two services that take requests have in common: which packets are requests, and what is wrong with others.

mod browser;

use browser::Beginning;

use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;
use crate::wire::{Damage, Decoder, ErrorCode, Id, Kind};

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
    /// The first fault of a browser is its last.
    beginning: Beginning,
}

impl Requests {
    /// Requests to `service`, none yet.
    pub const fn new(service: Id) -> Self {
        Self { service, decoder: Decoder::new(MAX_REQUEST_PAYLOAD_BYTES), beginning: Beginning::new() }
    }

    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.beginning.push(bytes);
        self.decoder.push(bytes);
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
        if self.beginning.is_browser() {
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
