//! The four messages of an exchange, read (RFC 5802, section 7). Everything that the RFC does not define is refused, except
//! what it demands to ignore: unknown attributes at the end.

use std::fmt;

use super::NONCE_BYTES;
use crate::base64;
use crate::limits::{SCRAM_MAX_MESSAGE_BYTES, SCRAM_MAX_NONCE_BYTES};

/// The channel binding of every message: none (`n,,`), in client-final as Base64.
pub(super) const NO_BINDING: &str = "biws";
/// The longest nonce, in bytes: the client's part and the server's.
const MAX_NONCE_BYTES: usize = SCRAM_MAX_NONCE_BYTES + NONCE_BYTES.div_ceil(3) * 4;

/// Why the server refuses a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is too long, or not what the RFC defines.
    Malformed,
    /// It asks for channel binding, or its two messages differ in that.
    ChannelBinding,
    /// It demands an extension (`m=`).
    Extension,
    /// The user name is not `es-iot`. No password was looked at.
    UnknownUser,
    /// It belongs to no exchange that has begun: expired, answered before, replaced by newer ones, or begun with another
    /// password. The proof was not looked at; the client begins again.
    NoExchange,
    /// The client does not know the password. The only one that is a failed attempt.
    WrongProof,
}

impl Refusal {
    /// The server-final message for it: `e=` and a value of RFC 5802, section 7.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed | Self::NoExchange => "e=other-error",
            Self::ChannelBinding => "e=channel-binding-not-supported",
            Self::Extension => "e=extensions-not-supported",
            Self::UnknownUser => "e=unknown-user",
            Self::WrongProof => "e=invalid-proof",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the message is not valid SCRAM",
            Self::ChannelBinding => "channel binding is not supported: begin with n,,",
            Self::Extension => "extensions are not supported",
            Self::UnknownUser => "the user name is not es-iot",
            Self::NoExchange => "the login has expired or was answered before: begin again",
            Self::WrongProof => "wrong password",
        })
    }
}

/// Client-first: `n,,n=es-iot,r=..`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientFirst<'a> {
    /// The message without its `n,,`.
    pub bare: &'a str,
    /// The user name, as it was sent.
    pub user: &'a str,
    /// The client's nonce, 1 to 128 bytes.
    pub nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`], [`Refusal::ChannelBinding`] or [`Refusal::Extension`].
    pub fn parse(message: &'a [u8]) -> Result<Self, Refusal> {
        let text = text(message)?;
        if text.starts_with("y,") || text.starts_with("p=") {
            return Err(Refusal::ChannelBinding);
        }
        // An authorization identity (`n,a=..,`) is refused as well: there is one user.
        let bare = text.strip_prefix("n,,").ok_or(Refusal::Malformed)?;
        let mut attributes = Attributes(bare.split(','));
        let user = attributes.expect('n')?;
        let nonce = nonce(attributes.expect('r')?, SCRAM_MAX_NONCE_BYTES)?;
        attributes.ignore_rest()?;
        Ok(Self { bare, user, nonce })
    }
}

/// Server-first: `r=..,s=..,i=..`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFirst<'a> {
    /// The whole message.
    pub text: &'a str,
    /// The client's nonce with the server's behind it.
    pub nonce: &'a str,
    /// The salt, not empty.
    pub salt: Vec<u8>,
    /// The number of iterations, not 0.
    pub iterations: u32,
}

impl<'a> ServerFirst<'a> {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] or [`Refusal::Extension`].
    pub fn parse(message: &'a [u8]) -> Result<Self, Refusal> {
        let text = text(message)?;
        let mut attributes = Attributes(text.split(','));
        let nonce = nonce(attributes.expect('r')?, MAX_NONCE_BYTES)?;
        let salt = base64::decode(attributes.expect('s')?).ok_or(Refusal::Malformed)?;
        let iterations = attributes.expect('i')?;
        // `parse` takes a sign.
        let is_number = iterations.bytes().all(|byte| byte.is_ascii_digit()) && !iterations.starts_with('0');
        let iterations = iterations.parse().ok().filter(|_| is_number).ok_or(Refusal::Malformed)?;
        attributes.ignore_rest()?;
        Ok(Self { text, nonce, salt, iterations })
    }
}

/// Client-final: `c=biws,r=..,p=..`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientFinal<'a> {
    /// The message up to the comma before its proof.
    pub without_proof: &'a str,
    /// The nonce of server-first.
    pub nonce: &'a str,
    /// The proof.
    pub proof: [u8; 32],
}

impl<'a> ClientFinal<'a> {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`], [`Refusal::ChannelBinding`] or [`Refusal::Extension`].
    pub fn parse(message: &'a [u8]) -> Result<Self, Refusal> {
        let (without_proof, proof) = text(message)?.rsplit_once(",p=").ok_or(Refusal::Malformed)?;
        let mut attributes = Attributes(without_proof.split(','));
        if attributes.expect('c')? != NO_BINDING {
            return Err(Refusal::ChannelBinding);
        }
        let nonce = nonce(attributes.expect('r')?, MAX_NONCE_BYTES)?;
        attributes.ignore_rest()?;
        Ok(Self { without_proof, nonce, proof: bytes32(proof)? })
    }
}

