//! The assembler: NAL units to pictures (access units), each with what a decoder needs before it.
//!
//! What goes into a picture: its slices and SEI; before a key picture SPS and PPS as they were last seen, whether the
//! camera sent them there or only at its start. Delimiters, filler and whatever else no viewer needs are left out. A
//! *key picture* is an IDR picture whose SPS and PPS are known; everything before the first one, and after a damaged
//! picture up to the next one, is dropped, since it could not be shown.
//!
//! Where a picture ends is decided with [`Endings`]. Bytes are copied once, into the open picture; the buffer
//! is kept, so nothing is allocated once it has seen the largest picture.
//!
//! The caller reads the pipe, and after each read calls [`Assembler::push`] until it returns `None`. When a read finds
//! the pipe empty, it calls [`Assembler::drained`]; not when it stopped reading for another reason. At
//! [`Assembler::deadline`] it calls [`Assembler::quiet`].

mod assembly;

use std::time::Duration;

use super::annexb::{Event, Splitter};
use super::endings::{Cut, Ending, Endings};
use super::format::{Format, ParameterSets};
use super::h264::{Kind, begins_picture, is_first_slice};
use super::units;
use crate::limits::{MAX_PARAMETER_SET_BYTES, MAX_PICTURE_BYTES, MAX_PICTURE_UNITS, MAX_UNIT_BYTES};
use crate::time::Mono;

/// A complete picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture<'a> {
    /// Whether decoding can begin here.
    pub key: bool,
    /// When its first byte was read.
    pub arrived: Mono,
    /// Its NAL units, each behind its length ([`units`]), at most [`MAX_PICTURE_BYTES`].
    pub units: &'a [u8],
    /// Where in `units` the slices begin. Before it are parameter sets and SEI.
    pub slices_at: usize,
    /// The parameter sets in force.
    pub format: &'a Format,
}

/// What went well and what was dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pictures handed out.
    pub pictures: u64,
    /// Key pictures among them.
    pub key_pictures: u64,
    /// Pictures dropped because no key picture came before them, or none since the last that was damaged.
    pub without_key: u64,
    /// Those among them whose parameter sets were known: real pictures, which viewers could not see.
    pub unseen: u64,
    /// Pictures dropped because their beginning or a unit of theirs was missing.
    pub incomplete: u64,
    /// Pictures dropped because they had more than [`MAX_PICTURE_BYTES`] or [`MAX_PICTURE_UNITS`].
    pub too_large: u64,
    /// Pictures that were handed out, and then went on.
    pub wrong_cuts: u64,
    /// Units of more than [`MAX_UNIT_BYTES`].
    pub units_too_long: u64,
    /// Parameter sets that could not be read, or were too long or too many.
    pub bad_parameter_sets: u64,
    /// Bytes that belonged to no unit.
    pub rubbish_bytes: u64,
}

/// Where the bytes of the unit in progress go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// The unit is left out.
    Nowhere,
    /// It is a parameter set.
    Set,
    /// It belongs to the open picture, with its length at this place.
    Picture(usize),
    /// It belongs to a picture that was closed after a drain. More of it means that the cut was wrong.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Incomplete,
    TooLarge,
}

/// The picture in progress.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    /// When its first unit began, if one has.
    arrived: Option<Mono>,
    /// Where its slices begin, once one has.
    slices_at: Option<usize>,
    /// Slices and SEI.
    units: u32,
    key: bool,
    /// Whether a parameter set came with it.
    has_sets: bool,
    fault: Option<Fault>,
    /// When the pipe was drained, if nothing has come since.
    drained: Option<Mono>,
    /// The longest time for which the pipe was empty inside the picture.
    gap: Option<Duration>,
    /// Whether it is complete. It then stays only until the next call.
    done: bool,
}

/// A picture that was closed after a drain, until it shows whether that was right.
#[derive(Debug, Clone, Copy)]
struct Unproven {
    cut: Cut,
    key: bool,
    gap: Option<Duration>,
    /// When the pipe was drained before the cut.
    drained: Mono,
}

/// Makes pictures of bytes.
#[derive(Debug)]
pub struct Assembler {
    splitter: Splitter,
    sets: ParameterSets,
    /// The parameter set in progress.
    set: Vec<u8>,
    /// The open picture's units.
    units: Vec<u8>,
    open: Open,
    target: Target,
    /// A unit that began when the picture before it had to be handed out first.
    held: Option<([u8; 2], Mono)>,
    unproven: Option<Unproven>,
    endings: Endings,
    needs_key: bool,
    counts: Counts,
}

