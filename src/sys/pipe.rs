//! Pipes: how much they hold.

use std::os::fd::{AsFd, AsRawFd};

use nix::fcntl::{FcntlArg, fcntl};

/// The number of unread bytes in a pipe; 0 if the kernel can't report it.
pub fn waiting(pipe: impl AsFd) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the given address (ioctl_tty(2), pipe(7)).
    let result = unsafe { libc::ioctl(pipe.as_fd().as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    if result == 0 { usize::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// Has a pipe hold this many bytes, if the system allows it; else it stays as it is.
pub fn enlarge(pipe: impl AsFd, bytes: usize) {
    let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    let _not_allowed = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(bytes));
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_large_pipe_takes_a_picture_whole() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        enlarge(&reader, 256 * 1024);
        writer.write_all(&vec![1; 200 * 1024]).unwrap();
        assert_eq!(waiting(&reader), 200 * 1024);
    }
}
