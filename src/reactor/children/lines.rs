//! What a child prints, line by line.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;

use crate::bucket::{Bucket, Rate};
use crate::config::mask_url_passwords_in_cut;
use crate::limits::{CHILD_BURST_BYTES, CHILD_BYTES_PER_SECOND, LINE_STEP_BYTES, MAX_CHILD_LINE_BYTES};
use crate::sys::splice::waiting;
use crate::time::Mono;

/// How fast a child's output is read.
const RATE: Rate = Rate::per_second(CHILD_BYTES_PER_SECOND, CHILD_BURST_BYTES);

/// What one step of reading came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// There may be more.
    More,
    /// Nothing more for now.
    Drained,
    /// The rate is used up.
    TooFast,
    /// The output is closed.
    Ended,
}

/// A child's output, cut into lines of bounded length.
#[derive(Debug)]
pub struct Lines {
    source: File,
    partial: Vec<u8>,
    /// How much may still be read.
    bucket: Bucket,
    /// It is not read until the next round.
    pub resting: bool,
    /// The line in `partial` was longer than allowed; the rest of it is passed over.
    cut: bool,
}

impl Lines {
    /// Output of which nothing is read yet.
    pub fn new(source: OwnedFd) -> Self {
        Self { source: source.into(), partial: Vec::new(), bucket: Bucket::default(), resting: false, cut: false }
    }

    /// The pipe.
    pub const fn source(&self) -> &File {
        &self.source
    }

    /// Bytes that wait in the pipe.
    pub fn waiting(&self) -> usize {
        waiting(&self.source)
    }

    /// Reads once, at most `most` bytes, and adds the lines that are complete to `lines`. Returns how many bytes it read.
    pub fn read(&mut self, now: Mono, most: usize, lines: &mut Vec<String>) -> (usize, Reading) {
        let mut buffer = [0; LINE_STEP_BYTES];
        let allowed = usize::try_from(self.bucket.tokens(RATE, now)).unwrap_or(usize::MAX);
        if allowed == 0 {
            return (0, Reading::TooFast);
        }
        self.read_unlimited(&mut buffer, most.min(allowed), lines, now)
    }

    /// As [`Self::read`], but at any rate: of a child that has ended there is not much.
    pub fn read_rest(&mut self, now: Mono, most: usize, lines: &mut Vec<String>) -> (usize, Reading) {
        self.read_unlimited(&mut [0; LINE_STEP_BYTES], most, lines, now)
    }

    fn read_unlimited(
        &mut self,
        buffer: &mut [u8; LINE_STEP_BYTES],
        most: usize,
        lines: &mut Vec<String>,
        now: Mono,
    ) -> (usize, Reading) {
        let most = most.min(buffer.len());
        loop {
            return match self.source.read(&mut buffer[..most]) {
                Ok(0) => (0, Reading::Ended),
                Ok(length) => {
                    self.bucket.take(RATE, now, u32::try_from(length).unwrap_or(u32::MAX));
                    self.push(&buffer[..length], lines);
                    (length, Reading::More)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => (0, Reading::Drained),
                Err(_) => (0, Reading::Ended),
            };
        }
    }

    /// Adds the lines that `bytes` complete. A carriage return ends one too: progress displays use it.
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

    /// What was printed since the last line's end, if anything; `unfinished` when no end of the line has come.
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
