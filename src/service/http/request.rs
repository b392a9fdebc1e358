//! From bytes to requests (RFC 9112), however they are cut.
//!
//! Stricter than RFC 9112 allows where programs differ in what they take: lines end with CR LF, no header goes on in the
//! next line, and a request has one length. Otherwise a proxy in front could see other requests than this server does.

mod head;

pub use head::{Expectation, Request};

use super::rejection::Rejection;
use crate::limits::HTTP_MAX_HEAD_BYTES;

/// The reader of one connection.
#[derive(Debug, Default)]
pub struct Parser {
    bytes: Vec<u8>,
    /// Bytes at the start of `bytes` that are used up.
    used: usize,
    /// Bytes of the head that have been looked through.
    scanned: usize,
}

impl Parser {
    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next request without its body, `None` when the client has to send more first.
    ///
    /// # Errors
    ///
    /// What makes the rest of the connection unreadable.
    pub fn head(&mut self) -> Result<Option<Request>, Rejection> {
        if self.scanned == 0 {
            // RFC 9112 section 2.2: empty lines before a request are passed over.
            let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
            self.used += self.bytes[self.used..].iter().take_while(blank).count();
        }
        let end = self.scan()?;
        let request = match end {
            Some(end) => {
                let request = head::parse(&self.bytes[self.used..self.used + end])?;
                self.used += end;
                self.scanned = 0;
                Some(request)
            }
            None => None,
        };
        self.release();
        Ok(request)
    }

    /// The next `length` bytes, `None` when the client has to send more first.
    pub fn body(&mut self, length: usize) -> Option<Vec<u8>> {
        let body = self.bytes[self.used..].get(..length)?.to_vec();
        self.used += length;
        self.release();
        Some(body)
    }

    /// Bytes that wait to be read.
    pub const fn waiting_bytes(&self) -> usize {
        self.bytes.len() - self.used
    }

    /// Bytes of memory it holds.
    pub const fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn release(&mut self) {
        if self.used == self.bytes.len() {
            // Between requests a connection holds no memory.
            self.bytes = Vec::new();
        } else if self.used > 0 {
            self.bytes = self.bytes.split_off(self.used);
        }
        self.used = 0;
    }

    /// Looks for the end of the head at hand, which comes after its empty line. It stops at the first byte that can't be in
    /// a head, so that what it finds does not depend on what came after that byte.
    fn scan(&mut self) -> Result<Option<usize>, Rejection> {
        let bytes = &self.bytes[self.used..];
        for at in self.scanned..bytes.len() {
            if at == HTTP_MAX_HEAD_BYTES {
                let in_headers = bytes[..at].contains(&b'\n');
                return Err(if in_headers { Rejection::HeadTooLong } else { Rejection::TargetTooLong });
            }
            match (&bytes[..at], bytes[at]) {
                ([], byte) if !is_token(byte) => return Err(Rejection::NotHttp),
                ([.., b'\r', b'\n', b'\r'], b'\n') => return Ok(Some(at + 1)),
                ([.., b'\r'], b'\n') => {}
                ([.., b'\r'], _) | (_, b'\n') => return Err(Rejection::Malformed),
                (_, byte) if byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r') => {
                    return Err(Rejection::Malformed);
                }
                _ => {}
            }
        }
        self.scanned = bytes.len();
        Ok(None)
    }
}

/// Whether a method's name can hold this byte (RFC 9110 section 5.6.2, `token`).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
