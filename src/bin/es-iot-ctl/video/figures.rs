//! The measurement of a stream: pure, from pictures and their arrival times.

use std::time::Duration;

use es_iot_server::time::Mono;

use super::boxes::Picture;

/// The figures of a second, or of the whole stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Pictures.
    pub pictures: u64,
    /// Pictures a second, if it can be measured.
    pub rate: Option<f64>,
    /// Bits a second, likewise.
    pub bits: Option<f64>,
    /// Pictures from the last but one key picture to the last one.
    pub key_pictures: Option<u64>,
    /// The time between them.
    pub key_interval: Option<Duration>,
    /// The longest time from one picture to the next, or to now.
    pub longest_gap: Option<Duration>,
}

/// The measurement.
///
/// The server begins with its newest key picture, and sends the pictures since then as fast as the network allows. Times are
/// measured from the first picture that arrives at least half its duration after the one before.
#[derive(Debug, Default)]
pub struct Measurement {
    all: Span,
    second: Span,
    last: Option<Mono>,
    live: bool,
    /// Pictures since the last key picture, and its arrival if times were measured then.
    since_key: Option<(u64, Option<Mono>)>,
    key_pictures: Option<u64>,
    key_interval: Option<Duration>,
}

/// Pictures in a time.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    /// All pictures.
    pictures: u64,
    /// Those after `from`.
    timed: u64,
    bytes: u64,
    /// The arrival of the picture before the first timed one.
    from: Option<Mono>,
    longest_gap: Option<Duration>,
}

impl Measurement {
    /// A picture came.
    pub fn took(&mut self, at: Mono, picture: Picture) {
        let gap = self.last.replace(at).map(|last| at.since(last));
        if self.live {
            for span in [&mut self.all, &mut self.second] {
                span.took(gap, picture);
            }
        } else if gap.is_some_and(|gap| gap >= picture.duration / 2) {
            self.live = true;
            self.all.from = Some(at);
            self.second.from = Some(at);
        }
        self.all.pictures += 1;
        self.second.pictures += 1;
        self.count_keys(at, picture.key);
    }

    fn count_keys(&mut self, at: Mono, key: bool) {
        if let Some((count, _)) = &mut self.since_key {
            *count += 1;
        }
        if key {
            if let Some((count, since)) = self.since_key {
                self.key_pictures = Some(count);
                self.key_interval = since.map(|since| at.since(since));
            }
            self.since_key = Some((0, Some(at).filter(|_| self.live)));
        }
    }

    /// Pictures so far.
    pub const fn pictures(&self) -> u64 {
        self.all.pictures
    }

    /// The arrival of the last picture.
    pub const fn last(&self) -> Option<Mono> {
        self.last
    }

    /// The figures since the last call, at `now`.
    pub fn second(&mut self, now: Mono) -> Figures {
        let figures = self.figures(&self.second, now);
        let from = self.last.filter(|_| self.live);
        self.second = Span { from, ..Span::default() };
        figures
    }

    /// The figures of the whole stream, at `now`.
    pub fn all(&self, now: Mono) -> Figures {
        self.figures(&self.all, now)
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes and pictures stay below 2^52 for centuries")]
    fn figures(&self, span: &Span, now: Mono) -> Figures {
        let open = self.last.filter(|_| self.live).map(|last| now.since(last));
        // To the last picture: a rate that does not depend on where in a gap the second ends.
        let until = if span.timed == 0 { Some(now) } else { self.last };
        let seconds = span.from.zip(until).map(|(from, until)| until.since(from).as_secs_f64());
        // Pictures within a millisecond came together and give no meaningful rate.
        let seconds = seconds.filter(|seconds| *seconds >= 0.001);
        Figures {
            pictures: span.pictures,
            rate: seconds.map(|seconds| span.timed as f64 / seconds),
            bits: seconds.map(|seconds| span.bytes as f64 * 8.0 / seconds),
            key_pictures: self.key_pictures,
            key_interval: self.key_interval,
            longest_gap: span.longest_gap.max(open),
        }
    }
}

impl Span {
    fn took(&mut self, gap: Option<Duration>, picture: Picture) {
        self.timed += 1;
        self.bytes += u64::from(picture.bytes);
        self.longest_gap = self.longest_gap.max(gap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn picture(key: bool) -> Picture {
        Picture { key, bytes: 1000, duration: Duration::from_millis(40) }
    }

    #[test]
    fn what_was_there_already_does_not_count_into_the_rates() {
        let mut measurement = Measurement::default();
        // 20 pictures at once, then 25 a second; a key picture every 25.
        let at = |number: u64| Mono::from_nanos((1 + number.saturating_sub(19) * 40) * MS);
        for number in 0..100 {
            measurement.took(at(number), picture(number % 25 == 0));
        }
        let figures = measurement.all(at(99));
        assert_eq!(figures.pictures, 100);
        assert!((figures.rate.unwrap() - 25.0).abs() < 1e-9, "{figures:?}");
        assert!((figures.bits.unwrap() - 200_000.0).abs() < 1e-6, "{figures:?}");
        assert_eq!(figures.key_pictures, Some(25));
        assert_eq!(figures.key_interval, Some(Duration::from_secs(1)));
        assert_eq!(figures.longest_gap, Some(Duration::from_millis(40)));
    }

    #[test]
    fn the_first_interval_of_key_pictures_has_no_time() {
        let mut measurement = Measurement::default();
        for number in 0..=25 {
            measurement.took(Mono::from_nanos((1 + number * 40) * MS), picture(number % 25 == 0));
        }
        let figures = measurement.all(Mono::from_nanos(2000 * MS));
        assert_eq!((figures.key_pictures, figures.key_interval), (Some(25), None));
    }

    #[test]
    fn seconds_follow_each_other_without_a_gap() {
        let mut measurement = Measurement::default();
        let mut now = Mono::from_nanos(MS);
        for _ in 0..3 {
            for _ in 0..24 {
                now = now + Duration::from_millis(40);
                measurement.took(now, picture(false));
            }
            let figures = measurement.second(now + Duration::from_millis(15));
            assert_eq!(figures.pictures, 24);
            assert!((figures.rate.unwrap() - 25.0).abs() < 1e-9, "{figures:?}");
        }
        let figures = measurement.second(now + Duration::from_secs(1));
        assert_eq!((figures.pictures, figures.rate, figures.bits), (0, Some(0.0), Some(0.0)));
        assert_eq!(figures.longest_gap, Some(Duration::from_secs(1)));
    }

    #[test]
    fn nothing_is_known_before_two_pictures() {
        let mut measurement = Measurement::default();
        let at = Mono::from_nanos(5);
        let none =
            Figures { pictures: 0, rate: None, bits: None, key_pictures: None, key_interval: None, longest_gap: None };
        assert_eq!(measurement.all(at), none);
        measurement.took(at, picture(true));
        assert_eq!(measurement.all(at), Figures { pictures: 1, ..none });
    }
}
