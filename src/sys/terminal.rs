//! Kernel facilities for the client: reading a line without echo, holding back signals meanwhile, and waiting for a
//! descriptor, a signal or a deadline.
//!
//! Not here: the daemon's signals (`sys::signalfd`). The daemon has no terminal.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::sys::clock;
use crate::time::Mono;

/// The signals that would end the program with the echo still off.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// The longest line that a terminal returns, in bytes (`N_TTY_BUF_SIZE`, termios(3), "Canonical mode").
const MAX_LINE_BYTES: usize = 4096;

/// Signals that are held back until this is dropped, and that [`wait`] reports.
#[derive(Debug)]
pub struct Held {
    fd: SignalFd,
    before: SigSet,
}

impl Held {
    /// Holds back SIGINT, Ctrl-C.
    ///
    /// # Errors
    ///
    /// The kernel is out of descriptors or memory.
    pub fn interrupt() -> io::Result<Self> {
        Self::hold(&[Signal::SIGINT], &[])
    }

    /// Discards the pending signals, so that they are not delivered.
    pub fn forget(&self) {
        while matches!(self.fd.read_signal(), Ok(Some(_)) | Err(Errno::EINTR)) {}
    }

    /// Holds back the signals in both lists; [`wait`] reports only those in `watched`.
    fn hold(watched: &[Signal], held: &[Signal]) -> io::Result<Self> {
        let watched: SigSet = watched.iter().copied().collect();
        let fd = SignalFd::with_flags(&watched, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let before = SigSet::thread_get_mask()?;
        let all: SigSet = watched.iter().chain(held.iter().copied()).collect();
        all.thread_block()?;
        Ok(Self { fd, before })
    }
}

impl Drop for Held {
    /// Delivers the signals that are still pending.
    fn drop(&mut self) {
        let _cannot_fail = self.before.thread_set_mask();
    }
}

/// The readiness to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Readable, or at the end of its input.
    Read,
    /// Writable, or without a reader.
    Write,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The descriptor is ready, or has an error that the next call returns.
    Yes,
    /// The deadline passed.
    TimedOut,
    /// A watched signal is pending.
    Signal,
}

/// Waits until `fd` is ready, the deadline `until` passes or a signal of `held` is pending. A signal takes precedence.
///
/// # Errors
///
/// Only if the kernel is out of memory (poll(2)).
pub fn wait(fd: BorrowedFd<'_>, interest: Interest, until: Option<Mono>, held: Option<&Held>) -> io::Result<Ready> {
    let flags = match interest {
        Interest::Read => PollFlags::POLLIN,
        Interest::Write => PollFlags::POLLOUT,
    };
    loop {
        let (timeout, last) = until.map_or((PollTimeout::NONE, false), |until| remaining(clock::mono(), until));
        let mut fds = [PollFd::new(fd, flags), PollFd::new(held.map_or(fd, |held| held.fd.as_fd()), PollFlags::POLLIN)];
        let polled = if held.is_some() { &mut fds[..] } else { &mut fds[..1] };
        match poll(polled, timeout) {
            Ok(0) if last => return Ok(Ready::TimedOut),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) if polled.get(1).and_then(PollFd::any) == Some(true) => return Ok(Ready::Signal),
            Ok(_) => return Ok(Ready::Yes),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The remaining time as a time-out for poll(2), rounded up to milliseconds, and whether it covers all of the time.
fn remaining(now: Mono, until: Mono) -> (PollTimeout, bool) {
    let ms = until.since(now).as_micros().div_ceil(1000);
    u16::try_from(ms).map_or((PollTimeout::from(u16::MAX), false), |ms| (PollTimeout::from(ms), true))
}

/// Reads a line from the terminal `tty` with its echo off, after printing `prompt`. The echo is on again when this returns,
/// and when a signal ends the program meanwhile. Ctrl-Z takes effect after the line.
///
/// # Errors
///
/// Errors of the terminal and of `prompt`, and `Interrupted` for a signal.
pub fn read_unseen(tty: BorrowedFd<'_>, prompt: impl FnOnce() -> io::Result<()>) -> io::Result<Vec<u8>> {
    // Dropped in reverse order: the echo is on again before the signals are delivered.
    let held = Held::hold(&ENDING, &[Signal::SIGTSTP])?;
    let _echo = EchoOff::new(tty)?;
    prompt()?;
    let mut line = Vec::new();
    while !line.ends_with(b"\n") && line.len() < MAX_LINE_BYTES {
        if wait(tty, Interest::Read, None, Some(&held))? == Ready::Signal {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let mut chunk = [0; MAX_LINE_BYTES];
        match nix::unistd::read(tty, &mut chunk) {
            Ok(0) => break,
            Ok(count) => line.extend_from_slice(&chunk[..count]),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(line)
}

/// A terminal that echoes only the end of the line until this is dropped.
struct EchoOff<'a> {
    tty: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> EchoOff<'a> {
    fn new(tty: BorrowedFd<'a>) -> io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut unseen = before.clone();
        unseen.local_flags.remove(LocalFlags::ECHO);
        unseen.local_flags.insert(LocalFlags::ECHONL);
        // Earlier input was echoed and is discarded, as in getpass(3).
        tcsetattr(tty, SetArg::TCSAFLUSH, &unseen)?;
        Ok(Self { tty, before })
    }
}

impl Drop for EchoOff<'_> {
    fn drop(&mut self) {
        let _best_effort = tcsetattr(self.tty, SetArg::TCSAFLUSH, &self.before);
    }
}
