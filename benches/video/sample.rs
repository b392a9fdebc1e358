//! The figures of one run.

use std::io;

/// The number of figures.
const FIELDS: usize = 9;

/// The figures of one run, or the medians of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// CPU time of the servers for a second of one viewer, in nanoseconds.
    pub cpu_ns: u64,
    /// Packets of a second of one viewer, in thousandths.
    pub packets_milli: u64,
    /// Pictures that did not reach a viewer.
    pub missing: u64,
    /// From the camera's `write` to the last packet read by the first viewer, in nanoseconds. This is the median.
    pub delay_p50_ns: u64,
    /// The 99th percentile of that.
    pub delay_p99_ns: u64,
    /// The maximum of that.
    pub delay_max_ns: u64,
    /// Resident memory after a quarter of the run, in KiB.
    pub rss_early_kib: u64,
    /// Resident memory at the end of the run, in KiB.
    pub rss_kib: u64,
    /// The anonymous part of it, in KiB.
    pub anonymous_kib: u64,
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
            numbers.try_into().map_err(|_| io::Error::other(format!("the viewers failed: {}", line.trim())))?;
        Ok(Self::from_fields(fields))
    }

    const fn fields(self) -> [u64; FIELDS] {
        let Self { cpu_ns, packets_milli, missing, delay_p50_ns, delay_p99_ns, delay_max_ns, .. } = self;
        let Self { rss_early_kib, rss_kib, anonymous_kib, .. } = self;
        [
            cpu_ns,
            packets_milli,
            missing,
            delay_p50_ns,
            delay_p99_ns,
            delay_max_ns,
            rss_early_kib,
            rss_kib,
            anonymous_kib,
        ]
    }

    const fn from_fields(fields: [u64; FIELDS]) -> Self {
        let [cpu_ns, packets_milli, missing, delay_p50_ns, delay_p99_ns, delay_max_ns, rest @ ..] = fields;
        let [rss_early_kib, rss_kib, anonymous_kib] = rest;
        Self {
            cpu_ns,
            packets_milli,
            missing,
            delay_p50_ns,
            delay_p99_ns,
            delay_max_ns,
            rss_early_kib,
            rss_kib,
            anonymous_kib,
        }
    }
}
