//! The server's side of a login.
//!
//! An exchange is answered once and within [`SCRAM_TIMEOUT`]: [`Exchange::finish`] consumes it, and the table forgets it
//! with the first answer from its network, right or wrong.

use super::keys::{Key, Keys, signing_key};
use super::message::{ClientFinal, ClientFirst, Refusal};
use super::{NONCE_BYTES, USER, auth_message};
use crate::base64;
use crate::ids::Peer;
use crate::limits::{MAX_LOGINS, MAX_LOGINS_PER_NETWORK, SCRAM_TIMEOUT};
use crate::service::network::Network;
use crate::time::Mono;

/// A login that has begun: the client owes its proof. Nothing in it is secret.
#[derive(Debug)]
pub struct Exchange {
    first_bare: String,
    server_first: String,
    nonce: String,
    salt: Box<[u8]>,
    expires: Mono,
}

/// A right proof.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// The server-final message, with which the server proves that it knows the password.
    pub message: String,
    /// The key of the session's signatures, which the client has too.
    pub signing: Key,
}

impl Exchange {
    /// Answers client-first. `random` is drawn for this exchange alone. Returns the exchange and server-first.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] but [`Refusal::NoExchange`] and [`Refusal::WrongProof`].
    pub fn begin(
        now: Mono,
        keys: &Keys,
        client_first: &[u8],
        random: [u8; NONCE_BYTES],
    ) -> Result<(Self, String), Refusal> {
        Self::begin_as(USER, now, keys, client_first, &base64::encode(&random))
    }

    pub(super) fn begin_as(
        user: &str,
        now: Mono,
        keys: &Keys,
        client_first: &[u8],
        nonce_end: &str,
    ) -> Result<(Self, String), Refusal> {
        let first = ClientFirst::parse(client_first)?;
        if first.user != user {
            return Err(Refusal::UnknownUser);
        }
        let nonce = format!("{}{nonce_end}", first.nonce);
        let server_first = format!("r={nonce},s={},i={}", base64::encode(&keys.salt), keys.iterations);
        let exchange = Self {
            first_bare: first.bare.to_owned(),
            server_first: server_first.clone(),
            nonce,
            salt: keys.salt.clone(),
            expires: now + SCRAM_TIMEOUT,
        };
        Ok((exchange, server_first))
    }

    /// When it expires.
    pub const fn expires(&self) -> Mono {
        self.expires
    }

    /// Takes client-final, which ends the exchange. Its proof is not checked yet.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] but [`Refusal::UnknownUser`] and [`Refusal::WrongProof`].
    pub fn answered<'a>(self, now: Mono, keys: &Keys, client_final: &'a [u8]) -> Result<Answered<'a>, Refusal> {
        self.answered_by(now, keys, ClientFinal::parse(client_final)?)
    }

    fn answered_by<'a>(self, now: Mono, keys: &Keys, answer: ClientFinal<'a>) -> Result<Answered<'a>, Refusal> {
        // Keys of another password have another salt: the client answers for those that it was asked for.
        if now >= self.expires || answer.nonce != self.nonce || keys.salt != self.salt {
            return Err(Refusal::NoExchange);
        }
        Ok(Answered { exchange: self, answer })
    }

    /// Checks client-final, which ends the exchange.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`] but [`Refusal::UnknownUser`]. [`Refusal::WrongProof`] alone is a failed attempt.
    pub fn finish(self, now: Mono, keys: &Keys, client_final: &[u8]) -> Result<Login, Refusal> {
        self.answered(now, keys, client_final)?.check(keys)
    }
}

/// A client-final that belongs to its exchange. To check its proof is to try a password: a caller that limits attempts asks
/// whether it may before.
#[derive(Debug)]
pub struct Answered<'a> {
    exchange: Exchange,
    answer: ClientFinal<'a>,
}

