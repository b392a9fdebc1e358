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
    use crate::golden;

    #[test]
    fn a_wrong_password_is_told_without_a_code_and_a_right_one_with_ready() {
        assert_eq!(rejected().as_bytes(), golden::REJECTED);
        assert_eq!(accepted().as_bytes(), golden::READY);
    }
}
