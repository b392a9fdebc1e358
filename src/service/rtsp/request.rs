//! From bytes to requests and interleaved frames (RFC 2326 sections 6, 10.12), however they are cut.
//!
//! Bounded: a head up to [`RTSP_MAX_HEAD_BYTES`] and a frame up to [`RTSP_MAX_FRAME_BYTES`] are kept until they are whole;
//! bodies and longer frames are counted off as they come. What a request asks for is not looked at here.

mod head;

pub(super) use head::decimal;
pub use head::{Bad, Method, Request, Verb};

use crate::limits::{RTSP_MAX_BODY_BYTES, RTSP_MAX_FRAME_BYTES, RTSP_MAX_HEAD_BYTES};
use crate::media::rtp::{DOLLAR, INTERLEAVED_BYTES};

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A request that can be answered.
    Request(Box<Request>),
    /// A request that is refused for what it is; the next one can be read.
    Bad(Bad),
    /// An interleaved frame: RTCP of the client, as a rule.
    Frame {
        /// Its channel.
        channel: u8,
        /// Its payload, at most [`RTSP_MAX_FRAME_BYTES`] long.
        payload: Vec<u8>,
    },
    /// An interleaved frame that is longer than that. Its bytes are counted off.
    LongFrame {
        /// Its channel.
        channel: u8,
    },
}

impl Item {
    fn cseq(&self) -> Option<u32> {
        match self {
            Self::Request(request) => Some(request.cseq),
            Self::Bad(bad) => bad.cseq,
            Self::Frame { .. } | Self::LongFrame { .. } => None,
        }
    }
}

/// What makes the rest of a connection unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No RTSP: a TLS handshake, say.
    NotRtsp,
    /// HTTP: a browser, or a client that would tunnel RTSP through it.
    Http,
    /// A request line or header without the form of one, or a Content-Length that is no number. With the request's `CSeq`
    /// where there is one.
    Malformed(Option<u32>),
    /// A head above [`RTSP_MAX_HEAD_BYTES`], with the request's `CSeq` where it is known.
    HeadTooLong(Option<u32>),
    /// A body above [`RTSP_MAX_BODY_BYTES`], with the request's `CSeq` where there is one.
    BodyTooLong(Option<u32>),
}

/// What is being read.
#[derive(Debug, Default)]
enum Reading {
    /// What comes next: a head or a frame.
    #[default]
    Start,
    /// The body of a request: how many bytes of it are to come.
    Body { item: Item, left: usize },
    /// A frame that is too long: how many bytes of it are to come.
    Skip { left: usize },
    /// A fault has been found.
    Lost(Fault),
}

/// The reader of one connection.
#[derive(Debug, Default)]
pub struct Parser {
    bytes: Vec<u8>,
    /// Bytes at the start of `bytes` that are used up.
    used: usize,
    /// Bytes of the head that have been looked through for its end.
    scanned: usize,
    reading: Reading,
}

