//! The authentication payloads: the password in the request, `ready` or nothing in the reply.

use super::{Id, Kind, Outgoing};

/// The payload of the reply to the right password.
pub const READY: [u8; 5] = *b"ready";

/// The reply to the right password.
pub const fn accepted() -> Outgoing {
    Outgoing::new(Id::Auth, Kind::Response, READY)
}

/// The reply to a wrong password: an error packet with no code.
pub const fn rejected() -> Outgoing {
    Outgoing::new(Id::Auth, Kind::Error, [])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_password_gets_an_empty_error_and_the_right_one_gets_ready() {
        assert_eq!(rejected().as_bytes(), [0x00, 0xFF, 0x00, 0x02, 0x00, 0x00, 0xFD]);
        assert_eq!(accepted().as_bytes(), b"\x00\xFF\x00\x00\x00\x05ready\x91");
    }
}
