//! Signals as a descriptor.

use std::os::fd::{AsFd, AsRawFd, RawFd};

pub use nix::sys::signal::Signal;

use nix::sys::signal::{SigHandler, SigSet, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What the program listens to. SIGPIPE is ignored since the Rust runtime's start.
const HANDLED: [Signal; 5] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGCHLD];

/// The descriptor.
#[derive(Debug)]
pub struct Signals {
    fd: SignalFd,
}

/// Holds back the signals the program listens to, until [`Signals`] takes them. To be called first of all, so
/// that a SIGTERM during the start is a stop like any other, and before any child is started.
///
/// What is ignored or blocked survives exec(2), so a supervisor or a shell's `trap '' CHLD` hands it down. Of what is
/// blocked nothing is kept: SIGQUIT, or the SIGABRT of systemd's watchdog, should end the program. Of what is ignored
/// only SIGCHLD matters: the kernel reaps the children of a process that ignores it, and tells nobody (`waitpid(2)`).
/// The others reach the descriptor though they are ignored, since they are blocked (`sig_ignored` in the kernel's
/// `signal.c`).
///
/// # Errors
///
/// None that these signals can bring about (`sigprocmask(2)`, `sigaction(2)`).
pub fn block() -> std::io::Result<()> {
    set().thread_set_mask()?;
    // SAFETY: no handler is set, only the default restored.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

impl Signals {
    /// Takes the signals that [`block`] holds back, from the one that came first.
    ///
    /// # Errors
    ///
    /// When the kernel has no descriptor or memory left.
    pub fn new() -> std::io::Result<Self> {
        let fd = SignalFd::with_flags(&set(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { fd })
    }

    /// The next signal, `None` when no more wait.
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