impl Parser {
    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        match self.reading {
            Reading::Lost(_) => {}
            Reading::Start | Reading::Body { .. } | Reading::Skip { .. } => self.bytes.extend_from_slice(bytes),
        }
    }

    /// The next request or frame, `None` when the client has to send more first.
    ///
    /// # Errors
    ///
    /// What makes the rest unreadable. From then on it is the answer to every call.
    #[expect(clippy::should_implement_trait, reason = "an error is no item, and None is no end")]
    pub fn next(&mut self) -> Result<Option<Item>, Fault> {
        let next = self.read();
        if let Err(fault) = next {
            *self = Self { reading: Reading::Lost(fault), ..Self::default() };
        }
        if self.used == self.bytes.len() {
            // Between requests a connection holds no memory.
            self.bytes = Vec::new();
        } else if self.used > 0 {
            self.bytes = self.bytes.split_off(self.used);
        }
        self.used = 0;
        next
    }

    /// Whether the client owes the rest of something it has begun.
    pub const fn mid_item(&self) -> bool {
        match self.reading {
            Reading::Start => !self.bytes.is_empty(),
            Reading::Body { .. } | Reading::Skip { .. } => true,
            Reading::Lost(_) => false,
        }
    }

    /// The number of the request that is not yet whole, where it has come.
    pub fn cseq(&self) -> Option<u32> {
        match &self.reading {
            Reading::Start => head::cseq(&self.bytes),
            Reading::Body { item, .. } => item.cseq(),
            Reading::Skip { .. } | Reading::Lost(_) => None,
        }
    }

    /// Bytes that wait to be read.
    pub const fn waiting_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory it holds.
    pub const fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn read(&mut self) -> Result<Option<Item>, Fault> {
        loop {
            let waiting = self.bytes.len() - self.used;
            match std::mem::take(&mut self.reading) {
                Reading::Lost(fault) => return Err(fault),
                Reading::Skip { left } => {
                    let here = left.min(waiting);
                    self.used += here;
                    if here < left {
                        self.reading = Reading::Skip { left: left - here };
                        return Ok(None);
                    }
                }
                Reading::Body { mut item, left } => {
                    let here = left.min(waiting);
                    let body = &self.bytes[self.used..self.used + here];
                    if let Item::Request(request) = &mut item {
                        request.has_body |= body.iter().any(|byte| !byte.is_ascii_whitespace() && *byte != 0);
                    }
                    self.used += here;
                    if here == left {
                        return Ok(Some(item));
                    }
                    self.reading = Reading::Body { item, left: left - here };
                    return Ok(None);
                }
                Reading::Start => {
                    // RFC 2326 section 4 (HTTP/1.1's section 4.1): empty lines before a request are passed over.
                    let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
                    self.used += self.bytes[self.used..].iter().take_while(blank).count();
                    match self.bytes.get(self.used).copied() {
                        None => return Ok(None),
                        Some(DOLLAR) => return Ok(self.frame()),
                        Some(_) if !self.head()? => return Ok(None),
                        Some(_) => {}
                    }
                }
            }
        }
    }

    /// The frame at hand, if it is whole.
    fn frame(&mut self) -> Option<Item> {
        let [_, channel, high, low, rest @ ..] = &self.bytes[self.used..] else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let channel = *channel;
        if length > RTSP_MAX_FRAME_BYTES {
            self.used += INTERLEAVED_BYTES;
            self.reading = Reading::Skip { left: length };
            return Some(Item::LongFrame { channel });
        }
        let payload = rest.get(..length)?.to_vec();
        self.used += INTERLEAVED_BYTES + length;
        Some(Item::Frame { channel, payload })
    }

    /// Reads the head at hand. Returns whether it was whole; what it asks for is in `reading` then.
    fn head(&mut self) -> Result<bool, Fault> {
        let bytes = &self.bytes[self.used..];
        if !is_token(bytes[0]) {
            return Err(Fault::NotRtsp);
        }
        let Some(end) = head_end(bytes, self.scanned) else {
            if bytes.len() > RTSP_MAX_HEAD_BYTES {
                return Err(Fault::HeadTooLong(head::cseq(&bytes[..RTSP_MAX_HEAD_BYTES])));
            }
            self.scanned = bytes.len();
            return Ok(false);
        };
        if end > RTSP_MAX_HEAD_BYTES {
            return Err(Fault::HeadTooLong(head::cseq(&bytes[..RTSP_MAX_HEAD_BYTES])));
        }
        let (item, left) = head::parse(&bytes[..end])?;
        if left > RTSP_MAX_BODY_BYTES {
            return Err(Fault::BodyTooLong(item.cseq()));
        }
        self.used += end;
        self.scanned = 0;
        self.reading = Reading::Body { item, left };
        Ok(true)
    }
}

/// Where the head that `bytes` begin with ends, after its empty line. The first `scanned` bytes do not hold that end.
fn head_end(bytes: &[u8], scanned: usize) -> Option<usize> {
    let ends = |at: usize| bytes[..at].ends_with(b"\n") || bytes[..at].ends_with(b"\n\r");
    (scanned..bytes.len()).find(|&at| bytes[at] == b'\n' && ends(at)).map(|at| at + 1)
}

/// Whether a method's name can hold this byte (RFC 2326 section 15.1, `token`).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'*' | b'+' | b'~' | b'^')
}

#[cfg(test)]
mod tests;
