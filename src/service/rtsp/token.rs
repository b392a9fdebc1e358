//! Nonces and session identifiers: unguessable, never twice, from one secret that the caller draws.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The tokens of one connection.
#[derive(Debug)]
pub struct Tokens {
    secret: [u8; 32],
    made: u64,
}

impl Tokens {
    /// Tokens that follow from `secret`: 32 bytes of the system's randomness, drawn for this connection alone.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self { secret, made: 0 }
    }

    /// The next token: 128 bits as 32 hexadecimal digits.
    pub fn next(&mut self) -> String {
        let hash = Sha256::new().chain_update(self.secret).chain_update(self.made.to_be_bytes()).finalize();
        self.made += 1;
        hex(&hash[..16])
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_comes_twice_and_each_secret_has_its_own() {
        let (mut one, mut two) = (Tokens::new([1; 32]), Tokens::new([2; 32]));
        let mut all: Vec<String> = (0..1000).flat_map(|_| [one.next(), two.next()]).collect();
        assert!(all.iter().all(|token| token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit())));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }
}
