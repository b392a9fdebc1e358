//! The figures of one run.

use std::io;

/// The number of figures.
const FIELDS: usize = 9;

/// The figures of one run, or the medians of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// CPU time of the server per packet and client, in nanoseconds.
    pub cpu_per_packet_ns: u64,
    /// Packets per second at one client, in millionths.
    pub rate_uhz: u64,
    /// Packets at one client, not counting the first.
    pub packets: u64,
    /// Jitter: the deviation of the time between two packets from 1/24 s, in nanoseconds. This is the median.
    pub jitter_p50_ns: u64,
    /// The 99th percentile of the jitter.
    pub jitter_p99_ns: u64,
    /// The maximum of the jitter.
    pub jitter_max_ns: u64,
    /// Resident memory at the end of the run, in KiB.
    pub rss_kib: u64,
    /// The anonymous part of it, in KiB.
    pub anonymous_kib: u64,
    /// Wake-ups per second, in thousandths.
    pub wakeups_mhz: u64,
}

impl Sample {
    /// The median of each figure.
    pub fn median(samples: &[Self]) -> Self {
        let mut medians = [0; FIELDS];
        for (at, median) in medians.iter_mut().enumerate() {
            let mut values: Vec<u64> = samples.iter().map(|sample| sample.fields()[at]).collect();
            values.sort_unstable();
            *median = match values.len() {
                0 => 0,
                // With an even number, the mean of the middle two.
                n if n % 2 == 0 => values[n / 2 - 1].midpoint(values[n / 2]),
                n => values[n / 2],
            };
        }
        Self::from_fields(medians)
    }

    /// The figures as one line.
    pub fn to_line(self) -> String {
        self.fields().map(|field| field.to_string()).join(" ")
    }

    /// Parses a line of [`Sample::to_line`].
    pub fn from_line(line: &str) -> io::Result<Self> {
        let numbers: Vec<u64> = line.split_ascii_whitespace().map_while(|text| text.parse().ok()).collect();
        let fields =
            numbers.try_into().map_err(|_| io::Error::other(format!("the clients failed: {}", line.trim())))?;
        Ok(Self::from_fields(fields))
    }

    const fn fields(self) -> [u64; FIELDS] {
        [
            self.cpu_per_packet_ns,
            self.rate_uhz,
            self.packets,
            self.jitter_p50_ns,
            self.jitter_p99_ns,
            self.jitter_max_ns,
            self.rss_kib,
            self.anonymous_kib,
            self.wakeups_mhz,
        ]
    }

    const fn from_fields(fields: [u64; FIELDS]) -> Self {
        let [cpu_per_packet_ns, rate_uhz, packets, jitter_p50_ns, jitter_p99_ns, jitter_max_ns, rest @ ..] = fields;
        let [rss_kib, anonymous_kib, wakeups_mhz] = rest;
        Self {
            cpu_per_packet_ns,
            rate_uhz,
            packets,
            jitter_p50_ns,
            jitter_p99_ns,
            jitter_max_ns,
            rss_kib,
            anonymous_kib,
            wakeups_mhz,
        }
    }
}
