//! The status of a reply, which RTSP has from HTTP.

use std::fmt::{self, Display};

/// The status of a reply (RFC 9110 section 15, RFC 2326 section 7.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Three digits.
    pub code: u16,
    /// What they mean, for people.
    pub phrase: &'static str,
}

impl Status {
    /// The request was carried out.
    pub const OK: Self = Self::new(200, "OK");

    pub(super) const fn new(code: u16, phrase: &'static str) -> Self {
        Self { code, phrase }
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.phrase)
    }
}