/// Server-final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFinal<'a> {
    /// `v=..`: the server's signature.
    Verifier([u8; 32]),
    /// `e=..`: the server refuses, for this reason.
    Error(&'a str),
}

impl<'a> ServerFinal<'a> {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] or [`Refusal::Extension`].
    pub fn parse(message: &'a [u8]) -> Result<Self, Refusal> {
        let mut attributes = Attributes(text(message)?.split(','));
        let read = match attributes.next()? {
            Some(('v', value)) => Self::Verifier(bytes32(value)?),
            Some(('e', value)) => Self::Error(value),
            Some(_) | None => return Err(Refusal::Malformed),
        };
        attributes.ignore_rest()?;
        Ok(read)
    }
}

fn text(message: &[u8]) -> Result<&str, Refusal> {
    let fits = message.len() <= SCRAM_MAX_MESSAGE_BYTES;
    // RFC 5802 has UTF-8 without NUL. No program has reason to send other control characters.
    let text = str::from_utf8(message).ok().filter(|text| fits && !text.contains(char::is_control));
    text.ok_or(Refusal::Malformed)
}

fn nonce(value: &str, most: usize) -> Result<&str, Refusal> {
    // Attributes have no comma and are not empty.
    let fits = value.len() <= most && value.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(value) } else { Err(Refusal::Malformed) }
}

fn bytes32(text: &str) -> Result<[u8; 32], Refusal> {
    base64::decode(text).and_then(|bytes| bytes.try_into().ok()).ok_or(Refusal::Malformed)
}

/// `x=value` between commas.
struct Attributes<'a>(std::str::Split<'a, char>);

impl<'a> Attributes<'a> {
    /// The next one: a letter and a value that is not empty.
    fn next(&mut self) -> Result<Option<(char, &'a str)>, Refusal> {
        let Some(piece) = self.0.next() else { return Ok(None) };
        let (name, value) = piece.split_once('=').ok_or(Refusal::Malformed)?;
        match name.as_bytes() {
            [letter] if letter.is_ascii_alphabetic() && !value.is_empty() => Ok(Some((char::from(*letter), value))),
            _ => Err(Refusal::Malformed),
        }
    }

    /// The value of the next one, which has to be this one.
    fn expect(&mut self, wanted: char) -> Result<&'a str, Refusal> {
        match self.next()? {
            Some((letter, value)) if letter == wanted => Ok(value),
            Some(('m', _)) => Err(Refusal::Extension),
            Some(_) | None => Err(Refusal::Malformed),
        }
    }

    /// Ignores unknown ones up to the end, as the RFC demands. Those that it defines are not unknown.
    fn ignore_rest(&mut self) -> Result<(), Refusal> {
        while let Some((letter, _)) = self.next()? {
            match letter {
                'm' => return Err(Refusal::Extension),
                'a' | 'c' | 'e' | 'i' | 'n' | 'p' | 'r' | 's' | 'v' => return Err(Refusal::Malformed),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
