//! Whether a client is a browser.
//!
//! A web page can have its visitor's browser connect to any port, and send bytes of the page's choice behind the head of an
//! HTTP request: packets, if noise before a packet is skipped. What comes before them is the browser's, and can't be left
//! out.

/// How requests of HTTP and handshakes of TLS begin. HTTP/0.9 has no more of a line than this and a path.
const BEGINNINGS: [&[u8]; 10] =
    [b"GET ", b"HEAD", b"POST", b"PUT ", b"DELE", b"OPTI", b"PATC", b"TRAC", b"CONN", &[0x16, 0x03]];
/// Bytes that tell them apart.
const TELLING_BYTES: usize = 4;
/// The part of a request's line behind its target that is the same in all versions (RFC 9112, section 2.3).
const VERSION: &[u8] = b"HTTP/";

/// What a connection began with.
#[derive(Debug)]
pub struct Beginning {
    /// Its first bytes.
    first: [u8; TELLING_BYTES],
    /// How many of them there are so far.
    count: usize,
    line: Line,
}

/// How far the connection's first bytes are the line of an HTTP request: a method, a target and a version, with spaces
/// between them.
///
/// A page may choose the method where it asks its own origin, and its origin is the device if its name leads there (DNS
/// rebinding). No part of the line has a byte of a packet's `00 FF`, so the line is known before there can be a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Begins,
    Method,
    /// The target, or the space before it.
    Target {
        is_empty: bool,
    },
    /// So many bytes of [`VERSION`].
    Version(usize),
    IsHttp,
    IsOther,
}

impl Line {
    fn after(self, byte: u8) -> Self {
        match self {
            Self::Begins | Self::Method if byte.is_ascii_graphic() => Self::Method,
            Self::Method if byte == b' ' => Self::Target { is_empty: true },
            Self::Target { .. } if byte.is_ascii_graphic() => Self::Target { is_empty: false },
            Self::Target { is_empty: false } if byte == b' ' => Self::Version(0),
            Self::Version(count) if VERSION.get(count) == Some(&byte) => {
                if count + 1 == VERSION.len() {
                    Self::IsHttp
                } else {
                    Self::Version(count + 1)
                }
            }
            Self::IsHttp => Self::IsHttp,
            Self::Begins | Self::Method | Self::Target { .. } | Self::Version(_) | Self::IsOther => Self::IsOther,
        }
    }
}

impl Beginning {
    /// Nothing has come.
    pub const fn new() -> Self {
        Self { first: [0; TELLING_BYTES], count: 0, line: Line::Begins }
    }

    /// Takes what the client sent.
    pub fn push(&mut self, bytes: &[u8]) {
        for (kept, byte) in self.first[self.count..].iter_mut().zip(bytes) {
            *kept = *byte;
            self.count += 1;
        }
        for byte in bytes {
            match self.line {
                Line::IsHttp | Line::IsOther => return,
                line @ (Line::Begins | Line::Method | Line::Target { .. } | Line::Version(_)) => {
                    self.line = line.after(*byte);
                }
            }
        }
    }

    /// Whether this is how HTTP or TLS begins.
    pub fn is_browser(&self) -> bool {
        self.line == Line::IsHttp || BEGINNINGS.iter().any(|begins| self.first[..self.count].starts_with(begins))
    }
}
