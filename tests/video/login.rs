//! Digest authentication, the client's side.

use md5::Md5;
use sha2::{Digest, Sha256};

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The answer to a challenge, of RFC 2617 or RFC 7616, as the algorithm has it.
pub fn digest(challenge: &str, (user, password): (&str, &str), method: &str, uri: &str) -> String {
    let value = |name: &str| {
        let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let (realm, nonce) = (value("realm"), value("nonce"));
    let sha = challenge.contains("algorithm=SHA-256");
    let hash = |text: String| -> String { if sha { hex(&Sha256::digest(text)) } else { hex(&Md5::digest(text)) } };
    let secret = hash(format!("{user}:{realm}:{password}"));
    let asked = hash(format!("{method}:{uri}"));
    let common = format!("Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\"");
    if sha {
        let response = hash(format!("{secret}:{nonce}:00000001:0a4f113b:auth:{asked}"));
        format!("{common}, response=\"{response}\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"0a4f113b\"")
    } else {
        format!("{common}, response=\"{}\"", hash(format!("{secret}:{nonce}:{asked}")))
    }
}
