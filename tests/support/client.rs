//! A client: a socket that reads whole packets, and gives up after a while.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, bind, connect, setsockopt, socket, sockopt,
};

use super::DEADLINE;

/// A packet with its checksum.
pub fn packet(id: u8, kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x00, 0xFF, id, kind, length[0], length[1]];
    bytes.extend_from_slice(payload);
    bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte));
    bytes
}

/// When the first of these packets was due, in 24ths of a millisecond, of which a tick has 1000. Where the machine is
/// busy, a packet may be late by nearly a tick, but not each of a few.
pub fn due(stamps: &[u64]) -> u64 {
    let due = stamps.iter().zip(0..).map(|(stamp, ticks)| stamp * 24 - ticks * 1000);
    due.min().expect("a packet")
}

/// Whether a data packet is another, and later, than the one before it. A late tick and a punctual one may share a
/// millisecond, and then their values tell them apart, ten times in eleven.
pub fn follows(before: (u8, u64), packet: (u8, u64)) -> bool {
    packet.1 > before.1 || (packet.1 == before.1 && packet.0 != before.0)
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::around(TcpStream::connect(address).unwrap())
    }

    /// Connects from an address of this machine: all of 127.0.0.0/8 is.
    pub fn connect_from(source: &str, address: SocketAddr) -> Self {
        Self::connect_with(source, None, address)
    }

    /// Connects with a receive buffer of about so many bytes; the kernel has a minimum.
    pub fn connect_with(source: &str, receive_bytes: Option<usize>, address: SocketAddr) -> Self {
        let source = SocketAddr::from((source.parse::<IpAddr>().unwrap(), 0));
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        if let Some(bytes) = receive_bytes {
            setsockopt(&fd, sockopt::RcvBuf, &bytes).unwrap();
        }
        match (source, address) {
            (SocketAddr::V4(source), SocketAddr::V4(address)) => {
                bind(fd.as_raw_fd(), &SockaddrIn::from(source)).unwrap();
                connect(fd.as_raw_fd(), &SockaddrIn::from(address)).unwrap();
            }
            (SocketAddr::V6(source), SocketAddr::V6(address)) => {
                bind(fd.as_raw_fd(), &SockaddrIn6::from(source)).unwrap();
                connect(fd.as_raw_fd(), &SockaddrIn6::from(address)).unwrap();
            }
            (SocketAddr::V4(_), SocketAddr::V6(_)) | (SocketAddr::V6(_), SocketAddr::V4(_)) => {
                panic!("{source} and {address} are of two families")
            }
        }
        Self::around(TcpStream::from(fd))
    }

    fn around(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self { stream }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next packet, whole, its checksum checked.
    pub fn packet(&mut self) -> Vec<u8> {
        self.try_packet().expect("a packet")
    }

    /// The next packet, `None` when the connection has ended before it.
    pub fn try_packet(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 6];
        match self.stream.read_exact(&mut bytes) {
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
            result => result.unwrap(),
        }
        assert_eq!(bytes[..2], [0x00, 0xFF], "a packet begins: {bytes:02X?}");
        bytes.resize(6 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])) + 1, 0);
        self.stream.read_exact(&mut bytes[6..]).unwrap();
        assert_eq!(bytes.iter().fold(0, |sum, byte| sum ^ byte), 0, "the checksum of {bytes:02X?}");
        Some(bytes)
    }

    /// Expects that the next packet is this one.
    pub fn expect(&mut self, expected: &[u8]) {
        let seen = self.packet();
        assert_eq!(seen, expected, "seen {seen:02X?}, expected {expected:02X?}");
    }

    /// Expects an error packet.
    pub fn expect_error(&mut self, id: u8, code: u8) {
        let seen = self.packet();
        assert_eq!(seen, packet(id, 2, &[code]), "seen {seen:02X?}, expected error {code:02}");
    }

    /// The next data packet: value and Unix time in milliseconds.
    pub fn data(&mut self) -> (u8, u64) {
        let bytes = self.packet();
        assert_eq!(bytes[2..6], [1, 0, 0, 9], "a data packet: {bytes:02X?}");
        (bytes[6], u64::from_be_bytes(bytes[7..15].try_into().unwrap()))
    }

    /// Updates the settings.
    pub fn update(&mut self, settings: [u8; 6]) {
        self.send(&packet(2, 1, &settings));
    }

    /// Reads the settings.
    pub fn read(&mut self) -> [u8; 6] {
        self.send(&packet(2, 1, &[]));
        self.settings()
    }

    /// The next packet, which has to be a settings reply.
    pub fn settings(&mut self) -> [u8; 6] {
        let bytes = self.packet();
        assert_eq!(bytes[2..6], [2, 0, 0, 9], "a settings reply: {bytes:02X?}");
        assert_eq!(bytes[12..15], [0; 3]);
        bytes[6..12].try_into().unwrap()
    }

    /// Closes the sending side.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Expects that nothing more comes and the connection ends.
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => assert!(rest.is_empty(), "and then came {rest:02X?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }

    /// Expects that nothing comes for so long. A pass proves little; a failure is certain.
    pub fn expect_silence(&mut self, span: Duration) {
        self.stream.set_read_timeout(Some(span)).unwrap();
        let mut byte = [0];
        let error = self.stream.read(&mut byte).expect_err("silence");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        self.stream.set_read_timeout(Some(DEADLINE)).unwrap();
    }
}
