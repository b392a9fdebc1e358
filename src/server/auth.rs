//! Access to the services: the password, and the answers to attempts.
//!
//! Not here: the tables of failures and grants (`service::access`), and the connections (`connections.rs`).

use std::time::Duration;

use super::context::Context;
use super::report::AccessReport;
use crate::config::Secret;
use crate::frame::Frame;
use crate::ids::{ConnId, Peer, Service};
use crate::limits::BRAKE_EACH;
use crate::service::access::{Access, Admission};
use crate::service::auth::matches;
use crate::service::rtsp;
use crate::stats::Counter;
use crate::time::Mono;
use crate::wire::{self, ErrorCode};

/// The password, lock-outs and grants.
#[derive(Debug)]
pub struct Auth {
    password: Secret,
    access: Access,
}

impl Auth {
    /// No failures and no grants yet.
    pub fn new(password: Secret) -> Self {
        Self { password, access: Access::default() }
    }

    /// Whether a peer may use a service at all.
    pub fn may_use(&self, cx: &Context<'_>, service: Service, peer: Peer) -> bool {
        let auth = &cx.config.auth;
        service == Service::Auth
            || !auth.required
            || (auth.trust_loopback && peer.is_on_this_host())
            || self.access.granted(cx.mono(), peer)
    }

    /// Whether a peer may watch the video.
    pub fn watching(&self, cx: &Context<'_>, peer: Peer) -> rtsp::Access<'_> {
        if self.may_use(cx, Service::Rtsp, peer) {
            rtsp::Access::Open
        } else if let Some(wait) = self.access.wait(cx.mono(), peer) {
            rtsp::Access::LockedOut(wait)
        } else {
            rtsp::Access::Password(self.password.reveal())
        }
    }

    /// Whether an attempt of a peer is looked at. If it is not, it is counted as refused, and this is how long to wait.
    ///
    /// # Errors
    ///
    /// How long until an attempt would be looked at.
    pub fn admit(&mut self, cx: &mut Context<'_>, peer: Peer) -> Result<(), Duration> {
        let counter = match self.access.admit(cx.mono(), peer) {
            Admission::Open => return Ok(()),
            Admission::LockedOut => Counter::AuthLockedOut,
            Admission::Braked => Counter::AuthBraked,
        };
        cx.bump(counter);
        Err(self.access.wait(cx.mono(), peer).unwrap_or(BRAKE_EACH))
    }

    /// A viewer gave a wrong password.
    pub fn viewer_failed(&mut self, cx: &mut Context<'_>, peer: Peer) {
        // An attempt like those at the authentication port: the brake counts it.
        let _was_looked_at = self.access.admit(cx.mono(), peer);
        self.failed(cx, peer);
    }

    /// A viewer gave the right password. It may watch, and nothing else: a grant is for the authentication port to give.
    pub fn viewer_succeeded(&mut self, cx: &mut Context<'_>, peer: Peer) {
        let _was_looked_at = self.access.admit(cx.mono(), peer);
        self.succeeded(cx, peer);
    }

    /// A wrong password that [`Self::admit`] let pass.
    pub fn failed(&mut self, cx: &mut Context<'_>, peer: Peer) {
        cx.bump(Counter::AuthRejected);
        let braked = self.access.is_braked();
        let lockout = self.access.failed(cx.mono(), peer, cx.stats);
        cx.report(AccessReport::Rejected { peer });
        if let Some(length) = lockout {
            cx.report(AccessReport::LockedOut { peer, length });
        }
        if !braked && self.access.is_braked() {
            cx.report(AccessReport::BrakeOn);
        }
    }

    /// A right password that [`Self::admit`] let pass, and that gives no grant: it opens a session or a stream.
    pub fn succeeded(&mut self, cx: &mut Context<'_>, peer: Peer) {
        cx.bump(Counter::AuthAccepted);
        self.access.forgive(cx.mono(), peer);
        cx.report(AccessReport::Accepted { peer });
    }

    /// The same, and the peer, which has `open` connections, holds a grant from now on.
    fn grant(&mut self, cx: &mut Context<'_>, peer: Peer, open: usize) {
        cx.bump(Counter::AuthAccepted);
        self.access.succeeded(cx.mono(), peer, open, grant_length(cx), cx.stats);
        cx.report(AccessReport::Accepted { peer });
    }

    /// Whether this is the password.
    pub fn is_right(&self, attempt: &[u8]) -> bool {
        matches(self.password.reveal(), attempt)
    }

    /// Answers an attempt at the authentication port, of a peer that has `open` connections. `attempt` is called only if it
    /// may be looked at, and yields the reply if it is right.
    ///
    /// # Errors
    ///
    /// The code, of which the client is to be notified.
    pub fn answer(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        peer: Peer,
        open: usize,
        attempt: impl FnOnce() -> Option<Frame>,
    ) -> Result<(), ErrorCode> {
        self.admit(cx, peer).map_err(|_| ErrorCode::TooManyAttempts)?;
        if let Some(reply) = attempt() {
            cx.send(conn, reply);
            self.grant(cx, peer, open);
        } else {
            cx.send(conn, wire::auth::rejected());
            self.failed(cx, peer);
        }
        Ok(())
    }

    /// When [`Self::release_brake`] has something to look at.
    pub fn deadline(&self) -> Option<Mono> {
        self.access.next_deadline()
    }

    /// There may be room again for the failures of new addresses.
    pub fn release_brake(&mut self, cx: &mut Context<'_>) {
        self.access.release_brake(cx.mono());
        if !self.access.is_braked() {
            cx.report(AccessReport::BrakeOff);
        }
    }

    /// A connection of a peer opened.
    pub fn opened(&mut self, cx: &Context<'_>, peer: Peer) {
        self.access.opened(cx.mono(), peer);
    }

    /// A connection of a peer ended.
    pub fn closed(&mut self, cx: &Context<'_>, peer: Peer) {
        self.access.closed(cx.mono(), peer, grant_length(cx));
    }

    /// The password in force.
    pub const fn password(&self) -> &Secret {
        &self.password
    }

    /// Takes the password in force. A new one revokes what the old one has granted. Returns whether it is a new one.
    pub fn set_password(&mut self, password: Secret) -> bool {
        let is_new = password != self.password;
        if is_new {
            self.password = password;
            self.access.revoke_grants();
        }
        is_new
    }

    /// Entries in the table of failures, and grants that have not ended.
    pub fn sizes(&self, now: Mono) -> (usize, usize) {
        self.access.sizes(now)
    }
}

fn grant_length(cx: &Context<'_>) -> Duration {
    Duration::from_secs(u64::from(cx.config.auth.grant_seconds))
}
