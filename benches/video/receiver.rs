//! The viewers: one process with one epoll, which reads everything. It also reads the servers' figures from `/proc`, because
//! it can detect the quiet time after a key picture. A measurement lasts from one of these to another: whole seconds of video.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use es_iot_server::sys::{clock, limits};
use es_iot_server::time::Mono;
use mio::net::{TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use super::camera;
use super::sample::Sample;
use super::support::{figures, proc, run};
use super::taken::Taken;
use super::viewer::{Transport, Viewer};

/// The argument that runs the bench as the viewers. A [`Job`] follows.
pub const ARGUMENT: &str = "--watch";

/// A picture is over when nothing has arrived for this long.
const QUIET: Duration = Duration::from_millis(5);
/// The time-out for pictures that should arrive immediately.
const PATIENCE: Duration = Duration::from_secs(15);

/// What to measure.
#[derive(Serialize, Deserialize)]
pub struct Job {
    /// The server's address.
    pub address: String,
    /// Whether it is the floor, which is asked for nothing.
    pub is_floor: bool,
    /// How the stream gets to the viewers.
    pub transport: Transport,
    /// The number of viewers.
    pub viewers: u32,
    /// Seconds to play before the measurement.
    pub warm_up: u64,
    /// Seconds of the measurement.
    pub seconds: u64,
    /// The servers' processes.
    pub pids: Vec<u32>,
}

/// Runs the viewers.
pub fn measure(job: &Job) -> io::Result<Sample> {
    Receiver::connect(job)?.measure(job)
}

/// Where the stream comes from.
enum Source {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

impl Source {
    fn tcp(stream: std::net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpStream::from_std(stream)))
    }
}

struct Receiver {
    poll: Poll,
    events: Events,
    /// The viewers' streams, and behind them those of their events.
    sources: Vec<Source>,
    taken: Vec<Taken>,
    viewers: usize,
    buffer: Vec<u8>,
    /// Connections and ports that are only kept open.
    _open: Vec<(std::net::TcpStream, std::net::UdpSocket)>,
}

/// The servers' figures.
struct Reading {
    cpu_ns: u64,
    rss_kib: u64,
    anonymous_kib: u64,
}

impl Reading {
    fn of(pids: &[u32]) -> io::Result<Self> {
        let mut sum = Self { cpu_ns: 0, rss_kib: 0, anonymous_kib: 0 };
        for &pid in pids {
            let (rss, anonymous) = proc::memory_kib(pid)?;
            sum.cpu_ns += proc::cpu_ns(pid)?;
            (sum.rss_kib, sum.anonymous_kib) = (sum.rss_kib + rss, sum.anonymous_kib + anonymous);
        }
        Ok(sum)
    }
}

