//! Child processes: started so that they can't outlive the server or inherit what is its own, stopped as groups,
//! reaped by pid.

use std::ffi::{CString, OsString, c_char};
use std::fs::File;
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

/// Which of a child's streams are pipes to this process. Standard error always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// Standard output is a pipe of its own; standard input is empty.
    Producer,
    /// Standard input is a pipe; standard output goes nowhere.
    Consumer,
    /// Standard output goes where standard error does; standard input is empty.
    Captured,
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
    /// What it prints.
    pub stderr: OwnedFd,
    /// Whether it has become the program.
    pub exec_failure: ExecFailure,
}

/// Tells of a child that has ended whether its program could be executed.
#[derive(Debug)]
pub struct ExecFailure(OwnedFd);

impl ExecFailure {
    /// The error number if it could not: the program is missing, or not executable.
    pub fn errno(&self) -> Option<i32> {
        let mut errno = [0; size_of::<i32>()];
        let read = nix::unistd::read(&self.0, &mut errno);
        (read == Ok(errno.len())).then(|| i32::from_ne_bytes(errno))
    }
}

/// Starts `argv[0]`, looked for in `PATH`, with the rest as its arguments. Does not wait until it is executed: that
/// takes as long as its file system does. Should it fail, the child ends, and [`ExecFailure`] has the reason.
///
/// The child leads a process group of its own, has the signal mask, signal actions and descriptor limit that a
/// program expects, no descriptor but the standard ones, a lower priority than this process, and gets SIGKILL should
/// this process die first.
///
/// # Errors
///
/// There is nothing to start, or the system is out of processes, descriptors or memory.
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
        Streams::Consumer => File::options().write(true).open("/dev/null")?.into(),
        Streams::Captured => child_output.try_clone()?.into(),
    };
    let (stderr, exec_failure) = (nonblocking(output)?, ExecFailure(nonblocking(exec_failure)?));
    let parent = getpid();
    // SAFETY: the copy only makes system calls until it is another program or ends; it neither allocates nor locks.
    let pid = match unsafe { fork() }? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let prepared = wire(&reads, &makes, &child_output).and_then(|()| {
                close_descriptors(Some(refuses.as_raw_fd()));
                prepare(parent, descriptors)
            });
            let why = prepared.map_or_else(|why| why, |()| command.execute()) as i32;
            // SAFETY: the pipe takes four bytes, or nobody is left to read them; then the copy ends, without running
            // what the original has registered for its own exit.
            unsafe {
                libc::write(refuses.as_raw_fd(), (&raw const why).cast(), size_of_val(&why));
                libc::_exit(127)
            }
        }
    };
    // The child does the same. Whoever comes first, the group is there from now on, to be signalled.
    let _executed_already = setpgid(pid, pid);
    Ok(Child { pid, stdin, stdout, stderr, exec_failure })
}

fn nonblocking(fd: impl Into<OwnedFd>) -> io::Result<OwnedFd> {
    let fd = fd.into();
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd)
}

/// What is to be executed, as execve(2) takes it: made before the fork, since nothing may be allocated after it.
struct Command {
    /// The paths to try, in their order.
    paths: Vec<CString>,
    argv: Strings,
    envp: Strings,
}

/// Strings, and pointers to them with a null pointer at the end.
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
            // As execvp(3) does: an empty entry is the working directory, and these two are for no PATH at all.
            let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
            let candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
            candidates.map(|path| CString::new(path.into_os_string().into_vec())).collect::<Result<_, _>>()?
        };
        // The service manager's sockets are for this process, and the password is for nobody else.
        let private = |name: &OsString| notify::PRIVATE_ENV.iter().any(|key| name == key) || name == "AUTH_PASSWORD";
        let environment = std::env::vars_os().filter(|(name, _)| !private(name));
        Ok(Self {
            paths,
            argv: Strings::new(argv.iter().map(|argument| argument.clone().into_bytes()))?,
            envp: Strings::new(environment.map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()))?,
        })
    }

    /// Becomes the program. Returns why that failed, as execvp(3) would: a file that must not be executed is told of
    /// only if there is no other.
    fn execute(&self) -> Errno {
        let mut why = Errno::ENOENT;
        for path in &self.paths {
            // SAFETY: both arrays end with a null pointer, and point to strings that this value owns.
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

/// Leads a process group of its own, and has these as its standard streams.
fn wire(reads: &OwnedFd, makes: &OwnedFd, child_output: &PipeWriter) -> nix::Result<()> {
    setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
    dup2_stdin(reads)?;
    dup2_stdout(makes)?;
    dup2_stderr(child_output)
}

/// The rest of what a program expects, and what keeps it from outliving this one.
fn prepare(parent: Pid, descriptors: Limit) -> nix::Result<()> {
    die_with(parent)?;
    // SAFETY: a system call without pointers. To be nicer is always allowed.
    let _niceness = unsafe { libc::nice(CHILD_NICENESS) };
    // A daemon that a script started in the background has SIGINT ignored, and an ignored signal stays so over exec.
    for inherited in Signal::iterator() {
        // SAFETY: no handler is set, only the default restored.
        let _kill_and_stop_have_no_other = unsafe { signal(inherited, SigHandler::SigDfl) };
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, descriptors.min(hard), hard)?;
    // The server blocks what signalfd reads. Last, since a signal that came meanwhile ends the child here.
    SigSet::empty().thread_set_mask()
}

/// Sends `signal` to the process group that `pid` leads. That nothing is left of it is no error.
pub fn signal_group(pid: Pid, signal: Signal) {
    let _gone = killpg(pid, signal);
}

/// Reaps `pid` if it has ended, after killing what is left of its group: whatever it started ends with it.
/// Does not wait.
pub fn reap(pid: Pid) -> Option<Exit> {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::Pid(pid), peek) {
        Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {}
        // Reaped by nobody else, so this can't be; treat it as gone rather than wait for ever.
        Err(Errno::ECHILD) => return Some(Exit::Code(-1)),
        Ok(_) | Err(_) => return None,
    }
    // While it is a zombie, neither its pid nor its group's can belong to anyone else.
    signal_group(pid, Signal::SIGKILL);
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, code)) => Some(Exit::Code(code)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Exit::Signal(signal as i32)),
        Ok(_) | Err(_) => None,
    }
}
