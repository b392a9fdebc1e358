//! `watch`: the data stream, a line a packet.

use std::collections::VecDeque;
use std::io::Write;
use std::os::fd::AsFd;

use es_iot_server::sys::clock;
use es_iot_server::sys::terminal::{Held, Interest, Ready, wait};
use es_iot_server::time::{Mono, Utc};
use es_iot_server::wire::{Id, data};

use crate::arguments::Arguments;
use crate::connection::{Connection, Message};
use crate::failure::Failure;

/// Arrivals that the rate is measured over: two seconds of them, when the stream is as it should be.
const WINDOW: usize = 49;

/// Prints packets until there were `count`, Ctrl-C, or nobody reads.
///
/// # Errors
///
/// When the server can't be reached, refuses, or stops sending.
pub fn run(arguments: &Arguments, count: Option<u64>) -> Result<(), Failure> {
    let mut connection = Connection::open(arguments, Id::Data)?;
    let interrupt = Held::interrupt().map_err(|error| Failure::System { doing: "waiting for Ctrl-C", error })?;
    let ended = stream(&mut connection, count, arguments.json, &interrupt);
    // Ctrl-C is the ordinary end, and none by a signal.
    interrupt.forget();
    ended
}

fn stream(connection: &mut Connection, count: Option<u64>, json: bool, interrupt: &Held) -> Result<(), Failure> {
    let mut rate = Rate::default();
    let mut left = count;
    while left != Some(0) {
        let begun = !rate.arrivals.is_empty();
        let payload = match connection.receive(Some(interrupt)).map_err(|failure| cut_off(failure, begun))? {
            Some(Message::Response(payload)) => payload,
            Some(Message::Error(refusal)) => return Err(connection.refused(refusal)),
            None => return Ok(()),
        };
        let (value, unix_ms) = data::decode(&payload).ok_or_else(|| connection.not_ours())?;
        rate.arrived(clock::mono());
        if !print(&line(value, unix_ms, rate.hertz(), json), interrupt)? {
            return Ok(());
        }
        left = left.map(|left| left - 1);
    }
    Ok(())
}

/// A connection that ends after packets came was not closed without an answer.
fn cut_off(failure: Failure, begun: bool) -> Failure {
    if let (Failure::Closed { peer }, true) = (&failure, begun) {
        return Failure::StreamEnded { peer: peer.clone() };
    }
    failure
}

/// Prints a line at once. False when Ctrl-C came while the reader of the output took nothing.
fn print(line: &str, interrupt: &Held) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout().lock();
    match wait(stdout.as_fd(), Interest::Write, None, Some(interrupt)) {
        Ok(Ready::Yes | Ready::TimedOut) => {}
        Ok(Ready::Signal) => return Ok(false),
        Err(error) => return Err(Failure::Output(error)),
    }
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::output)?;
    Ok(true)
}

fn line(value: u8, unix_ms: u64, hertz: Option<f64>, json: bool) -> String {
    let time = Utc(unix_ms).to_string().replace(' ', "T");
    if json {
        let hertz = hertz.map_or_else(|| "null".to_owned(), |hertz| format!("{hertz:.2}"));
        return format!("{{\"time\":\"{time}\",\"unix_ms\":{unix_ms},\"value\":{value},\"rate_hz\":{hertz}}}\n");
    }
    let hertz = hertz.map_or_else(|| "-".to_owned(), |hertz| format!("{hertz:.2} Hz"));
    format!("{time} {value:>3} {hertz:>9}\n")
}

/// The packets a second, from when they arrived.
#[derive(Debug, Default)]
struct Rate {
    arrivals: VecDeque<Mono>,
}

impl Rate {
    fn arrived(&mut self, at: Mono) {
        if self.arrivals.len() == WINDOW {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(at);
    }

    /// `None` for the first packet, and as long as all came at once.
    fn hertz(&self) -> Option<f64> {
        let span = self.arrivals.back()?.since(*self.arrivals.front()?).as_secs_f64();
        let intervals = u32::try_from(self.arrivals.len() - 1).ok()?;
        // Below a millisecond they came out of one segment, and a rate would say nothing about the server.
        (span >= 0.001).then(|| f64::from(intervals) / span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_window() {
        let mut rate = Rate::default();
        let mut at = Mono::from_nanos(5);
        rate.arrived(at);
        assert_eq!(rate.hertz(), None);
        rate.arrived(at);
        assert_eq!(rate.hertz(), None);
        for (milliseconds, hertz) in [(1000, 1.0), (40, 25.0)] {
            for _ in 0..WINDOW {
                at = at + std::time::Duration::from_millis(milliseconds);
                rate.arrived(at);
            }
            assert!((rate.hertz().unwrap() - hertz).abs() < 1e-9);
        }
    }

    #[test]
    fn lines() {
        assert_eq!(line(5, 1_795_399_931_123, None, false), "2026-11-23T02:12:11.123Z   5         -\n");
        assert_eq!(line(10, 0, Some(24.0), false), "1970-01-01T00:00:00.000Z  10  24.00 Hz\n");
        let json: serde_json::Value = serde_json::from_str(&line(255, u64::MAX, Some(1e9), true)).unwrap();
        assert_eq!(json["value"], 255);
        assert_eq!(json["unix_ms"], u64::MAX);
    }
}
