//! `video`: a viewer that measures.

mod boxes;
mod figures;

use std::time::Duration;

use es_iot_server::sys::clock;
use es_iot_server::sys::terminal::Held;
use es_iot_server::time::{Mono, Utc};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::http::{Problem, Reply, Request, Taken};
use crate::text::{bit_rate, or_dash};
use crate::watch::print;
pub use boxes::Fault;
use boxes::{Event, Format, Reader};
use figures::{Figures, Measurement};

/// The time from line to line.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Prints figures once a second and a summary, until `count` pictures came, Ctrl-C is pressed or standard output is closed.
///
/// # Errors
///
/// The server can't be reached, refuses, sends no picture or damaged ones, or ends the stream.
pub fn run(arguments: &Arguments, count: Option<u64>) -> Result<(), Failure> {
    let reply = Reply::to(arguments, Request::Get("/video.mp4"))?.accepted()?;
    let interrupt = Held::interrupt().map_err(|error| Failure::System { doing: "waiting for Ctrl-C", error })?;
    let ended = Viewer::new(reply, arguments.json).watch(count, &interrupt);
    // Ctrl-C is the normal end, so the program must not die from the signal.
    interrupt.forget();
    ended
}

struct Viewer {
    reply: Reply,
    json: bool,
    reader: Reader,
    measurement: Measurement,
    format: Option<Format>,
    begun: Mono,
    /// When the next line is due, after the first picture.
    line_due: Option<Mono>,
}

impl Viewer {
    fn new(reply: Reply, json: bool) -> Self {
        let (reader, measurement) = (Reader::new(), Measurement::default());
        Self { reply, json, reader, measurement, format: None, begun: clock::mono(), line_due: None }
    }

    fn watch(&mut self, count: Option<u64>, interrupt: &Held) -> Result<(), Failure> {
        let ended = self.read(count, interrupt);
        if matches!(ended, Err(Failure::OutputClosed | Failure::Output(_))) || self.measurement.pictures() == 0 {
            return ended;
        }
        // A stream that failed is a worse failure than a closed standard output.
        let printed = crate::print(&self.summary());
        ended.and(printed)
    }

    fn read(&mut self, count: Option<u64>, interrupt: &Held) -> Result<(), Failure> {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let silent = self.silent_at();
            let until = self.line_due.map_or(silent, |due| due.min(silent));
            match self.reply.take(&mut chunk, until, interrupt)? {
                Taken::Bytes(bytes) => {
                    if self.push(&chunk[..bytes], count)? {
                        return Ok(());
                    }
                }
                Taken::End => return Err(self.reply.ended()),
                Taken::TimedOut => {}
                Taken::Signal => return Ok(()),
            }
            let now = clock::mono();
            if self.line_due.is_some_and(|due| due <= now) {
                // Lines that were missed while this program was stopped are skipped.
                self.line_due = Some(now + LINE_EVERY);
                let figures = self.measurement.second(now);
                if !print(&self.line(&figures, clock::unix_ms()), interrupt)? {
                    return Ok(());
                }
            }
            if self.silent_at() <= now {
                return Err(self.reply.fails(Problem::NoPicture(self.reply.timeout())));
            }
        }
    }

    /// The deadline of the next picture.
    fn silent_at(&self) -> Mono {
        self.measurement.last().unwrap_or(self.begun) + self.reply.timeout()
    }

    /// Reads a part of the stream. True once `count` pictures have come.
    fn push(&mut self, mut bytes: &[u8], count: Option<u64>) -> Result<bool, Failure> {
        let now = clock::mono();
        loop {
            match self.reader.next(&mut bytes) {
                Ok(Some(Event::Format(format))) => self.format = Some(format),
                Ok(Some(Event::Picture(picture))) => {
                    self.line_due.get_or_insert(now + LINE_EVERY);
                    self.measurement.took(now, picture);
                    if Some(self.measurement.pictures()) == count {
                        return Ok(true);
                    }
                }
                Ok(None) => return Ok(false),
                Err(fault) => return Err(self.reply.fails(Problem::Video(fault))),
            }
        }
    }

    fn line(&self, figures: &Figures, unix_ms: u64) -> String {
        let time = Utc(unix_ms).to_string().replace(' ', "T");
        if self.json {
            return self.json(figures, &serde_json::json!({ "time": time, "unix_ms": unix_ms }));
        }
        format!("{time} {} {}\n", self.size(), text(figures))
    }

    fn summary(&self) -> String {
        let now = clock::mono();
        let (figures, seconds) = (self.measurement.all(now), now.since(self.begun).as_secs_f64());
        if self.json {
            return self.json(&figures, &serde_json::json!({ "summary": true, "seconds": rounded(seconds) }));
        }
        let codec = self.format.as_ref().map_or("-", |format| &format.codec);
        let pictures = figures.pictures;
        format!("{pictures} pictures in {seconds:.1} s: {} {codec} {}\n", self.size(), text(&figures))
    }

    fn size(&self) -> String {
        self.format.as_ref().map_or_else(|| "-".to_owned(), |Format { width, height, .. }| format!("{width}x{height}"))
    }

    /// The figures and `others`, as a line of JSON.
    fn json(&self, figures: &Figures, others: &serde_json::Value) -> String {
        let Figures { pictures, rate, bits, key_pictures, key_interval, longest_gap } = figures;
        let seconds = |span: &Option<Duration>| span.map(|span| rounded(span.as_secs_f64()));
        let format = self.format.as_ref();
        let mut line = serde_json::json!({
            "codec": format.map(|format| &format.codec),
            "width": format.map(|format| format.width),
            "height": format.map(|format| format.height),
            "pictures": pictures,
            "pictures_per_second": rate.map(rounded),
            "bits_per_second": bits.map(f64::round),
            "key_interval_pictures": key_pictures,
            "key_interval": seconds(key_interval),
            "longest_gap": seconds(longest_gap),
        });
        if let (Some(line), Some(others)) = (line.as_object_mut(), others.as_object()) {
            line.extend(others.clone());
        }
        format!("{line}\n")
    }
}

/// Rounds to three decimals.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn text(figures: &Figures) -> String {
    let Figures { rate, bits, key_pictures, key_interval, longest_gap, .. } = figures;
    let rate = or_dash(rate.map(|rate| format!("{rate:.2}/s")));
    let bits = or_dash(bits.map(bit_rate));
    let keys = match (key_pictures, key_interval) {
        (None, _) => "-".to_owned(),
        (Some(count), None) => format!("every {count}"),
        (Some(count), Some(interval)) => format!("every {count} ({:.2} s)", interval.as_secs_f64()),
    };
    let gap = or_dash(longest_gap.map(|gap| format!("{:.3} s", gap.as_secs_f64())));
    format!("{rate:>9} {bits:>12}, key {keys}, longest gap {gap}")
}
