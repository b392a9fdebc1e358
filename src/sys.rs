//! The kernel's facilities, one file each. Only this module uses `unsafe`, `nix` and `libc`. It is thin and knows nothing
//! of the protocol.
//!
//! Not here: decisions (`server`) and waiting for events (`reactor`).

pub mod child;
pub mod clock;
pub mod datagram;
pub mod errno;
pub mod file;
pub mod filesystem;
mod fork;
pub mod limits;
pub mod log;
pub mod memory;
pub mod notify;
pub mod pipe;
pub mod process;
pub mod signalfd;
pub mod socket;
pub mod terminal;
pub mod timerfd;
