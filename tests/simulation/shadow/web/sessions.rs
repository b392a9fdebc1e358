//! Logins by SCRAM and the sessions that they open, by the words of the API's contract.

use es_iot_server::base64;
use es_iot_server::ids::Peer;

use super::super::access::network;
use super::super::login::LOGIN;
use crate::SECOND;
use crate::scram::{Key, Login};

/// Logins that one network may have begun.
const LOGINS: usize = 4;
/// How long a session lasts unused, and at all.
const IDLE: u64 = 3600 * SECOND;
const LIFETIME: u64 = 24 * IDLE;

/// A login that has begun.
#[derive(Debug)]
struct Begun {
    number: u64,
    network: Option<Vec<u8>>,
    first_bare: String,
    /// The server's answer, once it is known.
    server_first: Option<String>,
    since: u64,
}

#[derive(Debug)]
struct Session {
    /// The number of its cookie.
    token: u64,
    key: Key,
    opened: u64,
    used: u64,
    counter: u64,
}

impl Session {
    fn ends(&self) -> u64 {
        (self.opened + LIFETIME).min(self.used + IDLE)
    }
}

#[derive(Debug, Default)]
pub struct Sessions {
    begun: Vec<Begun>,
    count: u64,
    open: Vec<Session>,
    /// The salt of the password in force, once it was seen.
    salt: Option<String>,
    /// When a session ended before its time, until its streams are looked at.
    ended: Option<u64>,
}

/// What a client-final is.
#[derive(Debug)]
pub enum Final {
    /// Nothing that belongs to a login.
    Nothing,
    /// An answer to one.
    Answer { right: Option<Login> },
}

impl Sessions {
    pub fn password_changed(&mut self, at: u64) {
        let count = self.count;
        *self = Self { count, ended: Some(at), ..Self::default() };
    }

    /// A login begins: its number.
    pub fn begin(&mut self, at: u64, peer: Peer, first_bare: &str) -> u64 {
        let network = network(peer);
        self.begun.retain(|begun| at < begun.since + LOGIN);
        let of_network: Vec<u64> =
            self.begun.iter().filter(|begun| begun.network == network).map(|begun| begun.number).collect();
        if of_network.len() >= LOGINS {
            self.begun.retain(|begun| begun.number != of_network[0]);
        }
        self.count += 1;
        let first_bare = first_bare.to_owned();
        self.begun.push(Begun { number: self.count, network, first_bare, server_first: None, since: at });
        self.count
    }

    /// Whether this can be the answer to client-first; if so, it is remembered.
    pub fn answered(&mut self, number: u64, text: &str) -> bool {
        let Some(begun) = self.begun.iter_mut().find(|begun| begun.number == number) else { return true };
        let parts: Vec<&str> = text.split(',').collect();
        let &[nonce, salt, "i=4096"] = &parts[..] else { return false };
        let client = begun.first_bare.split_once(",r=").expect("it was read").1;
        let added = nonce.strip_prefix("r=").and_then(|nonce| nonce.strip_prefix(client)).unwrap_or_default();
        let known = self.salt.get_or_insert_with(|| salt.to_owned());
        begun.server_first = Some(text.to_owned());
        added.len() >= 16 && salt.starts_with("s=") && known == salt
    }

    /// Takes a client-final, which uses its login up.
    pub fn finish(&mut self, at: u64, peer: Peer, message: &str, password: &str) -> Final {
        let network = network(peer);
        let Some((without_proof, proof)) = message.rsplit_once(",p=") else { return Final::Nothing };
        let Some(proof) = base64::decode(proof).filter(|proof| proof.len() == 32) else { return Final::Nothing };
        let nonce = without_proof.strip_prefix("c=biws,").unwrap_or_default();
        let begins = |begun: &Begun| {
            let first = begun.server_first.as_deref().unwrap_or_default();
            begun.network == network && first.split(',').next() == Some(nonce)
        };
        let Some(position) = self.begun.iter().position(begins) else { return Final::Nothing };
        let begun = self.begun.remove(position);
        if at >= begun.since + LOGIN {
            return Final::Nothing;
        }
        let server_first = begun.server_first.as_deref().expect("it was found by it");
        let login = Login::new(password, &begun.first_bare, server_first, without_proof).expect("there is a salt");
        Final::Answer { right: (login.proof[..] == proof).then_some(login) }
    }

    pub fn open(&mut self, at: u64, token: u64, key: Key) {
        self.open.push(Session { token, key, opened: at, used: at, counter: 0 });
    }

    fn find(&mut self, at: u64, token: u64) -> Option<&mut Session> {
        self.open.iter_mut().find(|session| session.token == token && at < session.ends())
    }

    pub fn is_open(&self, at: u64, token: u64) -> bool {
        self.open.iter().any(|session| session.token == token && at < session.ends())
    }

    pub fn count(&self, at: u64) -> usize {
        self.open.iter().filter(|session| at < session.ends()).count()
    }

    pub fn touch(&mut self, at: u64, token: u64) {
        if let Some(session) = self.find(at, token) {
            session.used = at;
        }
    }

    /// A session whose stream went on up to now is not idle.
    pub fn goes_on(&mut self, at: u64, token: u64) {
        if let Some(session) = self.open.iter_mut().find(|session| session.token == token) {
            session.used = at;
        }
    }

    /// Whether a change is signed.
    pub fn verify(&mut self, at: u64, token: u64, header: Option<&str>, change: (&str, &str, &str)) -> bool {
        let (method, path, body) = change;
        let Some(session) = self.find(at, token) else { return false };
        let Some(counter) = header.and_then(|header| header.split_once(' ')?.0.parse().ok()) else { return false };
        let right = crate::scram::signature(&session.key, counter, method, path, body);
        if header != Some(&right) || counter <= session.counter {
            return false;
        }
        (session.counter, session.used) = (counter, at);
        true
    }

    pub fn close(&mut self, at: u64, token: u64) {
        if self.is_open(at, token) {
            self.open.retain(|session| session.token != token);
            self.ended = Some(at);
        }
    }

    pub fn due(&self) -> Option<u64> {
        [self.ended, self.open.iter().map(Session::ends).min()].into_iter().flatten().min()
    }

    /// A look at the timers. Whether streams may have to end.
    pub fn wake(&mut self, at: u64) -> bool {
        let before = self.open.len();
        self.open.retain(|session| at < session.ends());
        self.ended.take().is_some() || self.open.len() < before
    }
}
