//! Child processes: started so that they can't outlive the server or inherit what is its own, stopped as groups,
//! reaped by pid.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{getpid, getppid};

use super::limits::Limit;
use super::notify;
pub use super::signalfd::Signal;
pub use nix::unistd::Pid;

/// Which of a child's streams are pipes to this process. Standard error always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Standard output is a pipe of its own; standard input is empty.
    Producer,
    /// Standard input is a pipe; standard output goes where standard error does.
    Consumer,
    /// Standard output goes where standard error does; standard input is empty.
    Talker,
}

/// A child and this process's ends of its pipes, which don't block.
#[derive(Debug)]
pub struct Child {
    /// Its process id, and that of its process group.
    pub pid: Pid,
    /// What it reads.
    pub stdin: Option<OwnedFd>,
    /// What it produces.
    pub stdout: Option<OwnedFd>,
    /// What it says.
    pub stderr: OwnedFd,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// Starts `argv[0]`, looked for in `PATH`, with the rest as its arguments.
///
/// The child leads a process group of its own, has the signal mask, signal actions and descriptor limit that a
/// program expects, and gets SIGKILL should this process die first (`prctl(2)`, `PR_SET_PDEATHSIG`).
///
/// # Errors
///
/// The program is missing or not executable, or the system is out of processes, descriptors or memory.
pub fn spawn(argv: &[String], streams: Streams, descriptors: Limit) -> io::Result<Child> {
    let (program, arguments) = argv.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let (said, says) = io::pipe()?;
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    // The service manager's sockets are for this process, and the password is for nobody else.
    for variable in notify::PRIVATE_ENV.into_iter().chain(["AUTH_PASSWORD"]) {
        command.env_remove(variable);
    }
    command.stdin(if streams == Streams::Consumer { Stdio::piped() } else { Stdio::null() });
    match streams {
        Streams::Producer => command.stdout(Stdio::piped()),
        Streams::Consumer | Streams::Talker => command.stdout(says.try_clone()?),
    };
    command.stderr(says);
    let parent = getpid();
    // SAFETY: between fork and exec the closure only makes system calls; it neither allocates nor locks.
    unsafe { command.pre_exec(move || prepare(parent, descriptors)) };
    // Nobody waits through `std`: `reap` does, by pid.
    let mut child = command.spawn()?;
    let nonblocking = |fd: OwnedFd| -> io::Result<OwnedFd> {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(fd)
    };
    Ok(Child {
        pid: Pid::from_raw(child.id().cast_signed()),
        stdin: child.stdin.take().map(OwnedFd::from).map(nonblocking).transpose()?,
        stdout: child.stdout.take().map(OwnedFd::from).map(nonblocking).transpose()?,
        stderr: nonblocking(said.into())?,
    })
}

/// Runs in the child, between fork and exec.
fn prepare(parent: Pid, descriptors: Limit) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() != parent {
        // The server died before the line above; its death signal will not come any more.
        return Err(Errno::ESRCH.into());
    }
    // A daemon that a script started in the background has SIGINT ignored, and an ignored signal stays so over exec.
    for inherited in Signal::iterator() {
        // SAFETY: no handler is set, only the default restored.
        let _kill_and_stop_have_no_other = unsafe { nix::sys::signal::signal(inherited, SigHandler::SigDfl) };
    }
    // Since rust-lang/rust#101077 a child inherits the mask, and the server blocks what signalfd reads.
    SigSet::empty().thread_set_mask()?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, descriptors.min(hard), hard)?;
    Ok(())
}

/// Sends `signal` to the process group that `pid` leads. That nothing is left of it is no error.
pub fn signal_group(pid: Pid, signal: Signal) {
    let _gone = killpg(pid, signal);
}

/// Kills a child that was started a moment ago and that nobody has a use for, and waits for its end.
pub fn kill_and_reap(pid: Pid) {
    signal_group(pid, Signal::SIGKILL);
    let _ended = waitpid(pid, None);
}

/// Reaps `pid` if it has ended, after killing what is left of its group: whatever it started ends with it.
/// Does not wait.
pub fn reap(pid: Pid) -> Option<Ended> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(pid), peek) {
        Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {}
        // Reaped by nobody else, so this can't be; treat it as gone rather than wait for ever.
        Err(Errno::ECHILD) => return Some(Ended::Code(-1)),
        Ok(_) | Err(_) => return None,
    }
    // While it is a zombie, neither its pid nor its group's can belong to anyone else.
    signal_group(pid, Signal::SIGKILL);
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, code)) => Some(Ended::Code(code)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Ended::Signal(signal as i32)),
        Ok(_) | Err(_) => None,
    }
}
