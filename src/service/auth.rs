//! The authentication service: one request a connection.

use std::hint::black_box;

use super::requests::{Fault, Requests};
use crate::wire::Id;

/// One client of the authentication port.
#[derive(Debug)]
pub struct Conversation {
    requests: Requests,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { requests: Requests::new(Id::Auth) }
    }
}

impl Conversation {
    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.requests.push(bytes);
    }

    /// The password to check, `None` when the client has to send more first.
    ///
    /// # Errors
    ///
    /// What is wrong with what it sent. Whatever it is, the connection ends with it.
    pub fn attempt(&mut self) -> Result<Option<&[u8]>, Fault> {
        self.requests.next()
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
    use crate::golden;
    use crate::wire::ErrorCode;

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
        conversation.push(&golden::PASSWORD[..9]);
        assert_eq!(conversation.attempt(), Ok(None));
        conversation.push(&golden::PASSWORD[9..]);
        assert_eq!(conversation.attempt(), Ok(Some(&b"1111"[..])));

        let refused = |bytes: &[u8]| {
            let mut conversation = Conversation::default();
            conversation.push(bytes);
            match conversation.attempt() {
                Err(Fault::Refuse(code)) => code,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(&[0x00, 0xFF, 0x00, 0x01, 0x00, 0x00, 0x00]), ErrorCode::BadChecksum);
        assert_eq!(refused(&golden::READ), ErrorCode::NotValidHere);
        assert_eq!(refused(&[0x00, 0xFF, 0x00, 0x01, 0x01, 0x01]), ErrorCode::BadLength);
    }
}
