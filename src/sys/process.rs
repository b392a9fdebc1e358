//! This process among others: its name, and the signals that are not meant for it.

use std::ffi::CStr;
use std::io;

use nix::sys::prctl;
use nix::sys::signal::{SigHandler, signal};

use super::signalfd::Signal;

/// Sets the name that `ps` and `top` show, of at most 15 bytes; the rest is cut (`PR_SET_NAME`, `prctl(2)`).
///
/// # Errors
///
/// None for a valid string.
pub fn set_name(name: &CStr) -> io::Result<()> {
    Ok(prctl::set_name(name)?)
}

/// Ignores a signal from now on.
///
/// # Errors
///
/// The signal can't be ignored: SIGKILL or SIGSTOP.
pub fn ignore(ignored: Signal) -> io::Result<()> {
    // SAFETY: ignoring installs no handler.
    unsafe { signal(ignored, SigHandler::SigIgn) }?;
    Ok(())
}
