//! A client of the data stream.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use es_iot_server::sys::clock;

use super::support::figures;

const PACKET_BYTES: usize = 16;
const TICK: Duration = Duration::from_nanos(1_000_000_000 / 24);
const PATIENCE: Duration = Duration::from_secs(5);

/// What the client saw.
#[derive(Clone, Copy)]
pub struct Stream {
    /// Packets a second.
    pub rate_hz: f64,
    /// The deviation of the time between two packets from 1/24 s, in nanoseconds: the median.
    pub p50_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
}

/// Receives for this long.
pub fn receive(address: &str, length: Duration) -> io::Result<Stream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut packet = [0; PACKET_BYTES];
    stream.read_exact(&mut packet)?;
    let first = clock::mono();
    let (mut last, mut jitter) = (first, Vec::new());
    while last.since(first) < length {
        stream.read_exact(&mut packet)?;
        let now = clock::mono();
        jitter.push(u64::try_from(now.since(last).abs_diff(TICK).as_nanos()).unwrap_or(u64::MAX));
        last = now;
    }
    jitter.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate_hz = jitter.len() as f64 / last.since(first).as_secs_f64();
    Ok(Stream { rate_hz, p50_ns: figures::percentile(&jitter, 50), p99_ns: figures::percentile(&jitter, 99) })
}
