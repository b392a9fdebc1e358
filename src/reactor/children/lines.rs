//! What a child prints, line by line.

use std::fs::File;
use std::os::fd::OwnedFd;

use crate::bucket::Bucket;
use crate::config::mask_url_passwords_in_cut;
use crate::limits::MAX_CHILD_LINE_BYTES;

/// A child's output, cut into lines of bounded length.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) source: File,
    partial: Vec<u8>,
    /// How much may still be read.
    pub(super) bucket: Bucket,
    /// It is not read until the next round.
    pub(super) resting: bool,
    /// The line in `partial` was longer than allowed; the rest of it is passed over.
    cut: bool,
}

impl Lines {
    pub(super) fn new(source: OwnedFd) -> Self {
        Self { source: source.into(), partial: Vec::new(), bucket: Bucket::default(), resting: false, cut: false }
    }

    /// The lines that `bytes` complete. A carriage return ends one too: progress displays use it.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in bytes {
            if byte == b'\n' || byte == b'\r' {
                complete.extend(self.line(false));
            } else if self.partial.len() < MAX_CHILD_LINE_BYTES {
                self.partial.push(byte);
            } else {
                self.cut = true;
            }
        }
        complete
    }

    /// What was said since the last line's end, if anything; `unfinished` when no end of the line has come.
    pub(super) fn line(&mut self, unfinished: bool) -> Option<String> {
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
