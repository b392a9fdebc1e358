//! The settings service: one connection's requests, in order.

use crate::camera::settings::CameraSettings;
use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;
use crate::wire::{self, Damage, Decoder, ErrorCode, Id, Kind};

/// What a client wants, or what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Tell the settings.
    Read,
    /// Change the settings to these.
    Update(CameraSettings),
    /// Say what was wrong, and go on.
    Refuse(ErrorCode),
    /// This client does not speak the protocol: close.
    HangUp,
}

/// One client of the settings port.
#[derive(Debug)]
pub struct Conversation {
    decoder: Decoder,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { decoder: Decoder::new(MAX_REQUEST_PAYLOAD_BYTES) }
    }
}

impl Conversation {
    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next step, `None` when the client has to send more first.
    pub fn step(&mut self) -> Option<Step> {
        let packet = match self.decoder.next() {
            Ok(None) => return None,
            Ok(Some(packet)) => packet,
            Err(Damage::BadChecksum) => return Some(Step::Refuse(ErrorCode::BadChecksum)),
            Err(Damage::TooLong { .. }) => return Some(Step::Refuse(ErrorCode::BadLength)),
            Err(Damage::LostSync) => return Some(Step::HangUp),
        };
        if !packet.is(Id::Settings, Kind::Request) {
            return Some(Step::Refuse(ErrorCode::NotValidHere));
        }
        if packet.payload.is_empty() {
            return Some(Step::Read);
        }
        Some(match <[u8; wire::settings::PAYLOAD_BYTES]>::try_from(packet.payload) {
            Ok(payload) => Step::Update(wire::settings::decode(payload)),
            Err(_) => Step::Refuse(ErrorCode::BadLength),
        })
    }

    /// Whether the client owes the rest of a packet it has begun.
    pub const fn mid_packet(&self) -> bool {
        self.decoder.mid_packet()
    }
}
