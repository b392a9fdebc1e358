//! Why the loop can't go on.

use std::io;

use crate::server::Service;

/// Why the loop ended without being asked to: the server (coordination) kind of error.
#[derive(Debug)]
pub enum ReactorError {
    /// The kernel refused something the loop can't do without.
    Kernel {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        error: io::Error,
    },
    /// A listener broke: the TCP server kind of error.
    Listener {
        /// Whose.
        service: Service,
        /// How.
        error: io::Error,
    },
}

impl std::fmt::Display for ReactorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernel { doing, error } => write!(f, "{doing}: {error}"),
            Self::Listener { service, error } => write!(f, "the {} listener broke: {error}", service.name()),
        }
    }
}

impl std::error::Error for ReactorError {}

pub(super) fn kernel(doing: &'static str) -> impl Fn(io::Error) -> ReactorError {
    move |error| ReactorError::Kernel { doing, error }
}
