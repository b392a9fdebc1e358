//! The error numbers of `errno(3)` that the reactor makes up itself.

pub use libc::{EINTR, EIO};
