//! What clients ask for, and what they are answered.

use super::conversation::Conversation;
use super::table::Connection;
use super::{CloseReason, Connections, Departed};
use crate::camera::settings::CameraSettings;
use crate::ids::{ConnId, Peer, Service};
use crate::limits::WRITE_TIMEOUT;
use crate::server::auth::Auth;
use crate::server::context::Context;
use crate::server::interface::Output;
use crate::server::report::ClientReport;
use crate::service::requests::Fault;
use crate::service::settings;
use crate::stats::Counter;
use crate::wire::{self, ErrorCode, Id, Outgoing};

/// What a client asks for that other parts answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Read the settings.
    ReadSettings,
    /// Change the settings to these bytes.
    UpdateSettings {
        /// The client's end.
        peer: Peer,
        /// The bytes.
        payload: [u8; wire::settings::PAYLOAD_BYTES],
    },
    /// Let the client in for its password.
    Attempt {
        /// The client's end.
        peer: Peer,
        /// Whether the password is the right one.
        right: bool,
    },
    /// Nothing: what it sent has ended it.
    Departed(Departed),
}

impl Step {
    fn of(step: settings::Step, peer: Peer) -> Self {
        match step {
            settings::Step::Read => Self::ReadSettings,
            settings::Step::Update(payload) => Self::UpdateSettings { peer, payload },
        }
    }
}

impl Connections {
    /// Takes what a client has sent. [`Self::next_step`] yields what it asks for.
    pub fn received(&mut self, cx: &mut Context<'_>, conn: ConnId, bytes: &[u8]) {
        match self.table.find(conn) {
            Some(connection) => connection.conversation.push(bytes),
            None => cx.bump(Counter::StaleEvents),
        }
    }

    /// What a client asks for next, `None` if it has to send more first, or waits. Requests that are wrong are refused
    /// here.
    pub fn next_step(&mut self, cx: &mut Context<'_>, conn: ConnId, auth: &Auth) -> Option<Step> {
        loop {
            let connection = self.table.find(conn)?;
            let (peer, owes_nothing) = (connection.peer, !connection.blocked);
            let next = match &mut connection.conversation {
                Conversation::Stream
                | Conversation::Rtsp
                | Conversation::Http
                | Conversation::Over
                | Conversation::Settings { awaiting: true, .. } => return None,
                Conversation::Settings { requests, awaiting: false } => {
                    let step = settings::next(requests);
                    if owes_nothing && !matches!(step, Ok(None)) {
                        // The time for the next packet counts from its own begin.
                        self.table.set_deadline(conn, None);
                    }
                    step.map(|step| step.map(|step| Step::of(step, peer)))
                }
                Conversation::Auth(requests) => requests
                    .next()
                    .map(|attempt| attempt.map(|password| Step::Attempt { peer, right: auth.is_right(password) })),
            };
            match next {
                Ok(Some(step)) => return Some(step),
                Ok(None) => {
                    self.expect_rest(cx, conn);
                    return None;
                }
                Err(fault) => {
                    if let Some(departed) = self.fault(cx, conn, fault) {
                        return Some(Step::Departed(departed));
                    }
                }
            }
        }
    }

    /// Answers what is no request. A settings client may go on after it.
    fn fault(&mut self, cx: &mut Context<'_>, conn: ConnId, fault: Fault) -> Option<Departed> {
        let code = match fault {
            Fault::HangUp => return self.close(cx, conn, CloseReason::NoProtocol),
            Fault::Refuse(code) => code,
        };
        self.refuse(cx, conn, code);
        match self.table.find(conn)?.conversation {
            Conversation::Auth(_) => self.finish(cx, conn, CloseReason::Done),
            Conversation::Stream
            | Conversation::Settings { .. }
            | Conversation::Rtsp
            | Conversation::Http
            | Conversation::Over => None,
        }
    }

    /// Gives a settings client that is within a packet its time to complete it, counted from the packet's begin.
    fn expect_rest(&mut self, cx: &Context<'_>, conn: ConnId) {
        let Some(connection) = self.table.find(conn) else { return };
        let Conversation::Settings { requests, .. } = &connection.conversation else { return };
        if connection.blocked {
            return;
        }
        if !requests.mid_packet() {
            self.table.set_deadline(conn, None);
        } else if self.table.deadline_of(conn).is_none() {
            self.table.set_deadline(conn, Some(cx.mono() + self.patience(Service::Settings)));
        }
    }

