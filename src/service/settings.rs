//! The settings service: one connection's requests, in order.

use super::requests::{Fault, Requests};
use crate::wire::settings::PAYLOAD_BYTES;
use crate::wire::{ErrorCode, Id};

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Tell the settings.
    Read,
    /// Change the settings to these bytes ([`crate::wire::settings::update`]).
    Update([u8; PAYLOAD_BYTES]),
}

/// One client of the settings port.
#[derive(Debug)]
pub struct Conversation {
    requests: Requests,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { requests: Requests::new(Id::Settings) }
    }
}

impl Conversation {
    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.requests.push(bytes);
    }

    /// The next step, `None` when the client has to send more first.
    ///
    /// # Errors
    ///
    /// What is wrong with what it sent. After [`Fault::Refuse`] the conversation goes on.
    pub fn step(&mut self) -> Result<Option<Step>, Fault> {
        let Some(payload) = self.requests.next()? else { return Ok(None) };
        if payload.is_empty() {
            return Ok(Some(Step::Read));
        }
        let payload = <[u8; PAYLOAD_BYTES]>::try_from(payload).map_err(|_| Fault::Refuse(ErrorCode::BadLength))?;
        Ok(Some(Step::Update(payload)))
    }

    /// Whether the client owes the rest of a packet it has begun.
    pub const fn mid_packet(&self) -> bool {
        self.requests.mid_packet()
    }
}
