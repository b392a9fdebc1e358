//! SCRAM-SHA-256 (RFC 5802, RFC 7677) and the signatures of changes, written once more from their definitions.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use es_iot_server::base64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub type Key = [u8; 32];

/// What a password makes with a salt.
#[derive(Debug, Clone, Copy)]
struct Keys {
    client: Key,
    stored: Key,
    server: Key,
}

/// Deriving takes long, and there are few passwords and salts.
static KNOWN: Mutex<BTreeMap<(String, String), Keys>> = Mutex::new(BTreeMap::new());

/// A login that is right: the client's proof, the server's, and the key of the session's signatures.
#[derive(Debug, Clone, Copy)]
pub struct Login {
    pub proof: Key,
    pub verifier: Key,
    pub signing: Key,
}

impl Login {
    /// `first_bare` is client-first without its `n,,`, `without_proof` client-final without its proof.
    pub fn new(password: &str, first_bare: &str, server_first: &str, without_proof: &str) -> Option<Self> {
        let salt = server_first.split(',').find_map(|part| part.strip_prefix("s="))?;
        let Keys { client, stored, server } = keys(password, salt);
        let signed = format!("{first_bare},{server_first},{without_proof}");
        let proof = xor(client, hmac(&stored, signed.as_bytes()));
        let signing = hmac(&stored, &[b"es-iot session key", &client[..], signed.as_bytes()].concat());
        Some(Self { proof, verifier: hmac(&server, signed.as_bytes()), signing })
    }
}

/// The value of `Es-Iot-Signature`.
pub fn signature(key: &Key, counter: u64, method: &str, path: &str, body: &str) -> String {
    let signed = format!("{counter}\n{method}\n{path}\n{body}");
    format!("{counter} {}", base64::encode(&hmac(key, signed.as_bytes())))
}

fn keys(password: &str, salt: &str) -> Keys {
    let name = (password.to_owned(), salt.to_owned());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(keys) = known().get(&name).copied() {
        return keys;
    }
    let salt = base64::decode(salt).expect("a salt in Base64");
    let mac = Hmac::<Sha256>::new_from_slice(password.as_bytes()).expect("of any length");
    let mut last: Key = mac.clone().chain_update([&salt[..], &[0, 0, 0, 1]].concat()).finalize().into_bytes().into();
    let mut salted = last;
    for _ in 1..4096 {
        last = mac.clone().chain_update(last).finalize().into_bytes().into();
        salted = xor(salted, last);
    }
    let client = hmac(&salted, b"Client Key");
    let keys = Keys { client, stored: Sha256::digest(client).into(), server: hmac(&salted, b"Server Key") };
    known().insert(name, keys);
    keys
}

fn hmac(key: &[u8], text: &[u8]) -> Key {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("of any length");
    mac.chain_update(text).finalize().into_bytes().into()
}

fn xor(mut one: Key, other: Key) -> Key {
    for (byte, other) in one.iter_mut().zip(other) {
        *byte ^= other;
    }
    one
}
