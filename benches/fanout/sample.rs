//! The figures of one run.

use serde::{Deserialize, Serialize};

/// The figures of one run, or the medians of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
