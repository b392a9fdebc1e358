//! The video's two pipes: from the camera, and to the publisher.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use mio::Registry;
use mio::unix::SourceFd;

use crate::limits::{PICTURES_PER_STEP, VIDEO_PIPE_BYTES};
use crate::media::ring::{ByteCursor, Parts, Ring, Start};
use crate::sys::pipe;

/// Both pipes.
#[derive(Debug, Default)]
pub struct Video {
    /// The camera's standard output.
    source: Option<File>,
    /// The publisher's standard input.
    sink: Option<Sink>,
}

#[derive(Debug)]
struct Sink {
    pipe: File,
    /// Its place in the stream, once it gets it.
    cursor: Option<ByteCursor>,
}

/// The result of reading from the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoRead {
    /// This many bytes, at the beginning of the buffer.
    Bytes(usize),
    /// The pipe is empty.
    Drained,
    /// There is no camera, or no more video from it.
    Ended,
}

/// The result of writing to the publisher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Bytes that it took.
    pub bytes: u64,
    /// Pictures that it lost.
    pub lost: u64,
    /// Whether there is more for it, and it may take it.
    pub more: bool,
}

impl Video {
    /// Sets the standard output of a new camera.
    pub fn set_source(&mut self, source: Option<OwnedFd>) {
        if let Some(source) = &source {
            pipe::enlarge(source, VIDEO_PIPE_BYTES);
        }
        self.source = source.map(File::from);
    }

    /// Sets the standard input of a new publisher.
    pub fn set_sink(&mut self, sink: Option<OwnedFd>) {
        self.sink = sink.map(|pipe| Sink { pipe: pipe.into(), cursor: None });
    }

    /// Begins the publisher's stream at a picture.
    pub fn begin_publishing(&mut self, ring: &Ring, from: u64) {
        if let Some(sink) = &mut self.sink {
            sink.cursor = Some(ByteCursor::new(ring, Start::At(from)));
        }
    }

    /// Closes the camera's end.
    pub fn close_source(&mut self, registry: &Registry) {
        close(self.source.take(), registry);
    }

    /// Closes the publisher's end.
    pub fn close_sink(&mut self, registry: &Registry) {
        close(self.sink.take().map(|sink| sink.pipe), registry);
    }

    /// The number of unread bytes in the camera's pipe.
    pub fn waiting(&self) -> usize {
        self.source.as_ref().map_or(0, pipe::waiting)
    }

    /// Reads once from the camera.
    pub fn read(&mut self, buffer: &mut [u8], registry: &Registry) -> VideoRead {
        loop {
            let Some(source) = &mut self.source else { return VideoRead::Ended };
            match source.read(buffer) {
                Ok(length) if length > 0 => return VideoRead::Bytes(length),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return VideoRead::Drained,
                Ok(_) | Err(_) => {
                    self.close_source(registry);
                    return VideoRead::Ended;
                }
            }
        }
    }

    /// Writes to the publisher what is new for it, as far as it takes it.
    pub fn publish(&mut self, ring: &Ring, registry: &Registry) -> Published {
        let mut published = Published::default();
        let Some(Sink { pipe, cursor: Some(cursor) }) = &mut self.sink else { return published };
        let mut left = PICTURES_PER_STEP;
        while cursor.pending(ring) {
            if left == 0 {
                published.more = true;
                break;
            }
            left -= 1;
            let mut parts = Parts::default();
            cursor.annexb(ring, &mut parts);
            match write(pipe, &parts) {
                Ok(0) => break,
                Ok(bytes) => {
                    cursor.wrote(ring, bytes);
                    published.bytes += bytes as u64;
                }
                Err(_) => {
                    published.lost = cursor.take_lost();
                    self.close_sink(registry);
                    return published;
                }
            }
        }
        published.lost = cursor.take_lost();
        published
    }
}

/// One write. A full pipe takes 0 bytes.
fn write(pipe: &mut File, parts: &Parts<'_>) -> io::Result<usize> {
    loop {
        match pipe.write_vectored(parts) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            result => return result,
        }
    }
}

fn close(pipe: Option<File>, registry: &Registry) {
    if let Some(pipe) = pipe {
        let _closing_anyway = registry.deregister(&mut SourceFd(&pipe.as_raw_fd()));
    }
}
