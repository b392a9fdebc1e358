//! The figures as text.

#![expect(clippy::cast_precision_loss, reason = "figures for people, with three digits")]

use std::fmt::Write;
use std::time::Duration;

use super::sample::Sample;
use super::support::figures::{mega, ratio, us};
use super::support::target::Target;

/// The heading for the columns of [`pair`].
pub const HEADING: &str = "\
clients  server   CPU/packet        rate   jitter: p50      p99       max         RSS  anonymous  wake-ups/s
                          us          Hz           us       us        us         KiB        KiB            ";

/// The figures that only the daemon has.
pub struct Extras {
    /// The long runs of daemon and floor.
    pub rates: (Sample, Sample),
    /// Wake-ups without clients.
    pub idle: u64,
    /// The time in which these were counted.
    pub idle_for: Duration,
    /// Size of the binary.
    pub binary_bytes: u64,
    /// The median time from before `fork` until it reported ready.
    pub start: Duration,
    /// The number of starts for that median.
    pub starts: usize,
}

/// Both servers at one number of clients, and their ratio.
pub fn pair(clients: usize, daemon: &Sample, floor: &Sample) -> String {
    let mut text = row(&clients.to_string(), "daemon", daemon);
    text.push('\n');
    text.push_str(&row("", "floor", floor));
    let _infallible = write!(
        text,
        "\n{:>7}  {:<8} {:>10.3} {:>11} {:>10.2} {:>8.2} {:>9.2} {:>11.2} {:>10.2} {:>11.2}",
        "",
        "ratio",
        ratio(daemon.cpu_per_packet_ns, floor.cpu_per_packet_ns),
        "",
        ratio(daemon.jitter_p50_ns, floor.jitter_p50_ns),
        ratio(daemon.jitter_p99_ns, floor.jitter_p99_ns),
        ratio(daemon.jitter_max_ns, floor.jitter_max_ns),
        ratio(daemon.rss_kib, floor.rss_kib),
        ratio(daemon.anonymous_kib, floor.anonymous_kib),
        ratio(daemon.wakeups_mhz, floor.wakeups_mhz),
    );
    text
}

fn row(clients: &str, server: &str, sample: &Sample) -> String {
    format!(
        "{clients:>7}  {server:<8} {:>10.3} {:>11.4} {:>10.1} {:>8.1} {:>9.1} {:>11} {:>10} {:>11.2}",
        us(sample.cpu_per_packet_ns),
        sample.rate_uhz as f64 / 1e6,
        us(sample.jitter_p50_ns),
        us(sample.jitter_p99_ns),
        us(sample.jitter_max_ns),
        sample.rss_kib,
        sample.anonymous_kib,
        sample.wakeups_mhz as f64 / 1e3,
    )
}

/// The targets with their figures.
pub fn targets(at_1: Option<&Sample>, at_1000: Option<&(Sample, Sample)>, extras: &Extras) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut add = |of_time: bool, name: &str, figure: String, reached: bool| {
        targets.push(Target { name: name.to_owned(), figure, reached, of_time });
    };
    if let Some((daemon, floor)) = at_1000 {
        let cpu = ratio(daemon.cpu_per_packet_ns, floor.cpu_per_packet_ns);
        add(true, "CPU per packet, 1000 clients: at most 1.15 x floor", format!("{cpu:.3} x floor"), cpu <= 1.15);
        let p99 = ratio(daemon.jitter_p99_ns, floor.jitter_p99_ns);
        add(true, "p99 jitter, 1000 clients: at most 1.2 x floor", format!("{p99:.2} x floor"), p99 <= 1.2);
        let rss = mega(daemon.rss_kib * 1024);
        add(false, "RSS, 1000 clients: under 4 MB", format!("{rss:.2} MB"), rss < 4.0);
    }
    if let Some(daemon) = at_1 {
        let rss = mega(daemon.rss_kib * 1024);
        add(false, "RSS, 1 client: under 3 MB", format!("{rss:.2} MB"), rss < 3.0);
    }
    let (hertz, off) = rate(&extras.rates.0);
    let (floor_hertz, floor_off) = rate(&extras.rates.1);
    let figure = format!("{hertz:.4} Hz, {off:+.2} packets (floor: {floor_hertz:.4} Hz, {floor_off:+.2})");
    add(true, "rate over 60 s: 24.000 Hz within one packet", figure, off.abs() < 1.0);
    let idle = format!("{} in {} s", extras.idle, extras.idle_for.as_secs());
    add(false, "wake-ups without clients and camera: none", idle, extras.idle == 0);
    let size = mega(extras.binary_bytes);
    add(false, "release binary, stripped: under 1.2 MB", format!("{} bytes", extras.binary_bytes), size < 1.2);
    let start = extras.start.as_secs_f64() * 1e3;
    let figure = format!("{start:.2} ms (median of {})", extras.starts);
    add(true, "exec to listening: under 20 ms", figure, start < 20.0);
    targets
}

/// Packets per second, and the difference from the number of packets at 24 Hz.
fn rate(sample: &Sample) -> (f64, f64) {
    let rate = sample.rate_uhz as f64 / 1e6;
    let seconds = sample.packets as f64 / rate;
    (rate, sample.packets as f64 - seconds * 24.0)
}
