//! Listeners and connections: reading, writing, closing. `accepting.rs` accepts, `viewing.rs` sends the stream to viewers.

mod accepting;
mod viewing;

use std::io;

use mio::{Interest, Registry};

use super::Listening;
use super::connection::{ReadOutcome, Sent};
use super::context::Context;
use super::datagrams::Datagrams;
use super::stream::Listener;
use super::table::Table;
use super::token::Token;
use super::viewers::Viewers;
use crate::bucket::Rate;
use crate::frame::Frame;
use crate::ids::{ConnId, ListenerId, Service};
use crate::limits::{DISCARD_BURST_BYTES, DISCARD_BYTES_PER_SECOND, FRAGMENT_REST_KEPT_BYTES, HTTP_MAX_KEPT_BYTES};
use crate::server::Input;
use crate::stats::Counter;
use crate::sys::datagram::Pair;
use crate::time::Mono;

/// The rate limit for reading discarded input.
const DISCARDED: Rate = Rate::per_second(DISCARD_BYTES_PER_SECOND, DISCARD_BURST_BYTES);

/// A listener, with the service and the limit of its connections.
#[derive(Debug)]
struct Port {
    listener: Listener,
    service: Service,
    /// Maximum number of unsent bytes per connection.
    most_unsent: usize,
}

/// The result of reading from a connection.
#[derive(Debug)]
pub enum Taken {
    /// Bytes, at the beginning of the buffer.
    Bytes {
        /// The number of bytes.
        length: usize,
        /// Whether they may contain a password.
        secret: bool,
    },
    /// The end of the connection or of the peer's sending side.
    End(Input<'static>),
}

/// All listeners and connections.
#[derive(Debug)]
pub struct Sockets {
    /// The listeners by index; none once they are closed.
    ports: Vec<Port>,
    /// When to resume accepting, if it is paused.
    accept_at: Option<Mono>,
    table: Table,
    viewers: Viewers,
    /// The UDP ports, if there are any.
    datagrams: Option<Datagrams>,
}

impl Sockets {
    /// Registers the listeners, in order.
    ///
    /// # Errors
    ///
    /// Registering a listener failed.
    pub fn new(listening: Vec<Listening>, datagrams: Option<Pair>, registry: &Registry) -> io::Result<Self> {
        let mut ports = Vec::new();
        for (index, Listening { socket, service, most_unsent }) in (0..).zip(listening) {
            let mut listener = Listener::from(socket);
            registry.register(&mut listener, Token::Listener(ListenerId(index)).encode(), Interest::READABLE)?;
            ports.push(Port { listener, service, most_unsent });
        }
        let datagrams = datagrams.map(|pair| Datagrams::new(pair, registry)).transpose()?;
        Ok(Self { ports, accept_at: None, table: Table::default(), viewers: Viewers::default(), datagrams })
    }

    /// Handles an event. Reading detects a closed or broken connection, except if it is rate limited: reading would reach the
    /// error late.
    pub fn event(&mut self, conn: ConnId, writable: bool, broken: bool, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return cx.stats.bump(Counter::StaleEvents) };
        if broken && connection.discards.is_some() {
            return self.lose(conn, cx);
        }
        connection.readable = true;
        if writable && connection.interest().is_writable() {
            let sent = connection.flush(cx.ring);
            self.after_sending(conn, &sent, cx);
        }
    }

    /// Records that a connection is no longer on the list of leftovers. Returns whether the server is to be notified now that
    /// all frames are sent.
    pub fn taken_up(&mut self, conn: ConnId) -> bool {
        let Some(connection) = self.table.find(conn) else { return false };
        connection.queued = false;
        connection.is_sent() && std::mem::take(&mut connection.notify_sent)
    }

    /// Resumes a connection that was paused by the rate limit.
    pub fn rested(&mut self, conn: ConnId) {
        if let Some(connection) = self.table.find(conn) {
            connection.resting = false;
        }
    }

    /// Reads once. `None` if there is nothing to read or reading is paused.
    pub fn read(&mut self, conn: ConnId, buffer: &mut [u8], cx: &mut Context<'_>) -> Option<Taken> {
        let connection = self.table.find(conn).filter(|connection| connection.may_read())?;
        if connection.discards.is_some_and(|bucket| bucket.tokens(DISCARDED, cx.now) == 0) {
            connection.resting = true;
            cx.agenda.rest(Token::Conn(conn), cx.now);
            return None;
        }
        match connection.read(buffer) {
            ReadOutcome::Bytes(length) => {
                if let Some(bucket) = &mut connection.discards {
                    bucket.take(DISCARDED, cx.now, u32::try_from(length).unwrap_or(u32::MAX));
                }
                Some(Taken::Bytes { length, secret: connection.secret })
            }
            ReadOutcome::Drained => {
                connection.readable = false;
                None
            }
            ReadOutcome::Finished => {
                connection.finished = true;
                Some(Taken::End(Input::Finished { conn }))
            }
            ReadOutcome::Lost => {
                self.close(conn, cx);
                Some(Taken::End(Input::Lost { conn }))
            }
        }
    }

