//! The client's side of a login.
//!
//! The client derives its keys from the password with the salt and the iterations that the server names, within limits: too
//! few would help a false server to guess the password, and too many would hold the client up.

use std::fmt;

use super::keys::{Derivation, Key, signing_key};
use super::message::{NO_BINDING, ServerFinal, ServerFirst};
use super::{NONCE_BYTES, USER, auth_message};
use crate::base64;
use crate::limits::{SCRAM_ITERATIONS, SCRAM_MOST_ITERATIONS};

/// Why the client gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untrusted {
    /// The password can't be right: it is empty, longer than 256 bytes or not printable ASCII.
    Password,
    /// The message is not what RFC 5802 defines.
    Malformed,
    /// The answer is not for this client's message.
    Nonce,
    /// The server asks for so many iterations: fewer than 4096 or more than 100,000.
    Iterations(u32),
    /// The server says that the password is wrong.
    WrongPassword,
    /// The server refuses for another reason, a word of RFC 5802 or its own.
    Refused(String),
    /// The server does not know the password.
    Signature,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password => f.write_str("the password must be 1 to 256 printable ASCII characters"),
            Self::Malformed => f.write_str("the server's answer is not valid SCRAM"),
            Self::Nonce => f.write_str("the server's answer is for another login: try again"),
            Self::Iterations(count) => write!(
                f,
                "the server asks for {count} iterations, not {SCRAM_ITERATIONS} to {SCRAM_MOST_ITERATIONS}: check its address"
            ),
            Self::WrongPassword => f.write_str("wrong password"),
            Self::Refused(reason) => write!(f, "the server refuses the login: {}", reason.escape_debug()),
            Self::Signature => f.write_str("the server does not know the password: check its address"),
        }
    }
}

impl std::error::Error for Untrusted {}

/// A client that has sent client-first.
#[derive(Debug)]
pub struct Client {
    nonce: String,
    bare: String,
}

impl Client {
    /// A client with a nonce from `random`, drawn for this login alone.
    pub fn new(random: [u8; NONCE_BYTES]) -> Self {
        Self::with(USER, base64::encode(&random))
    }

    pub(super) fn with(user: &str, nonce: String) -> Self {
        let bare = format!("n={user},r={nonce}");
        Self { nonce, bare }
    }

    /// The client-first message.
    pub fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// Answers server-first. Returns client-final, and what to expect for it. Derives the keys, which
    /// takes as long as on the server.
    ///
    /// # Errors
    ///
    /// [`Untrusted`], except [`Untrusted::Signature`]. The server gets no proof. It may have refused with an `e=` instead
    /// of server-first.
    pub fn answer(self, password: &[u8], server_first: &[u8]) -> Result<(String, Expected), Untrusted> {
        self.answer_to(password, server_first, SCRAM_ITERATIONS)
    }

    /// With the least number of iterations: tests that derive many keys need less.
    pub(super) fn answer_to(
        self,
        password: &[u8],
        server_first: &[u8],
        least: u32,
    ) -> Result<(String, Expected), Untrusted> {
        if let Ok(ServerFinal::Error(reason)) = ServerFinal::parse(server_first) {
            return Err(refused(reason));
        }
        let first = ServerFirst::parse(server_first).map_err(|_| Untrusted::Malformed)?;
        if first.nonce.strip_prefix(&*self.nonce).is_none_or(str::is_empty) {
            return Err(Untrusted::Nonce);
        }
        if !(least..=SCRAM_MOST_ITERATIONS).contains(&first.iterations) {
            return Err(Untrusted::Iterations(first.iterations));
        }
        let derivation = Derivation::with(password, &first.salt, first.iterations).ok_or(Untrusted::Password)?;
        let (client_key, server_key) = derivation.client_and_server();
        let stored = client_key.hash();
        let without_proof = format!("c={NO_BINDING},r={}", first.nonce);
        let signed = auth_message(&self.bare, first.text, &without_proof);
        let proof = stored.hmac(&[signed.as_bytes()]).xor(&client_key);
        let message = format!("{without_proof},p={}", base64::encode(proof.reveal()));
        let verifier = server_key.hmac(&[signed.as_bytes()]);
        Ok((message, Expected { verifier, signing: signing_key(&client_key, &stored, &signed) }))
    }
}

/// A client that has sent client-final.
#[derive(Debug)]
pub struct Expected {
    verifier: Key,
    signing: Key,
}

impl Expected {
    /// Checks server-final. Returns the key of the session's signatures.
    ///
    /// # Errors
    ///
    /// [`Untrusted`]: the login has failed, or the server is not the one that knows the password.
    pub fn check(self, server_final: &[u8]) -> Result<Key, Untrusted> {
        match ServerFinal::parse(server_final) {
            Ok(ServerFinal::Verifier(signature)) if Key::new(signature) == self.verifier => Ok(self.signing),
            Ok(ServerFinal::Verifier(_)) => Err(Untrusted::Signature),
            Ok(ServerFinal::Error(reason)) => Err(refused(reason)),
            Err(_) => Err(Untrusted::Malformed),
        }
    }
}

fn refused(reason: &str) -> Untrusted {
    if reason == "invalid-proof" { Untrusted::WrongPassword } else { Untrusted::Refused(reason.to_owned()) }
}
