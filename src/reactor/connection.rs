//! One connection's bytes on the way out, and what it waits for. Generic over the socket, so that tests script it.

use std::io::{self, ErrorKind, Read, Write};

use mio::Interest;

use crate::bucket::Bucket;
use crate::limits::MAX_UNSENT_BYTES;
use crate::wire::packet::HEADER_BYTES;

/// A socket and what it is owed.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one fact, and any of them can go with any other")]
pub struct Connection<S> {
    /// The socket, non-blocking.
    pub stream: S,
    /// Packets, the first perhaps partly sent.
    unsent: Vec<u8>,
    /// Bytes of the first packet that are not sent, 0 if none of it is sent.
    rest_of_first: usize,
    /// The last write did not take all: the socket's next writable edge matters.
    full: bool,
    /// The server has been told that this connection takes nothing.
    pub told_blocked: bool,
    /// The server wants nothing from it for now.
    pub paused: bool,
    /// The peer has closed its sending side.
    pub finished: bool,
    /// To be closed for sending once everything is sent.
    pub finishing: bool,
    /// There may be more to read than was read.
    pub readable: bool,
    /// It is on the ready list.
    pub queued: bool,
    /// How much may still be read, if what it sends is thrown away.
    pub discards: Option<Bucket>,
    /// What it sends may be a password.
    pub secret: bool,
    /// It is not read until the next round.
    pub resting: bool,
    /// What epoll was last told.
    pub registered: Interest,
}

/// What became of an attempt to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing waits any more.
    All,
    /// Something waits, or the offer was refused.
    Blocked,
    /// The connection is broken.
    Lost,
    /// More would wait than is allowed; never, while the reading stops when something waits.
    Overflow,
}

/// What became of an attempt to read.
#[derive(Debug, PartialEq, Eq)]
pub enum Read1 {
    /// So many bytes.
    Bytes(usize),
    /// Nothing more for now.
    Drained,
    /// The peer has closed its sending side.
    Finished,
    /// The connection is broken.
    Lost,
}

impl<S: Read + Write> Connection<S> {
    /// A new connection, nothing sent or read.
    pub const fn new(stream: S) -> Self {
        Self {
            stream,
            unsent: Vec::new(),
            rest_of_first: 0,
            full: false,
            told_blocked: false,
            paused: false,
            finished: false,
            finishing: false,
            readable: false,
            queued: false,
            discards: None,
            secret: false,
            resting: false,
            registered: Interest::READABLE,
        }
    }

    /// Sends a packet if the socket takes it now. A socket that takes a part of it gets the rest later: nobody
    /// can take that part back.
    pub fn offer(&mut self, packet: &[u8]) -> Sent {
        if self.full {
            return Sent::Blocked;
        }
        match self.write(packet) {
            Ok(sent) if sent == packet.len() => Sent::All,
            Ok(0) => {
                self.full = true;
                Sent::Blocked
            }
            Ok(sent) => {
                self.full = true;
                self.unsent.extend_from_slice(&packet[sent..]);
                self.rest_of_first = self.unsent.len();
                Sent::All
            }
            Err(_) => Sent::Lost,
        }
    }

    /// Sends a packet, now or after what waits.
    pub fn send(&mut self, packet: &[u8]) -> Sent {
        if self.unsent.len() + packet.len() > MAX_UNSENT_BYTES {
            return Sent::Overflow;
        }
        self.unsent.extend_from_slice(packet);
        if self.full { Sent::Blocked } else { self.flush() }
    }

    /// Sends what waits, a write for each packet.
    pub fn flush(&mut self) -> Sent {
        self.full = false;
        let mut at = 0;
        let mut outcome = Sent::All;
        while at < self.unsent.len() {
            let length = if self.rest_of_first > 0 { self.rest_of_first } else { packet_length(&self.unsent[at..]) };
            match self.stream.write(&self.unsent[at..at + length]) {
                Ok(sent) => {
                    at += sent;
                    self.rest_of_first = length - sent;
                    if sent == 0 {
                        outcome = Sent::Lost;
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.full = true;
                    outcome = Sent::Blocked;
                    break;
                }
                Err(_) => {
                    outcome = Sent::Lost;
                    break;
                }
            }
        }
        if at == self.unsent.len() {
            self.unsent = Vec::new();
        } else {
            self.unsent.drain(..at);
        }
        outcome
    }

    /// Reads once.
    pub fn read(&mut self, buffer: &mut [u8]) -> Read1 {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => Read1::Finished,
                Ok(bytes) => Read1::Bytes(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Read1::Drained,
                Err(_) => Read1::Lost,
            };
        }
    }

    /// Whether it is to be read from now.
    pub const fn may_read(&self) -> bool {
        self.readable && !self.paused && !self.resting && !self.finished && self.unsent.is_empty()
    }

