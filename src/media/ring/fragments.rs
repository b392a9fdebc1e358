//! A browser's place in the ring: fragmented MP4, as chunks of an HTTP response or as plain bytes.

use super::place::Place;
use super::{Parts, Ring, Start, Stored};
use crate::limits::FRAGMENT_REST_KEPT_BYTES;
use crate::media::fmp4::{self, Timeline};
use crate::media::format::Format;

/// Hexadecimal digits of a chunk's size. Leading zeros are allowed (RFC 9112, section 7.1), so the line has one length.
const CHUNK_DIGITS: usize = 8;
const LINE_END: &[u8; 2] = b"\r\n";

/// How a viewer finds the end of what it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Each fragment is one chunk of a chunked response (HTTP/1.1; RFC 9112, section 7.1), with the initialisation segment
    /// if one is due. The last chunk, which is empty, is left to the caller.
    Chunked,
    /// There is nothing between the fragments: the stream ends with the connection (HTTP/1.0), or goes into a file.
    Plain,
}

impl Framing {
    /// Bytes of the line before the content, which [`Self::put_size`] fills in.
    const fn line_bytes(self) -> usize {
        match self {
            Self::Chunked => CHUNK_DIGITS + LINE_END.len(),
            Self::Plain => 0,
        }
    }

    /// What comes after the content.
    const fn trailer(self) -> &'static [u8] {
        match self {
            Self::Chunked => LINE_END,
            Self::Plain => &[],
        }
    }

    /// Fills the line at the front of `head`, for a content of `bytes`.
    fn put_size(self, head: &mut [u8], bytes: usize) {
        if self == Self::Chunked {
            for (place, digit) in (0..).zip(head[..CHUNK_DIGITS].iter_mut().rev()) {
                *digit = b"0123456789abcdef"[bytes >> (4 * place) & 15];
            }
            head[CHUNK_DIGITS..self.line_bytes()].copy_from_slice(LINE_END);
        }
    }
}

/// Which fragment a viewer gets next.
///
/// [`Self::fragment`] fills the parts of a `writev`, [`Self::wrote`] takes what that returned. A fragment's head is made
/// for the viewer, in a buffer that is used again; its content is a slice of the ring. The stream begins with an
/// initialisation segment and a key picture, and so does what comes after a change of the format. A viewer that is too
/// slow goes on at a newer key picture. A picture that needs parameter sets that came after its key picture is skipped
/// up to the next key picture: browsers drop what comes after an initialisation segment up to there anyway.
///
/// A fragment that was begun has to be finished, whatever becomes of the ring, which knows no readers and so can't keep a
/// picture for one. What is left of the fragment is therefore copied into the cursor, once, when a write takes only a part
/// of it: the socket is full then, so that the copy costs only viewers that are slow, or whose socket can't take a large
/// key picture. It is at most one picture a viewer ([`MAX_PICTURE_BYTES`](crate::limits::MAX_PICTURE_BYTES)), exactly as
/// long as what is left, and freed after it has been written unless it is small. [`Self::memory_bytes`] lets the caller
/// bound the sum.
///
/// The ring must not change between the two calls of a pair.
#[derive(Debug, Clone)]
pub struct FragmentCursor {
    /// Its measure is fragments: it never stands within one.
    place: Place,
    framing: Framing,
    timeline: Timeline,
    /// The number of the format whose initialisation segment the viewer has.
    format: Option<u64>,
    /// What comes before the slices of the next fragment.
    head: Vec<u8>,
    /// What was left of a fragment when it was begun, written up to `rest_at`.
    rest: Vec<u8>,
    rest_at: usize,
}

impl FragmentCursor {
    /// A viewer that starts at `start`.
    pub fn new(ring: &Ring, start: Start, framing: Framing) -> Self {
        Self {
            place: Place::new(ring, start),
            framing,
            timeline: Timeline::default(),
            format: None,
            head: Vec::new(),
            rest: Vec::new(),
            rest_at: 0,
        }
    }

    /// Before anything was sent: the codec string (RFC 6381, section 3.3) of the key picture that the viewer begins with,
    /// for the `Content-Type`. `None` while that picture has not come.
    pub fn codec(&mut self, ring: &Ring) -> Option<String> {
        let picture = self.settle(ring)?;
        Some(Format::among(picture.units)?.video().codec())
    }

