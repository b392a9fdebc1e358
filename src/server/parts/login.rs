//! The ways of an attempt at the authentication port: a password, or a login that keeps it off the wire.

use super::Parts;
use crate::frame::{Frame, Shared};
use crate::ids::{ConnId, Peer};
use crate::server::context::Context;
use crate::server::report::{AccessReport, CloseReason};
use crate::service::scram::{Exchange, Refusal};
use crate::stats::Counter;
use crate::wire::packet::encode;
use crate::wire::{self, ErrorCode, Id, Kind};

impl Parts {
    /// A password: it is answered, and the conversation ends.
    pub fn attempt(&mut self, cx: &mut Context<'_>, conn: ConnId, peer: Peer, right: bool) {
        if cx.config.auth.plain {
            // Counted for wrong ones too, and during a lock-out: the time must not depend on whether it is right.
            let open = self.connections.clients_of(peer);
            let reply = || right.then(|| wire::auth::accepted().into());
            if let Err(code) = self.auth.answer(cx, conn, peer, open, reply) {
                self.connections.refuse(cx, conn, code);
            }
        } else {
            let report = AccessReport::PlainRefused { peer };
            self.connections.refuse_as(cx, conn, ErrorCode::NotValidHere, report);
        }
        self.attempt_is_over(cx, conn);
    }

    /// A message of a login: the first is answered, and the second ends the conversation.
    pub fn log_in(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        peer: Peer,
        message: &[u8],
        begun: Option<Box<Exchange>>,
    ) {
        let nonce = self.login.nonce();
        let Some(keys) = self.login.keys() else {
            cx.bump(Counter::LoginsRefused);
            self.connections.refuse(cx, conn, ErrorCode::NotReady);
            return self.attempt_is_over(cx, conn);
        };
        let answered = match begun {
            None => match Exchange::begin(cx.mono(), keys, message, nonce) {
                Ok((exchange, server_first)) => {
                    cx.send(conn, packet(&server_first));
                    return self.connections.expect_proof(cx, conn, exchange);
                }
                Err(refusal) => Err(refusal),
            },
            Some(exchange) => exchange.answered(cx.mono(), keys, message),
        };
        match answered {
            Ok(answered) => {
                let open = self.connections.clients_of(peer);
                let reply = || answered.check(keys).ok().map(|login| packet(&login.message));
                if let Err(code) = self.auth.answer(cx, conn, peer, open, reply) {
                    self.connections.refuse(cx, conn, code);
                }
            }
            Err(refusal) => self.refuse_login(cx, conn, peer, refusal),
        }
        self.attempt_is_over(cx, conn);
    }

    fn refuse_login(&mut self, cx: &mut Context<'_>, conn: ConnId, peer: Peer, refusal: Refusal) {
        cx.bump(Counter::LoginsRefused);
        let report = AccessReport::LoginRefused { peer, refusal };
        self.connections.refuse_as(cx, conn, ErrorCode::NotValidHere, report);
    }

    fn attempt_is_over(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let departed = self.connections.finish(cx, conn, CloseReason::Done);
        self.departed(cx, departed);
    }
}

fn packet(message: &str) -> Frame {
    let mut bytes = Vec::new();
    encode(Id::Auth, Kind::Login, message.as_bytes(), &mut bytes);
    Shared::new(bytes).into()
}
