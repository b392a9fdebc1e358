//! TCP and Unix stream sockets behind one interface.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use crate::ids::Peer;
use crate::sys::datagram::Route;
use crate::sys::socket::{self, Bound};

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// For clients on the network.
    Tcp(TcpListener),
    /// For clients on this device.
    Unix(UnixListener),
}

impl Listener {
    /// Accepts the next connection.
    ///
    /// # Errors
    ///
    /// The errors of `accept(2)`; [`crate::sys::socket::accept_failure`] classifies them.
    pub fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                Ok((Stream::Tcp(stream), Peer::from(address.ip())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok((Stream::Unix(stream), Peer::Local))
            }
        }
    }
}

impl From<Bound> for Listener {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)),
            Bound::Unix(listener) => Self::Unix(UnixListener::from_std(listener)),
        }
    }
}

/// A connection's socket.
#[derive(Debug)]
pub enum Stream {
    /// To a client on the network.
    Tcp(TcpStream),
    /// To a client on this device.
    Unix(UnixStream),
}

impl Stream {
    /// The route of datagrams to a port of the other end; `None` if that is gone, or on a Unix socket.
    pub fn datagrams_to(&self, port: u16) -> Option<Route> {
        match self {
            Self::Tcp(stream) => {
                let (local, mut to) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
                // A link-local address keeps its interface.
                to.set_port(port);
                Some(Route::new(local.ip(), to))
            }
            Self::Unix(_) => None,
        }
    }

    /// Has it count as full with so many bytes unsent in the kernel. A Unix socket keeps its limit.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt(2)`.
    pub fn limit_unsent(&self, bytes: u32) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => socket::limit_unsent(stream, bytes),
            Self::Unix(_) => Ok(()),
        }
    }

    /// Closes the sending side.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub fn shut_down(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write_vectored(parts),
            Self::Unix(stream) => stream.write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Forwards the calls of [`Source`] to the inner socket.
macro_rules! pass_on {
    ($kind:ident) => {
        impl Source for $kind {
            fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                match self {
                    Self::Tcp(socket) => socket.register(registry, token, interests),
                    Self::Unix(socket) => socket.register(registry, token, interests),
                }
            }

            fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
                match self {
                    Self::Tcp(socket) => socket.reregister(registry, token, interests),
                    Self::Unix(socket) => socket.reregister(registry, token, interests),
                }
            }

            fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
                match self {
                    Self::Tcp(socket) => socket.deregister(registry),
                    Self::Unix(socket) => socket.deregister(registry),
                }
            }
        }
    };
}

pass_on!(Listener);
pass_on!(Stream);
