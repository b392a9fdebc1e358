//! One HTTP request and its reply, over TCP or the daemon's Unix socket (HTTP/1.1 with `Connection: close`).
//!
//! Heads, bodies and times are bounded. Not here: redirects, chunks, compression and TLS, which the server does not have.

mod head;
mod place;
mod problem;

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use es_iot_server::limits::{CTL_HTTP_TIMEOUT, CTL_MAX_BODY_BYTES};
use es_iot_server::sys::clock;
use es_iot_server::sys::terminal::{Held, Interest, Ready, wait};
use es_iot_server::time::Mono;

use crate::arguments::Arguments;
use crate::failure::Failure;
use head::Head;
use place::{Place, Stream};
pub use problem::{Problem, one_line};

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// GET of a path.
    Get(&'static str),
    /// POST of an empty JSON object to a path.
    Post(&'static str),
}

impl Request {
    /// The bytes to send to a host of this name.
    fn text(self, host: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let common = format!("Host: {host}\r\nUser-Agent: es-iot-ctl/{version}\r\nConnection: close\r\n");
        match self {
            Self::Get(path) => format!("GET {path} HTTP/1.1\r\n{common}\r\n"),
            Self::Post(path) => {
                let body = "{}";
                let length = body.len();
                format!(
                    "POST {path} HTTP/1.1\r\n{common}Content-Type: application/json\r\nContent-Length: {length}\r\n\
                     \r\n{body}"
                )
            }
        }
    }
}

/// The outcome of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// This many bytes, at the beginning of the chunk.
    Bytes(usize),
    /// The server closed the connection.
    End,
    /// The deadline passed.
    TimedOut,
    /// A signal is pending.
    Signal,
}

/// A reply whose head has come.
#[derive(Debug)]
pub struct Reply {
    stream: Stream,
    /// The server, for messages.
    peer: String,
    timeout: Duration,
    /// When the whole reply must be here, unless it is a stream.
    until: Mono,
    head: Head,
    /// Bytes of the body that came with the head.
    rest: Vec<u8>,
}

impl Reply {
    /// Sends a request and reads the head of the reply.
    ///
    /// # Errors
    ///
    /// The server can't be reached, or its answer is not HTTP or does not come in time.
    pub fn to(arguments: &Arguments, request: Request) -> Result<Self, Failure> {
        let timeout = arguments.timeout.unwrap_or(CTL_HTTP_TIMEOUT);
        let Place { mut stream, peer, host } = Place::find(arguments)?;
        let until = clock::mono() + timeout;
        let sent = stream.set_write_timeout(timeout).and_then(|()| stream.write_all(request.text(&host).as_bytes()));
        // A server without a free place answers before it has read the request.
        if let Err(error) = sent
            && !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
        {
            return Err(Failure::Lost { peer, error });
        }
        let mut bytes = Vec::new();
        let head = loop {
            match head::parse(&bytes) {
                Ok(Some(head)) => break head,
                Ok(None) => {}
                Err(problem) => return Err(Failure::Http { peer, problem }),
            }
            let mut chunk = [0; 4096];
            match take(&mut stream, &peer, &mut chunk, Some(until), None)? {
                Taken::Bytes(count) => bytes.extend_from_slice(&chunk[..count]),
                Taken::End if bytes.is_empty() => return Err(Failure::Closed { peer }),
                Taken::End => return Err(Failure::Http { peer, problem: Problem::CutShort }),
                Taken::TimedOut | Taken::Signal => {
                    return Err(Failure::Http { peer, problem: Problem::Silent(timeout) });
                }
            }
        };
        let rest = bytes.split_off(head.bytes);
        Ok(Self { stream, peer, timeout, until, head, rest })
    }

    /// The status code.
    pub const fn status(&self) -> u16 {
        self.head.status
    }

    /// The reply itself if its status is 200.
    ///
    /// # Errors
    ///
    /// The refusal, for any other status.
    pub fn accepted(self) -> Result<Self, Failure> {
        if self.head.status == 200 {
            return Ok(self);
        }
        let (status, local) = (self.head.status, matches!(self.stream, Stream::Unix(_)));
        let (peer, body) = self.body()?;
        let problem = if status == 401 { Problem::NeedsLogin { local } } else { Problem::refused(status, &body) };
        Err(Failure::Http { peer, problem })
    }

    /// The whole body, after the server's name.
    ///
    /// # Errors
    ///
    /// The body is too long, cut short, or not complete in time.
    pub fn body(mut self) -> Result<(String, Vec<u8>), Failure> {
        let mut body = std::mem::take(&mut self.rest);
        let most = CTL_MAX_BODY_BYTES;
        if self.head.length.is_some_and(|length| length > most as u64) {
            return Err(self.fails(Problem::TooLong));
        }
        let wanted = self.head.length.and_then(|length| usize::try_from(length).ok());
        while wanted.is_none_or(|wanted| body.len() < wanted) {
            let mut chunk = [0; 4096];
            match take(&mut self.stream, &self.peer, &mut chunk, Some(self.until), None)? {
                Taken::Bytes(count) => body.extend_from_slice(&chunk[..count]),
                Taken::End if wanted.is_none() => break,
                Taken::End => return Err(self.fails(Problem::CutShort)),
                Taken::TimedOut | Taken::Signal => {
                    let timeout = self.timeout;
                    return Err(self.fails(Problem::Silent(timeout)));
                }
            }
            if body.len() > most {
                return Err(self.fails(Problem::TooLong));
            }
        }
        body.truncate(wanted.unwrap_or(body.len()));
        Ok((self.peer, body))
    }

    /// Reads some of an endless body.
    ///
    /// # Errors
    ///
    /// [`Failure::Lost`].
    pub fn take(&mut self, chunk: &mut [u8], until: Mono, held: &Held) -> Result<Taken, Failure> {
        if self.rest.is_empty() {
            return take(&mut self.stream, &self.peer, chunk, Some(until), Some(held));
        }
        let count = self.rest.len().min(chunk.len());
        for (to, from) in chunk.iter_mut().zip(self.rest.drain(..count)) {
            *to = from;
        }
        Ok(Taken::Bytes(count))
    }

    /// The time-out of this exchange.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The failure of this exchange for a problem.
    pub fn fails(&self, problem: Problem) -> Failure {
        Failure::Http { peer: self.peer.clone(), problem }
    }

    /// The failure for a stream that the server has ended.
    pub fn ended(&self) -> Failure {
        Failure::StreamEnded { peer: self.peer.clone() }
    }
}

/// Reads once.
fn take(
    stream: &mut Stream,
    peer: &str,
    chunk: &mut [u8],
    until: Option<Mono>,
    held: Option<&Held>,
) -> Result<Taken, Failure> {
    let lost = |error: io::Error| Failure::Lost { peer: peer.to_owned(), error };
    loop {
        match wait(stream.as_fd(), Interest::Read, until, held).map_err(lost)? {
            Ready::Yes => {}
            Ready::TimedOut => return Ok(Taken::TimedOut),
            Ready::Signal => return Ok(Taken::Signal),
        }
        match stream.read(chunk) {
            Ok(0) => return Ok(Taken::End),
            Ok(count) => return Ok(Taken::Bytes(count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Taken::End),
            Err(error) => return Err(lost(error)),
        }
    }
}
