//! What a copy of this process does first, and may do at all: system calls, and nothing that allocates or locks.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

/// Has this process killed when its parent dies (`prctl(2)`, `PR_SET_PDEATHSIG`), or fails if that has happened
/// already.
pub(super) fn die_with(parent: Pid) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

/// Closes every descriptor but the standard ones and `kept`: a copy of a socket would keep its connection open.
pub(super) fn close_descriptors(kept: Option<RawFd>) {
    match kept {
        Some(kept) => {
            close(3, kept - 1);
            close(kept + 1, RawFd::MAX);
        }
        None => close(3, RawFd::MAX),
    }
}

fn close(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: the copy of the process uses none of them any more.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) == 0 {
            return;
        }
        // Before Linux 5.9.
        let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |limits| limits.0);
        for fd in first..=last.min(i32::try_from(most).unwrap_or(RawFd::MAX)) {
            libc::close(fd);
        }
    }
}
