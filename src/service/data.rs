//! The data service: the 24 Hz schedule, the value, and the subscribers.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::ids::ConnId;
use crate::limits::{TICKS_PER_SECOND, WRITE_TIMEOUT};
use crate::os::Errno;
use crate::time::Mono;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// When ticks are due: the n-th at `start + n/rate s`, so the rate is exact over any span.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    start: Mono,
    rate: u64,
    next: u64,
}

impl Schedule {
    /// The schedule of the data stream, whose tick 0 is due at `start`.
    pub const fn new(start: Mono) -> Self {
        Self::with_rate(start, TICKS_PER_SECOND)
    }

    /// A schedule of `rate` ticks a second, at least 1, whose tick 0 is due at `start`.
    pub const fn with_rate(start: Mono, rate: u64) -> Self {
        Self { start, rate, next: 0 }
    }

    /// When the next tick is due.
    pub fn due(&self) -> Mono {
        let after = u128::from(self.next) * NANOS_PER_SECOND / u128::from(self.rate);
        Mono::from_nanos(self.start.as_nanos().saturating_add(u64::try_from(after).unwrap_or(u64::MAX)))
    }

    /// Moves past every tick due by `now` and returns how many that were.
    pub fn advance(&mut self, now: Mono) -> u64 {
        if now < self.due() {
            return 0;
        }
        let elapsed = now.since(self.start).as_nanos();
        // The first n with start + floor(n * 1e9 / rate) > now.
        let next = (elapsed + 1) * u128::from(self.rate);
        let next = u64::try_from(next.div_ceil(NANOS_PER_SECOND)).unwrap_or(u64::MAX);
        let passed = next - self.next;
        self.next = next;
        passed
    }
}

/// Where the value comes from, and the last one.
#[derive(Debug)]
pub struct Source {
    rng: SmallRng,
    last: u8,
    failed: bool,
}

/// A reading that differs in kind from the one before: what is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceChange {
    /// The file could not be read, after it could.
    Unreadable(Errno),
    /// The file does not begin with a number, after it did.
    NotANumber,
    /// The file can be read again.
    Recovered,
}

impl Source {
    /// A source whose random values follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { rng: SmallRng::seed_from_u64(seed), last: 0, failed: false }
    }

    /// The value of a tick: a random one, or what the file's `reading` holds; a reading that fails keeps the last.
    pub fn value(&mut self, reading: Option<Result<&[u8], Errno>>) -> (u8, Option<SourceChange>) {
        let change = match reading {
            None => {
                self.last = self.rng.random_range(0..=10);
                None
            }
            Some(Err(errno)) => Some(SourceChange::Unreadable(errno)),
            Some(Ok(bytes)) => match leading_number(bytes) {
                Some(value) => {
                    self.last = value;
                    None
                }
                None => Some(SourceChange::NotANumber),
            },
        };
        let before = std::mem::replace(&mut self.failed, change.is_some());
        let change = match (before, self.failed) {
            (false, true) => change,
            (true, false) => Some(SourceChange::Recovered),
            (true, true) | (false, false) => None,
        };
        (self.last, change)
    }

    /// Whether the last reading failed.
    pub const fn failing(&self) -> bool {
        self.failed
    }
}

/// The decimal number at the start of `bytes`, white space and a sign allowed, clamped to a byte. A fraction is cut.
fn leading_number(bytes: &[u8]) -> Option<u8> {
    let bytes = bytes.trim_ascii_start();
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let digits = &digits[..digits.iter().take_while(|byte| byte.is_ascii_digit()).count()];
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().fold(0_u8, |value, digit| value.saturating_mul(10).saturating_add(digit - b'0'));
    Some(if negative { 0 } else { value })
}

/// One subscriber of the stream.
#[derive(Debug, Clone, Copy)]
pub struct Subscriber {
    /// Its connection.
    pub conn: ConnId,
    /// Since when its socket has taken nothing, if it does not.
    pub blocked_since: Option<Mono>,
}

impl Subscriber {
    /// Whether its socket has taken nothing for too long.
    pub fn stuck(&self, now: Mono) -> bool {
        self.blocked_since.is_some_and(|since| now.since(since) >= WRITE_TIMEOUT)
    }
}

/// The subscribers of the stream, in no particular order.
#[derive(Debug, Default)]
pub struct Subscribers {
    list: Vec<Subscriber>,
    /// Where in `list` the connection of a slot is: `positions[slot]`, valid while the list agrees.
    positions: Vec<u16>,
}

impl Subscribers {
    /// Adds a connection that is not yet there.
    pub fn add(&mut self, conn: ConnId) {
        let slot = usize::from(conn.slot);
        if self.positions.len() <= slot {
            self.positions.resize(slot + 1, 0);
        }
        self.positions[slot] = u16::try_from(self.list.len()).expect("there are at most 2^14 slots");
        self.list.push(Subscriber { conn, blocked_since: None });
    }

