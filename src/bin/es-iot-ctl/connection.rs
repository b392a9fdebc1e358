//! A connection to one of the server's ports: sends and receives packets, with time-outs.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::time::Duration;

use es_iot_server::limits::{CTL_SETTINGS_TIMEOUT, CTL_TIMEOUT, MAX_REQUEST_PAYLOAD_BYTES};
use es_iot_server::sys::clock;
use es_iot_server::sys::terminal::{Held, Interest, Ready, wait};
use es_iot_server::time::Mono;
use es_iot_server::wire::packet::{self, Decoder, ErrorCode, Id, Kind};

use crate::arguments::Arguments;
use crate::failure::{Failure, Refusal};

/// The longest payload to accept, in bytes: a message of a login. Others have nine at most.
const MAX_REPLY_PAYLOAD_BYTES: u16 = MAX_REQUEST_PAYLOAD_BYTES;

/// A connection to the service `id`.
pub struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    id: Id,
    /// Host and port as given, for messages.
    peer: String,
    /// The time-out of each reply, or of all replies together.
    timeout: Duration,
    /// The deadline of all replies together.
    until: Option<Mono>,
}

/// A received packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// The payload of a response.
    Response(Vec<u8>),
    /// An error packet.
    Error(Refusal),
    /// A message of a login.
    Login(Vec<u8>),
}