impl Receiver {
    fn connect(job: &Job) -> io::Result<Self> {
        let Job { ref address, is_floor, transport, viewers, .. } = *job;
        limits::raise_descriptors(4 * viewers + 64)?;
        let (mut sources, mut events, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..viewers {
            let viewer =
                if is_floor { Viewer::of_floor(address, transport)? } else { Viewer::ask(address, transport)? };
            sources.push(if let Some([rtp, rtcp]) = viewer.datagrams {
                rtp.set_nonblocking(true)?;
                open.push((viewer.control, rtcp));
                Source::Udp(UdpSocket::from_std(rtp))
            } else {
                Source::tcp(viewer.control)?
            });
            events.extend(viewer.events.map(Source::tcp).transpose()?);
        }
        let viewers = sources.len();
        sources.append(&mut events);
        let poll = Poll::new()?;
        for (at, source) in sources.iter_mut().enumerate() {
            match source {
                Source::Tcp(stream) => poll.registry().register(stream, Token(at), Interest::READABLE)?,
                Source::Udp(socket) => poll.registry().register(socket, Token(at), Interest::READABLE)?,
            }
        }
        let mut taken: Vec<Taken> = sources.iter().map(|_| Taken::default()).collect();
        if let Some(first) = taken.first_mut() {
            first.timed = true;
        }
        let events = Events::with_capacity(sources.len().max(16));
        Ok(Self { poll, events, sources, taken, viewers, buffer: vec![0; 128 * 1024], _open: open })
    }

    fn measure(&mut self, job: &Job) -> io::Result<Sample> {
        let &Job { warm_up, seconds, ref pids, .. } = job;
        let began = clock::mono();
        loop {
            let without = self.taken[..self.viewers].iter().filter(|taken| taken.pictures == 0).count();
            if without == 0 {
                break;
            }
            self.receive(PATIENCE)?;
            if clock::mono().since(began) > PATIENCE {
                return Err(io::Error::other(format!("{without} viewers have no picture")));
            }
        }
        self.play(warm_up)?;
        self.taken.iter_mut().for_each(Taken::restart);
        let before = Reading::of(pids)?;
        let early = seconds.div_ceil(4);
        self.play(early)?;
        let rss_early_kib = Reading::of(pids)?.rss_kib;
        if seconds > early {
            self.play(seconds)?;
        }
        let after = Reading::of(pids)?;
        let viewer_seconds = self.viewers as u64 * self.taken[0].keys;
        let sum = |of: fn(&Taken) -> u64| self.taken.iter().map(of).sum::<u64>();
        let (packets, pictures, values) =
            (sum(|taken| taken.packets), sum(|taken| taken.pictures), sum(|taken| taken.values));
        let mut delays = std::mem::take(&mut self.taken[0].delays_ns);
        delays.sort_unstable();
        Ok(Sample {
            cpu_ns: (after.cpu_ns - before.cpu_ns) / viewer_seconds.max(1),
            packets_milli: packets * 1000 / viewer_seconds.max(1),
            values_milli: values * 1000 / viewer_seconds.max(1),
            missing: (viewer_seconds * camera::PER_SECOND as u64).saturating_sub(pictures),
            delay_p50_ns: figures::percentile(&delays, 50),
            delay_p99_ns: figures::percentile(&delays, 99),
            delay_max_ns: figures::percentile(&delays, 100),
            rss_early_kib,
            rss_kib: after.rss_kib,
            anonymous_kib: after.anonymous_kib,
        })
    }

    /// Receives until the first viewer has had this many key pictures, and then until the quiet time after one.
    fn play(&mut self, keys: u64) -> io::Result<()> {
        let mut last = clock::mono();
        loop {
            let first = &self.taken[0];
            let wanted = first.keys >= keys && first.at_key();
            if self.receive(if wanted { QUIET } else { PATIENCE })? {
                last = clock::mono();
            } else if wanted {
                return Ok(());
            }
            if clock::mono().since(last) > PATIENCE {
                return Err(io::Error::other("the pictures stopped"));
            }
        }
    }

    /// Waits for packets and reads them. Returns whether there were any.
    fn receive(&mut self, most: Duration) -> io::Result<bool> {
        if !run::poll(&mut self.poll, &mut self.events, Some(most))? {
            return Ok(true);
        }
        for event in &self.events {
            let at = event.token().0;
            read(&mut self.sources[at], &mut self.buffer, &mut self.taken[at])?;
        }
        Ok(!self.events.is_empty())
    }
}

/// Reads until the socket is empty.
fn read(source: &mut Source, buffer: &mut [u8], taken: &mut Taken) -> io::Result<()> {
    loop {
        let received = match source {
            Source::Tcp(stream) => stream.read(buffer),
            Source::Udp(socket) => socket.recv(buffer),
        };
        let length = match received {
            Ok(0) => return Err(io::Error::other("the server closed a connection")),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let now: Mono = clock::mono();
        match source {
            Source::Tcp(_) => {
                taken.bytes(&buffer[..length], now)?;
                // A read that does not fill the buffer has emptied the socket: epoll(7), question 9.
                if length < buffer.len() {
                    return Ok(());
                }
            }
            Source::Udp(_) => taken.packet(&buffer[..length], now),
        }
    }
}
