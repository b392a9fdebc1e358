//! A client that sends what it is given, and reads replies strictly: each is checked for what every reply has.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use crate::reply::Reply;
use crate::support::{Client, DEADLINE};

/// Either kind of socket.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Http {
    pub stream: Stream,
    /// The value of `Host` in requests that [`Self::compose`] makes.
    pub host: String,
    /// Headers that each of these has.
    pub headers: Vec<(String, String)>,
    pub buffer: Vec<u8>,
}

impl Http {
    pub fn connect(port: SocketAddr) -> Self {
        Self::over(Client::connect(port).stream)
    }

    /// Connects from an address of this machine: all of 127.0.0.0/8 is.
    pub fn connect_from(source: &str, port: SocketAddr) -> Self {
        Self::over(Client::connect_from(source, port).stream)
    }

    /// Connects with a receive buffer of about so many bytes.
    pub fn connect_small(bytes: usize, port: SocketAddr) -> Self {
        Self::over(Client::connect_with("127.0.0.1", Some(bytes), port).stream)
    }

    /// Connects to a Unix socket. The name that it asks for is no device's.
    pub fn unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let host = "any.name.example".to_owned();
        Self { stream: Stream::Unix(stream), host, headers: Vec::new(), buffer: Vec::new() }
    }

    pub fn over(stream: TcpStream) -> Self {
        let host = stream.peer_addr().unwrap().to_string();
        Self { stream: Stream::Tcp(stream), host, headers: Vec::new(), buffer: Vec::new() }
    }

    /// Adds a header to each request.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends as much as the daemon takes before it closes. Whether it took all.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// A request's text.
    pub fn compose(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> String {
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Host")) {
            text.extend(["Host: ", &self.host, "\r\n"]);
        }
        for (name, value) in &self.headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        // An empty value leaves the header out.
        text.extend(
            headers.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}\r\n")),
        );
        if let Some(body) = body {
            text.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        } else {
            text += "\r\n";
        }
        text
    }

    /// Sends a request and reads its reply.
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Reply {
        let text = self.compose(method, path, headers, body);
        self.send(&text);
        if method == "HEAD" { self.head() } else { self.reply() }
    }

    pub fn get(&mut self, path: &str) -> Reply {
        self.ask("GET", path, &[], None)
    }

    /// What is under a path, as JSON.
    pub fn json(&mut self, path: &str) -> Value {
        self.get(path).expect(200).json()
    }

    /// A PUT or POST of JSON.
    pub fn call(&mut self, method: &str, path: &str, body: &str) -> Reply {
        self.ask(method, path, &[("Content-Type", "application/json")], Some(body))
    }

    pub fn put(&mut self, body: &str) -> Reply {
        self.call("PUT", "/api/settings", body)
    }

    /// The next reply, with its body.
    pub fn reply(&mut self) -> Reply {
        let mut reply = self.head();
        let length = if reply.status == 304 || reply.status < 200 { 0 } else { reply.length() };
        self.fill(length);
        reply.body = self.buffer.drain(..length).collect();
        reply
    }

    /// The head of the next reply: what follows is a stream, or the request was a HEAD.
    pub fn head(&mut self) -> Reply {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|at| at == b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                let reply = Reply::parse(&head);
                reply.check();
                return reply;
            }
            assert!(self.read_more(), "a reply, not the end after {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Reads until so many bytes are in the buffer.
    pub fn fill(&mut self, length: usize) {
        while self.buffer.len() < length {
            assert!(self.read_more(), "it ends after {} of {length} bytes", self.buffer.len());
        }
    }

    /// Reads once; false at the end of the connection.
    pub fn read_more(&mut self) -> bool {
        let mut bytes = vec![0; 64 * 1024];
        let length = match self.stream.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            result => result.expect("something comes in time"),
        };
        self.buffer.extend_from_slice(&bytes[..length]);
        length > 0
    }

    /// Expects that nothing more comes and the connection ends.
    pub fn expect_end(&mut self) {
        while self.read_more() {}
        assert!(self.buffer.is_empty(), "and then came {:?}", String::from_utf8_lossy(&self.buffer));
    }

    /// Closes the sending side.
    pub fn finish(&self) {
        match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write).unwrap(),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write).unwrap(),
        }
    }
}