    /// Continues to read from a connection in the next turn, if there may be unread bytes.
    pub fn put_off(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        if let Some(connection) = self.table.find(conn)
            && connection.may_read()
            && !connection.queued
        {
            connection.queued = true;
            cx.agenda.put_off(Token::Conn(conn));
        }
    }

    /// Sends a frame if the socket accepts it now, or drops it.
    pub fn offer(&mut self, conn: ConnId, frame: Frame, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        match connection.offer(frame) {
            Sent::All => self.update_interest(conn, cx),
            sent @ (Sent::More | Sent::Blocked | Sent::Lost | Sent::Overflow) => self.after_sending(conn, &sent, cx),
        }
    }

    /// Sends a frame, after any unsent ones.
    pub fn send(&mut self, conn: ConnId, frame: Frame, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        let sent = connection.send(frame, cx.ring);
        self.after_sending(conn, &sent, cx);
    }

    /// Notifies the server when all frames are sent: in the next turn at the earliest, so that the work that it then goes on
    /// with is another step.
    pub fn notify_when_sent(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        connection.notify_sent = true;
        if connection.is_sent() && !std::mem::replace(&mut connection.queued, true) {
            cx.agenda.put_off(Token::Conn(conn));
        }
    }

    /// Limits the rate of reading from a connection, whose input is discarded from now on.
    pub fn discard(&mut self, conn: ConnId) {
        if let Some(connection) = self.table.find(conn) {
            connection.discards.get_or_insert_default();
        }
    }

    /// Has a socket count as full with so many bytes unsent in the kernel.
    pub fn limit_unsent(&mut self, conn: ConnId, bytes: u32) {
        if let Some(connection) = self.table.find(conn) {
            // Without it, a slow client gets older data, and that is all.
            let _best_effort = connection.stream.limit_unsent(bytes);
        }
    }

    /// Pauses or resumes reading from a connection.
    pub fn pause(&mut self, conn: ConnId, paused: bool, cx: &mut Context<'_>) {
        if let Some(connection) = self.table.find(conn) {
            connection.paused = paused;
        }
        self.put_off(conn, cx);
    }

    /// Sends the unsent frames, then closes the sending side.
    pub fn finish(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        connection.finishing = true;
        connection.discards.get_or_insert_default();
        connection.paused = false;
        self.shut_down_if_sent(conn, cx);
        self.put_off(conn, cx);
    }

    /// Closes a connection. The server requested this, or the caller reports it.
    pub fn close(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        if let Some(mut connection) = self.table.remove(conn) {
            let _closing_anyway = cx.registry.deregister(&mut connection.stream);
        }
    }

    fn lose(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        self.close(conn, cx);
        cx.inbox.push_back(Input::Lost { conn });
    }

    fn after_sending(&mut self, conn: ConnId, sent: &Sent, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        let (took, lost) = connection.take_progress(cx.now);
        cx.stats.add(Counter::ViewerPicturesLost, lost);
        if took {
            cx.inbox.push_back(Input::Took { conn });
        }
        match sent {
            Sent::More => {
                self.viewers.again();
                cx.agenda.put_off_once(Token::Viewers);
            }
            Sent::All => {
                if std::mem::take(&mut connection.reported_blocked) {
                    cx.inbox.push_back(Input::Unblocked { conn });
                }
                if std::mem::take(&mut connection.notify_sent) {
                    cx.inbox.push_back(Input::Sent { conn });
                }
                self.shut_down_if_sent(conn, cx);
                self.put_off(conn, cx);
            }
            Sent::Blocked => {
                if !std::mem::replace(&mut connection.reported_blocked, true) {
                    cx.inbox.push_back(Input::Blocked { conn });
                } else if connection.takes_frames(cx.now) {
                    cx.inbox.push_back(Input::Took { conn });
                }
                if connection.kept_bytes() > FRAGMENT_REST_KEPT_BYTES && self.kept_bytes() > HTTP_MAX_KEPT_BYTES {
                    cx.stats.bump(Counter::PeerOverflow);
                    return self.lose(conn, cx);
                }
            }
            Sent::Lost => return self.lose(conn, cx),
            Sent::Overflow => {
                cx.stats.bump(Counter::PeerOverflow);
                return self.lose(conn, cx);
            }
        }
        self.update_interest(conn, cx);
    }

    fn shut_down_if_sent(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        if !connection.may_shut_down() {
            return;
        }
        connection.finishing = false;
        if connection.stream.shut_down().is_err() {
            self.lose(conn, cx);
        } else if connection.finished {
            cx.inbox.push_back(Input::Finished { conn });
        }
    }

    /// Updates the connection's interest in epoll, if it has changed.
    fn update_interest(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        let Some(connection) = self.table.find(conn) else { return };
        let interest = connection.interest();
        if interest == connection.registered {
            return;
        }
        connection.registered = interest;
        if cx.registry.reregister(&mut connection.stream, Token::Conn(conn).encode(), interest).is_err() {
            self.lose(conn, cx);
        }
    }
}
