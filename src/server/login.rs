//! Logins without the password on the wire, and the sessions that they open for HTTP.
//!
//! The keys of the password are derived before the loop. After a change of the password they are derived in turns, in
//! between everything else; until that is complete, no login is possible.
//!
//! Not here: the exchange itself (`service::scram`), lock-outs and grants (`auth.rs`), and the logins of the authentication
//! port, whose exchanges belong to their connections (`connections/`).

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::auth::Auth;
use super::context::Context;
use crate::config::Secret;
use crate::ids::Peer;
use crate::limits::{MAX_SESSIONS, SCRAM_TURN_EACH, SCRAM_TURN_ITERATIONS, SESSION_LIFETIME};
use crate::service::http::{Answer, Call, Content, Kind, Rejection, SessionCookie, Status};
use crate::service::scram::{Change, Derivation, Exchanges, Keys, NONCE_BYTES, Refusal, Sessions, Token, Unsigned};
use crate::stats::Counter;
use crate::time::Mono;

/// The keys, the logins that have begun, and the sessions.
#[derive(Debug)]
pub struct Login {
    /// `None` while they are derived.
    keys: Option<Keys>,
    /// The keys being derived, and when the next turn is due.
    derivation: Option<(Derivation, Mono)>,
    exchanges: Exchanges,
    sessions: Sessions,
    /// When a session ended before its time, until [`Self::due`] has returned that.
    ended: Option<Mono>,
    random: Random,
}

impl Login {
    /// Derives the keys of a password: about a millisecond, 50 on a Raspberry Pi Zero. `secret` is 32 random bytes that
    /// nothing else uses.
    pub fn new(password: &Secret, secret: [u8; 32]) -> Self {
        let mut random = Random { secret, count: 0 };
        Self {
            keys: Derivation::new(password.reveal(), random.draw()).map(Derivation::keys),
            derivation: None,
            exchanges: Exchanges::default(),
            sessions: Sessions::default(),
            ended: None,
            random,
        }
    }

    /// Begins to derive the keys of a new password. All logins and sessions of the old one end.
    pub fn set_password(&mut self, now: Mono, password: &Secret) {
        self.keys = None;
        self.derivation = Derivation::new(password.reveal(), self.random.draw()).map(|derivation| (derivation, now));
        self.exchanges = Exchanges::default();
        self.sessions.clear();
        self.ended = Some(now);
    }

    /// The keys; `None` while they are derived.
    pub const fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// The server's part of a nonce, never the same twice.
    pub fn nonce(&mut self) -> [u8; NONCE_BYTES] {
        self.random.draw()
    }

    /// When [`Self::due`] has something to do.
    pub fn deadline(&self) -> Option<Mono> {
        let turn = self.derivation.as_ref().map(|&(_, at)| at);
        [turn, self.sessions.next_end(), self.ended].into_iter().flatten().min()
    }

    /// Takes a turn at the keys, and ends the sessions whose time is over. Returns whether sessions have ended since the last
    /// call, for whatever reason: their streams are to end too.
    pub fn due(&mut self, now: Mono) -> bool {
        if let Some((mut derivation, _)) = self.derivation.take_if(|(_, at)| *at <= now) {
            if derivation.advance(SCRAM_TURN_ITERATIONS) {
                self.keys = Some(derivation.keys());
            } else {
                self.derivation = Some((derivation, now + SCRAM_TURN_EACH));
            }
        }
        let expired = self.sessions.end_expired(now);
        self.ended.take().is_some() || expired
    }

    /// Answers a `POST /api/login`: either step of a login. A right proof opens a session, and gives no grant: the session is
    /// the client's that has the cookie, not the address's.
    pub fn post(&mut self, cx: &mut Context<'_>, auth: &mut Auth, peer: Peer, body: &[u8]) -> Answer {
        let answer = match serde_json::from_slice::<Message>(body) {
            Err(_) => Err(Failure::Body),
            // Client-final begins with its channel binding. Everything else is client-first, or nothing.
            Ok(Message { message }) if message.starts_with("c=") => self.finish(cx, auth, peer, &message),
            Ok(Message { message }) => self.begin(cx, peer, &message),
        };
        let (status, text) = match answer {
            Ok(content) => return Answer::Content(content),
            Err(Failure::LockedOut(wait)) => return Answer::Refused(Rejection::LockedOut(wait)),
            Err(Failure::Refused(refusal @ Refusal::WrongProof)) => (Status::UNAUTHORIZED, refusal.to_string()),
            Err(Failure::Refused(refusal)) => (Status::BAD_REQUEST, refusal.to_string()),
            Err(Failure::Body) => (Status::BAD_REQUEST, "the body must be {\"message\": \"...\"}".to_owned()),
            Err(Failure::NoKeys) => {
                (Status::SERVICE_UNAVAILABLE, "the password has just changed: try again in a second".to_owned())
            }
        };
        if status != Status::UNAUTHORIZED {
            cx.bump(Counter::LoginsRefused);
        }
        Answer::Content(Content::error(status, &text))
    }

