//! Child processes. They can't outlive the server, inherit none of its private state, are signalled as process groups and
//! are reaped by pid.

use std::ffi::{CString, OsString, c_char};
use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, killpg, signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, setpgid};

use super::fork::{close_descriptors, die_with};
use super::limits::Limit;
use super::notify;
pub use super::signalfd::Signal;
use crate::limits::CHILD_NICENESS;
use crate::os::Exit;
pub use nix::unistd::Pid;

/// Which of a child's standard streams are pipes to this process. Standard error always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Standard output is a separate pipe; standard input is empty.
    Producer,
    /// Standard input is a pipe; standard output is discarded.
    Consumer,
    /// Standard output shares the pipe of standard error; standard input is empty.
    Captured,
}

/// A child and this process's ends of its pipes, which are non-blocking.
#[derive(Debug)]
pub struct Child {
    /// Its process id and process group id.
    pub pid: Pid,
    /// The pipe to its standard input.
    pub stdin: Option<OwnedFd>,
    /// The pipe from its standard output.
    pub stdout: Option<OwnedFd>,
    /// The pipe from its standard error.
    pub stderr: OwnedFd,
    /// Whether exec failed.
    pub exec_failure: ExecFailure,
}

/// Reports, after a child has ended, whether its program could be executed.
#[derive(Debug)]
pub struct ExecFailure(OwnedFd);

impl ExecFailure {
    /// The errno if exec failed, for example because the program is missing or not executable.
    pub fn errno(&self) -> Option<i32> {
        let mut errno = [0; size_of::<i32>()];
        let read = nix::unistd::read(&self.0, &mut errno);
        (read == Ok(errno.len())).then(|| i32::from_ne_bytes(errno))
    }
}

/// Starts `argv[0]`, searched for in `PATH`, with the rest as its arguments. Does not wait for exec, which takes as long as
/// the file system does. If exec fails, the child exits and [`ExecFailure`] has the reason.
///
/// The child leads its own process group. It has an empty signal mask, the default signal actions, the given soft limit on
/// descriptors, only the standard descriptors, and a lower priority than this process. It gets SIGKILL if this process
/// dies first.
///
/// # Errors
///
/// `argv` is empty or contains a NUL, or the system is out of processes, descriptors or memory.
pub fn spawn(argv: &[String], streams: Streams, descriptors: Limit) -> io::Result<Child> {
    let command = Command::new(argv)?;
    let (output, child_output) = io::pipe()?;
    let (exec_failure, refuses) = io::pipe()?;
    let (mut stdin, mut stdout) = (None, None);
    let reads: OwnedFd = if streams == Streams::Consumer {
        let (reads, writes) = io::pipe()?;
        stdin = Some(nonblocking(writes)?);
        reads.into()
    } else {
        File::open("/dev/null")?.into()
    };
    let makes: OwnedFd = match streams {
        Streams::Producer => {
            let (made, makes) = io::pipe()?;
            stdout = Some(nonblocking(made)?);
            makes.into()
        }
        Streams::Consumer => OpenOptions::new().write(true).open("/dev/null")?.into(),
        Streams::Captured => child_output.try_clone()?.into(),
    };
    let (stderr, exec_failure) = (nonblocking(output)?, ExecFailure(nonblocking(exec_failure)?));
    let parent = getpid();
    // SAFETY: the child only makes system calls until it execs or exits; it neither allocates nor locks.
    let pid = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let prepared = wire(&reads, &makes, &child_output).and_then(|()| {
                close_descriptors(Some(refuses.as_raw_fd()));
                prepare(parent, descriptors)
            });
            let why = prepared.map_or_else(|why| why, |()| command.execute()) as i32;
            // SAFETY: the buffer is four bytes on the stack. _exit does not run the exit handlers of the parent
            // process. A failed write means that the reader is gone.
            unsafe {
                libc::write(refuses.as_raw_fd(), (&raw const why).cast(), size_of_val(&why));
                libc::_exit(127)
            }
        }
    };
    // The child does the same. Whichever comes first, the group exists from here on and can be signalled.
    let _executed_already = setpgid(pid, pid);
    Ok(Child { pid, stdin, stdout, stderr, exec_failure })
}

fn nonblocking(fd: impl Into<OwnedFd>) -> io::Result<OwnedFd> {
    let fd = fd.into();
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd)
}

