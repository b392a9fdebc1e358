//! A server that follows a script, for one connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Output};

use es_iot_server::wire::{ErrorCode, Id, Outgoing};

use super::ctl;

/// The client's side of one connection.
pub struct Peer(TcpStream);

impl Peer {
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.0.read_exact(&mut got).unwrap();
        assert_eq!(got, bytes);
    }

    /// The head of an HTTP request.
    pub fn request(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// The message in a packet of a login.
    pub fn login(&mut self) -> Vec<u8> {
        let mut head = [0; 6];
        self.0.read_exact(&mut head).unwrap();
        assert_eq!(head[..5], [0, 0xFF, 0, 3, 0]);
        let mut rest = vec![0; usize::from(head[5]) + 1];
        self.0.read_exact(&mut rest).unwrap();
        rest.pop();
        rest
    }

    /// What the client sends until it closes.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        rest
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Sends each byte in a segment of its own.
    pub fn send_split(&mut self, bytes: &[u8]) {
        self.0.set_nodelay(true).unwrap();
        for byte in bytes {
            self.send(&[*byte]);
        }
    }

    pub fn refuse(&mut self, id: Id, code: ErrorCode) {
        self.send(Outgoing::error(id, code).as_bytes());
    }

    /// Sends until the client is gone.
    pub fn send_endlessly(&mut self, bytes: &[u8]) {
        while self.0.write_all(bytes).is_ok() {}
    }

    /// Waits until the client closes.
    pub fn wait_for_end(&mut self) {
        // What it has sent does not matter, nor how it ends.
        let _end = std::io::copy(&mut self.0, &mut std::io::sink());
    }
}

/// Runs the client with `arguments`, where `PORT` is the server's, and the server with `script`.
pub fn talk(arguments: &[&str], script: impl FnOnce(Peer) + Send) -> Output {
    talk_to(arguments, script, |child| child.wait_with_output().unwrap())
}

/// The same, with something done to the client while it runs.
pub fn talk_to<T>(arguments: &[&str], script: impl FnOnce(Peer) + Send, during: impl FnOnce(Child) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let port = address.port().to_string();
    let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "PORT" { &port } else { *word }).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || script(Peer(listener.accept().unwrap().0)));
        let child = ctl(&arguments).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let result = during(child);
        // A client that never came must not leave the server waiting.
        drop(TcpStream::connect(address));
        result
    })
}
