//! A viewer: an RTSP client over one connection, with its stream over that connection or over UDP.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::packets::{Arrival, Packet, Picture, Receiver, Report};
use crate::reply::Reply;
use crate::support::{Client, DEADLINE};
use crate::udp::UdpPair;

/// The path that is configured by default.
pub const PATH: &str = "ES_MTX";

/// Something that came from the daemon.
#[derive(Debug)]
pub enum Received {
    Rtp(Packet),
    Report,
}

/// Something on the connection.
#[derive(Debug)]
enum Item {
    Reply(Reply),
    Frame { channel: u8, payload: Vec<u8>, arrived: Arrival },
}

/// How the stream gets here.
#[derive(Debug)]
pub enum Way {
    None,
    Tcp { rtp: u8 },
    Udp(UdpPair),
}

/// A viewer.
#[derive(Debug)]
pub struct Viewer {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    arrived: Arrival,
    pub url: String,
    pub cseq: u32,
    pub session: Option<String>,
    frames: VecDeque<(u8, Vec<u8>, Arrival)>,
    pub way: Way,
    /// The first of the daemon's UDP ports, once it is known.
    server_port: Option<u16>,
    pub receiver: Receiver,
    /// The sender reports so far.
    pub reports: Vec<Report>,
}

impl Viewer {
    pub fn connect(port: SocketAddr) -> Self {
        Self::over(TcpStream::connect(port).unwrap())
    }

    /// Connects from an address of this machine: all of 127.0.0.0/8 is.
    pub fn connect_from(source: &str, port: SocketAddr) -> Self {
        Self::over(Client::connect_from(source, port).stream)
    }

