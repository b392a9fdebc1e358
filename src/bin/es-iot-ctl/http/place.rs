//! Where the server is: its Unix socket on this device, or a TCP port.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use es_iot_server::config::ServerConfig;
use es_iot_server::limits::CTL_TIMEOUT;
use es_iot_server::sys::socket::connect_unix;

use crate::arguments::Arguments;
use crate::connection::connect;
use crate::failure::Failure;

/// A connection to the server.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// A connection, and the server's names.
#[derive(Debug)]
pub struct Place {
    /// The connection.
    pub stream: Stream,
    /// The server, for messages.
    pub peer: String,
    /// The server, for the header `Host`.
    pub host: String,
}

impl Place {
    /// Connects: to `--socket`; or to `--host` and `--http-port`; or, with neither given, to the default socket and, if
    /// that is not there, to the default port.
    ///
    /// # Errors
    ///
    /// Nothing listens there.
    pub fn find(arguments: &Arguments) -> Result<Self, Failure> {
        let timeout = arguments.timeout.unwrap_or(CTL_TIMEOUT);
        let defaults = ServerConfig::default();
        let default = defaults.http_socket.filter(|_| !arguments.host_given && arguments.http_port.is_none());
        let Some(path) = arguments.socket.clone().or(default) else { return Self::tcp(arguments, timeout) };
        let error = match connect_unix(&path, timeout) {
            Ok(stream) => return Ok(Self::unix(&path, stream)),
            Err(error) => error,
        };
        if arguments.socket.is_some() {
            return Err(no_socket(path, error, None));
        }
        let absent = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
        Self::tcp(arguments, timeout).map_err(|tcp| if absent { tcp } else { no_socket(path, error, Some(tcp)) })
    }

    fn unix(path: &Path, stream: UnixStream) -> Self {
        Self { stream: Stream::Unix(stream), peer: path.display().to_string(), host: "localhost".to_owned() }
    }

    /// The header names the address instead of the name: no name has to be in `server.http_hosts` for this client.
    fn tcp(arguments: &Arguments, timeout: Duration) -> Result<Self, Failure> {
        let host = arguments.host.as_str();
        let port = arguments.http_port.or(ServerConfig::default().http_port).unwrap_or(80);
        let peer = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let stream = connect(host, port, timeout, &peer)?;
        let address = match stream.peer_addr() {
            Ok(address) => SocketAddr::new(address.ip().to_canonical(), address.port()),
            Err(error) => return Err(Failure::Lost { peer, error }),
        };
        Ok(Self { stream: Stream::Tcp(stream), peer, host: address.to_string() })
    }
}

fn no_socket(path: PathBuf, error: io::Error, tcp: Option<Failure>) -> Failure {
    Failure::NoSocket { path, error, tcp: tcp.map(Box::new) }
}

impl Stream {
    /// Limits the time that a write may take.
    ///
    /// # Errors
    ///
    /// None with a time-out above zero.
    pub fn set_write_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(timeout)),
            Self::Unix(stream) => stream.set_write_timeout(Some(timeout)),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
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
