//! Logins that keep the password off the wire: SCRAM-SHA-256 (RFC 5802, RFC 7677), and the sessions that follow. Pure.
//!
//! | module | contents |
//! |---|---|
//! | [`keys`] | what is kept of the password, and its derivation |
//! | [`message`] | the four messages, read strictly |
//! | [`exchange`] | the server's side, and the table of logins that have begun |
//! | [`client`] | the client's side |
//! | [`session`] | tokens, and the signatures of changes |
//!
//! The messages are in the RFC's text form, so that any SCRAM library can log in. The user name is `es-iot`, channel
//! binding is not offered (`n,,`), and passwords are printable ASCII, which `SASLprep` (RFC 4013) leaves as it is.
//!
//! Not here: counting failures. The caller asks [`Access::admit`](super::access::Access::admit) before it has a proof
//! checked ([`Answered::check`]), and counts [`Refusal::WrongProof`], and no other refusal, as a wrong password.
//!
//! # What it protects, and what it does not
//!
//! An eavesdropper sees neither the password nor anything that logs in again, and the client knows that the server has
//! the password too. Two things take TLS or a VPN. An eavesdropper can try passwords against what it has heard, for
//! [`SCRAM_ITERATIONS`](crate::limits::SCRAM_ITERATIONS) iterations each: hopeless for a generated one, a
//! moment for four digits. And an attacker who changes what passes can be in the middle, or change the page's script.
//!
//! The password itself stays in memory all the same, because two older ways in compare it: the request of port 5002, as
//! deriving keys from each attempt would block the loop, and RTSP's Digest.
//!
//! # Where it is used
//!
//! On port 5002, as packets of TYPE `03` (docs/PROTOCOL.md), a connection owns its [`Exchange`], which ends with it. The
//! table, [`Exchanges`], is for HTTP, where each message may come on a connection of its own.

pub mod client;
pub mod exchange;
pub mod keys;
pub mod message;
pub mod session;

pub use client::{Client, Expected, Untrusted};
pub use exchange::{Answered, Exchange, Exchanges, Login};
pub use keys::{Derivation, Key, Keys};
pub use message::Refusal;
pub use session::{Change, Sessions, Token, Unsigned, sign};

/// The user name that goes with the password.
pub const USER: &str = "es-iot";
/// Random bytes of a nonce: as many as RFC 7677's example has characters, and more than can come twice.
pub const NONCE_BYTES: usize = 18;
/// Random bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// What both sides sign (RFC 5802, section 3): client-first without its `n,,`, server-first, client-final without proof.
fn auth_message(first_bare: &str, server_first: &str, final_without_proof: &str) -> String {
    format!("{first_bare},{server_first},{final_without_proof}")
}

#[cfg(test)]
mod tests;
