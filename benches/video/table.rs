//! The figures as text.

#![expect(clippy::cast_precision_loss, reason = "figures for people, with three digits")]

use std::fmt::Write;

use es_iot_server::limits::{HTTP_MAX_PAGE_BYTES, RING_LEAST_BYTES};

use super::camera;
use super::data::Stream;
use super::library::Cost;
use super::page::Page;
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
        "{:<4} {viewers:>5}  {:<13} {:>17.1} {:>10.1} {:>9} {:>14.0} {:>8.0} {:>9.0} {:>11} {:>10}",
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
    /// The run with open pages.
    pub pages: Row,
    /// What the page weighs.
    pub page: Page,
    /// A longer run with many viewers.
    pub long: Sample,
    /// How many viewers it had, and seconds.
    pub long_of: (u32, u64),
    /// The data stream, if it was measured.
    pub data: Option<Data>,
    /// Parsing and packetising.
    pub cost: Cost,
    /// The size of the binary.
    pub binary_bytes: u64,
}

/// What a client of the data stream saw.
pub struct Data {
    /// Without viewers.
    pub alone: Stream,
    /// With open pages.
    pub pages: Stream,
    /// With many viewers.
    pub many: Stream,
}

impl Extras {
    /// The data stream beside viewers, each with a name of these.
    fn data_beside(&self, data: &Data) -> [(String, Stream); 2] {
        [(format!("{} pages", self.pages.viewers), data.pages), (format!("{} viewers", self.long_of.0), data.many)]
    }
}

/// Further figures, without targets.
pub fn show_extras(extras: &Extras) -> String {
    let Extras { cost, page, pages, .. } = extras;
    let share = |ns: u64| ns as f64 * 10.0 / 1e9 * 100.0;
    let mut text = format!(
        "\nparsing: {:.1} us per Mbit, {:.2} % of a core at 10 Mbit/s\npacketising: {:.1} us per Mbit, {:.2} %",
        us(cost.parsing_ns),
        share(cost.parsing_ns),
        us(cost.packetising_ns),
        share(cost.packetising_ns),
    );
    let _infallible = write!(
        text,
        "\npage: {} bytes on the wire in one request, {} of them compressed HTML, {} uncompressed\n\
         events with {} pages: {:.1} values a second each",
        page.reply,
        page.compressed,
        page.uncompressed,
        pages.viewers,
        pages.sample.values_milli as f64 / 1e3,
    );
    if let Some(data) = &extras.data {
        let beside = extras.data_beside(data).map(|(name, stream)| (format!("with {name}"), stream));
        for (name, stream) in [("alone".to_owned(), data.alone)].into_iter().chain(beside) {
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
        let most = if transport.is_http() { 1.2 } else { 1.15 };
        let name = format!("CPU, {}, {viewers} viewers: at most {most} x floor", transport.name());
        add(true, name, format!("{cpu:.3} x floor"), cpu <= most);
        let expected = floor.sample.packets_milli;
        let figure = format!("{} of {:.1} packets a second", sample.packets_milli as f64 / 1e3, expected as f64 / 1e3);
        // On a busy machine, a measurement may begin or end within a picture.
        let all = sample.missing == 0 && sample.packets_milli == expected;
        add(true, format!("all packets, {}, {viewers} viewers", transport.name()), figure, all);
    }
    for transport in [Transport::Tcp, Transport::Mp4] {
        let Some(Row { sample, .. }) = find(transport, 1, Kind::Daemon) else { continue };
        let name = transport.name();
        let (p50, p99) = (us(sample.delay_p50_ns) / 1e3, us(sample.delay_p99_ns) / 1e3);
        add(true, format!("delay, {name}, 1 viewer, p50: under 1 ms"), format!("{p50:.2} ms"), p50 < 1.0);
        // A picture that waits for the next one, or for a quiet time, is far above this.
        let any = format!("delay, {name}, 1 viewer, p50: under 8 ms anywhere");
        add(false, any, format!("{p50:.2} ms"), p50 < 8.0);
        add(true, format!("delay, {name}, 1 viewer, p99: under 5 ms"), format!("{p99:.2} ms"), p99 < 5.0);
    }
    if let Some(Row { sample, .. }) = find(Transport::Tcp, 1, Kind::Daemon) {
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
    if let Some(data) = &extras.data {
        for (name, stream) in extras.data_beside(data) {
            let figure = format!("{:.4} Hz", stream.rate_hz);
            add(true, format!("data with {name}: 24.000 Hz"), figure, (stream.rate_hz - 24.0).abs() < 0.005);
        }
        // Not for pages: their reader wakes at the same tick as the client of the data stream, and has the same two cores.
        let p99 = ratio(data.many.p99_ns, data.alone.p99_ns);
        let name = format!("data with {viewers} viewers: p99 jitter, at most 1.5 x");
        add(true, name, format!("{p99:.2} x"), p99 <= 1.5);
    }
    let rss = mega(extras.pages.sample.rss_kib * 1024);
    add(false, format!("RSS, {} pages: under 9 MB", extras.pages.viewers), format!("{rss:.2} MB"), rss < 9.0);
    let page = extras.page.uncompressed;
    let name = format!("the page, uncompressed: at most {HTTP_MAX_PAGE_BYTES} bytes");
    add(false, name, format!("{page} bytes"), page <= HTTP_MAX_PAGE_BYTES);
    targets
}
