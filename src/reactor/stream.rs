//! The two kinds of stream socket that clients come through, as one.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use crate::ids::Peer;
use crate::sys::socket::Bound;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// Clients on the network.
    Tcp(TcpListener),
    /// Clients on this device.
    Unix(UnixListener),
}

impl Listener {
    /// Takes the next connection.
    ///
    /// # Errors
    ///
    /// What `accept(2)` reports; [`crate::sys::socket::accept_failure`] sorts it.
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
    /// From the network.
    Tcp(TcpStream),
    /// From this device.
    Unix(UnixStream),
}

impl Stream {
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

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes the calls of [`Source`] to the socket within.
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
