//! Digest authentication, the server's side: RFC 7616 with SHA-256, and RFC 2617 with MD5.
//!
//! What clients do with two challenges: VLC, ffmpeg and `GStreamer` take the last one, and that one has to be MD5 without
//! `qop`. go2rtc takes the first, whatever its algorithm, and answers with MD5. So both have the same nonce, and the
//! answer's own `algorithm` says what it is (RFC 2617: MD5, if it is absent). VLC reads realm, nonce and stale only in
//! this order.
//!
//! A nonce belongs to its connection and opens it once: an answer that was overheard opens no other. Basic is never
//! offered, since it sends the password in clear. Who counts wrong answers is not decided here.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::token::{Tokens, hex};
use super::uri::{Target, Uri};
use crate::limits::RTSP_NONCE_LIFETIME;
use crate::service::auth::matches;
use crate::time::Mono;

/// The user name that goes with the password.
pub const USER: &str = "es-iot";
/// What the password is for, as clients show it.
pub const REALM: &str = "es-iot-server";

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is known, and the challenge is this connection's: the way is open, once.
    Right,
    /// The password is known, but the challenge has expired or is another connection's: challenge again, `stale=true`.
    Stale,
    /// No answer that can be checked. No password was looked at.
    Unusable,
    /// A wrong user name or password.
    Wrong,
}

/// The request that an answer is for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its URI.
    pub uri: &'a str,
    /// The stream's path. An answer may be for any URI of the stream: VLC signs Content-Base in a SETUP of the track.
    pub stream: &'a str,
}

impl Asked<'_> {
    fn fits(&self, signed: &str) -> bool {
        let names_stream = |uri: Uri<'_>| matches!(uri.target(self.stream), Target::Stream | Target::Track);
        signed == self.uri || Uri::parse(signed).is_some_and(names_stream)
    }
}

/// The challenges of one connection: one at a time.
#[derive(Debug, Default)]
pub struct Challenges {
    nonce: Option<(String, Mono)>,
}

impl Challenges {
    /// The two values of WWW-Authenticate, in their order. A challenge that can still be answered for more than half its
    /// life is repeated.
    pub fn challenge(&mut self, now: Mono, stale: bool, tokens: &mut Tokens) -> [String; 2] {
        let fresh = self.nonce.take().filter(|(_, expires)| expires.since(now) > RTSP_NONCE_LIFETIME / 2);
        let (nonce, _) = self.nonce.insert(fresh.unwrap_or_else(|| (tokens.next(), now + RTSP_NONCE_LIFETIME)));
        let stale = if stale { ", stale=true" } else { "" };
        let common = format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\"{stale}");
        [format!("{common}, algorithm=SHA-256, qop=\"auth\""), format!("{common}, algorithm=MD5")]
    }

    /// Checks the value of an Authorization header.
    pub fn check(&mut self, now: Mono, password: &[u8], asked: Asked<'_>, header: &str) -> Verdict {
        let Some(answer) = Answer::parse(header) else { return Verdict::Unusable };
        if answer.realm != REALM || !asked.fits(&answer.uri) {
            return Verdict::Unusable;
        }
        let expected = answer.expected(password, asked.method);
        let right = matches(expected.as_bytes(), answer.response.to_ascii_lowercase().as_bytes());
        if !right || password.is_empty() || answer.username != USER {
            return Verdict::Wrong;
        }
        let known = self.nonce.as_ref().is_some_and(|(nonce, expires)| *nonce == answer.nonce && now < *expires);
        if !known {
            return Verdict::Stale;
        }
        self.nonce = None;
        Verdict::Right
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Algorithm {
    /// Also when an answer names none (RFC 2617 section 3.2.1).
    #[default]
    Md5,
    Sha256,
}

/// `H(part:part:..)` in hexadecimal digits. The parts are not joined: that would leave a copy of the password in memory.
fn hash<D: Digest>(parts: &[&[u8]]) -> String {
    let mut digest = D::new();
    for (at, part) in parts.iter().enumerate() {
        digest.update(if at == 0 { &b""[..] } else { b":" });
        digest.update(part);
    }
    hex(&digest.finalize())
}

/// An answer to a challenge.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    username: String,
    realm: String,
    nonce: String,
    uri: String,
    response: String,
    algorithm: Algorithm,
    /// nc and cnonce of `qop=auth`.
    protection: Option<(String, String)>,
}

impl Answer {
    /// Reads an Authorization header; `None` when it is no Digest answer of a kind that was asked for.
    fn parse(header: &str) -> Option<Self> {
        let (scheme, mut rest) = header.split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut answer = Self::default();
        let (mut algorithm, mut qop, mut nc, mut cnonce) = (None, None, None, None);
        while let Some((name, value, behind)) = parameter(rest) {
            rest = behind;
            match name.to_ascii_lowercase().as_str() {
                "username" => answer.username = value,
                "realm" => answer.realm = value,
                "nonce" => answer.nonce = value,
                "uri" => answer.uri = value,
                "response" => answer.response = value,
                "algorithm" => algorithm = Some(value),
                "qop" => qop = Some(value),
                "nc" => nc = Some(value),
                "cnonce" => cnonce = Some(value),
                _ => {}
            }
        }
        if !rest.trim().is_empty() || answer.nonce.is_empty() || answer.response.is_empty() {
            return None;
        }
        answer.algorithm = match algorithm {
            None => Algorithm::default(),
            Some(name) if name.eq_ignore_ascii_case("MD5") => Algorithm::Md5,
            Some(name) if name.eq_ignore_ascii_case("SHA-256") => Algorithm::Sha256,
            Some(_) => return None,
        };
        answer.protection = match qop {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some((nc?, cnonce?)),
            Some(_) => return None,
        };
        Some(answer)
    }

    /// The response that knows the password (RFC 7616 section 3.4.1, RFC 2617 section 3.2.2.1).
    fn expected(&self, password: &[u8], method: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => self.response_by::<Md5>(password, method),
            Algorithm::Sha256 => self.response_by::<Sha256>(password, method),
        }
    }

    fn response_by<D: Digest>(&self, password: &[u8], method: &str) -> String {
        let a1 = hash::<D>(&[self.username.as_bytes(), self.realm.as_bytes(), password]);
        let a2 = hash::<D>(&[method.as_bytes(), self.uri.as_bytes()]);
        let nonce = self.nonce.as_bytes();
        match &self.protection {
            None => hash::<D>(&[a1.as_bytes(), nonce, a2.as_bytes()]),
            Some((nc, cnonce)) => {
                hash::<D>(&[a1.as_bytes(), nonce, nc.as_bytes(), cnonce.as_bytes(), b"auth", a2.as_bytes()])
            }
        }
    }
}

/// The first `name=value` or `name="value"` of a list, and what is behind it.
fn parameter(list: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = list.trim_start_matches([' ', '\t', ',']).split_once('=')?;
    let rest = rest.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, behind) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
        return Some((name.trim(), value.trim().to_owned(), behind));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((name.trim(), value, &quoted[at + 1..])),
            // RFC 2616 section 2.2: quoted-pair.
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests;