    /// Whether everything is sent and the sending side is to be closed.
    pub const fn may_shut_down(&self) -> bool {
        self.finishing && self.unsent.is_empty()
    }

    /// What epoll is to tell of this connection: the one place that says so.
    pub const fn interest(&self) -> Interest {
        if self.full { Interest::READABLE.add(Interest::WRITABLE) } else { Interest::READABLE }
    }

    /// One write, repeated if a signal came between. `WouldBlock` is 0 bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            return match self.stream.write(bytes) {
                Ok(0) => Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
                result => result,
            };
        }
    }
}

/// The length of the packet that `bytes` begin with.
fn packet_length(bytes: &[u8]) -> usize {
    HEADER_BYTES + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::settings::CameraSettings;
    use crate::wire;

    /// A socket that does what it is told: each write takes at most so many bytes, or fails.
    struct Script {
        writes: Vec<io::Result<usize>>,
        taken: Vec<Vec<u8>>,
    }

    impl Script {
        fn new(mut writes: Vec<io::Result<usize>>) -> Self {
            writes.reverse();
            Self { writes, taken: Vec::new() }
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let most = self.writes.pop().expect("a write that the script does not have")?;
            let taken = most.min(bytes.len());
            self.taken.push(bytes[..taken].to_vec());
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Script {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(would_block())
        }
    }

    fn would_block() -> io::Error {
        ErrorKind::WouldBlock.into()
    }

    fn interrupted() -> io::Error {
        ErrorKind::Interrupted.into()
    }

    fn reply() -> wire::Outgoing {
        wire::settings::reply(&CameraSettings::default())
    }

    #[test]
    fn an_offer_is_taken_whole_or_refused() {
        let mut connection = Connection::new(Script::new(vec![Err(interrupted()), Ok(99), Err(would_block())]));
        let packet = reply();
        assert_eq!(connection.offer(packet.as_bytes()), Sent::All);
        assert_eq!(connection.offer(packet.as_bytes()), Sent::Blocked);
        assert_eq!(connection.offer(packet.as_bytes()), Sent::Blocked, "without asking the socket again");
        assert_eq!(connection.interest(), Interest::READABLE | Interest::WRITABLE);
        assert_eq!(connection.flush(), Sent::All);
        assert_eq!(connection.interest(), Interest::READABLE);
        assert_eq!(connection.stream.taken, [packet.as_bytes()]);
    }

    #[test]
    fn a_short_write_of_an_offer_is_completed_and_nothing_comes_between() {
        let mut connection = Connection::new(Script::new(vec![Ok(5), Ok(4), Err(would_block()), Ok(99)]));
        let packet = reply();
        assert_eq!(connection.offer(packet.as_bytes()), Sent::All);
        assert_eq!(connection.offer(packet.as_bytes()), Sent::Blocked);
        assert_eq!(connection.flush(), Sent::Blocked);
        assert_eq!(connection.flush(), Sent::All);
        assert_eq!(connection.stream.taken.concat(), packet.as_bytes());
    }

    #[test]
    fn each_packet_is_one_write() {
        let mut connection = Connection::new(Script::new(vec![Err(would_block()), Ok(99), Ok(3), Ok(99), Ok(99)]));
        let reply = reply();
        let refusal = wire::Outgoing::error(wire::Id::Settings, wire::ErrorCode::BadLength);
        assert_eq!(connection.send(reply.as_bytes()), Sent::Blocked);
        assert_eq!(connection.send(refusal.as_bytes()), Sent::Blocked);
        assert_eq!(connection.send(reply.as_bytes()), Sent::Blocked);
        assert!(!connection.may_read());
        assert_eq!(connection.flush(), Sent::All);
        assert_eq!(connection.stream.taken[0], reply.as_bytes());
        assert_eq!(connection.stream.taken[1..3].concat(), refusal.as_bytes());
        assert_eq!(connection.stream.taken[3], reply.as_bytes());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut connection = Connection::new(Script::new(vec![Err(would_block())]));
        let packet = reply();
        let fitting = MAX_UNSENT_BYTES / packet.as_bytes().len();
        for _ in 0..fitting {
            assert_eq!(connection.send(packet.as_bytes()), Sent::Blocked);
        }
        assert_eq!(connection.send(packet.as_bytes()), Sent::Overflow);
    }

    #[test]
    fn a_broken_socket_is_lost_not_retried() {
        for error in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe] {
            let packet = reply();
            let mut connection = Connection::new(Script::new(vec![Err(error.into()), Err(error.into())]));
            assert_eq!(connection.offer(packet.as_bytes()), Sent::Lost);
            assert_eq!(connection.send(packet.as_bytes()), Sent::Lost);
        }
    }
}
