//! Errors that end the loop.

use std::io;

use crate::server::Service;

/// An error that ends the loop: the server (coordination) kind of error.
#[derive(Debug)]
pub enum ReactorError {
    /// A system call failed that the loop depends on.
    Kernel {
        /// What the loop was doing.
        doing: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// A listener failed: the TCP server kind of error.
    Listener {
        /// Its service.
        service: Service,
        /// The system's error.
        error: io::Error,
    },
}

impl std::fmt::Display for ReactorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernel { doing, error } => write!(f, "{doing} failed: {error}"),
            Self::Listener { service, error } => write!(f, "the {} listener failed: {error}", service.name()),
        }
    }
}

impl std::error::Error for ReactorError {}

pub(super) fn kernel(doing: &'static str) -> impl Fn(io::Error) -> ReactorError {
    move |error| ReactorError::Kernel { doing, error }
}
