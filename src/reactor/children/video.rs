//! The video's way from the camera to the publisher, or to nowhere.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use mio::Registry;
use mio::unix::SourceFd;

use crate::sys::splice::{Moved, forward, null_sink, waiting};

/// The two ends, and what flows between them.
#[derive(Debug)]
pub struct Video {
    /// The camera's standard output.
    source: Option<OwnedFd>,
    /// The publisher's standard input.
    sink: Option<OwnedFd>,
    /// Takes the video while there is no publisher, so that the camera is never stuck in a write.
    null: File,
    /// Whether the camera's last video goes there, too: the camera is stopping, and the publisher takes nothing.
    discards: bool,
}

/// What one step moved.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Bytes that left the camera's pipe.
    pub moved: usize,
    /// Bytes of these that reached the publisher.
    pub published: usize,
    /// Whether nothing more moves for now.
    pub drained: bool,
}

impl Video {
    /// No ends yet.
    ///
    /// # Errors
    ///
    /// `/dev/null` can't be opened.
    pub fn new() -> io::Result<Self> {
        Ok(Self { source: None, sink: None, null: null_sink()?, discards: false })
    }

    /// A new camera's standard output.
    pub fn set_source(&mut self, source: Option<OwnedFd>) {
        (self.source, self.discards) = (source, false);
    }

    /// A new publisher's standard input.
    pub fn set_sink(&mut self, sink: Option<OwnedFd>) {
        self.sink = sink;
    }

    /// Closes the camera's end.
    pub fn close_source(&mut self, registry: &Registry) {
        close(&mut self.source, registry);
    }

    /// Closes the publisher's end.
    pub fn close_sink(&mut self, registry: &Registry) {
        close(&mut self.sink, registry);
    }

    /// Whether there is a camera's end.
    pub const fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Bytes that wait in the camera's pipe.
    pub fn waiting(&self) -> usize {
        self.source.as_ref().map_or(0, waiting)
    }

    /// Moves video until nothing moves any more or the budget is used up. `stopping`: the camera was signalled. One that is
    /// stuck in a write may not get to look at the signal, so its video is discarded if the publisher takes none.
    pub fn pump(&mut self, budget: usize, stopping: bool, registry: &Registry) -> Pumped {
        let mut pumped = Pumped::default();
        loop {
            let Some(source) = &self.source else {
                pumped.drained = true;
                return pumped;
            };
            if pumped.moved >= budget {
                return pumped;
            }
            let sink = self.sink.as_ref().filter(|_| !self.discards);
            let in_the_way = stopping && waiting(source) > 0;
            let left = budget - pumped.moved;
            let result = match sink {
                Some(sink) => forward(source.as_fd(), sink.as_fd(), left),
                None => forward(source.as_fd(), self.null.as_fd(), left),
            };
            match result {
                Ok(Moved::Bytes(bytes)) => {
                    pumped.moved += bytes;
                    pumped.published += if sink.is_some() { bytes } else { 0 };
                }
                // There was video, so it is the publisher that takes none. What comes after a gap is of no use to it.
                Ok(Moved::WouldBlock) if sink.is_some() && in_the_way => self.discards = true,
                Ok(Moved::EndOfStream) => close(&mut self.source, registry),
                Ok(Moved::SinkClosed) => close(&mut self.sink, registry),
                // What can't be spliced can't be played either; the stall detection takes it from here.
                Ok(Moved::WouldBlock) | Err(_) => {
                    pumped.drained = true;
                    return pumped;
                }
            }
        }
    }
}

fn close(fd: &mut Option<OwnedFd>, registry: &Registry) {
    if let Some(fd) = fd.take() {
        let _closing_anyway = registry.deregister(&mut SourceFd(&fd.as_raw_fd()));
    }
}