/// The arguments of execve(2). They are built before the fork because the child must not allocate.
struct Command {
    /// The paths to try, in order.
    paths: Vec<CString>,
    argv: Strings,
    envp: Strings,
}

/// Strings, and a null-terminated array of pointers to them.
struct Strings {
    pointers: Vec<*const c_char>,
    _kept: Vec<CString>,
}

impl Strings {
    fn new(strings: impl Iterator<Item = Vec<u8>>) -> io::Result<Self> {
        let strings = strings.map(CString::new).collect::<Result<Vec<_>, _>>()?;
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect();
        Ok(Self { pointers, _kept: strings })
    }
}

impl Command {
    fn new(argv: &[String]) -> io::Result<Self> {
        let program = argv.first().filter(|program| !program.is_empty()).ok_or(Errno::ENOENT)?;
        let paths = if program.contains('/') {
            vec![CString::new(program.as_str())?]
        } else {
            // As in execvp(3): an empty entry is the working directory, and these two are the default without PATH.
            let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
            let candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
            candidates.map(|path| CString::new(path.into_os_string().into_vec())).collect::<Result<_, _>>()?
        };
        // The service manager's sockets and the password are for this process only.
        let private = |name: &OsString| notify::PRIVATE_ENV.iter().any(|key| name == key) || name == "AUTH_PASSWORD";
        let environment = std::env::vars_os().filter(|(name, _)| !private(name));
        Ok(Self {
            paths,
            argv: Strings::new(argv.iter().map(|argument| argument.clone().into_bytes()))?,
            envp: Strings::new(environment.map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()))?,
        })
    }

    /// Executes the program; returns only on failure. As in execvp(3), EACCES is returned only if no other candidate can be
    /// executed.
    fn execute(&self) -> Errno {
        let mut why = Errno::ENOENT;
        for path in &self.paths {
            // SAFETY: both arrays are null-terminated and point to strings that this value owns.
            unsafe { libc::execve(path.as_ptr(), self.argv.pointers.as_ptr(), self.envp.pointers.as_ptr()) };
            let last = Errno::last();
            if last == Errno::EACCES {
                why = last;
            } else if last != Errno::ENOENT && last != Errno::ENOTDIR {
                return last;
            }
        }
        why
    }
}

/// Makes the child the leader of its own process group and sets its standard streams.
fn wire(reads: &OwnedFd, makes: &OwnedFd, child_output: &PipeWriter) -> nix::Result<()> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    dup2_stdin(reads)?;
    dup2_stdout(makes)?;
    dup2_stderr(child_output)
}

/// Sets up the rest of the child's environment, and its death with the parent.
fn prepare(parent: Pid, descriptors: Limit) -> nix::Result<()> {
    die_with(parent)?;
    // SAFETY: a system call without pointers. Lowering the priority is always allowed.
    let _niceness = unsafe { libc::nice(CHILD_NICENESS) };
    // A daemon started in the background by a script ignores SIGINT, and ignored signals stay ignored over exec.
    for inherited in Signal::iterator() {
        // SAFETY: restores the default action; installs no handler.
        let _kill_and_stop_have_no_other = unsafe { signal(inherited, SigHandler::SigDfl) };
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, descriptors.min(hard), hard)?;
    // The server blocks the signals that signalfd reads. This comes last because a pending signal ends the child here.
    SigSet::empty().thread_set_mask()
}

/// Sends `signal` to the process group that `pid` leads. Ignores a group that no longer exists.
pub fn signal_group(pid: Pid, signal: Signal) {
    let _gone = killpg(pid, signal);
}

/// Reaps `pid` if it has ended, after killing the rest of its group, so its own children end with it. Does not
/// wait.
pub fn reap(pid: Pid) -> Option<Exit> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(pid), peek) {
        Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {}
        // Only this function reaps, so this can't happen. Treat the child as gone rather than wait forever.
        Err(Errno::ECHILD) => return Some(Exit::Code(-1)),
        Ok(_) | Err(_) => return None,
    }
    // While it is a zombie, its pid and its group's id can't be reused.
    signal_group(pid, Signal::SIGKILL);
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, code)) => Some(Exit::Code(code)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Exit::Signal(signal as i32)),
        Ok(_) | Err(_) => None,
    }
}