impl Connection {
    /// Connects to the service `id`, at the first of the host's addresses that accepts the connection.
    ///
    /// # Errors
    ///
    /// [`Failure::NoSuchHost`] and [`Failure::Unreachable`].
    pub fn open(arguments: &Arguments, id: Id) -> Result<Self, Failure> {
        let host = arguments.host.as_str();
        let port = match id {
            Id::Auth => arguments.auth_port,
            Id::Data => arguments.data_port,
            Id::Settings => arguments.settings_port,
        };
        let peer = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let stream = connect(host, port, arguments.timeout.unwrap_or(CTL_TIMEOUT), &peer)?;
        let timeout = arguments.timeout.unwrap_or(match id {
            Id::Auth | Id::Data => CTL_TIMEOUT,
            Id::Settings => CTL_SETTINGS_TIMEOUT,
        });
        // An exchange of settings must end in time, whatever the server sends. The data stream has no end.
        let until = match id {
            Id::Auth | Id::Settings => Some(clock::mono() + timeout),
            Id::Data => None,
        };
        // A request is one small write, which should be sent without delay.
        let prepared = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(timeout)));
        prepared.map_err(|error| Failure::Lost { peer: peer.clone(), error })?;
        Ok(Self { stream, decoder: Decoder::new(MAX_REPLY_PAYLOAD_BYTES), id, peer, timeout, until })
    }

    /// Sends requests with these payloads, in one write.
    ///
    /// # Errors
    ///
    /// [`Failure::Lost`]. If the server has closed the connection, [`Connection::receive`] returns what it sent before.
    pub fn send(&mut self, payloads: &[&[u8]]) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        for payload in payloads {
            packet::encode(self.id, Kind::Request, payload, &mut bytes);
        }
        self.write(&bytes)
    }

    /// Sends a message of a login.
    ///
    /// # Errors
    ///
    /// As of [`Connection::send`].
    pub fn send_login(&mut self, message: &str) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        packet::encode(self.id, Kind::Login, message.as_bytes(), &mut bytes);
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.stream.write_all(bytes) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                Err(self.lost(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The next packet. `None` if a signal of `held` came first.
    ///
    /// # Errors
    ///
    /// [`Failure::Silent`], [`Failure::Closed`], [`Failure::Lost`] or [`Failure::NotOurs`].
    pub fn receive(&mut self, held: Option<&Held>) -> Result<Option<Message>, Failure> {
        let until = self.until.unwrap_or_else(|| clock::mono() + self.timeout);
        loop {
            if let Some(message) = self.decoded()? {
                return Ok(Some(message));
            }
            match wait(self.stream.as_fd(), Interest::Read, Some(until), held) {
                Ok(Ready::Yes) => {}
                Ok(Ready::TimedOut) => {
                    return Err(Failure::Silent { peer: self.peer.clone(), timeout: self.timeout });
                }
                Ok(Ready::Signal) => return Ok(None),
                Err(error) => return Err(self.lost(error)),
            }
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Failure::Closed { peer: self.peer.clone() }),
                Ok(count) => self.decoder.push(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(Failure::Closed { peer: self.peer.clone() });
                }
                Err(error) => return Err(self.lost(error)),
            }
        }
    }

    /// The payload of the next packet, which must be a response.
    ///
    /// # Errors
    ///
    /// The errors of [`Connection::receive`], and [`Failure::Refused`].
    pub fn response(&mut self) -> Result<Vec<u8>, Failure> {
        match self.receive(None)? {
            Some(Message::Response(payload)) => Ok(payload),
            Some(Message::Error(refusal)) => Err(self.refused(refusal)),
            Some(Message::Login(_)) => Err(self.not_ours()),
            None => Err(Failure::Closed { peer: self.peer.clone() }),
        }
    }

    /// Host and port as given.
    pub fn peer(&self) -> String {
        self.peer.clone()
    }

    /// The failure for an error packet.
    pub fn refused(&self, refusal: Refusal) -> Failure {
        Failure::Refused { peer: self.peer.clone(), refusal }
    }

    /// The failure for a server that repeats an error instead of replying.
    pub fn repeated(&self) -> Failure {
        Failure::Repeated { peer: self.peer.clone() }
    }

    /// The failure for a packet that this service does not send.
    pub fn not_ours(&self) -> Failure {
        let (service, option) = match self.id {
            Id::Auth => ("authentication", "--auth-port"),
            Id::Data => ("data", "--data-port"),
            Id::Settings => ("settings", "--settings-port"),
        };
        Failure::NotOurs { peer: self.peer.clone(), service, option }
    }

    /// The next complete packet. A damaged packet is a failure because TCP does not damage bytes.
    fn decoded(&mut self) -> Result<Option<Message>, Failure> {
        let message = match self.decoder.next() {
            Ok(None) => return Ok(None),
            Ok(Some(packet)) if packet.is(self.id, Kind::Response) => Some(Message::Response(packet.payload.to_vec())),
            Ok(Some(packet)) if packet.is(self.id, Kind::Error) => Some(Message::Error(refusal(packet.payload))),
            Ok(Some(packet)) if packet.is(self.id, Kind::Login) => Some(Message::Login(packet.payload.to_vec())),
            Ok(Some(_)) | Err(_) => None,
        };
        message.map(Some).ok_or_else(|| self.not_ours())
    }

    fn lost(&self, error: io::Error) -> Failure {
        Failure::Lost { peer: self.peer.clone(), error }
    }
}

/// Connects to a host: tries its addresses in order. If none works, a refused connection is the most informative error.
///
/// # Errors
///
/// [`Failure::NoSuchHost`] and [`Failure::Unreachable`].
pub fn connect(host: &str, port: u16, timeout: Duration, peer: &str) -> Result<TcpStream, Failure> {
    let no_such_host = |error| Failure::NoSuchHost { host: host.to_owned(), error };
    let mut worst: Option<io::Error> = None;
    for address in (host, port).to_socket_addrs().map_err(no_such_host)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                if worst.as_ref().is_none_or(|known| known.kind() != io::ErrorKind::ConnectionRefused) {
                    worst = Some(error);
                }
            }
        }
    }
    Err(match worst {
        Some(error) => Failure::Unreachable { peer: peer.to_owned(), timeout, error },
        None => no_such_host(io::Error::other("it has no address")),
    })
}

fn refusal(payload: &[u8]) -> Refusal {
    match payload {
        [] => Refusal::Bare,
        [code, ..] => ErrorCode::from_byte(*code).map_or(Refusal::Unknown(*code), Refusal::Code),
    }
}
