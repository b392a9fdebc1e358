//! The splitter: an H.264 byte stream (Annex B), in any chunking, to NAL units.
//!
//! Units come out in pieces, as slices of what went in, so nothing is buffered or allocated: between two calls the
//! splitter holds at most a run of zeros, whose meaning the next byte decides, and a unit's first byte. The pieces
//! depend on the chunks; the units that they make do not.
//!
//! Not here: what a unit is for (`picture`), and emulation prevention, which stays in the bytes (`h264` undoes it
//! where it reads).

/// What the splitter found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A unit begins. These are its first two bytes: the header, and the first of its payload.
    Begins([u8; 2]),
    /// The next bytes of the unit, at least one.
    Bytes(&'a [u8]),
    /// The unit is complete: a start code, or the zeros before one, came after it.
    Ends,
    /// The unit is longer than the cap. Nothing more of it comes, nor an [`Event::Ends`].
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first start code, or after three zeros in a row, which end a unit (H.264 B.3).
    Outside,
    /// After a start code, with the unit's first byte if it has come.
    Head(Option<u8>),
    /// In a unit of which this many bytes have come.
    Inside(usize),
    /// In a unit that is too long.
    Skipping,
}

/// Cuts a byte stream into NAL units.
#[derive(Debug, Clone)]
pub struct Splitter {
    state: State,
    /// Zeros that came last. They belong to the unit unless they end it.
    zeros: u64,
    /// The longest unit, in bytes.
    cap: usize,
    rubbish_bytes: u64,
}

impl Splitter {
    /// A splitter before a stream's first byte. A unit of more than `cap` bytes is [`Event::TooLong`].
    pub const fn new(cap: usize) -> Self {
        Self { state: State::Outside, zeros: 0, cap, rubbish_bytes: 0 }
    }

    /// Begins anew, as another stream does. The count of rubbish goes on.
    pub fn restart(&mut self) {
        *self = Self { rubbish_bytes: self.rubbish_bytes, ..Self::new(self.cap) };
    }

    /// Bytes that belonged to no unit, no start code and no padding around one.
    pub const fn rubbish_bytes(&self) -> u64 {
        self.rubbish_bytes
    }

    /// Takes bytes from the front of `input` up to the next event; `None` when `input` is used up.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Event<'a>> {
        loop {
            let event = if self.zeros > 0 {
                let (&byte, rest) = input.split_first()?;
                match (self.zeros, byte) {
                    (_, 0) => {
                        *input = rest;
                        self.zeros += 1;
                        if self.zeros == 3 { self.end(State::Outside) } else { None }
                    }
                    (2.., 1) => {
                        *input = rest;
                        self.zeros = 0;
                        self.end(State::Head(None))
                    }
                    _ => self.take_zeros(),
                }
            } else {
                let most = input.len().min(self.wanted());
                let plain = plain_bytes(&input[..most]);
                if plain > 0 {
                    let (bytes, rest) = input.split_at(plain);
                    *input = rest;
                    self.take(bytes)
                } else {
                    let (_, rest) = input.split_first()?;
                    *input = rest;
                    self.zeros = 1;
                    None
                }
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// How many bytes to take at most: a unit's head comes alone.
    const fn wanted(&self) -> usize {
        match self.state {
            State::Head(None) => 2,
            State::Head(Some(_)) => 1,
            State::Outside | State::Inside(_) | State::Skipping => usize::MAX,
        }
    }

    /// The zeros that were held back are no start code.
    fn take_zeros(&mut self) -> Option<Event<'static>> {
        const ZEROS: &[u8] = &[0, 0];
        if self.state == State::Outside {
            self.rubbish_bytes = self.rubbish_bytes.saturating_add(self.zeros);
            self.zeros = 0;
            return None;
        }
        // The third zero of a run ends the unit, so there are one or two.
        let held = if self.zeros == 1 { 1 } else { 2 };
        let taken = held.min(self.wanted());
        self.zeros = (held - taken) as u64;
        self.take(&ZEROS[..taken])
    }

    fn take<'a>(&mut self, bytes: &'a [u8]) -> Option<Event<'a>> {
        let (state, event) = match (self.state, bytes) {
            (State::Outside, _) => {
                self.rubbish_bytes = self.rubbish_bytes.saturating_add(bytes.len() as u64);
                return None;
            }
            (State::Skipping, _) => return None,
            (State::Head(None), &[header]) => (State::Head(Some(header)), None),
            (State::Head(None), &[header, first]) => (State::Inside(2), Some(Event::Begins([header, first]))),
            (State::Head(Some(header)), &[first]) => (State::Inside(2), Some(Event::Begins([header, first]))),
            (State::Head(_), _) => unreachable!("`wanted` asks for what is missing of a head"),
            (State::Inside(so_far), _) if bytes.len() > self.cap.saturating_sub(so_far) => {
                (State::Skipping, Some(Event::TooLong))
            }
            (State::Inside(so_far), _) => (State::Inside(so_far + bytes.len()), Some(Event::Bytes(bytes))),
        };
        self.state = state;
        event
    }

    /// Ends what is going on. A unit of less than two bytes (end of sequence, end of stream) has never begun.
    fn end(&mut self, next: State) -> Option<Event<'static>> {
        let ended = matches!(self.state, State::Inside(_));
        self.state = next;
        ended.then_some(Event::Ends)
    }
}

/// How many bytes come before the first two zeros in a row, or before a zero that is the last byte.
fn plain_bytes(bytes: &[u8]) -> usize {
    const WORD: usize = size_of::<usize>();
    let found = |from: usize, to: usize| {
        (from..to).find(|&at| bytes[at] == 0 && bytes.get(at + 1).is_none_or(|&next| next == 0))
    };
    let mut at = 0;
    while let Some(word) = bytes.get(at..at + WORD) {
        let word = usize::from_ne_bytes(word.try_into().expect("the slice is a word long"));
        if has_zero(word)
            && let Some(found) = found(at, at + WORD)
        {
            return found;
        }
        at += WORD;
    }
    found(at, bytes.len()).unwrap_or(bytes.len())
}

/// Whether one of a word's bytes is zero (H. S. Warren, "Hacker's Delight", 6-1).
const fn has_zero(word: usize) -> bool {
    const LOW: usize = usize::MAX / 255;
    const HIGH: usize = LOW << 7;
    word.wrapping_sub(LOW) & !word & HIGH != 0
}

#[cfg(test)]
mod tests;
