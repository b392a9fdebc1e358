//! Accepting connections.

use mio::{Interest, Registry};

use super::Sockets;
use crate::bucket::Bucket;
use crate::ids::{ListenerId, Peer, Service};
use crate::limits::ACCEPT_REST;
use crate::reactor::connection::Connection;
use crate::reactor::context::Context;
use crate::reactor::errno;
use crate::reactor::error::ReactorError;
use crate::reactor::stream::Stream;
use crate::reactor::token::Token;
use crate::server::Input;
use crate::stats::Counter;
use crate::sys::socket::{AcceptFailure, accept_failure};
use crate::time::Mono;

impl Sockets {
    /// Stops listening and frees the ports.
    pub fn close_listeners(&mut self, registry: &Registry) {
        for mut port in self.ports.drain(..) {
            let _closing_anyway = registry.deregister(&mut port.listener);
        }
    }

    /// Accepts one connection. `None` if none is pending or accepting is paused.
    ///
    /// # Errors
    ///
    /// The listener is broken.
    pub fn accept(&mut self, id: ListenerId, cx: &mut Context<'_>) -> Result<Option<Input<'static>>, ReactorError> {
        loop {
            let Some(port) = self.ports.get(usize::from(id.0)) else { return Ok(None) };
            if self.accept_at.is_some() {
                return Ok(None);
            }
            let (service, most_unsent) = (port.service, port.most_unsent);
            match port.listener.accept() {
                Ok((stream, peer)) => {
                    // A connection that can't be registered is dropped and thereby closed.
                    if let Some(input) = self.admit(service, most_unsent, stream, peer, cx) {
                        return Ok(Some(input));
                    }
                }
                Err(error) => match accept_failure(&error) {
                    AcceptFailure::WouldBlock => return Ok(None),
                    AcceptFailure::Connection => cx.stats.bump(Counter::AcceptFailed),
                    AcceptFailure::Exhausted => {
                        self.accept_at = Some(cx.now + ACCEPT_REST);
                        return Ok(Some(Input::AcceptRests { errno: errno(&error) }));
                    }
                    AcceptFailure::Listener => return Err(ReactorError::Listener { service, error }),
                },
            }
        }
    }

    fn admit(
        &mut self,
        service: Service,
        most_unsent: usize,
        stream: Stream,
        peer: Peer,
        cx: &mut Context<'_>,
    ) -> Option<Input<'static>> {
        let mut connection = Connection::new(stream, most_unsent);
        connection.discards = (service == Service::Data).then(Bucket::default);
        connection.secret = service == Service::Auth;
        let Some(conn) = self.table.insert(connection) else {
            cx.stats.bump(Counter::RefusedSilently);
            return None;
        };
        let stream = &mut self.table.find(conn)?.stream;
        if cx.registry.register(stream, Token::Conn(conn).encode(), Interest::READABLE).is_err() {
            self.table.remove(conn);
            cx.stats.bump(Counter::AcceptFailed);
            return None;
        }
        Some(Input::Accepted { conn, service, peer })
    }

    /// When to resume accepting, if it is paused.
    pub const fn accept_deadline(&self) -> Option<Mono> {
        self.accept_at
    }

    /// Resumes accepting, if it is time.
    pub fn end_accept_rest(&mut self, cx: &mut Context<'_>) {
        if self.accept_at.is_some_and(|at| at <= cx.now) {
            self.accept_at = None;
            for (index, _) in (0..).zip(&self.ports) {
                cx.agenda.put_off_once(Token::Listener(ListenerId(index)));
            }
        }
    }
}
