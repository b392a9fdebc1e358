//! The sessions that logins open over HTTP.
//!
//! A session is known by its token, a cookie. On plain HTTP an eavesdropper can take the cookie and read with it. It can
//! change nothing: changes (PUT, POST) are signed with a key that both sides derived in the login and never sent.
//!
//! # What is signed
//!
//! `COUNTER\nMETHOD\nPATH\nBODY`: the counter in decimal digits without leading zeros, the method, the path without a query,
//! the body's bytes. The signature is the HMAC-SHA-256 of that in Base64. The counter has to be
//! greater than that of the session's last change, so that no change can be sent again. It need not follow it: a client may
//! use the time. Changes of one session that overtake each other are refused, so a client sends one after another.
//!
//! Everything here is gone at a restart, and [`Sessions::clear`] is for a change of the password.

use std::fmt::{self, Display};

use subtle::ConstantTimeEq;

use super::keys::Key;
use crate::base64;
use crate::limits::{MAX_SESSIONS, SESSION_IDLE, SESSION_LIFETIME};
use crate::time::Mono;

/// What a client shows to be let in: 128 random bits. `Display` is the cookie's value, 32 lower-case hexadecimal digits;
/// `Debug` does not show it, and comparing takes the same time wherever the first difference is.
#[derive(Clone, Copy)]
pub struct Token([u8; 16]);

impl Token {
    /// Reads a cookie's value; `None` if it can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let mut bytes = [0; 16];
        if pairs.len() != bytes.len() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

impl Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"***\"")
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for Token {}

/// A request that changes something.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Greater than the one before.
    pub counter: u64,
    /// PUT or POST.
    pub method: &'a str,
    /// The path with its query, as it is in the request line.
    pub path: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Why a change is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// There is no such session: it has ended, or never was.
    NoSession,
    /// The signature is not this session's, or not of this change.
    Signature,
    /// The signature is right, and the counter is not greater than that of the last change: it was sent before, or overtaken.
    Counter,
}

/// Signs a change.
pub fn sign(signing: &Key, change: &Change<'_>) -> String {
    base64::encode(mac(signing, change).reveal())
}

fn mac(signing: &Key, change: &Change<'_>) -> Key {
    let counter = change.counter.to_string();
    let (method, path) = (change.method.as_bytes(), change.path.as_bytes());
    signing.hmac(&[counter.as_bytes(), b"\n", method, b"\n", path, b"\n", change.body])
}

#[derive(Debug)]
struct Session {
    token: Token,
    signing: Key,
    opened: Mono,
    used: Mono,
    /// The counter of the last change; 0 before the first.
    counter: u64,
}

impl Session {
    fn ends(&self) -> Mono {
        (self.opened + SESSION_LIFETIME).min(self.used + SESSION_IDLE)
    }
}

/// The sessions that are open, at most [`MAX_SESSIONS`].
#[derive(Debug, Default)]
pub struct Sessions {
    open: Vec<Session>,
}

impl Sessions {
    /// Opens a session after a right proof. `random` is drawn for this session alone. If the table is full, the session that
    /// was unused longest ends.
    pub fn open(&mut self, now: Mono, signing: Key, random: [u8; 16]) -> Token {
        let token = Token(random);
        self.open.retain(|session| now < session.ends() && session.token != token);
        if self.open.len() >= MAX_SESSIONS
            && let Some(oldest) = (0..self.open.len()).min_by_key(|at| self.open[*at].used)
        {
            self.open.swap_remove(oldest);
        }
        self.open.push(Session { token, signing, opened: now, used: now, counter: 0 });
        token
    }

    /// Whether a session is open.
    pub fn is_open(&self, now: Mono, token: &Token) -> bool {
        // Looks at every session, so that the time does not depend on which one it is.
        self.open.iter().fold(false, |open, session| open | ((session.token == *token) & (now < session.ends())))
    }

    /// When [`Self::end_expired`] has something to end.
    pub fn next_end(&self) -> Option<Mono> {
        self.open.iter().map(Session::ends).min()
    }

    /// Ends the sessions whose time is over. Returns whether there were any.
    pub fn end_expired(&mut self, now: Mono) -> bool {
        let before = self.open.len();
        self.open.retain(|session| now < session.ends());
        self.open.len() < before
    }

    /// Notes a request with this token. Returns whether the session is open.
    pub fn touch(&mut self, now: Mono, token: &Token) -> bool {
        self.find(now, token).map(|session| session.used = now).is_some()
    }

    /// Notes that one of its responses has gone on up to now: the session was not idle, so that it is open although its time
    /// without a request is over.
    pub fn goes_on(&mut self, now: Mono, token: &Token) {
        for session in self.open.iter_mut().filter(|session| session.token == *token) {
            session.used = now;
        }
    }

    /// Checks the signature of a change, and notes its counter if it is right.
    ///
    /// # Errors
    ///
    /// The change is refused, and nothing is noted.
    pub fn verify(&mut self, now: Mono, token: &Token, change: &Change<'_>, signature: &str) -> Result<(), Unsigned> {
        let session = self.find(now, token).ok_or(Unsigned::NoSession)?;
        // A line end in them would make two changes look the same.
        let is_clear = ![change.method, change.path].iter().any(|part| part.contains('\n'));
        let given = base64::decode(signature).and_then(|bytes| bytes.try_into().ok());
        match given {
            Some(given) if is_clear && Key::new(given) == mac(&session.signing, change) => {}
            Some(_) | None => return Err(Unsigned::Signature),
        }
        if change.counter <= session.counter {
            return Err(Unsigned::Counter);
        }
        (session.counter, session.used) = (change.counter, now);
        Ok(())
    }

    /// Ends a session: its client logs out.
    pub fn close(&mut self, token: &Token) {
        self.open.retain(|session| session.token != *token);
    }

    /// Ends all sessions: the password has changed.
    pub fn clear(&mut self) {
        self.open.clear();
    }

    /// How many are open.
    pub fn count(&self, now: Mono) -> usize {
        self.open.iter().filter(|session| now < session.ends()).count()
    }

    /// Looks at every session, so that the time does not depend on which one it is.
    fn find(&mut self, now: Mono, token: &Token) -> Option<&mut Session> {
        let right = self.open.iter_mut().filter(|session| session.token == *token).last();
        right.filter(|session| now < session.ends())
    }
}

#[cfg(test)]
mod tests;
