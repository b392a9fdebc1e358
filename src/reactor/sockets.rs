//! Accepting, reading and writing.

use std::io;
use std::net::SocketAddr;

use mio::{Interest, net::TcpStream};

use super::connection::{Read1, Sent};
use super::resting::DISCARDED;
use super::token::Token;
use super::{Reactor, ReactorError};
use crate::bucket::Bucket;
use crate::camera::diagnosis::Role;
use crate::frame::Frame;
use crate::limits::{ACCEPT_BUDGET, ACCEPT_REST, READ_BUDGET_CHUNKS, READ_CHUNK_BYTES};
use crate::server::{ConnId, Errno, Input, Peer, Reloaded, Service};
use crate::stats::Counter;
use crate::sys::memory::wipe;
use crate::sys::socket::{AcceptFailure, accept_failure};
use crate::wire::Outgoing;

/// What applying an output brought about, to be told to the server afterwards.
#[derive(Debug)]
pub(super) enum Followup {
    Lost(ConnId),
    Blocked(ConnId),
    Unblocked(ConnId),
    Finished(ConnId),
    SpawnFailed(Role, Errno),
    Stored(Result<(), Errno>),
    Reloaded(Result<Box<Reloaded>, String>),
    NotTold(Errno),
    Room(u32),
}

impl Followup {
    pub(super) fn into_input(self) -> Input<'static> {
        match self {
            Self::Lost(conn) => Input::Lost { conn },
            Self::Blocked(conn) => Input::Blocked { conn },
            Self::Unblocked(conn) => Input::Unblocked { conn },
            Self::Finished(conn) => Input::Finished { conn },
            Self::SpawnFailed(role, errno) => Input::SpawnFailed { role, errno },
            Self::Stored(result) => Input::Stored { result },
            Self::Reloaded(found) => Input::Reloaded(found),
            Self::NotTold(errno) => Input::NotifyFailed { errno },
            Self::Room(descriptors) => Input::Room { descriptors },
        }
    }
}

/// The number of an I/O error; `EIO` for one that the standard library made up.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(crate::sys::errno::EIO))
}

