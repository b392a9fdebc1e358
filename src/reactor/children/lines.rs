//! Reads a child's output line by line.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;

use crate::bucket::{Bucket, Rate};
use crate::config::mask_url_passwords_in_cut;
use crate::limits::{CHILD_BURST_BYTES, CHILD_BYTES_PER_SECOND, LINE_STEP_BYTES, MAX_CHILD_LINE_BYTES};
use crate::sys::pipe;
use crate::time::Mono;

/// The rate limit for reading a child's output.
const RATE: Rate = Rate::per_second(CHILD_BYTES_PER_SECOND, CHILD_BURST_BYTES);

/// The result of one read.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// There may be more.
    More,
    /// There is nothing more for now.
    Drained,
    /// The rate limit is reached.
    TooFast,
    /// The output is closed.
    Ended,
}

/// A child's output, split into lines of bounded length.
#[derive(Debug)]
pub struct Lines {
    source: File,
    partial: Vec<u8>,
    /// The rate limit's tokens.
    bucket: Bucket,
    /// Whether reading is paused until the next round.
    pub resting: bool,
    /// Whether the line in `partial` is too long; the rest of it is skipped.
    cut: bool,
}

impl Lines {
    /// An unread output.
    pub fn new(source: OwnedFd) -> Self {
        Self { source: source.into(), partial: Vec::new(), bucket: Bucket::default(), resting: false, cut: false }
    }

    /// The pipe.
    pub const fn source(&self) -> &File {
        &self.source
    }

    /// The number of unread bytes in the pipe.
    pub fn waiting(&self) -> usize {
        pipe::waiting(&self.source)
    }

    /// Reads once, within the rate limit, and adds complete lines to `lines`.
    pub fn read(&mut self, now: Mono, lines: &mut Vec<String>) -> Reading {
        let allowed = usize::try_from(self.bucket.tokens(RATE, now)).unwrap_or(usize::MAX);
        if allowed == 0 {
            return Reading::TooFast;
        }
        let (length, reading) = self.read_rest(allowed, lines);
        self.bucket.take(RATE, now, u32::try_from(length).unwrap_or(u32::MAX));
        reading
    }

    /// Like [`Self::read`], but at most `most` bytes in place of the rate limit: an ended child has little unread output.
    /// Also returns the number of bytes read.
    pub fn read_rest(&mut self, most: usize, lines: &mut Vec<String>) -> (usize, Reading) {
        let mut buffer = [0; LINE_STEP_BYTES];
        let most = most.min(buffer.len());
        loop {
            return match self.source.read(&mut buffer[..most]) {
                Ok(0) => (0, Reading::Ended),
                Ok(length) => {
                    self.push(&buffer[..length], lines);
                    (length, Reading::More)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => (0, Reading::Drained),
                Err(_) => (0, Reading::Ended),
            };
        }
    }

    /// Adds the lines that `bytes` complete. A carriage return also ends a line because progress displays use it.
    fn push(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        for &byte in bytes {
            if byte == b'\n' || byte == b'\r' {
                lines.extend(self.line(false));
            } else if self.partial.len() < MAX_CHILD_LINE_BYTES {
                self.partial.push(byte);
            } else {
                self.cut = true;
            }
        }
    }

    /// The text since the last line end, if any; `unfinished` if it has no line end.
    pub fn line(&mut self, unfinished: bool) -> Option<String> {
        let partial = std::mem::take(&mut self.partial);
        let cut = std::mem::take(&mut self.cut);
        let mut text = String::from_utf8_lossy(&partial).trim_end().to_owned();
        if cut || unfinished {
            text = mask_url_passwords_in_cut(&text);
        }
        if cut {
            text.push_str(" ...");
        }
        (!text.is_empty()).then_some(text)
    }
}
