//! The clients: one process with one epoll and any number of connections. It also reads the server's figures from `/proc`,
//! because it can detect the end of a tick.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use es_iot_server::sys::{clock, limits};
use es_iot_server::time::Mono;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use super::process;
use super::sample::Sample;
use super::support::{figures, proc, run};

/// The argument that runs the bench as the clients. A [`Job`] follows.
pub const ARGUMENT: &str = "--receive";

const PACKET_BYTES: usize = 16;
const TICK: Duration = Duration::from_nanos(1_000_000_000 / 24);
/// A tick is over when nothing has arrived for this long.
const QUIET: Duration = Duration::from_millis(6);
/// The time from the last connection to the measurement.
const WARM_UP: Duration = Duration::from_millis(500);
/// The time-out for finding a quiet moment.
const QUIET_PATIENCE: Duration = Duration::from_secs(1);
/// The time-out for packets that should arrive immediately.
const PATIENCE: Duration = Duration::from_secs(10);
/// Number of clients whose packets are timed, spread over the order of connecting.
const TIMED: usize = 16;

/// What to measure.
#[derive(Serialize, Deserialize)]
pub struct Job {
    /// The server's address.
    pub address: String,
    /// The number of clients.
    pub clients: usize,
    /// The length of the run.
    pub length: Duration,
    /// The server's process.
    pub pid: u32,
}

/// Runs the clients.
pub fn measure(job: &Job) -> io::Result<Sample> {
    Receiver::connect(&job.address, job.clients)?.measure(job.length, job.pid)
}

/// One client.
struct Client {
    stream: TcpStream,
    bytes: usize,
    timed: bool,
    /// When its first packet of the run came, and its newest, and how many after the first.
    first: Option<Mono>,
    last: Option<Mono>,
    later: usize,
}

struct Receiver {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    /// Clients that have received nothing yet.
    waiting: usize,
    intervals: Vec<Duration>,
}

/// The server at one moment.
struct Reading {
    at: Mono,
    cpu_ns: u64,
    switches: u64,
}

impl Reading {
    fn of(pid: u32) -> io::Result<Self> {
        Ok(Self { at: clock::mono(), cpu_ns: proc::cpu_ns(pid)?, switches: process::voluntary_switches(pid)? })
    }
}

impl Receiver {
    fn connect(address: &str, number: usize) -> io::Result<Self> {
        limits::raise_descriptors(u32::try_from(number).map_err(io::Error::other)? + 64)?;
        let poll = Poll::new()?;
        let every = number.div_ceil(TIMED);
        let mut clients = Vec::with_capacity(number);
        for at in 0..number {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            clients.push(Client {
                stream,
                bytes: 0,
                timed: at % every == every / 2,
                first: None,
                last: None,
                later: 0,
            });
        }
        let events = Events::with_capacity(number);
        Ok(Self { poll, events, clients, waiting: number, intervals: Vec::new() })
    }

    fn measure(&mut self, length: Duration, pid: u32) -> io::Result<Sample> {
        let connected = clock::mono();
        while self.waiting > 0 {
            self.receive(Some(QUIET))?;
            if clock::mono().since(connected) > PATIENCE {
                return Err(io::Error::other(format!("{} clients received nothing", self.waiting)));
            }
        }
        self.receive_until(connected + WARM_UP)?;
        for client in &mut self.clients {
            client.bytes = 0;
            (client.first, client.last, client.later) = (None, None, 0);
        }
        self.intervals.clear();
        let before = Reading::of(pid)?;
        self.receive_until(before.at + length)?;
        let after = Reading::of(pid)?;
        self.figures(&before, &after, proc::memory_kib(pid)?)
    }

    fn figures(&mut self, before: &Reading, after: &Reading, memory_kib: (u64, u64)) -> io::Result<Sample> {
        let packets: usize = self.clients.iter().map(|client| client.bytes / PACKET_BYTES).sum();
        let no_packets = || io::Error::other("no packets");
        let timed = self.clients.iter().find(|client| client.timed);
        let (one, first, last) = timed.and_then(|one| Some((one, one.first?, one.last?))).ok_or_else(no_packets)?;
        if packets == 0 || one.later == 0 {
            return Err(no_packets());
        }
        let rate = one.later as u128 * 1_000_000_000_000_000 / last.since(first).as_nanos().max(1);
        let mut jitter: Vec<u64> = self
            .intervals
            .iter()
            .map(|interval| u64::try_from(interval.abs_diff(TICK).as_nanos()).unwrap_or(u64::MAX))
            .collect();
        jitter.sort_unstable();
        let elapsed = after.at.since(before.at).as_nanos();
        let wakeups = u128::from(after.switches - before.switches) * 1_000_000_000_000 / elapsed.max(1);
        Ok(Sample {
            cpu_per_packet_ns: (after.cpu_ns - before.cpu_ns) / packets as u64,
            rate_uhz: u64::try_from(rate).unwrap_or(u64::MAX),
            packets: one.later as u64,
            jitter_p50_ns: figures::percentile(&jitter, 50),
            jitter_p99_ns: figures::percentile(&jitter, 99),
            jitter_max_ns: figures::percentile(&jitter, 100),
            rss_kib: memory_kib.0,
            anonymous_kib: memory_kib.1,
            wakeups_mhz: u64::try_from(wakeups).unwrap_or(u64::MAX),
        })
    }

    /// Receives until `end`, then until the next quiet moment.
    fn receive_until(&mut self, end: Mono) -> io::Result<()> {
        loop {
            let now = clock::mono();
            if now >= end + PATIENCE {
                return Err(io::Error::other("the ticks stopped"));
            }
            let left = end.since(now);
            if !left.is_zero() {
                self.receive(Some(left))?;
                continue;
            }
            // The quiet counts as the end of a tick only after a tick.
            let ticked = self.receive(Some(TICK * 4))?;
            // A machine too slow for these clients has no quiet moment.
            while self.receive(Some(QUIET))? && clock::mono() < end + QUIET_PATIENCE {}
            if ticked {
                return Ok(());
            }
        }
    }

    /// Waits for packets and reads them. Returns whether there were any.
    fn receive(&mut self, most: Option<Duration>) -> io::Result<bool> {
        if !run::poll(&mut self.poll, &mut self.events, most)? {
            return Ok(true);
        }
        let mut buffer = [0; 64 * PACKET_BYTES];
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            // A read that does not fill the buffer has emptied the socket: epoll(7), question 9.
            let length = match client.stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::other("the server closed a connection")),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            if client.timed {
                let now = clock::mono();
                client.first.get_or_insert(now);
                if let Some(last) = client.last.replace(now) {
                    self.intervals.push(now.since(last));
                    client.later += length / PACKET_BYTES;
                }
            }
            if client.bytes == 0 {
                self.waiting = self.waiting.saturating_sub(1);
            }
            client.bytes += length;
        }
        Ok(!self.events.is_empty())
    }
}
