//! What a TCP viewer's connection gets of the stream.

use std::io::{self, Read, Write};

use super::{Connection, retried};
use crate::frame::{Frame, Shared};
use crate::limits::PICTURES_PER_STEP;
use crate::media::ring::{PacketCursor, Parts, Ring, Start};

/// A TCP viewer's place in the stream.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) cursor: PacketCursor,
    /// Whether some of the stream was taken since this was last asked.
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
        let Some(Watching { cursor, took }) = self.watching.as_deref_mut() else { return Ok(Progress::Done) };
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
    pub fn watch(&mut self, ring: &Ring, from: u64, channel: u8) {
        self.unwatch();
        let cursor = PacketCursor::new(ring, Start::At(from), channel);
        self.watching = Some(Box::new(Watching { cursor, took: false }));
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

    /// Whether it has taken some of the stream since this was last asked, and the pictures that it lost since then.
    pub fn take_progress(&mut self) -> (bool, u64) {
        let watching = self.watching.as_deref_mut();
        watching.map_or((false, 0), |watching| (std::mem::take(&mut watching.took), watching.cursor.take_lost()))
    }
}
