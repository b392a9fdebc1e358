//! One camera's bytes as pictures, by the words of docs/ARCHITECTURE.md: a picture ends where the next begins; where the
//! pipe is empty, once eight in a row and a key picture ended so; or after the pipe was empty for a while.
//!
//! It keeps the bytes and looks for start codes in them again and again. Cameras here never leave the pipe empty within a
//! picture.

use crate::{MILLI, SECOND};

/// Pictures in a row that have to end where the pipe is empty before that is believed.
const TRUST: u32 = 8;
const QUIET_FIRST: u64 = SECOND;
const QUIET_LEAST: u64 = 10 * MILLI;
/// Pictures after which the quiet time is halved.
const CALM: u32 = 16;

/// A picture that is complete.
#[derive(Debug, Clone)]
pub struct Picture {
    pub key: bool,
    /// When its first byte was read.
    pub arrived: u64,
    /// The lengths of its NAL units, with those of the parameter sets that go before it.
    pub units: Vec<usize>,
    /// The SPS in force, once SPS and PPS are known.
    pub sps: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Open {
    key: bool,
    arrived: u64,
    units: Vec<usize>,
    has_slice: bool,
    /// When the pipe was empty behind it.
    drained: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Stream {
    /// What came since the last start code.
    bytes: Vec<u8>,
    /// The type of that unit, once its first two bytes are there.
    unit: Option<u8>,
    begun: bool,
    sps: Vec<u8>,
    pps: Option<usize>,
    open: Option<Open>,
    /// The picture that was closed before the next began, and whether it is a key picture.
    unproven: Option<bool>,
    proven: u32,
    key_proven: bool,
    ended: u32,
}

impl Stream {
    /// Takes bytes; the pictures that they complete.
    pub fn push(&mut self, at: u64, bytes: &[u8]) -> Vec<Picture> {
        let mut complete = Vec::new();
        self.bytes.extend(bytes);
        loop {
            if self.begun && self.unit.is_none() && self.bytes.len() >= 2 {
                complete.extend(self.begin(at, self.bytes[0] & 31, self.bytes[1]));
            }
            let Some(start) = self.bytes.windows(3).position(|three| three == [0, 0, 1]) else { return complete };
            self.end_unit(start);
            self.bytes.drain(..start + 3);
            self.begun = true;
        }
    }

    /// The pipe is empty; the picture that this completes.
    pub fn drained(&mut self, at: u64) -> Option<Picture> {
        let open = self.open.as_mut().filter(|open| open.has_slice)?;
        open.drained.get_or_insert(at);
        (self.proven >= TRUST && self.key_proven).then(|| self.cut())
    }

    /// When the pipe has been empty for long enough to complete a picture.
    pub fn quiet_at(&self) -> Option<u64> {
        let quiet = (QUIET_FIRST >> (self.ended / CALM).min(32)).max(QUIET_LEAST);
        self.open.as_ref()?.drained.map(|since| since + quiet)
    }

    /// It has: the picture.
    pub fn quiet(&mut self) -> Picture {
        self.cut()
    }

    fn begin(&mut self, at: u64, kind: u8, next: u8) -> Option<Picture> {
        // A slice with first_mb_in_slice 0, or what comes before the first slice.
        let first = matches!(kind, 6..=9) || (matches!(kind, 1 | 5) && next & 0x80 != 0);
        let before = if first && self.open.as_ref().is_some_and(|open| open.has_slice) {
            let open = self.open.take().expect("just seen");
            self.learn(open.key, open.drained.is_some());
            Some(self.picture(open))
        } else {
            if let Some(key) = self.unproven.take() {
                self.learn(key, true);
            }
            None
        };
        let begun = Open { key: false, arrived: at, units: Vec::new(), has_slice: false, drained: None };
        let open = self.open.get_or_insert(begun);
        if matches!(kind, 1 | 5) && !open.has_slice {
            (open.has_slice, open.key) = (true, kind == 5);
            if let Some(pps) = self.pps.filter(|_| kind == 5) {
                open.units = vec![self.sps.len(), pps];
            }
        }
        self.unit = Some(kind);
        before
    }

    fn end_unit(&mut self, length: usize) {
        let zeros = self.bytes[..length].iter().rev().take_while(|&&byte| byte == 0).count();
        let unit = &self.bytes[..length - zeros];
        match self.unit.take() {
            Some(7) if unit != self.sps => (self.sps, self.pps) = (unit.to_vec(), None),
            Some(8) => self.pps = Some(unit.len()),
            Some(1 | 5) => {
                if let Some(open) = &mut self.open {
                    open.units.push(unit.len());
                }
            }
            _ => {}
        }
    }

    /// Closes the picture at an empty pipe.
    fn cut(&mut self) -> Picture {
        self.end_unit(self.bytes.len());
        self.bytes.clear();
        self.begun = false;
        let open = self.open.take().expect("a picture to close");
        self.unproven = Some(open.key);
        self.picture(open)
    }

    fn learn(&mut self, key: bool, at_drain: bool) {
        self.ended += 1;
        if at_drain {
            self.proven += 1;
            self.key_proven |= key;
        }
    }

    fn picture(&self, open: Open) -> Picture {
        let sps = self.pps.is_some().then(|| self.sps.clone());
        Picture { key: open.key, arrived: open.arrived, units: open.units, sps }
    }
}
