//! What a TCP viewer's connection gets of the stream.

use std::io::{self, Read, Write};

use super::taking::Taking;
use super::{Connection, retried};
use crate::frame::{Frame, Shared};
use crate::limits::PICTURES_PER_STEP;
use crate::media::ring::{FragmentCursor, Framing, PacketCursor, Parts, Ring, Start};
use crate::time::Mono;

/// A place in the stream, and the form in which it is sent.
#[derive(Debug)]
pub(super) enum Cursor {
    /// RTP packets in frames of an RTSP connection.
    Packets(PacketCursor),
    /// Fragmented MP4.
    Fragments(FragmentCursor),
}

impl Cursor {
    /// Whether there is something to send.
    fn pending(&mut self, ring: &Ring) -> bool {
        match self {
            Self::Packets(cursor) => cursor.pending(ring),
            Self::Fragments(cursor) => cursor.pending(ring),
        }
    }

    /// Fills in what is to be sent next.
    fn fill<'a>(&'a mut self, ring: &'a Ring, parts: &mut Parts<'a>) {
        match self {
            Self::Packets(cursor) => cursor.frames(ring, parts),
            Self::Fragments(cursor) => cursor.fragment(ring, parts),
        }
    }

    /// Takes note of what has been written.
    pub(super) fn wrote(&mut self, ring: &Ring, bytes: usize) {
        match self {
            Self::Packets(cursor) => cursor.wrote(ring, bytes),
            Self::Fragments(cursor) => cursor.wrote(ring, bytes),
        }
    }

    /// Whether a frame or a fragment has been begun, which has to be finished before anything else is sent.
    pub(super) fn is_begun(&self) -> bool {
        match self {
            Self::Packets(cursor) => cursor.mid_frame(),
            Self::Fragments(cursor) => cursor.mid_fragment(),
        }
    }

    /// What is left of it.
    pub(super) fn rest(&self) -> &[u8] {
        match self {
            Self::Packets(cursor) => cursor.rest(),
            Self::Fragments(cursor) => cursor.rest(),
        }
    }

    fn take_lost(&mut self) -> u64 {
        match self {
            Self::Packets(cursor) => cursor.take_lost(),
            Self::Fragments(cursor) => cursor.take_lost(),
        }
    }
}

/// A TCP viewer's place in the stream.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) cursor: Cursor,
    taking: Taking,
}

/// How far the stream has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// To its newest picture.
    Done,
    /// As far as one step goes.
    More,
    /// Until the socket was full.
    Full,
}

impl<S: Read + Write> Connection<S> {
    /// Writes up to [`PICTURES_PER_STEP`] pictures of the stream.
    pub(super) fn write_stream(&mut self, ring: &Ring) -> io::Result<Progress> {
        let Some(Watching { cursor, taking }) = self.watching.as_deref_mut() else { return Ok(Progress::Done) };
        for _ in 0..PICTURES_PER_STEP {
            if !cursor.pending(ring) {
                return Ok(Progress::Done);
            }
            let mut parts = Parts::default();
            cursor.fill(ring, &mut parts);
            let all = parts.bytes();
            let sent = retried(|| self.stream.write_vectored(&parts))?;
            cursor.wrote(ring, sent);
            if sent > 0 {
                taking.took();
            }
            if sent < all {
                return Ok(Progress::Full);
            }
        }
        Ok(if cursor.pending(ring) { Progress::More } else { Progress::Done })
    }

    /// Begins the stream at a picture, in frames of a channel.
    pub fn watch(&mut self, ring: &Ring, from: u64, channel: u8, now: Mono) {
        self.begin(Cursor::Packets(PacketCursor::new(ring, Start::At(from), channel)), now);
    }

    /// Begins the stream at a picture, as fragmented MP4.
    pub fn watch_mp4(&mut self, ring: &Ring, from: u64, now: Mono) {
        self.begin(Cursor::Fragments(FragmentCursor::new(ring, Start::At(from), Framing::Plain)), now);
    }

    fn begin(&mut self, cursor: Cursor, now: Mono) {
        self.unwatch();
        self.watching = Some(Box::new(Watching { cursor, taking: Taking::new(now) }));
    }

    /// Bytes of the stream that are kept for this connection alone, because its socket was full within a picture.
    pub fn kept_bytes(&self) -> usize {
        match self.watching.as_deref() {
            Some(Watching { cursor: Cursor::Fragments(cursor), .. }) => cursor.memory_bytes(),
            Some(Watching { cursor: Cursor::Packets(_), .. }) | None => 0,
        }
    }

    /// Ends the stream. What was begun is still finished, before anything else.
    pub fn unwatch(&mut self) {
        if let Some(watching) = self.watching.take()
            && watching.cursor.is_begun()
        {
            let rest = Shared::new(watching.cursor.rest().to_vec());
            self.unsent_bytes += rest.as_bytes().len();
            self.unsent.push_front(Frame::from(rest));
        }
    }

    /// Whether the stream may be written to it now.
    pub const fn may_stream(&self) -> bool {
        self.watching.is_some() && !self.full
    }

    /// Whether it is to be noted that the socket has taken some of the stream, which is so at most every
    /// [`VIEWER_NOTED_EACH`](crate::limits::VIEWER_NOTED_EACH); and how many pictures it has lost since this was last asked.
    pub fn take_progress(&mut self, now: Mono) -> (bool, u64) {
        let Some(watching) = self.watching.as_deref_mut() else { return (false, 0) };
        (watching.taking.note(now), watching.cursor.take_lost())
    }
}