impl Default for Assembler {
    /// An assembler before a stream's first byte.
    fn default() -> Self {
        Self {
            splitter: Splitter::new(MAX_UNIT_BYTES),
            sets: ParameterSets::default(),
            set: Vec::new(),
            units: Vec::new(),
            open: Open::default(),
            target: Target::Nowhere,
            held: None,
            unproven: None,
            endings: Endings::default(),
            needs_key: true,
            counts: Counts::default(),
        }
    }
}

impl Assembler {
    /// Takes bytes that were read at `now` from the front of `input`, up to where a picture is complete. To be called
    /// until it returns `None`, which means that `input` is used up.
    pub fn push(&mut self, now: Mono, input: &mut &[u8]) -> Option<Picture<'_>> {
        self.go_on();
        while let Some(event) = self.splitter.next(input) {
            match event {
                Event::Begins(head) if self.open.slices_at.is_some() && begins_picture(head) => {
                    self.held = Some((head, now));
                    if self.close(None) {
                        return self.picture();
                    }
                    self.go_on();
                }
                Event::Begins(head) => self.begin(head, now),
                Event::Bytes(bytes) => self.take(bytes, now),
                Event::Ends => self.end_unit(),
                Event::TooLong => self.too_long(),
            }
        }
        None
    }

    /// The pipe was found empty at `now`, after all that was read had been pushed.
    pub fn drained(&mut self, now: Mono) -> Option<Picture<'_>> {
        self.go_on();
        self.open.slices_at?;
        self.open.drained.get_or_insert(now);
        if self.endings.drain_closes() && self.close(Some(Cut::Drain)) { self.picture() } else { None }
    }

    /// When [`Self::quiet`] is to be called, if nothing is read until then.
    pub fn deadline(&self) -> Option<Mono> {
        self.open.drained.filter(|_| !self.open.done).map(|since| since + self.endings.quiet())
    }

    /// Closes the open picture if the deadline has come.
    pub fn quiet(&mut self, now: Mono) -> Option<Picture<'_>> {
        let due = self.deadline().is_some_and(|deadline| now >= deadline);
        self.go_on();
        if due && self.close(Some(Cut::Quiet)) { self.picture() } else { None }
    }

    /// Closes the open picture because its writer has written all of it: at the end of a file, or of a picture drawn
    /// here. Not for a camera that ended, whose last picture may be cut short: that is [`Self::restart`].
    pub fn finish(&mut self) -> Option<Picture<'_>> {
        self.go_on();
        let closed = self.open.slices_at.is_some() && self.close(None);
        self.target = Target::Nowhere;
        self.open.done = true;
        if closed { self.picture() } else { None }
    }

    /// Forgets the stream and what was learnt about its writer: another begins. Only the counts go on.
    pub fn restart(&mut self) {
        self.splitter.restart();
        let mut units = std::mem::take(&mut self.units);
        units.clear();
        *self = Self { splitter: self.splitter.clone(), units, counts: self.counts, ..Self::default() };
    }

    /// Drops what comes before the next key picture: what viewers have seen meanwhile is not of this stream.
    pub const fn require_key(&mut self) {
        self.needs_key = true;
    }

    /// SPS and PPS, once both are known.
    pub fn format(&self) -> Option<&Format> {
        self.sets.format()
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        Counts { rubbish_bytes: self.splitter.rubbish_bytes(), ..self.counts }
    }

    /// The bytes that are allocated.
    pub fn memory_bytes(&self) -> usize {
        self.units.capacity() + self.set.capacity()
    }

    fn picture(&self) -> Option<Picture<'_>> {
        Some(Picture {
            key: self.open.key,
            arrived: self.open.arrived?,
            units: &self.units,
            slices_at: self.open.slices_at?,
            format: self.sets.format()?,
        })
    }

    /// Clears a picture that was handed out, and takes up the unit that began behind it.
    fn go_on(&mut self) {
        if self.open.done {
            self.open = Open::default();
            self.units.clear();
        }
        if let Some((head, began)) = self.held.take() {
            self.begin(head, began);
        }
    }
}

#[cfg(test)]
mod tests;
