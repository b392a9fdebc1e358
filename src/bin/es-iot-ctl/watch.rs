//! `watch`: prints the data stream, one line per packet.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use es_iot_server::sys::clock;
use es_iot_server::sys::terminal::{Held, Interest, Ready, wait};
use es_iot_server::time::{Mono, Utc};
use es_iot_server::wire::{Id, data};

use crate::arguments::Arguments;
use crate::connection::{Connection, Message};
use crate::failure::Failure;

/// The most arrivals for measuring the rate: two seconds' worth at 24 Hz.
const WINDOW: usize = 49;
/// The fewest: one second's worth. Over a few intervals, a late packet would show as another rate.
const SHORTEST_WINDOW: usize = 25;

/// Prints packets until `count` are printed, Ctrl-C is pressed or standard output is closed.
///
/// # Errors
///
/// The server can't be reached, refuses, or stops sending.
pub fn run(arguments: &Arguments, count: Option<u64>) -> Result<(), Failure> {
    let mut connection = Connection::open(arguments, Id::Data)?;
    let interrupt = Held::interrupt().map_err(|error| Failure::System { doing: "waiting for Ctrl-C", error })?;
    let ended = stream(&mut connection, count, arguments.json, &interrupt);
    // Ctrl-C is the normal end, so the program must not die from the signal.
    interrupt.forget();
    ended
}

fn stream(connection: &mut Connection, count: Option<u64>, json: bool, interrupt: &Held) -> Result<(), Failure> {
    let mut rate = Rate::default();
    let (mut left, mut begun) = (count, false);
    while left != Some(0) {
        let payload = match connection.receive(Some(interrupt)).map_err(|failure| cut_off(failure, begun))? {
            Some(Message::Response(payload)) => payload,
            Some(Message::Error(refusal)) => return Err(connection.refused(refusal)),
            Some(Message::Login(_)) => return Err(connection.not_ours()),
            None => return Ok(()),
        };
        let (value, unix_ms) = data::decode(&payload).ok_or_else(|| connection.not_ours())?;
        rate.arrived(clock::mono());
        begun = true;
        if !print(&line(value, unix_ms, rate.hertz(), json), interrupt)? {
            return Ok(());
        }
        left = left.map(|left| left - 1);
    }
    Ok(())
}

/// Turns the end of a connection after some packets into the end of the stream.
fn cut_off(failure: Failure, begun: bool) -> Failure {
    if let (Failure::Closed { peer }, true) = (&failure, begun) {
        return Failure::StreamEnded { peer: peer.clone() };
    }
    failure
}

/// Prints a line without buffering. False if Ctrl-C was pressed while standard output was blocked.
///
/// # Errors
///
/// [`Failure::Output`] and [`Failure::OutputClosed`].
pub fn print(line: &str, interrupt: &Held) -> Result<bool, Failure> {
    match wait(std::io::stdout().as_fd(), Interest::Write, None, Some(interrupt)) {
        Ok(Ready::Yes | Ready::TimedOut) => {}
        Ok(Ready::Signal) => return Ok(false),
        Err(error) => return Err(Failure::Output(error)),
    }
    crate::print(line)?;
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

/// The packet rate, measured from arrival times. The first packet comes while the connection is being set up, so it is left
/// out.
#[derive(Debug, Default)]
struct Rate {
    has_begun: bool,
    arrivals: VecDeque<Mono>,
}

impl Rate {
    fn arrived(&mut self, at: Mono) {
        if !std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        if self.arrivals.len() == WINDOW {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(at);
    }

    /// `None` for the first packets, and as long as all packets arrived together.
    fn hertz(&self) -> Option<f64> {
        if self.arrivals.len() < SHORTEST_WINDOW {
            return None;
        }
        let span = self.arrivals.back()?.since(*self.arrivals.front()?).as_secs_f64();
        let intervals = u32::try_from(self.arrivals.len() - 1).ok()?;
        // Packets within a millisecond came in one TCP segment and give no meaningful rate.
        (span >= 0.001).then(|| f64::from(intervals) / span)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Packets at these distances; the rates that are shown.
    fn rates(distances: impl IntoIterator<Item = Duration>) -> Vec<Option<f64>> {
        let (mut rate, mut at) = (Rate::default(), Mono::from_nanos(5));
        let mut shown = |distance| {
            at = at + distance;
            rate.arrived(at);
            rate.hertz()
        };
        distances.into_iter().map(&mut shown).collect()
    }

    /// The first packet comes when the connection is ready, not when it is due.
    #[test]
    fn the_first_rate_is_right_whenever_the_first_packet_comes() {
        let tick = Duration::from_nanos(1_000_000_000 / 24);
        for first in [ms(0), ms(20), ms(35), ms(80), ms(400)] {
            let shown = rates([ms(0), first].into_iter().chain([tick; 100]));
            assert!(shown.iter().flatten().all(|hertz| (hertz - 24.0).abs() < 0.001), "{first:?}: {shown:?}");
            assert_eq!(shown.iter().flatten().count(), 77, "after a second");
        }
    }

    /// A packet that is late by 3 ms must not show at the second digit.
    #[test]
    fn jitter_is_too_small_to_be_seen_from_the_first_rate_on() {
        let ticks = (0..100).map(|tick| if tick % 2 == 0 { 38_667 } else { 44_667 });
        let shown = rates([ms(0), ms(7)].into_iter().chain(ticks.map(Duration::from_micros)));
        assert!(shown.iter().flatten().all(|hertz| (hertz - 24.0).abs() < 0.1), "{shown:?}");
    }

    #[test]
    fn the_rate_is_measured_over_the_window() {
        assert_eq!(rates([ms(0); 99]).into_iter().flatten().count(), 0, "they came together");
        let shown = rates([ms(1000); WINDOW + 1].into_iter().chain([ms(40); WINDOW]));
        for (rate, hertz) in [(shown[WINDOW], 1.0), (shown[2 * WINDOW], 25.0)] {
            assert!((rate.unwrap() - hertz).abs() < 1e-9, "{rate:?}");
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
