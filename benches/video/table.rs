//! The figures as text.

#![expect(clippy::cast_precision_loss, reason = "figures for people, with three digits")]

use std::fmt::Write;

use es_iot_server::limits::RING_LEAST_BYTES;

use super::camera;
use super::data::Stream;
use super::library::Cost;
use super::sample::Sample;
use super::server::Kind;
use super::support::figures::{mega, ratio, us};
use super::support::target::Target;
use super::viewer::Transport;

/// The heading for the columns of [`row`].
pub const HEADING: &str = "\
   viewers  server        CPU/viewer-second    packets   missing    delay: p50      p99       max         RSS  anonymous
                                        us   a second  pictures             us       us        us         KiB        KiB";

/// The samples of one server.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// How the stream got to the viewers.
    pub transport: Transport,
    /// The number of viewers.
    pub viewers: u32,
    /// The server.
    pub kind: Kind,
    /// Its medians.
    pub sample: Sample,
}

/// A line for one server.
pub fn row(row: &Row) -> String {
    let Row { transport, viewers, kind, sample } = row;
    format!(
        "{} {viewers:>6}  {:<13} {:>17.1} {:>10.1} {:>9} {:>14.0} {:>8.0} {:>9.0} {:>11} {:>10}",
        transport.name(),
        kind.name(),
        us(sample.cpu_ns),
        sample.packets_milli as f64 / 1e3,
        sample.missing,
        us(sample.delay_p50_ns),
        us(sample.delay_p99_ns),
        us(sample.delay_max_ns),
        sample.rss_kib,
        sample.anonymous_kib,
    )
}

/// A line with what the daemon has in proportion to its floor.
pub fn ratio_row(daemon: &Row, floor: &Row) -> String {
    format!("            ratio         {:>17.3}", ratio(daemon.sample.cpu_ns, floor.sample.cpu_ns))
}

/// The figures that belong to no pair.
pub struct Extras {
    /// A longer run with many viewers, if there was one.
    pub long: Sample,
    /// How many viewers it had, and seconds.
    pub long_of: (u32, u64),
    /// The data stream without viewers, and during that run.
    pub data: Option<(Stream, Stream)>,
    /// Parsing and packetising.
    pub cost: Cost,
    /// The size of the binary.
    pub binary_bytes: u64,
}

/// Further figures, without targets.
pub fn show_extras(extras: &Extras) -> String {
    let Extras { cost, .. } = extras;
    let share = |ns: u64| ns as f64 * 10.0 / 1e9 * 100.0;
    let mut text = format!(
        "\nparsing: {:.1} us per Mbit, {:.2} % of a core at 10 Mbit/s\npacketising: {:.1} us per Mbit, {:.2} %",
        us(cost.parsing_ns),
        share(cost.parsing_ns),
        us(cost.packetising_ns),
        share(cost.packetising_ns),
    );
    if let Some((alone, meanwhile)) = extras.data {
        for (name, stream) in [("without viewers", alone), ("with viewers", meanwhile)] {
            let (p50, p99) = (us(stream.p50_ns), us(stream.p99_ns));
            let _infallible =
                write!(text, "\ndata {name}: {:.4} Hz, jitter p50 {p50:.0} us, p99 {p99:.0} us", stream.rate_hz);
        }
    }
    let _infallible = write!(text, "\nrelease binary: {} bytes", extras.binary_bytes);
    text
}

/// The targets with their figures.
pub fn targets(rows: &[Row], extras: &Extras) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut add = |of_time: bool, name: String, figure: String, reached: bool| {
        targets.push(Target { name, figure, reached, of_time });
    };
    let find = |transport, viewers, kind| {
        rows.iter().find(|row| row.transport == transport && row.viewers == viewers && row.kind == kind)
    };
    for daemon in rows.iter().filter(|row| row.kind == Kind::Daemon) {
        let Row { transport, viewers, sample, .. } = daemon;
        let Some(floor) = find(*transport, *viewers, Kind::Floor) else { continue };
        let cpu = ratio(sample.cpu_ns, floor.sample.cpu_ns);
        let name = format!("CPU, {}, {viewers} viewers: at most 1.15 x floor", transport.name());
        add(true, name, format!("{cpu:.3} x floor"), cpu <= 1.15);
        let expected = floor.sample.packets_milli;
        let figure = format!("{} of {:.1} packets a second", sample.packets_milli as f64 / 1e3, expected as f64 / 1e3);
        // On a busy machine, a measurement may begin or end within a picture.
        let all = sample.missing == 0 && sample.packets_milli == expected;
        add(true, format!("all packets, {}, {viewers} viewers", transport.name()), figure, all);
    }
    if let Some(Row { sample, .. }) = find(Transport::Tcp, 1, Kind::Daemon) {
        let (p50, p99) = (us(sample.delay_p50_ns) / 1e3, us(sample.delay_p99_ns) / 1e3);
        add(true, "delay, 1 viewer, p50: under 1 ms".into(), format!("{p50:.2} ms"), p50 < 1.0);
        // A picture that waits for the next one, or for a quiet time, is far above this.
        add(false, "delay, 1 viewer, p50: under 8 ms on any machine".into(), format!("{p50:.2} ms"), p50 < 8.0);
        add(true, "delay, 1 viewer, p99: under 5 ms".into(), format!("{p99:.2} ms"), p99 < 5.0);
        let packet = us(sample.cpu_ns * 1000 / sample.packets_milli.max(1));
        add(true, "CPU per packet, 1 viewer: at most 25 us".into(), format!("{packet:.1} us"), packet <= 25.0);
    }
    if let Some(Row { sample, .. }) = find(Transport::Tcp, 50, Kind::Daemon) {
        let rss = mega(sample.rss_kib * 1024);
        add(false, "RSS, 50 viewers: under 8 MB".into(), format!("{rss:.2} MB"), rss < 8.0);
    }
    let (early, late) = (extras.long.rss_early_kib, extras.long.rss_kib);
    let (viewers, seconds) = extras.long_of;
    let figure = format!("{early} KiB after {} s, {late} KiB after {seconds} s", seconds.div_ceil(4));
    // Pages of libraries may be touched for the first time, and the ring's are until it has been filled once.
    let filled = RING_LEAST_BYTES < camera::SECOND_BYTES * usize::try_from(seconds.div_ceil(4)).unwrap_or(0);
    let filling = if filled { 0 } else { RING_LEAST_BYTES as u64 / 1024 };
    add(false, format!("RSS, {viewers} viewers: does not grow"), figure, late <= early + 64 + filling);
    if let Some((alone, meanwhile)) = extras.data {
        let figure = format!("{:.4} Hz", meanwhile.rate_hz);
        add(true, "data with 200 viewers: 24.000 Hz".into(), figure, (meanwhile.rate_hz - 24.0).abs() < 0.005);
        let p99 = ratio(meanwhile.p99_ns, alone.p99_ns);
        add(true, "data with 200 viewers: p99 jitter, at most 1.5 x".into(), format!("{p99:.2} x"), p99 <= 1.5);
    }
    targets
}