    fn begin(&mut self, cx: &Context<'_>, peer: Peer, client_first: &str) -> Result<Content, Failure> {
        let keys = self.keys.as_ref().ok_or(Failure::NoKeys)?;
        let random = self.random.draw();
        let server_first = self.exchanges.begin(cx.mono(), peer, keys, client_first.as_bytes(), random)?;
        Ok(content(&server_first))
    }

    fn finish(
        &mut self,
        cx: &mut Context<'_>,
        auth: &mut Auth,
        peer: Peer,
        client_final: &str,
    ) -> Result<Content, Failure> {
        let now = cx.mono();
        let keys = self.keys.as_ref().ok_or(Failure::NoKeys)?;
        // Only what is an attempt takes one from the brake: otherwise, damaged ones would use up those of others for free.
        let answered = self.exchanges.answered(now, peer, keys, client_final.as_bytes())?;
        auth.admit(cx, peer).map_err(Failure::LockedOut)?;
        let login = answered.check(keys).inspect_err(|_| auth.failed(cx, peer))?;
        auth.succeeded(cx, peer);
        if self.sessions.count(now) >= MAX_SESSIONS {
            self.ended = Some(now);
        }
        let token = self.sessions.open(now, login.signing, self.random.draw());
        let session = Some(SessionCookie::Set { value: token.to_string(), lasts: SESSION_LIFETIME });
        Ok(Content { session, ..content(&login.message) })
    }

    /// Whether a cookie's session is open. Takes the same time wherever the first difference is.
    pub fn is_open(&self, now: Mono, cookie: &str) -> bool {
        Token::parse(cookie).is_some_and(|token| self.sessions.is_open(now, &token))
    }

    /// Notes a request of a session. Returns whether it is open.
    pub fn touch(&mut self, now: Mono, cookie: &str) -> bool {
        Token::parse(cookie).is_some_and(|token| self.sessions.touch(now, &token))
    }

    /// Notes that a stream of a session goes on: it was not idle, however long ago its last request was.
    pub fn goes_on(&mut self, now: Mono, cookie: &str) {
        if let Some(token) = Token::parse(cookie) {
            self.sessions.goes_on(now, &token);
        }
    }

    /// Checks the signature of a change by a client that needs a session. The method and the path are those of its route.
    ///
    /// # Errors
    ///
    /// [`Rejection::NoSession`], or [`Rejection::Unsigned`] if the signature is missing, wrong, or was used before.
    pub fn verify(&mut self, now: Mono, (method, path): (&str, &str), call: &Call) -> Result<(), Rejection> {
        let token = call.session.as_deref().and_then(Token::parse).ok_or(Rejection::NoSession)?;
        if !self.sessions.is_open(now, &token) {
            return Err(Rejection::NoSession);
        }
        let signed = call.signature.as_deref().and_then(counter_and_signature);
        let (counter, signature) = signed.ok_or(Rejection::Unsigned)?;
        let change = Change { counter, method, path, body: &call.body };
        self.sessions.verify(now, &token, &change, signature).map_err(|why| match why {
            Unsigned::NoSession => Rejection::NoSession,
            Unsigned::Signature | Unsigned::Counter => Rejection::Unsigned,
        })
    }

    /// Ends a client's session, if it has one, and answers the `POST /api/logout`.
    pub fn logout(&mut self, now: Mono, call: &Call) -> Answer {
        if let Some(token) = call.session.as_deref().and_then(Token::parse)
            && self.sessions.is_open(now, &token)
        {
            self.sessions.close(&token);
            self.ended = Some(now);
        }
        let session = Some(SessionCookie::Clear);
        Answer::Content(Content { session, ..Content::new(Kind::Json, "{}\n".to_owned()) })
    }

    /// Sessions that are open.
    pub fn count(&self, now: Mono) -> usize {
        self.sessions.count(now)
    }
}

/// The body of a step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    message: String,
}

/// Why a step fails.
enum Failure {
    /// The body is no message.
    Body,
    /// The keys are being derived.
    NoKeys,
    /// The proof is not looked at: there were too many wrong ones. How long until one would be.
    LockedOut(Duration),
    /// The message is refused.
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn content(message: &str) -> Content {
    let message = serde_json::Value::from(message);
    Content::new(Kind::Json, format!("{{\"message\":{message}}}\n"))
}

/// Reads `COUNTER BASE64`. The counter has no other spelling: it is signed as it is written.
fn counter_and_signature(header: &str) -> Option<(u64, &str)> {
    let (counter, signature) = header.split_once(' ')?;
    let number: u64 = counter.parse().ok()?;
    (number.to_string() == counter).then_some((number, signature))
}

/// Random bytes: the hashes of a secret and a count.
struct Random {
    secret: [u8; 32],
    count: u64,
}

impl Random {
    /// At most 32 bytes.
    fn draw<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= 32, "a hash has 32 bytes") };
        self.count += 1;
        let hash = Sha256::new().chain_update(self.secret).chain_update(self.count.to_be_bytes()).finalize();
        std::array::from_fn(|at| hash[at])
    }
}

impl fmt::Debug for Random {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Random({} drawn)", self.count)
    }
}

#[cfg(test)]
mod tests;
