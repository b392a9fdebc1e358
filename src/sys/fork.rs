//! Code for the child after a fork. It makes system calls and neither allocates nor locks.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

/// Requests SIGKILL for this process when its parent dies (`prctl(2)`, `PR_SET_PDEATHSIG`). Fails if the parent is
/// already dead.
pub(super) fn die_with(parent: Pid) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH) }
}

/// Closes every descriptor except the standard ones and `kept`. A copied socket would keep its connection open.
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
    // SAFETY: the child no longer uses any of them.
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
