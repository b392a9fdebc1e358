//! The keys that the server keeps of a password, and their derivation (RFC 5802, section 3).
//!
//! They are not enough to log in: a proof takes the client's key, of which the server has only the hash.
//!
//! Deriving them takes [`SCRAM_ITERATIONS`] iterations of PBKDF2, longer than a tick on a Raspberry Pi Zero. So it is
//! done once: at the start, before the loop, in one go ([`Derivation::keys`]), and after a reload that changed the
//! password, in the loop's turns ([`Derivation::advance`]), while logins wait. No login derives anything on the server.
//!
//! A [`Key`] overwrites its memory. The states of the hash functions, a [`Derivation`]'s among them, do not; the process keeps
//! its memory from others (`sys::memory`).

use std::fmt;
use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::SALT_BYTES;
use crate::limits::{MAX_REQUEST_PAYLOAD_BYTES, SCRAM_ITERATIONS};

/// A secret of 32 bytes. `Debug` does not show it, comparing takes the same time wherever the first difference is, and
/// dropping overwrites its memory. That is a place of its own, so moving the key leaves no copy behind.
pub struct Key(Box<[u8; 32]>);

impl Key {
    /// A key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Box::new(bytes))
    }

    /// The key's bytes.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// The HMAC-SHA-256 of the parts, one after another.
    #[must_use]
    pub fn hmac(&self, parts: &[&[u8]]) -> Self {
        let mut mac = keyed(self.0.as_slice());
        for part in parts {
            mac.update(part);
        }
        Self::new(mac.finalize().into_bytes().into())
    }

    pub(super) fn hash(&self) -> Self {
        Self::new(Sha256::digest(self.0.as_slice()).into())
    }

    pub(super) fn xor(&self, other: &Self) -> Self {
        let mut result = Self::new(*self.0);
        result.add(&other.0);
        result
    }

    fn add(&mut self, other: &[u8; 32]) {
        for (byte, other) in self.0.iter_mut().zip(other) {
            *byte ^= other;
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for Key {}

impl Drop for Key {
    fn drop(&mut self) {
        // A volatile write would be `unsafe`, which only `sys` may use; the black box keeps the compiler from optimizing
        // this one away.
        self.0.fill(0);
        black_box(self.0.as_slice());
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"***\"")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// What the server keeps.
#[derive(Debug)]
pub struct Keys {
    pub(super) salt: Box<[u8]>,
    pub(super) iterations: u32,
    /// `StoredKey`: the hash of the client's key, with which a proof is checked.
    pub(super) stored: Key,
    /// `ServerKey`: with which the server proves itself.
    pub(super) server: Key,
}

/// The keys of a password, being derived.
#[derive(Debug)]
pub struct Derivation {
    /// HMAC keyed with the password.
    mac: Hmac<Sha256>,
    salt: Box<[u8]>,
    iterations: u32,
    left: u32,
    last: Key,
    sum: Key,
}

impl Derivation {
    /// Begins with a password and a random salt. `None` for a password that the configuration does not take: an empty
    /// one, one of over 256 bytes, or one that is not printable ASCII.
    pub fn new(password: &[u8], salt: [u8; SALT_BYTES]) -> Option<Self> {
        Self::with(password, &salt, SCRAM_ITERATIONS)
    }

    pub(super) fn with(password: &[u8], salt: &[u8], iterations: u32) -> Option<Self> {
        let fits = (1..=usize::from(MAX_REQUEST_PAYLOAD_BYTES)).contains(&password.len());
        if !fits || !password.iter().all(|byte| matches!(byte, b' '..=b'~')) || iterations == 0 {
            return None;
        }
        // RFC 5802, section 2.2: Hi(), which is PBKDF2 with one block of output.
        let mac = keyed(password);
        let first: [u8; 32] =
            mac.clone().chain_update(salt).chain_update(1_u32.to_be_bytes()).finalize().into_bytes().into();
        let (last, sum) = (Key::new(first), Key::new(first));
        Some(Self { mac, salt: salt.into(), iterations, left: iterations - 1, last, sum })
    }

    /// Does at most `iterations` of the work. Returns whether it is complete.
    ///
    /// 256 iterations, a sixteenth, are an estimated 3 ms on a Raspberry Pi Zero.
    pub fn advance(&mut self, iterations: u32) -> bool {
        let now = iterations.min(self.left);
        for _ in 0..now {
            *self.last.0 = self.mac.clone().chain_update(self.last.reveal()).finalize().into_bytes().into();
            self.sum.add(&self.last.0);
        }
        self.left -= now;
        self.left == 0
    }

    /// The server's keys. Does the rest of the work.
    pub fn keys(mut self) -> Keys {
        self.advance(u32::MAX);
        let (client, server) = self.pair();
        Keys { salt: self.salt, iterations: self.iterations, stored: client.hash(), server }
    }

    /// The client's key and the server's. Does the rest of the work.
    pub(super) fn client_and_server(mut self) -> (Key, Key) {
        self.advance(u32::MAX);
        self.pair()
    }

    fn pair(&self) -> (Key, Key) {
        (self.sum.hmac(&[b"Client Key"]), self.sum.hmac(&[b"Server Key"]))
    }
}

/// The key with which the changes of a session are signed. It is made as RFC 5802 makes keys for GSS-API: both sides
/// know the client's key, an eavesdropper does not, and no two logins have the same.
pub(super) fn signing_key(client: &Key, stored: &Key, auth_message: &str) -> Key {
    stored.hmac(&[b"es-iot session key", client.reveal(), auth_message.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_pbkdf2() {
        // RFC 7914, section 11: the first 32 of its 64 bytes. The second is by Python's hashlib.
        for (password, salt, iterations, begins) in [
            (&b"passwd"[..], &b"salt"[..], 1, [0x55, 0xac, 0x04, 0x6e, 0x56, 0xe3, 0x08, 0x9f]),
            (b"password", b"salt", 4096, [0xc5, 0xe4, 0x78, 0xd5, 0x92, 0x88, 0xc8, 0x41]),
        ] {
            let mut derivation = Derivation::with(password, salt, iterations).unwrap();
            assert!(derivation.advance(u32::MAX));
            assert_eq!(derivation.sum.0[..8], begins);
        }
    }

    #[test]
    fn in_turns_the_same_comes_out() {
        let mut turns = Derivation::new(b"sesame", [1; SALT_BYTES]).unwrap();
        let mut count = 1;
        while !turns.advance(1000) {
            count += 1;
        }
        assert_eq!(count, 5, "4095 iterations are left after the first");
        let (turns, at_once) = (turns.keys(), Derivation::new(b"sesame", [1; SALT_BYTES]).unwrap().keys());
        assert!(turns.stored == at_once.stored && turns.server == at_once.server);
        let other_salt = Derivation::new(b"sesame", [2; SALT_BYTES]).unwrap().keys();
        assert!(other_salt.stored != at_once.stored && other_salt.server != at_once.server);
    }

    #[test]
    fn only_passwords_that_the_configuration_takes_have_keys() {
        let has_keys = |password: &[u8]| Derivation::with(password, b"salt", 1).is_some();
        assert!(has_keys(b" ") && has_keys(b"~") && has_keys(&[b'a'; 256]));
        for refused in [&b""[..], &[b'a'; 257], b"tab\t", b"\0", b"\x7F", "ä".as_bytes()] {
            assert!(!has_keys(refused), "{refused:?}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", Derivation::with(b"sesame", &[1], 1).unwrap());
        assert!(!shown.contains("sesame") && shown.matches("***").count() == 2, "{shown}");
        assert_eq!(format!("{:?}", Key::new([7; 32])), "\"***\"");
    }
}
