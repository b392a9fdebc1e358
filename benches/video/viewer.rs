//! One viewer: it asks for the stream, and takes it apart as far as the figures need.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use es_iot_server::time::Mono;
use serde::{Deserialize, Serialize};

use super::camera;

/// The time-out for a reply.
const PATIENCE: Duration = Duration::from_secs(10);
const RTP_HEADER_BYTES: usize = 12;
const INTERLEAVED_BYTES: usize = 4;
/// The type of a fragment (RFC 6184).
const FU_A: u8 = 28;

/// How the stream gets to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    /// Its name, also as an argument.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The transport of that name; UDP for any other.
    pub fn of(name: &str) -> Self {
        if name == Self::Tcp.name() { Self::Tcp } else { Self::Udp }
    }
}

/// The sockets of a viewer.
pub struct Viewer {
    /// The RTSP connection, or that to the floor.
    pub control: TcpStream,
    /// The UDP ports, if the transport is UDP: RTP and RTCP.
    pub datagrams: Option<[UdpSocket; 2]>,
}

impl Viewer {
    /// Asks for the stream. The reply to PLAY comes with the next key picture, and is not waited for.
    pub fn connect(address: &str, path: Option<&str>, transport: Transport) -> io::Result<Self> {
        let mut control = TcpStream::connect(address)?;
        control.set_nodelay(true)?;
        control.set_read_timeout(Some(PATIENCE))?;
        let datagrams = match transport {
            Transport::Tcp => None,
            Transport::Udp => Some([UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?]),
        };
        let ports = match &datagrams {
            None => [0; 2],
            Some([even, odd]) => [even.local_addr()?.port(), odd.local_addr()?.port()],
        };
        let Some(path) = path else {
            control.write_all(&ports[0].to_be_bytes())?;
            return Ok(Self { control, datagrams });
        };
        let url = format!("rtsp://{address}/{path}");
        ask(&mut control, &format!("OPTIONS {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n"))?;
        let described =
            ask(&mut control, &format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n"))?;
        let base = header(&described, "content-base").unwrap_or(&url).trim_end_matches('/');
        let media = described.rsplit_once("a=control:").map_or("", |(_, rest)| rest.lines().next().unwrap_or_default());
        let track = if media.starts_with("rtsp:") { media.to_owned() } else { format!("{base}/{media}") };
        let transport = match transport {
            Transport::Tcp => "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned(),
            Transport::Udp => format!("RTP/AVP;unicast;client_port={}-{}", ports[0], ports[1]),
        };
        let set_up =
            ask(&mut control, &format!("SETUP {track} RTSP/1.0\r\nCSeq: 3\r\nTransport: {transport}\r\n\r\n"))?;
        let session = header(&set_up, "session").and_then(|value| value.split(';').next());
        let session = session.ok_or_else(|| io::Error::other(format!("no session: {set_up}")))?;
        let play = format!("PLAY {base}/ RTSP/1.0\r\nCSeq: 4\r\nSession: {session}\r\nRange: npt=now-\r\n\r\n");
        control.write_all(play.as_bytes())?;
        Ok(Self { control, datagrams })
    }
}

/// Sends a request and returns the reply with its body.
fn ask(control: &mut TcpStream, request: &str) -> io::Result<String> {
    control.write_all(request.as_bytes())?;
    let mut reply = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = control.read(&mut buffer)?;
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        reply.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&reply);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let wanted = header(head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        if body.len() < wanted {
            continue;
        }
        let is_good = head.starts_with("RTSP/1.0 200");
        return if is_good { Ok(text.into_owned()) } else { Err(io::Error::other(format!("{request}: {head}"))) };
    }
}

fn header<'a>(reply: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = reply.lines().map_while(|line| if line.is_empty() { None } else { Some(line.split_once(':')) });
    let found = pairs.find_map(|pair| pair.filter(|(found, _)| found.eq_ignore_ascii_case(name)))?;
    Some(found.1.trim())
}

/// What has come to a viewer.
#[derive(Default)]
pub struct Taken {
    /// RTP packets.
    pub packets: u64,
    /// Pictures: packets with the marker.
    pub pictures: u64,
    /// Key pictures among them.
    pub keys: u64,
    /// For each picture, the nanoseconds from the camera's `write` until its last packet was read. Only if it is timed.
    pub delays_ns: Vec<u64>,
    /// Whether delays are kept.
    pub timed: bool,
    /// Bytes of a frame or a reply that has not come whole.
    rest: Vec<u8>,
    /// The time in the picture that has begun.
    written: Option<Mono>,
    key: bool,
}

impl Taken {
    /// Counts anew.
    pub fn restart(&mut self) {
        (self.packets, self.pictures, self.keys) = (0, 0, 0);
        self.delays_ns.clear();
    }

    /// Takes bytes of an RTSP connection that were read before `now`.
    pub fn bytes(&mut self, bytes: &[u8], now: Mono) -> io::Result<()> {
        if self.rest.is_empty() {
            let used = self.frames(bytes, now)?;
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let used = self.frames(&rest, now)?;
            rest.drain(..used);
            self.rest = rest;
        }
        Ok(())
    }

    /// Takes whole frames and replies. Returns how many bytes they have.
    fn frames(&mut self, bytes: &[u8], now: Mono) -> io::Result<usize> {
        let mut at = 0;
        while let [first, rest @ ..] = &bytes[at..] {
            if *first != b'$' {
                let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") else { break };
                if !bytes[at..].starts_with(b"RTSP/1.0 200") {
                    return Err(io::Error::other(String::from_utf8_lossy(&bytes[at..=at + end]).into_owned()));
                }
                at += 1 + end + 4;
                continue;
            }
            let [channel, high, low, ..] = rest else { break };
            let end = at + INTERLEAVED_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
            if end > bytes.len() {
                break;
            }
            if *channel == 0 {
                self.packet(&bytes[at + INTERLEAVED_BYTES..end], now);
            }
            at = end;
        }
        Ok(at)
    }

    /// Takes an RTP packet that was read before `now`.
    pub fn packet(&mut self, packet: &[u8], now: Mono) {
        let [_, marker, ..] = packet else { return };
        let payload = packet.get(RTP_HEADER_BYTES..).unwrap_or_default();
        // The unit's header has two bytes in a fragment (RFC 6184).
        let (kind, header_bytes) = match payload {
            [indicator, fu, ..] if indicator & 31 == FU_A && fu & 0x80 != 0 => (fu & 31, 2),
            [header, ..] => (header & 31, 1),
            [] => return,
        };
        if matches!(kind, 1 | 5) {
            self.written = payload.get(header_bytes + camera::BEFORE_STAMP..).and_then(camera::read_stamp);
            self.key = kind == 5;
        }
        self.packets += 1;
        if marker & 0x80 != 0 {
            self.pictures += 1;
            self.keys += u64::from(self.key);
            if let Some(written) = self.written.take().filter(|_| self.timed) {
                self.delays_ns.push(u64::try_from(now.since(written).as_nanos()).unwrap_or(u64::MAX));
            }
        }
    }

    /// Whether the last packet ended a key picture.
    pub const fn at_key(&self) -> bool {
        self.key && self.written.is_none()
    }
}