impl Reactor<'_> {
    /// Takes connections from a listener, up to its budget.
    pub(super) fn accept(&mut self, service: Service) {
        if self.rest_until.is_some() {
            return;
        }
        for _ in 0..ACCEPT_BUDGET {
            let Some(listener) = &self.listeners[service as usize] else { return };
            match listener.accept() {
                Ok((stream, peer)) => self.welcome(service, stream, peer),
                Err(error) => match accept_failure(&error) {
                    AcceptFailure::WouldBlock => return,
                    AcceptFailure::Connection => self.server.stats_mut().bump(Counter::AcceptFailed),
                    AcceptFailure::Exhausted => {
                        self.rest_until = Some(self.now.mono + ACCEPT_REST);
                        return self.feed(Input::AcceptRests { errno: errno(&error) });
                    }
                    AcceptFailure::Listener => {
                        self.failure = Some(ReactorError::Listener { service, error });
                        self.leaving = true;
                        return;
                    }
                },
            }
            self.tick_if_due();
        }
        self.leave_over(Token::Listener(service));
    }

    fn welcome(&mut self, service: Service, stream: TcpStream, peer: SocketAddr) {
        let Some(conn) = self.table.insert(stream) else {
            // The stream is dropped, and with it the connection.
            return self.server.stats_mut().bump(Counter::RefusedSilently);
        };
        let Some(connection) = self.table.find(conn) else { return };
        connection.secret = service == Service::Auth;
        connection.discards = (service == Service::Data).then(Bucket::default);
        let token = Token::Conn(conn).encode();
        if self.poll.registry().register(&mut connection.stream, token, Interest::READABLE).is_err() {
            self.table.remove(conn);
            return self.server.stats_mut().bump(Counter::AcceptFailed);
        }
        self.feed(Input::Accepted { conn, service, peer: Peer::from(peer.ip()) });
    }

    /// Something happened on a connection. Readable or closed is found out by reading, unless it is read by a rate only:
    /// that would take its time to come to an error.
    pub(super) fn connection_event(&mut self, conn: ConnId, writable: bool, broken: bool) {
        let Some(connection) = self.table.find(conn) else {
            return self.server.stats_mut().bump(Counter::StaleEvents);
        };
        if broken && connection.discards.is_some() {
            self.close(conn);
            return self.feed(Input::Lost { conn });
        }
        connection.readable = true;
        if writable && connection.interest().is_writable() {
            let sent = connection.flush();
            self.after_sending(conn, &sent);
            self.settle();
        }
        self.read_on(conn);
    }

    /// Reads from a connection until it is drained, its budget is used up, or the server wants no more.
    pub(super) fn read_on(&mut self, conn: ConnId) {
        let mut buffer = [0; READ_CHUNK_BYTES];
        let now = self.now.mono;
        if let Some(connection) = self.table.find(conn) {
            connection.queued = false;
        }
        for _ in 0..READ_BUDGET_CHUNKS {
            let Some(connection) = self.table.find(conn).filter(|connection| connection.may_read()) else { return };
            let bucket = connection.discards;
            if bucket.is_some_and(|bucket| bucket.tokens(DISCARDED, now) == 0) {
                connection.resting = true;
                return self.rest(Token::Conn(conn));
            }
            match connection.read(&mut buffer) {
                Read1::Bytes(length) => {
                    if let Some(bucket) = &mut connection.discards {
                        bucket.take(DISCARDED, now, u32::try_from(length).unwrap_or(u32::MAX));
                    }
                    let secret = connection.secret;
                    self.feed(Input::Received { conn, bytes: &buffer[..length] });
                    if secret {
                        wipe(&mut buffer[..length]);
                    }
                }
                Read1::Drained => {
                    connection.readable = false;
                    return;
                }
                Read1::Finished => {
                    connection.finished = true;
                    return self.feed(Input::Finished { conn });
                }
                Read1::Lost => {
                    self.close(conn);
                    return self.feed(Input::Lost { conn });
                }
            }
            self.tick_if_due();
        }
        self.queue(conn);
    }

    /// Puts a connection on the ready list, if there is something to read from it and it is not there.
    pub(super) fn queue(&mut self, conn: ConnId) {
        if let Some(connection) = self.table.find(conn)
            && connection.may_read()
            && !connection.queued
        {
            connection.queued = true;
            self.ready.push_back(Token::Conn(conn));
        }
    }

    pub(super) fn offer(&mut self, conn: ConnId, packet: Outgoing) {
        let Some(connection) = self.table.find(conn) else { return };
        match connection.offer(packet) {
            Sent::All => self.watch(conn),
            sent @ (Sent::Blocked | Sent::Lost | Sent::Overflow) => self.after_sending(conn, &sent),
        }
    }

    pub(super) fn send(&mut self, conn: ConnId, frame: Frame) {
        let Some(connection) = self.table.find(conn) else { return };
        let sent = connection.send(frame);
        self.after_sending(conn, &sent);
    }

    /// Sends what waits, then closes the sending side.
    pub(super) fn finish(&mut self, conn: ConnId) {
        let Some(connection) = self.table.find(conn) else { return };
        connection.finishing = true;
        connection.discards.get_or_insert_default();
        connection.paused = false;
        self.shut_down_if_sent(conn);
        self.queue(conn);
    }

    /// Closes a connection. Nothing is told: the server knows, or is told by the caller.
    pub(super) fn close(&mut self, conn: ConnId) {
        if let Some(mut connection) = self.table.remove(conn) {
            let _closing_anyway = self.poll.registry().deregister(&mut connection.stream);
        }
    }

    fn after_sending(&mut self, conn: ConnId, sent: &Sent) {
        let Some(connection) = self.table.find(conn) else { return };
        match sent {
            Sent::All => {
                if std::mem::take(&mut connection.told_blocked) {
                    self.followups.push_back(Followup::Unblocked(conn));
                }
                self.shut_down_if_sent(conn);
                self.queue(conn);
            }
            Sent::Blocked => {
                if !std::mem::replace(&mut connection.told_blocked, true) {
                    self.followups.push_back(Followup::Blocked(conn));
                }
            }
            Sent::Lost => {
                self.close(conn);
                return self.followups.push_back(Followup::Lost(conn));
            }
            Sent::Overflow => {
                self.server.stats_mut().bump(Counter::PeerOverflow);
                self.close(conn);
                return self.followups.push_back(Followup::Lost(conn));
            }
        }
        self.watch(conn);
    }

    fn shut_down_if_sent(&mut self, conn: ConnId) {
        let Some(connection) = self.table.find(conn) else { return };
        if !connection.may_shut_down() {
            return;
        }
        connection.finishing = false;
        let closed = connection.stream.shutdown(std::net::Shutdown::Write);
        if closed.is_err() {
            self.close(conn);
            self.followups.push_back(Followup::Lost(conn));
        } else if connection.finished {
            self.followups.push_back(Followup::Finished(conn));
        }
    }

    /// Tells epoll what this connection waits for, if that has changed.
    fn watch(&mut self, conn: ConnId) {
        let Some(connection) = self.table.find(conn) else { return };
        let interest = connection.interest();
        if interest == connection.registered {
            return;
        }
        connection.registered = interest;
        let token = Token::Conn(conn).encode();
        if self.poll.registry().reregister(&mut connection.stream, token, interest).is_err() {
            self.close(conn);
            self.followups.push_back(Followup::Lost(conn));
        }
    }
}
