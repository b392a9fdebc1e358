//! Moves bytes between pipes without copying them through this process: `splice(2)`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};

/// The result of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// This many bytes moved, more than zero.
    Bytes(usize),
    /// Nothing moved: the source is empty, or the sink is full.
    WouldBlock,
    /// The end of the source: it is empty and its writers are gone.
    EndOfStream,
    /// The sink's reader is gone.
    SinkClosed,
}

/// Moves up to `most` bytes from the pipe `source` to `sink`. Does not wait.
///
/// # Errors
///
/// The errors of `splice(2)` for descriptors that are not pipes.
pub fn forward(source: impl AsFd, sink: impl AsFd, most: usize) -> io::Result<Moved> {
    let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
    loop {
        return match splice(source.as_fd(), None, sink.as_fd(), None, most, flags) {
            Ok(0) => Ok(Moved::EndOfStream),
            Ok(bytes) => Ok(Moved::Bytes(bytes)),
            Err(Errno::EAGAIN) => Ok(Moved::WouldBlock),
            Err(Errno::EPIPE) => Ok(Moved::SinkClosed),
            Err(Errno::EINTR) => continue,
            Err(errno) => Err(errno.into()),
        };
    }
}

/// The number of unread bytes in the pipe `source`; 0 if the kernel can't report it.
pub fn waiting(source: impl AsFd) -> usize {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the given address (ioctl_tty(2), pipe(7)).
    let result = unsafe { libc::ioctl(source.as_fd().as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    if result == 0 { usize::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// A sink for discarded video, so the camera never blocks in a write.
///
/// # Errors
///
/// When `/dev/null` can't be opened.
pub fn null_sink() -> io::Result<File> {
    OpenOptions::new().write(true).open("/dev/null")
}
