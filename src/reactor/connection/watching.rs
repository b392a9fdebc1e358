//! What a TCP viewer's connection gets of the stream.

use std::io::{self, Read, Write};

use super::{Connection, retried};
use crate::frame::{Frame, Shared};
use crate::limits::{PICTURES_PER_STEP, VIEWER_NOTED_EACH};
use crate::media::ring::{PacketCursor, Parts, Ring, Start};
use crate::time::Mono;

/// A TCP viewer's place in the stream.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) cursor: PacketCursor,
    /// When it was last noted that the socket takes the stream.
    noted: Mono,
    /// Whether it has taken some since then.
    took: bool,
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
        let Some(Watching { cursor, took, .. }) = self.watching.as_deref_mut() else { return Ok(Progress::Done) };
        for _ in 0..PICTURES_PER_STEP {
            if !cursor.pending(ring) {
                return Ok(Progress::Done);
            }
            let mut parts = Parts::default();
            cursor.frames(ring, &mut parts);
            let all = parts.bytes();
            let sent = retried(|| self.stream.write_vectored(&parts))?;
            cursor.wrote(ring, sent);
            *took |= sent > 0;
            if sent < all {
                return Ok(Progress::Full);
            }
        }
        Ok(if cursor.pending(ring) { Progress::More } else { Progress::Done })
    }

    /// Begins the stream at a picture, in frames of a channel.
    pub fn watch(&mut self, ring: &Ring, from: u64, channel: u8, now: Mono) {
        self.unwatch();
        let cursor = PacketCursor::new(ring, Start::At(from), channel);
        self.watching = Some(Box::new(Watching { cursor, noted: now, took: false }));
    }

    /// Ends the stream. A frame that was begun is still finished, before anything else.
    pub fn unwatch(&mut self) {
        if let Some(watching) = self.watching.take()
            && watching.cursor.mid_frame()
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
    /// [`VIEWER_NOTED_EACH`]; and how many pictures it has lost since this was last asked.
    pub fn take_progress(&mut self, now: Mono) -> (bool, u64) {
        let Some(watching) = self.watching.as_deref_mut() else { return (false, 0) };
        let is_due = watching.took && now.since(watching.noted) >= VIEWER_NOTED_EACH;
        if is_due {
            (watching.took, watching.noted) = (false, now);
        }
        (is_due, watching.cursor.take_lost())
    }
}
