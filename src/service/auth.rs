//! The authentication service: what a client of it sends, and comparing passwords. A connection has one attempt: a request with
//! the password, or a login of two messages.
//!
//! Not here: the messages of a login (`service::scram`).

use std::hint::black_box;

use super::requests::{Fault, Requests};
use crate::wire::Kind;

/// What a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt<'a> {
    /// A password.
    Password(&'a [u8]),
    /// A message of a login.
    Message(&'a [u8]),
}

/// What a client sends next, `None` when it has to send more first.
///
/// # Errors
///
/// What came instead.
pub fn next(requests: &mut Requests) -> Result<Option<Attempt<'_>>, Fault> {
    let next = requests.next_of(&[Kind::Request, Kind::Login])?;
    Ok(next.map(|(kind, payload)| match kind {
        Kind::Login => Attempt::Message(payload),
        Kind::Request | Kind::Response | Kind::Error => Attempt::Password(payload),
    }))
}

/// Whether `attempt` is `password`, in a time that depends on the attempt's length alone: never on where the
/// first difference is, nor on how long the password is.
pub fn matches(password: &[u8], attempt: &[u8]) -> bool {
    let mut difference = usize::from(password.len() != attempt.len());
    let mut at = 0;
    for byte in attempt {
        let expected = password.get(at).copied().unwrap_or_default();
        difference |= usize::from(black_box(byte ^ expected));
        // Back to the first one behind the last one. A remainder would take a time of its own for each length: the
        // processor of a Raspberry Pi Zero has no division.
        at = (at + 1) * usize::from(black_box(at + 1 < password.len()));
    }
    black_box(difference) == 0 && !password.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;
    use crate::wire::{ErrorCode, Id};

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
        let mut requests = Requests::new(Id::Auth);
        requests.push(&golden::PASSWORD[..9]);
        assert_eq!(next(&mut requests), Ok(None));
        requests.push(&golden::PASSWORD[9..]);
        assert_eq!(next(&mut requests), Ok(Some(Attempt::Password(b"1111"))));
        let mut message = golden::PASSWORD;
        (message[3], message[10]) = (3, message[10] ^ 1 ^ 3);
        requests.push(&message);
        assert_eq!(next(&mut requests), Ok(Some(Attempt::Message(b"1111"))));

        let refused = |bytes: &[u8]| {
            let mut requests = Requests::new(Id::Auth);
            requests.push(bytes);
            match next(&mut requests) {
                Err(Fault::Refuse(code)) => code,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(&[0x00, 0xFF, 0x00, 0x01, 0x00, 0x00, 0x00]), ErrorCode::BadChecksum);
        assert_eq!(refused(&golden::READ), ErrorCode::NotValidHere);
        assert_eq!(refused(&golden::READY), ErrorCode::NotValidHere);
        assert_eq!(refused(&golden::REJECTED), ErrorCode::NotValidHere);
        assert_eq!(refused(&[0x00, 0xFF, 0x00, 0x01, 0x01, 0x01]), ErrorCode::BadLength);
    }
}
