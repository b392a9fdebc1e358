//! What the client needs of the kernel: a line from the terminal that nobody sees, signals held back meanwhile,
//! and one wait for a descriptor, a signal and a deadline.
//!
//! Not here: the daemon's signals (`sys::signalfd`); it has no terminal.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::sys::clock;
use crate::time::Mono;

/// What would end the program with the terminal's echo left off.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// The longest line that a terminal hands over, in bytes (`N_TTY_BUF_SIZE`, termios(3), "Canonical mode").
const MAX_LINE_BYTES: usize = 4096;

/// Signals that are held back until this is dropped, and that [`wait`] tells of.
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
    /// When the kernel has no descriptor or memory left.
    pub fn interrupt() -> io::Result<Self> {
        Self::hold(&[Signal::SIGINT], &[])
    }

    /// Takes what came, so that it is not delivered.
    pub fn forget(&self) {
        while matches!(self.fd.read_signal(), Ok(Some(_)) | Err(Errno::EINTR)) {}
    }

    /// Holds back both, but tells only of the first.
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
    /// What came meanwhile and was not forgotten is delivered now.
    fn drop(&mut self) {
        let _cannot_fail = self.before.thread_set_mask();
    }
}

/// What a descriptor is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to read, or the end of them.
    Read,
    /// Room to write, or nobody to write to.
    Write,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The descriptor is ready, or has an error for the next call to report.
    Yes,
    /// The time was up.
    TimedOut,
    /// A signal is held back.
    Signal,
}

/// Waits for `fd`, until a point in time, or until one of `held` came, which counts first.
///
/// # Errors
///
/// None but the kernel's lack of memory (poll(2)).
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

/// The time that is left, rounded up to the milliseconds that poll(2) counts in, and whether that is all of it.
fn remaining(now: Mono, until: Mono) -> (PollTimeout, bool) {
    let ms = until.since(now).as_micros().div_ceil(1000);
    u16::try_from(ms).map_or((PollTimeout::from(u16::MAX), false), |ms| (PollTimeout::from(ms), true))
}

/// Reads a line from the terminal `tty` with its echo off, after `prompt` has asked for it. The echo is back on when
/// this returns, and when a signal ends the program meanwhile. Ctrl-Z takes effect after the line.
///
/// # Errors
///
/// Those of the terminal and of `prompt`, and `Interrupted` for a signal that the program survives.
pub fn read_unseen(tty: BorrowedFd<'_>, prompt: impl FnOnce() -> io::Result<()>) -> io::Result<Vec<u8>> {
    // Dropped in reverse: the echo is back before the signals are.
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

/// A terminal that shows nothing of what is typed but the end of the line, until this is dropped.
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
        // What was typed before has been seen, and is thrown away, as getpass(3) does.
        tcsetattr(tty, SetArg::TCSAFLUSH, &unseen)?;
        Ok(Self { tty, before })
    }
}

impl Drop for EchoOff<'_> {
    fn drop(&mut self) {
        let _best_effort = tcsetattr(self.tty, SetArg::TCSAFLUSH, &self.before);
    }
}