    /// Whether there is something to send.
    pub fn pending(&mut self, ring: &Ring) -> bool {
        self.mid_fragment() || self.settle(ring).is_some()
    }

    /// Whether a fragment has been begun and not finished: nothing else may be written before its rest.
    pub const fn mid_fragment(&self) -> bool {
        self.rest_at < self.rest.len()
    }

    /// What is left of that fragment.
    pub fn rest(&self) -> &[u8] {
        &self.rest[self.rest_at..]
    }

    /// Pictures that the viewer lost since the last call because it was too slow.
    pub fn take_lost(&mut self) -> u64 {
        self.place.take_lost()
    }

    /// The bytes that are allocated: about 1 KB, and what is kept of a fragment.
    pub const fn memory_bytes(&self) -> usize {
        self.head.capacity() + self.rest.capacity()
    }

    /// Fills `parts` with what is left of a fragment that was begun, or with the next one.
    pub fn fragment<'a>(&'a mut self, ring: &'a Ring, parts: &mut Parts<'a>) {
        if self.mid_fragment() {
            return parts.add(self.rest());
        }
        let Some(picture) = self.settle(ring) else { return };
        if !self.make_head(&picture) {
            return self.place.give_up();
        }
        parts.add(&self.head);
        parts.add(picture.slices);
        parts.add(self.framing.trailer());
    }

    /// Takes note that the first `bytes` of what [`Self::fragment`] filled in have been written.
    pub fn wrote(&mut self, ring: &Ring, bytes: usize) {
        if self.mid_fragment() {
            self.rest_at = self.rest.len().min(self.rest_at + bytes);
            if !self.mid_fragment() {
                self.forget_rest();
            }
        } else if bytes > 0
            && let Some(picture) = ring.picture(self.place.number())
        {
            self.keep_rest(picture.slices, bytes);
            self.timeline.took(picture.arrived);
            self.format = Some(picture.format);
            self.place.took(1, 1);
        }
    }

    /// Makes what comes before the picture's slices: a chunk's size, an initialisation segment if it is due, and the head
    /// of the fragment. `false` if the initialisation segment can't be made because the picture's sets are not with it.
    fn make_head(&mut self, picture: &Stored) -> bool {
        let bytes = u32::try_from(picture.slices.len()).expect("a ring has at most RING_MOST_BYTES");
        let line_bytes = self.framing.line_bytes();
        self.head.clear();
        self.head.resize(line_bytes, 0);
        if self.format != Some(picture.format) {
            let Some(format) = Format::among(picture.units) else { return false };
            fmp4::initialisation(&format, &mut self.head);
        }
        self.head.extend_from_slice(&self.timeline.next(picture.arrived, picture.key, bytes).head());
        let content = self.head.len() - line_bytes + picture.slices.len();
        self.framing.put_size(&mut self.head, content);
        true
    }

    /// Keeps what comes after the first `written` bytes of the fragment.
    fn keep_rest(&mut self, slices: &[u8], written: usize) {
        let trailer = self.framing.trailer();
        let left = (self.head.len() + slices.len() + trailer.len()).saturating_sub(written);
        self.rest.reserve_exact(left);
        let mut skip = written;
        for part in [&self.head, slices, trailer] {
            self.rest.extend_from_slice(&part[skip.min(part.len())..]);
            skip = skip.saturating_sub(part.len());
        }
    }

    fn forget_rest(&mut self) {
        self.rest_at = 0;
        self.rest.clear();
        if self.rest.capacity() > FRAGMENT_REST_KEPT_BYTES {
            self.rest = Vec::new();
        }
    }

    /// The next picture that the viewer can decode, if it is there.
    fn settle<'a>(&mut self, ring: &'a Ring) -> Option<Stored<'a>> {
        let picture = ring.picture(self.place.settle(ring)?)?;
        if picture.key || self.format == Some(picture.format) {
            return Some(picture);
        }
        self.place.give_up();
        ring.picture(self.place.settle(ring)?)
    }
}
