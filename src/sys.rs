//! The kernel's facilities, one file each: the only `unsafe`, `nix` and `libc`. Thin, and ignorant of the protocol.
//!
//! Not here: what to do with any of it (`server`), and waiting for it (`reactor`).

pub mod child;
pub mod clock;
pub mod errno;
pub mod file;
mod fork;
pub mod limits;
pub mod log;
pub mod memory;
pub mod notify;
pub mod signalfd;
pub mod socket;
pub mod splice;
pub mod terminal;
pub mod timerfd;
