//! Which picture a reader is at, and where it goes on when it is too slow.

use super::Ring;
use crate::limits::VIEWER_BEHIND_PICTURES;

/// Where a reader starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the next key picture that comes: the least delay.
    NextKey,
    /// At the newest key picture in the ring, or the next one if there is none: a picture without waiting.
    NewestKey,
    /// At the picture of this number, a key picture that is in the ring.
    At(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has begun, and takes one picture after the other.
    Follows,
    /// It waits for the first key picture from its own on.
    Waits,
    /// Its picture is gone, or given up, and no key picture has come since.
    Lost,
}

/// A reader's picture.
#[derive(Debug, Clone)]
pub(super) struct Place {
    number: u64,
    /// How much of that picture has been read, in the reader's measure.
    read: usize,
    state: State,
    lost: u64,
}

impl Place {
    pub fn new(ring: &Ring, start: Start) -> Self {
        let key = match start {
            Start::NextKey => None,
            Start::NewestKey => ring.newest_key(),
            Start::At(number) => Some(number),
        };
        let (number, state) = key.map_or((ring.next(), State::Waits), |key| (key, State::Follows));
        Self { number, read: 0, state, lost: 0 }
    }

    /// The picture to read, or `None` while there is none. One that has been read in part is left only if it is gone.
    pub fn settle(&mut self, ring: &Ring) -> Option<u64> {
        if self.state == State::Follows {
            let gone = self.number < ring.oldest();
            let behind = ring.next() - self.number > VIEWER_BEHIND_PICTURES;
            if gone {
                self.state = State::Lost;
            } else if behind && self.read == 0 {
                self.skip_to_newer_key(ring);
            }
        }
        match self.state {
            State::Follows => {}
            State::Waits => {
                let key = ring.newest_key().filter(|&key| key >= self.number)?;
                (self.number, self.state) = (key, State::Follows);
            }
            State::Lost => {
                self.skip_to_newer_key(ring);
            }
        }
        (self.state == State::Follows && self.number < ring.next()).then_some(self.number)
    }

    fn skip_to_newer_key(&mut self, ring: &Ring) {
        if let Some(key) = ring.newest_key().filter(|&key| key > self.number) {
            self.lost += key - self.number;
            (self.number, self.read, self.state) = (key, 0, State::Follows);
        }
    }

    /// The picture is of no use to the reader, which goes on at a newer key picture.
    pub const fn give_up(&mut self) {
        self.state = State::Lost;
    }

    /// `more` of the picture has been read, which is `all` in the same measure.
    pub fn took(&mut self, more: usize, all: usize) {
        self.read += more;
        if self.read >= all {
            (self.number, self.read) = (self.number + 1, 0);
        }
    }

    /// How much of the picture has been read.
    pub const fn read(&self) -> usize {
        self.read
    }

    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Pictures skipped since the last call.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}