    /// Connects with a receive buffer of about so many bytes.
    pub fn connect_small(bytes: usize, port: SocketAddr) -> Self {
        Self::over(Client::connect_with("127.0.0.1", Some(bytes), port).stream)
    }

    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let url = format!("rtsp://{}/{PATH}", stream.peer_addr().unwrap());
        Self {
            stream,
            buffer: Vec::new(),
            arrived: Arrival::now(),
            url,
            cseq: 0,
            session: None,
            frames: VecDeque::new(),
            way: Way::None,
            server_port: None,
            receiver: Receiver::default(),
            reports: Vec::new(),
        }
    }

    /// One that watches over TCP.
    pub fn watch_tcp(port: SocketAddr) -> Self {
        let mut viewer = Self::connect(port);
        viewer.describe();
        viewer.set_up_tcp();
        viewer.play();
        viewer
    }

    /// One that watches over UDP.
    pub fn watch_udp(port: SocketAddr) -> Self {
        let mut viewer = Self::connect(port);
        viewer.describe();
        viewer.set_up_udp();
        viewer.play();
        viewer
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// A request's text, with the next number and the session, if there is one.
    pub fn compose(&mut self, method: &str, url: &str, headers: &[(&str, &str)]) -> String {
        self.cseq += 1;
        let mut text = format!("{method} {url} RTSP/1.0\r\nCSeq: {}\r\nUser-Agent: es-iot-test\r\n", self.cseq);
        if let Some(session) = self.session.as_ref().filter(|_| !headers.iter().any(|(name, _)| *name == "Session")) {
            text += &["Session: ", session, "\r\n"].concat();
        }
        // An empty value leaves the header out.
        text.extend(
            headers.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}\r\n")),
        );
        text + "\r\n"
    }

    /// Sends a request and reads its reply.
    pub fn ask(&mut self, method: &str, url: &str, headers: &[(&str, &str)]) -> Reply {
        let text = self.compose(method, url, headers);
        self.send(text.as_bytes());
        let reply = self.reply();
        assert_eq!(reply.header("CSeq"), self.cseq.to_string(), "the reply is to the request: {reply:?}");
        reply
    }

    /// A request for the stream.
    pub fn request(&mut self, method: &str) -> Reply {
        let url = self.url.clone();
        self.ask(method, &url, &[])
    }

    pub fn describe(&mut self) -> Reply {
        let url = self.url.clone();
        self.ask("DESCRIBE", &url, &[("Accept", "application/sdp")]).expect(200)
    }

    /// A SETUP with this Transport header.
    pub fn set_up(&mut self, transport: &str) -> Reply {
        let url = format!("{}/trackID=0", self.url);
        self.ask("SETUP", &url, &[("Transport", transport)])
    }

    pub fn set_up_tcp(&mut self) {
        let reply = self.set_up("RTP/AVP/TCP;unicast;interleaved=0-1").expect(200);
        self.session = Some(reply.session());
        self.way = Way::Tcp { rtp: 0 };
    }

    pub fn set_up_udp(&mut self) {
        let pair = UdpPair::bind(self.stream.local_addr().unwrap().ip());
        let reply = self.set_up(&pair.transport()).expect(200);
        self.session = Some(reply.session());
        self.way = Way::Udp(pair);
    }

    /// Begins the stream, and makes sure that RTP-Info names the first packet, which begins a key picture, and that a
    /// sender report comes with it.
    pub fn play(&mut self) -> Picture {
        let reply = self.request("PLAY").expect(200);
        let (seq, time) = reply.first_packet();
        let reports = self.reports.len();
        self.receiver = Receiver::new(self.receiver.forgiving);
        let first = self.picture();
        assert_eq!((first.first_seq, first.time, first.key), (seq, time, true), "what RTP-Info names");
        assert!(self.reports.len() > reports, "a sender report at once");
        first
    }

    /// The next reply. Frames before it are kept.
    pub fn reply(&mut self) -> Reply {
        loop {
            match self.item().expect("a reply, not the end of the connection") {
                Item::Reply(reply) => {
                    self.server_port = reply.server_port().or(self.server_port);
                    return reply;
                }
                Item::Frame { channel, payload, arrived } => self.frames.push_back((channel, payload, arrived)),
            }
        }
    }

    /// Reads to the end of the connection. Returns the replies before it.
    pub fn rest(&mut self) -> Vec<Reply> {
        let mut replies = Vec::new();
        while let Some(item) = self.item() {
            match item {
                Item::Reply(reply) => replies.push(reply),
                Item::Frame { channel, payload, arrived } => self.frames.push_back((channel, payload, arrived)),
            }
        }
        replies
    }

    /// Whether the connection ends, after any frames.
    pub fn expect_end(&mut self) {
        let replies = self.rest();
        assert!(replies.is_empty(), "and then came {replies:?}");
    }

    /// Drops the frames that came before the last reply; how many they were.
    pub fn pass_over_frames(&mut self) -> usize {
        std::mem::take(&mut self.frames).len()
    }

    /// Closes the connection's sending side.
    pub fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The first of the daemon's UDP ports, once it is known.
    pub const fn server_port(&self) -> Option<u16> {
        self.server_port
    }

    /// The next thing on the connection, `None` at its end.
    fn item(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.parse() {
                return Some(item);
            }
            let mut bytes = [0; 16 * 1024];
            let length = match self.stream.read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
                result => result.expect("something comes in time"),
            };
            if length == 0 {
                assert!(self.buffer.is_empty(), "the connection ends within {:02X?}", &self.buffer);
                return None;
            }
            self.arrived = Arrival::now();
            self.buffer.extend_from_slice(&bytes[..length]);
        }
    }

    fn parse(&mut self) -> Option<Item> {
        if *self.buffer.first()? == b'$' {
            let [_, channel, high, low, ..] = self.buffer[..] else { return None };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let payload = self.buffer.get(4..4 + length)?.to_vec();
            self.buffer.drain(..4 + length);
            return Some(Item::Frame { channel, payload, arrived: self.arrived });
        }
        let (reply, length) = Reply::parse(&self.buffer)?;
        self.buffer.drain(..length);
        Some(Item::Reply(reply))
    }

    /// The next packet or report of the stream.
    pub fn receive(&mut self) -> Received {
        self.receive_within(DEADLINE).expect("the stream goes on")
    }

    /// The next packet or report of a stream over UDP, if it comes in time; over TCP the time is always long.
    pub fn receive_within(&mut self, within: Duration) -> Option<Received> {
        let (is_rtcp, bytes, arrived) = match &self.way {
            Way::None => panic!("nothing is set up"),
            Way::Udp(pair) => pair.receive_from(self.server_port, within)?,
            Way::Tcp { rtp } => {
                let rtp = *rtp;
                let (channel, payload, arrived) = match self.frames.pop_front() {
                    Some(frame) => frame,
                    None => match self.item().expect("the stream goes on") {
                        Item::Frame { channel, payload, arrived } => (channel, payload, arrived),
                        Item::Reply(reply) => panic!("a reply to nothing: {reply:?}"),
                    },
                };
                assert!(channel == rtp || channel == rtp + 1, "a frame on channel {channel}");
                (channel != rtp, payload, arrived)
            }
        };
        Some(if is_rtcp {
            let report = Report::parse(&bytes, arrived);
            self.reports.push(report);
            Received::Report
        } else {
            Received::Rtp(Packet::parse(&bytes, arrived))
        })
    }

    /// The next picture, whole.
    pub fn picture(&mut self) -> Picture {
        loop {
            if let Received::Rtp(packet) = self.receive()
                && let Some(picture) = self.receiver.take(&packet)
            {
                return picture;
            }
        }
    }

    /// So many pictures.
    pub fn pictures(&mut self, count: usize) -> Vec<Picture> {
        (0..count).map(|_| self.picture()).collect()
    }

    /// The pictures of so long a time.
    pub fn pictures_for(&mut self, span: Duration) -> Vec<Picture> {
        let end = Instant::now() + span;
        let mut pictures = vec![self.picture()];
        while Instant::now() < end {
            pictures.push(self.picture());
        }
        pictures
    }

    /// Expects that no datagram comes for so long. What was on its way is passed over first.
    pub fn expect_silence(&mut self, span: Duration) {
        let Way::Udp(pair) = &self.way else { panic!("a stream over UDP") };
        while pair.receive_from(self.server_port, Duration::from_millis(100)).is_some() {}
        let heard = pair.receive_from(self.server_port, span);
        assert!(heard.is_none(), "a datagram: {heard:02X?}");
    }
}