    /// Has a client's read wait. While it waits it owes nothing, but a socket that takes nothing goes on being watched.
    pub fn wait(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(connection) = self.table.find(conn) else { return };
        let blocked = connection.blocked;
        if let Conversation::Settings { awaiting, .. } = &mut connection.conversation {
            *awaiting = true;
        }
        if !blocked {
            self.table.set_deadline(conn, None);
        }
        cx.push(Output::Pause(conn));
    }

    /// Answers a read. If it waited, the steps behind it and [`Self::resume`] are to follow.
    pub fn answer(&mut self, cx: &mut Context<'_>, conn: ConnId, settings: &CameraSettings) {
        let Some(connection) = self.table.find(conn) else { return };
        let Conversation::Settings { awaiting, .. } = &mut connection.conversation else { return };
        *awaiting = false;
        cx.send(conn, wire::settings::reply(settings));
    }

    /// Reads again from a client whose read waited, unless it waits again or has closed meanwhile.
    pub fn resume(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Option<Departed> {
        let connection = self.table.find(conn)?;
        match connection.conversation {
            Conversation::Settings { awaiting: false, .. } if connection.finished => {
                self.finish(cx, conn, CloseReason::Done)
            }
            Conversation::Settings { awaiting: false, .. } => {
                cx.push(Output::Resume(conn));
                None
            }
            Conversation::Settings { awaiting: true, .. }
            | Conversation::Stream
            | Conversation::Auth(_)
            | Conversation::Rtsp
            | Conversation::Http
            | Conversation::Over => None,
        }
    }

    /// Sends an error packet.
    pub fn refuse(&mut self, cx: &mut Context<'_>, conn: ConnId, code: ErrorCode) {
        let Some(&mut Connection { service, peer, .. }) = self.table.find(conn) else { return };
        match code {
            ErrorCode::BadChecksum => cx.bump(Counter::BadChecksum),
            ErrorCode::BadLength => cx.bump(Counter::BadLength),
            ErrorCode::NotValidHere => cx.bump(Counter::NotValidHere),
            // These are counted where they are decided.
            ErrorCode::NotAuthenticated
            | ErrorCode::TooManyAttempts
            | ErrorCode::TooManyClients
            | ErrorCode::NotStored => {}
        }
        if let Some(id) = Id::of(service) {
            cx.send(conn, Outgoing::error(id, code));
        }
        cx.report(ClientReport::Refused { service, peer, code });
    }

    /// A socket takes nothing. Returns the client's service.
    pub fn blocked(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Option<Service> {
        let Some(connection) = self.table.find(conn) else {
            cx.bump(Counter::StaleEvents);
            return None;
        };
        let service = connection.service;
        match connection.conversation {
            Conversation::Over => return None,
            // A viewer's exchange has its own time-outs, and a socket that is full of video may well be read again.
            Conversation::Stream | Conversation::Rtsp | Conversation::Http => {}
            Conversation::Settings { .. } | Conversation::Auth(_) => {
                if !std::mem::replace(&mut connection.blocked, true) {
                    self.table.set_deadline(conn, Some(cx.mono() + WRITE_TIMEOUT));
                }
            }
        }
        Some(service)
    }

    /// A socket takes packets again. Returns the client's service.
    pub fn unblocked(&mut self, cx: &mut Context<'_>, conn: ConnId) -> Option<Service> {
        let Some(connection) = self.table.find(conn) else {
            cx.bump(Counter::StaleEvents);
            return None;
        };
        let service = connection.service;
        match &connection.conversation {
            Conversation::Over => return None,
            Conversation::Stream | Conversation::Rtsp | Conversation::Http => {}
            Conversation::Settings { requests, awaiting } => {
                connection.blocked = false;
                // What it sent behind a read that waits is not looked at yet, so it may well be complete.
                let owes = !awaiting && requests.mid_packet();
                let deadline = owes.then(|| cx.mono() + self.patience(Service::Settings));
                self.table.set_deadline(conn, deadline);
            }
            Conversation::Auth(_) => connection.blocked = false,
        }
        Some(service)
    }
}