    /// Removes a connection, if it is there.
    pub fn remove(&mut self, conn: ConnId) {
        let Some(at) = self.position(conn) else { return };
        self.list.swap_remove(at);
        if let Some(moved) = self.list.get(at) {
            self.positions[usize::from(moved.conn.slot)] =
                u16::try_from(at).expect("a position in a list of at most 2^14");
        }
    }

    /// The subscriber of a connection.
    pub fn find(&mut self, conn: ConnId) -> Option<&mut Subscriber> {
        let at = self.position(conn)?;
        self.list.get_mut(at)
    }

    /// Whether there is none, so that no tick is needed.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Subscriber> {
        self.list.iter()
    }

    fn position(&self, conn: ConnId) -> Option<usize> {
        let at = usize::from(*self.positions.get(usize::from(conn.slot))?);
        (self.list.get(at)?.conn == conn).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_schedule_is_exact_over_a_year() {
        let start = Mono::from_nanos(123_456_789);
        let mut schedule = Schedule::new(start);
        let year = Duration::from_hours(365 * 24);
        let ticks = schedule.advance(start + year);
        assert_eq!(ticks, year.as_secs() * TICKS_PER_SECOND + 1, "and tick 0");
        assert_eq!(schedule.due(), start + year + Duration::from_nanos(41_666_666));
    }

    #[test]
    fn every_tick_is_taken_once_and_none_early() {
        let start = Mono::from_nanos(7);
        let mut schedule = Schedule::new(start);
        for _ in 0..10_000 {
            let due = schedule.due();
            assert_eq!(schedule.advance(Mono::from_nanos(due.as_nanos() - 1)), 0);
            assert_eq!(schedule.advance(due), 1);
            assert!(schedule.due() > due);
        }
        assert_eq!(schedule.due(), start + Duration::from_nanos(10_000 * 1_000_000_000 / 24));
    }

    #[test]
    fn a_late_wakeup_passes_what_was_missed() {
        let mut schedule = Schedule::new(Mono::default());
        assert_eq!(schedule.advance(Mono::from_nanos(1_000_000_000)), 25);
        assert_eq!(schedule.due(), Mono::from_nanos(25 * 1_000_000_000 / 24));
    }

    #[test]
    fn other_rates_are_as_exact() {
        for rate in [1, 7, 30, 120] {
            let mut schedule = Schedule::with_rate(Mono::from_nanos(5), rate);
            for nth in 0..1000 {
                assert_eq!(schedule.due(), Mono::from_nanos(5 + nth * 1_000_000_000 / rate));
                assert_eq!(schedule.advance(schedule.due()), 1);
            }
        }
    }

    #[test]
    fn numbers_are_read_from_the_start_and_clamped() {
        for (text, value) in [
            ("42", Some(42)),
            (" 7\n", Some(7)),
            ("300", Some(255)),
            ("99999999999999999999999", Some(255)),
            ("-5", Some(0)),
            ("+9", Some(9)),
            ("21.75 C", Some(21)),
            ("51234\n", Some(255)),
            ("", None),
            ("abc", None),
            ("-", None),
        ] {
            assert_eq!(leading_number(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn random_values_are_zero_to_ten_and_all_of_them() {
        let mut source = Source::new(1);
        let mut seen = [0_u32; 11];
        for _ in 0..11_000 {
            seen[usize::from(source.value(None).0)] += 1;
        }
        assert!(seen.iter().all(|&count| (800..1200).contains(&count)), "{seen:?}");
    }

    #[test]
    fn a_failing_source_keeps_its_value_and_says_so_once() {
        let mut source = Source::new(1);
        let gone = Errno(2);
        assert_eq!(source.value(Some(Ok(b"17\n"))), (17, None));
        assert_eq!(source.value(Some(Err(gone))), (17, Some(SourceChange::Unreadable(gone))));
        assert_eq!(source.value(Some(Err(gone))), (17, None));
        assert_eq!(source.value(Some(Ok(b"hot"))), (17, None));
        assert_eq!(source.value(Some(Ok(b"18"))), (18, Some(SourceChange::Recovered)));
        assert_eq!(source.value(Some(Ok(b"hot"))), (18, Some(SourceChange::NotANumber)));
    }

    #[test]
    fn subscribers_come_and_go_in_any_order() {
        let conn = |slot, generation| ConnId { slot, generation };
        let mut subscribers = Subscribers::default();
        for slot in [5, 0, 9] {
            subscribers.add(conn(slot, 1));
        }
        subscribers.remove(conn(5, 2));
        assert_eq!(subscribers.len(), 3, "another generation is another connection");
        subscribers.remove(conn(5, 1));
        assert!(subscribers.find(conn(5, 1)).is_none());
        assert!(subscribers.find(conn(9, 1)).is_some());
        subscribers.remove(conn(0, 1));
        subscribers.remove(conn(9, 1));
        subscribers.remove(conn(9, 1));
        assert!(subscribers.is_empty());
    }
}
