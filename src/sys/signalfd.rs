//! Signals through a descriptor.

use std::os::fd::{AsFd, AsRawFd, RawFd};

pub use nix::sys::signal::Signal;

use nix::sys::signal::{SigHandler, SigSet, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals that the program handles. The Rust runtime ignores SIGPIPE.
const HANDLED: [Signal; 5] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGCHLD];

/// The signal descriptor.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

/// Blocks the program's signals until [`Signals`] reads them. Call this first, so that a SIGTERM during the start is an
/// ordinary stop, and before any child is started.
///
/// Ignored and blocked signals survive exec(2), so the program may inherit them from a supervisor or a shell's
/// `trap '' CHLD`. All others are unblocked: SIGQUIT, or the SIGABRT of systemd's watchdog, should end the program.
/// SIGCHLD gets its default action back, because the kernel silently reaps the children of a process that ignores it
/// (`waitpid(2)`). Other ignored signals still reach the descriptor because they are blocked (`sig_ignored` in the
/// kernel's `signal.c`).
///
/// # Errors
///
/// None for these signals (`sigprocmask(2)`, `sigaction(2)`).
pub fn block() -> std::io::Result<()> {
    set().thread_set_mask()?;
    // SAFETY: restores the default action; installs no handler.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

impl Signals {
    /// Opens a descriptor for the signals that [`block`] blocks, including those already pending.
    ///
    /// # Errors
    ///
    /// The kernel is out of descriptors or memory.
    pub fn new() -> std::io::Result<Self> {
        let fd = SignalFd::with_flags(&set(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd })
    }

    /// The next signal; `None` if none is pending.
    pub fn next(&self) -> Option<Signal> {
        loop {
            match self.fd.read_signal() {
                Ok(Some(info)) => {
                    if let Ok(signal) = Signal::try_from(info.ssi_signo.cast_signed()) {
                        return Some(signal);
                    }
                }
                Err(nix::errno::Errno::EINTR) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}

fn set() -> SigSet {
    HANDLED.into_iter().collect()
}
