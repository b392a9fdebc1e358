//! A reader of a stream of fragmented MP4 (ISO/IEC 14496-12): sizes of pictures, and pictures by their `moof`.
//!
//! It takes what the server sends: `ftyp` and `moov` with one H.264 track, then `moof` and `mdat` in turn, with every
//! picture of a `moof` in the `mdat` behind it. It trusts no length, and holds a `moov` or `moof` at most. Not here: the
//! pictures' bytes, which are skipped; defaults in `trex`, which the server does not use.

mod fields;

use std::collections::VecDeque;
use std::fmt::{self, Display};
use std::time::Duration;

use es_iot_server::limits::CTL_MAX_BOX_BYTES;
use es_iot_server::media::h264::SpsError;

/// The type of a box.
pub type Kind = [u8; 4];

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The pictures that follow are of this format.
    Format(Format),
    /// A picture is complete.
    Picture(Picture),
}

/// The format of pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The codec string of RFC 6381.
    pub codec: String,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Units of time in a second, above zero.
    timescale: u32,
}

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Whether decoding can begin here.
    pub key: bool,
    /// Its bytes.
    pub bytes: u32,
    /// Its display time.
    pub duration: Duration,
}

/// A fault of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin with `ftyp`.
    NotMp4,
    /// A box with an impossible length.
    Length { kind: Kind, bytes: u64 },
    /// A box ends within a field.
    Truncated,
    /// A required box is missing.
    Missing(Kind),
    /// The box is in the wrong place.
    Order(Kind),
    /// A fragment with too many pictures.
    Pictures(u32),
    /// The pictures' lengths are not the length of the `mdat`.
    Media { pictures: u64, bytes: u64 },
    /// The timescale is zero.
    Timescale,
    /// The SPS can't be read.
    Sps(SpsError),
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMp4 => f.write_str("it is not MP4"),
            Self::Length { kind, bytes } => write!(f, "a box {} of {bytes} bytes", kind.escape_ascii()),
            Self::Truncated => f.write_str("a box ends within a field"),
            Self::Missing(kind) => write!(f, "the box {} is missing", kind.escape_ascii()),
            Self::Order(kind) => write!(f, "the box {} is in the wrong place", kind.escape_ascii()),
            Self::Pictures(count) => write!(f, "a fragment of {count} pictures"),
            Self::Media { pictures, bytes } => write!(f, "pictures of {pictures} bytes in an mdat of {bytes}"),
            Self::Timescale => f.write_str("a timescale of zero"),
            Self::Sps(error) => error.fmt(f),
        }
    }
}

/// The reader's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the header of a box.
    Header,
    /// In a box that is held as a whole, of this many bytes.
    Whole(Kind, usize),
    /// In the rest of a box that is skipped.
    Skip(u64),
    /// In the rest of an `mdat`.
    Media(u64),
}

/// The reader.
#[derive(Debug)]
pub struct Reader {
    state: State,
    begun: bool,
    /// The incomplete header, or body of a [`State::Whole`].
    held: Vec<u8>,
    format: Option<Format>,
    /// The pictures of the last `moof`, until their `mdat` has come.
    fragment: Option<Vec<Picture>>,
    ready: VecDeque<Event>,
}

impl Reader {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self {
            state: State::Header,
            begun: false,
            held: Vec::new(),
            format: None,
            fragment: None,
            ready: VecDeque::new(),
        }
    }

    /// The next event; takes what it needs from `input`. `None` if it needs more.
    ///
    /// # Errors
    ///
    /// [`Fault`]; what follows can't be read.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            match self.state {
                State::Header => {
                    let Some((kind, bytes)) = self.header(input)? else { return Ok(None) };
                    self.state = self.open(kind, bytes)?;
                }
                State::Whole(kind, bytes) => {
                    if !self.hold(input, bytes) {
                        return Ok(None);
                    }
                    self.state = State::Header;
                    let body = std::mem::take(&mut self.held);
                    self.close(kind, &body)?;
                }
                State::Skip(0) => self.state = State::Header,
                State::Media(0) => {
                    self.ready.extend(self.fragment.take().into_iter().flatten().map(Event::Picture));
                    self.state = State::Header;
                }
                State::Skip(left) | State::Media(left) => {
                    let count = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                    if count == 0 {
                        return Ok(None);
                    }
                    *input = &input[count..];
                    let left = left - count as u64;
                    self.state =
                        if matches!(self.state, State::Media(_)) { State::Media(left) } else { State::Skip(left) };
                }
            }
        }
    }

    /// Holds `bytes` of the input. False if there are fewer.
    fn hold(&mut self, input: &mut &[u8], bytes: usize) -> bool {
        let count = bytes.saturating_sub(self.held.len()).min(input.len());
        let (here, after) = input.split_at(count);
        self.held.extend_from_slice(here);
        *input = after;
        self.held.len() == bytes
    }

    /// The type of the next box and the length of its body.
    fn header(&mut self, input: &mut &[u8]) -> Result<Option<(Kind, u64)>, Fault> {
        // A length of 64 bits comes after the type.
        for most in [8, 16] {
            self.hold(input, most);
            if let Some((kind, bytes)) = fields::header(&self.held) {
                let body = bytes.checked_sub(self.held.len() as u64).ok_or(Fault::Length { kind, bytes })?;
                self.held.clear();
                return Ok(Some((kind, body)));
            }
        }
        Ok(None)
    }

    /// How to read the body of a box.
    fn open(&mut self, kind: Kind, bytes: u64) -> Result<State, Fault> {
        let begun = std::mem::replace(&mut self.begun, true);
        if !begun && &kind != b"ftyp" {
            return Err(Fault::NotMp4);
        }
        if &kind == b"mdat" {
            let Some(fragment) = &self.fragment else { return Err(Fault::Order(kind)) };
            let pictures = fragment.iter().map(|picture| u64::from(picture.bytes)).sum();
            return if pictures == bytes { Ok(State::Media(bytes)) } else { Err(Fault::Media { pictures, bytes }) };
        }
        if self.fragment.is_some() {
            return Err(Fault::Order(kind));
        }
        match usize::try_from(bytes) {
            Ok(whole) if whole <= CTL_MAX_BOX_BYTES => Ok(match &kind {
                b"moov" | b"moof" => State::Whole(kind, whole),
                _ => State::Skip(bytes),
            }),
            Ok(_) | Err(_) => Err(Fault::Length { kind, bytes }),
        }
    }

    /// Handles a complete box.
    fn close(&mut self, kind: Kind, body: &[u8]) -> Result<(), Fault> {
        if &kind == b"moov" {
            let format = fields::format(body)?;
            self.format = Some(format.clone());
            self.ready.push_back(Event::Format(format));
        } else {
            let format = self.format.as_ref().ok_or(Fault::Order(kind))?;
            self.fragment = Some(fields::pictures(body, format.timescale)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
