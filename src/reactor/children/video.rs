//! Moves the video from the camera to the publisher, or discards it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use mio::Registry;
use mio::unix::SourceFd;

use crate::sys::splice::{Moved, forward, null_sink, waiting};

/// Both ends of the video's path.
#[derive(Debug)]
pub struct Video {
    /// The camera's standard output.
    source: Option<OwnedFd>,
    /// The publisher's standard input.
    sink: Option<OwnedFd>,
    /// Receives the video while there is no publisher, so the camera never blocks in a write.
    null: File,
    /// Whether the camera's last video is discarded: the camera is stopping, and the publisher accepts no data.
    discards: bool,
}

/// The result of one step.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Bytes moved out of the camera's pipe.
    pub moved: usize,
    /// The part of these bytes that reached the publisher.
    pub published: usize,
    /// Whether nothing more can move for now.
    pub drained: bool,
}

impl Video {
    /// A path without ends.
    ///
    /// # Errors
    ///
    /// `/dev/null` can't be opened.
    pub fn new() -> io::Result<Self> {
        Ok(Self { source: None, sink: None, null: null_sink()?, discards: false })
    }

    /// Sets the standard output of a new camera.
    pub fn set_source(&mut self, source: Option<OwnedFd>) {
        (self.source, self.discards) = (source, false);
    }

    /// Sets the standard input of a new publisher.
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

    /// Whether the camera's end is open.
    pub const fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// The number of unread bytes in the camera's pipe.
    pub fn waiting(&self) -> usize {
        self.source.as_ref().map_or(0, waiting)
    }

    /// Moves video until nothing more can move or the budget is used up. `stopping` means that the camera was signalled. A
    /// camera blocked in a write may never check for the signal, so its video is discarded if the publisher accepts none.
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
                // There was video, so the publisher is full. Video after a gap is of no use to it.
                Ok(Moved::WouldBlock) if sink.is_some() && in_the_way => self.discards = true,
                Ok(Moved::EndOfStream) => close(&mut self.source, registry),
                Ok(Moved::SinkClosed) => close(&mut self.sink, registry),
                // Output that can't be spliced is not video; the stall detection handles it.
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
