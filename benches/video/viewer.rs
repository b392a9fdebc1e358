//! One viewer: its sockets, and what it asks for.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The path of the stream in RTSP.
pub const RTSP_PATH: &str = "ES_MTX";
const VIDEO_PATH: &str = "/video.mp4";
const EVENTS_PATH: &str = "/events";
/// The time-out for a reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the stream gets to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// RTSP, with the packets on its connection.
    Tcp,
    /// RTSP, with the packets as datagrams.
    Udp,
    /// Fragmented MP4 by HTTP.
    Mp4,
    /// What an open page holds: [`Self::Mp4`], and the events on a connection of their own.
    Page,
}

impl Transport {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Mp4 => "mp4",
            Self::Page => "page",
        }
    }

    /// Whether it is HTTP.
    pub const fn is_http(self) -> bool {
        match self {
            Self::Tcp | Self::Udp => false,
            Self::Mp4 | Self::Page => true,
        }
    }
}

/// The sockets of a viewer.
pub struct Viewer {
    /// The connection that the stream was asked for on, or that to the floor.
    pub control: TcpStream,
    /// The UDP ports, if the transport is UDP: RTP and RTCP.
    pub datagrams: Option<[UdpSocket; 2]>,
    /// The connection with the events.
    pub events: Option<TcpStream>,
}

impl Viewer {
    /// Connects to the floor, which has to know a UDP port and nothing else.
    pub fn of_floor(address: &str, transport: Transport) -> io::Result<Self> {
        let mut control = connect(address)?;
        let datagrams = datagrams(transport)?;
        let port = datagrams.as_ref().map_or(Ok(0), |[even, _]| even.local_addr().map(|address| address.port()))?;
        control.write_all(&port.to_be_bytes())?;
        Ok(Self { control, datagrams, events: None })
    }

    /// Asks for the stream. Its first reply comes with a key picture, and is not waited for.
    pub fn ask(address: &str, transport: Transport) -> io::Result<Self> {
        match transport {
            Transport::Tcp | Transport::Udp => Self::play(address, transport),
            Transport::Mp4 => Ok(Self { control: get(address, VIDEO_PATH)?, datagrams: None, events: None }),
            Transport::Page => {
                let control = get(address, VIDEO_PATH)?;
                Ok(Self { control, datagrams: None, events: Some(get(address, EVENTS_PATH)?) })
            }
        }
    }

    fn play(address: &str, transport: Transport) -> io::Result<Self> {
        let mut control = connect(address)?;
        let datagrams = datagrams(transport)?;
        let url = format!("rtsp://{address}/{RTSP_PATH}");
        ask(&mut control, &format!("OPTIONS {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n"))?;
        let described =
            ask(&mut control, &format!("DESCRIBE {url} RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n"))?;
        let base = header(&described, "content-base").unwrap_or(&url).trim_end_matches('/');
        let media = described.rsplit_once("a=control:").map_or("", |(_, rest)| rest.lines().next().unwrap_or_default());
        let track = if media.starts_with("rtsp:") { media.to_owned() } else { format!("{base}/{media}") };
        let transport = match &datagrams {
            None => "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned(),
            Some([even, odd]) => {
                format!("RTP/AVP;unicast;client_port={}-{}", even.local_addr()?.port(), odd.local_addr()?.port())
            }
        };
        let set_up =
            ask(&mut control, &format!("SETUP {track} RTSP/1.0\r\nCSeq: 3\r\nTransport: {transport}\r\n\r\n"))?;
        let session = header(&set_up, "session").and_then(|value| value.split(';').next());
        let session = session.ok_or_else(|| io::Error::other(format!("no session: {set_up}")))?;
        let play = format!("PLAY {base}/ RTSP/1.0\r\nCSeq: 4\r\nSession: {session}\r\nRange: npt=now-\r\n\r\n");
        control.write_all(play.as_bytes())?;
        Ok(Self { control, datagrams, events: None })
    }
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn datagrams(transport: Transport) -> io::Result<Option<[UdpSocket; 2]>> {
    let bind = || UdpSocket::bind("127.0.0.1:0");
    (transport == Transport::Udp).then(|| Ok([bind()?, bind()?])).transpose()
}

/// Sends a request of HTTP.
pub fn get(address: &str, path: &str) -> io::Result<TcpStream> {
    let mut stream = connect(address)?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
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
