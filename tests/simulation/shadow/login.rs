//! Logins without the password on the wire, and when they are possible.

use es_iot_server::base64;
use es_iot_server::server::{ConnId, Service};
use es_iot_server::service::scram::NONCE_BYTES;
use es_iot_server::stats::Counter;

use super::Shadow;
use super::access::Answer;
use super::foretell::error;
use crate::client::packet;
use crate::scram;
use crate::{MILLI, SECOND};

/// 4096 iterations in turns of 256.
const TURNS: u32 = 16;

/// How long a login may take.
pub const LOGIN: u64 = 30 * SECOND;

/// A login that has begun.
#[derive(Debug)]
pub struct Login {
    nonce: [u8; NONCE_BYTES],
    /// What the server made up.
    pub server_first: String,
    /// Which password it began with, and when.
    password: u32,
    since: u64,
}

/// The password's keys.
#[derive(Debug, Default)]
pub struct Keys {
    /// How many passwords there were.
    password: u32,
    /// Turns taken, and when the next is due; none while there are keys.
    turns: Option<(u32, u64)>,
}

impl Keys {
    pub fn change(&mut self, at: u64) {
        *self = Self { password: self.password + 1, turns: Some((0, at)) };
    }

    /// Whether logins are possible.
    pub fn are_there(&self) -> bool {
        self.turns.is_none()
    }

    /// When the next turn is due.
    pub fn due(&self) -> Option<u64> {
        self.turns.map(|(_, due)| due)
    }

    pub fn wakeup(&mut self, at: u64) {
        if let Some((done, due)) = self.turns
            && at >= due
        {
            self.turns = (done + 1 < TURNS).then_some((done + 1, at + 10 * MILLI));
        }
    }
}

/// Whether a packet with a message of a login is as foretold: as far as it could be.
pub fn fits(foretold: &[u8], sent: &[u8]) -> bool {
    let Some(sent) = login_message(sent) else { return false };
    login_message(foretold).is_some_and(|foretold| sent.starts_with(foretold))
}

/// The message in a packet of TYPE `03`, if it is whole.
pub fn login_message(bytes: &[u8]) -> Option<&[u8]> {
    let text = bytes.strip_prefix(&[0, 0xFF, 0, 3])?.get(2..bytes.len() - 5)?;
    (packet(0, 3, text) == bytes).then_some(text)
}

impl Shadow {
    /// A packet of TYPE `03` came. Returns what it is answered, and whether the conversation goes on.
    pub(super) fn login(&mut self, at: u64, conn: ConnId, payload: &[u8]) -> (Vec<u8>, bool) {
        let refused = |shadow: &mut Self, code| {
            shadow.counters.one(Counter::LoginsRefused);
            (error(Service::Auth, code), false)
        };
        if !self.keys.are_there() {
            return refused(self, 8);
        }
        let patience = self.patience(Service::Auth);
        let password = self.keys.password;
        let peer = self.peers.get_mut(&conn).expect("it is there");
        let Some(login) = peer.login.take() else {
            let Some(nonce) = client_first(payload) else { return refused(self, 3) };
            peer.login = Some(Login { nonce, server_first: String::new(), password, since: at });
            (peer.accepted, peer.patience) = (at, patience);
            return (packet(0, 3, format!("r={}", base64::encode(&nonce)).as_bytes()), true);
        };
        let address = peer.address;
        let nonce = login.server_first.split(',').next().expect("a nonce");
        let fits = payload.starts_with(format!("c=biws,{nonce},p=").as_bytes());
        if !fits || login.password != password || at >= login.since + LOGIN {
            return refused(self, 3);
        }
        let first_bare = format!("n=es-iot,r={}", base64::encode(&login.nonce));
        let without_proof = format!("c=biws,{nonce}");
        let password = String::from_utf8_lossy(self.password.reveal());
        let right = scram::Login::new(&password, &first_bare, &login.server_first, &without_proof).expect("a salt");
        let proof = format!("{without_proof},p={}", base64::encode(&right.proof));
        let verifier = format!("v={}", base64::encode(&right.verifier));
        let right = proof.as_bytes() == payload;
        let lasts = u64::from(self.config.auth.grant_seconds) * SECOND;
        self.logins += u64::from(right);
        let answer = match self.access.attempt(at, address, right, lasts) {
            Answer::Ready => packet(0, 3, verifier.as_bytes()),
            Answer::Wrong => crate::golden::REJECTED.to_vec(),
            Answer::LockedOut => error(Service::Auth, 5),
        };
        (answer, false)
    }
}

/// The nonce, if it is a client-first as the clients here write it.
fn client_first(payload: &[u8]) -> Option<[u8; NONCE_BYTES]> {
    let nonce = std::str::from_utf8(payload).ok()?.strip_prefix("n,,n=es-iot,r=")?;
    base64::decode(nonce)?.try_into().ok()
}
