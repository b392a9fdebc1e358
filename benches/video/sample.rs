//! The figures of one run.

use serde::{Deserialize, Serialize};

/// The figures of one run, or the medians of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// CPU time of the servers for a second of one viewer, in nanoseconds.
    pub cpu_ns: u64,
    /// Packets of a second of one viewer, in thousandths.
    pub packets_milli: u64,
    /// Values among the events of a second of one viewer, in thousandths.
    pub values_milli: u64,
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