impl Answered<'_> {
    /// Checks the proof, with the keys that the exchange was taken with.
    ///
    /// # Errors
    ///
    /// [`Refusal::WrongProof`]: a failed attempt.
    pub fn check(&self, keys: &Keys) -> Result<Login, Refusal> {
        let Self { exchange, answer } = self;
        // RFC 5802, section 3: ClientProof is ClientKey XOR ClientSignature, and StoredKey is the hash of ClientKey.
        let signed = auth_message(&exchange.first_bare, &exchange.server_first, answer.without_proof);
        let client_key = keys.stored.hmac(&[signed.as_bytes()]).xor(&Key::new(answer.proof));
        if client_key.hash() != keys.stored {
            return Err(Refusal::WrongProof);
        }
        let signature = keys.server.hmac(&[signed.as_bytes()]);
        let message = format!("v={}", base64::encode(signature.reveal()));
        Ok(Login { message, signing: signing_key(&client_key, &keys.stored, &signed) })
    }
}

/// The logins that have begun, for HTTP, where the two requests may come on different connections. Bounded in total and by
/// network: further ones replace the oldest, so that a login that is answered within a second succeeds even while others
/// begin many.
#[derive(Debug, Default)]
pub struct Exchanges {
    /// The oldest first.
    begun: Vec<(Option<Network>, Exchange)>,
}

impl Exchanges {
    /// Answers client-first of a peer with server-first. `random` is drawn for this exchange alone.
    ///
    /// # Errors
    ///
    /// As of [`Exchange::begin`].
    pub fn begin(
        &mut self,
        now: Mono,
        peer: Peer,
        keys: &Keys,
        client_first: &[u8],
        random: [u8; NONCE_BYTES],
    ) -> Result<String, Refusal> {
        let (exchange, server_first) = Exchange::begin(now, keys, client_first, random)?;
        let network = network(peer);
        self.begun.retain(|(_, other)| now < other.expires);
        if self.begun.iter().filter(|(from, _)| *from == network).count() >= MAX_LOGINS_PER_NETWORK
            && let Some(oldest) = self.begun.iter().position(|(from, _)| *from == network)
        {
            self.begun.remove(oldest);
        }
        if self.begun.len() >= MAX_LOGINS {
            self.begun.remove(0);
        }
        self.begun.push((network, exchange));
        Ok(server_first)
    }

    /// Takes client-final of a peer. Its nonce names the exchange, which has to be of the same network: others that
    /// have overheard the nonce can't use it up. The proof is not checked yet.
    ///
    /// # Errors
    ///
    /// As of [`Exchange::answered`].
    pub fn answered<'a>(
        &mut self,
        now: Mono,
        peer: Peer,
        keys: &Keys,
        client_final: &'a [u8],
    ) -> Result<Answered<'a>, Refusal> {
        let answer = ClientFinal::parse(client_final)?;
        let network = network(peer);
        let is_meant = |(from, exchange): &(_, Exchange)| *from == network && exchange.nonce == answer.nonce;
        let at = self.begun.iter().position(is_meant).ok_or(Refusal::NoExchange)?;
        let (_, exchange) = self.begun.remove(at);
        exchange.answered_by(now, keys, answer)
    }

    /// Checks client-final of a peer.
    ///
    /// # Errors
    ///
    /// As of [`Exchange::finish`].
    pub fn finish(&mut self, now: Mono, peer: Peer, keys: &Keys, client_final: &[u8]) -> Result<Login, Refusal> {
        self.answered(now, peer, keys, client_final)?.check(keys)
    }

    /// How many are in the table. Expired ones stay until the next begins.
    pub const fn len(&self) -> usize {
        self.begun.len()
    }

    /// Whether the table is empty.
    pub const fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }
}

/// `None` stands for the programs on this host that came through a Unix socket.
fn network(peer: Peer) -> Option<Network> {
    peer.address().map(Network::of)
}

#[cfg(test)]
mod tests;
