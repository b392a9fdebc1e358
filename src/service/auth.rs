//! The authentication service: one request a connection.

use std::hint::black_box;

use crate::limits::MAX_REQUEST_PAYLOAD_BYTES;
use crate::wire::{Damage, Decoder, ErrorCode, Id, Kind};

/// What a client's one request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// A password to check.
    Attempt(&'a [u8]),
    /// Say what was wrong, then close.
    Refuse(ErrorCode),
    /// This client does not speak the protocol: close.
    HangUp,
}

/// One client of the authentication port.
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

    /// The request, `None` when the client has to send more first.
    pub fn step(&mut self) -> Option<Step<'_>> {
        match self.decoder.next() {
            Ok(None) => None,
            Ok(Some(packet)) if packet.is(Id::Auth, Kind::Request) => Some(Step::Attempt(packet.payload)),
            Ok(Some(_)) => Some(Step::Refuse(ErrorCode::NotValidHere)),
            Err(Damage::BadChecksum) => Some(Step::Refuse(ErrorCode::BadChecksum)),
            Err(Damage::TooLong { .. }) => Some(Step::Refuse(ErrorCode::BadLength)),
            Err(Damage::LostSync) => Some(Step::HangUp),
        }
    }
}

/// Whether `attempt` is `password`, in a time that depends on the attempt's length alone: never on where the
/// first difference is, nor on how long the password is.
pub fn matches(password: &[u8], attempt: &[u8]) -> bool {
    let mut difference = usize::from(password.len() != attempt.len());
    for (at, byte) in attempt.iter().enumerate() {
        let expected = password.get(at % password.len().max(1)).copied().unwrap_or_default();
        difference |= usize::from(black_box(byte ^ expected));
    }
    black_box(difference) == 0 && !password.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_matches() {
        assert!(matches(b"1111", b"1111"));
        for wrong in [&b""[..], b"1", b"111", b"1112", b"2111", b"11111", b"11111111", b"1111\0"] {
            assert!(!matches(b"1111", wrong), "{wrong:?}");
        }
        assert!(!matches(b"", b""), "an empty password opens nothing");
        assert!(!matches(b"ab", b"abab"));
    }

    #[test]
    fn a_request_is_an_attempt_and_anything_else_is_refused() {
        let mut conversation = Conversation::default();
        conversation.push(&[0x00, 0xFF, 0x00, 0x01, 0x00, 0x04, 0x31, 0x31, 0x31]);
        assert_eq!(conversation.step(), None);
        conversation.push(&[0x31, 0xFA]);
        assert_eq!(conversation.step(), Some(Step::Attempt(b"1111")));

        let refused = |bytes: &[u8]| {
            let mut conversation = Conversation::default();
            conversation.push(bytes);
            match conversation.step() {
                Some(Step::Refuse(code)) => code,
                step => panic!("{step:?}"),
            }
        };
        assert_eq!(refused(&[0x00, 0xFF, 0x00, 0x01, 0x00, 0x00, 0x00]), ErrorCode::BadChecksum);
        assert_eq!(refused(&[0x00, 0xFF, 0x02, 0x01, 0x00, 0x00, 0xFC]), ErrorCode::NotValidHere);
        assert_eq!(refused(&[0x00, 0xFF, 0x00, 0x01, 0x01, 0x01]), ErrorCode::BadLength);
    }
}
