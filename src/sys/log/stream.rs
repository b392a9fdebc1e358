//! Writes lines to a byte stream, standard error or a file, without waiting for a reader.

use std::io::IsTerminal;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, SFlag, fstat};

/// How to write to a descriptor without waiting, and without setting `O_NONBLOCK` on an open file description that
/// other processes share and expect to block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// For a socket, such as journald's: `MSG_DONTWAIT` on each call.
    Send,
    /// For a non-blocking open file description of our own, or a regular file.
    Write,
    /// For a shared description: writes only when poll(2) reports room. A line is shorter than `PIPE_BUF`, so a pipe with
    /// room accepts all of it (pipe(7)), unless another process writes first.
    PollWrite,
}

/// A descriptor for lines.
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
    way: Way,
    /// Whether the last write ended in the middle of a line.
    torn: bool,
}

impl Stream {
    /// Standard error, or its replacement in a test.
    pub fn shared(fd: OwnedFd) -> Self {
        let kind = fstat(&fd).map_or(SFlag::empty(), |stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT);
        if kind == SFlag::S_IFSOCK {
            return Self { fd, way: Way::Send, torn: false };
        }
        if kind == SFlag::S_IFREG {
            return Self::own(fd);
        }
        if kind == SFlag::S_IFIFO || fd.is_terminal() {
            // Opening it again creates a description of our own, which may be non-blocking. That fails for
            // another user's terminal and without /proc.
            let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
            let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
            if let Ok(own) = open(path.as_str(), flags, Mode::empty()) {
                return Self::own(own);
            }
        }
        Self { fd, way: Way::PollWrite, torn: false }
    }

    /// A regular file, or a descriptor that this process opened with `O_NONBLOCK` and does not share.
    pub fn own(fd: OwnedFd) -> Self {
        Self { fd, way: Way::Write, torn: false }
    }

    /// Appends a newline to `line` if the previous line was written only in part.
    pub fn repair(&self, line: &mut Vec<u8>) {
        if self.torn {
            line.push(b'\n');
        }
    }

    /// Writes a line that begins with the output of [`Self::repair`]. A partial write is an error: `EAGAIN` if there is
    /// no room.
    pub fn put(&mut self, line: &[u8]) -> Result<(), Errno> {
        let mut rest = line;
        while !rest.is_empty() {
            match self.write(rest) {
                Ok(0) => return Err(Errno::EIO),
                Ok(written) => {
                    self.torn = rest.get(written - 1) != Some(&b'\n');
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match self.way {
            Way::Send => send(self.fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL),
            Way::Write => nix::unistd::write(&self.fd, bytes),
            Way::PollWrite => {
                // POLLERR without POLLOUT means that the reader is gone: write returns the error.
                let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut fds, PollTimeout::ZERO)? == 0 {
                    return Err(Errno::EAGAIN);
                }
                nix::unistd::write(&self.fd, bytes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    use nix::unistd::{pipe, read};

    const LINE: &[u8] = b"a line of a few words\n";

    /// Writes until there is no room; returns the number of lines written.
    fn fill(stream: &mut Stream) -> usize {
        let mut lines = 0;
        loop {
            let mut line = Vec::new();
            stream.repair(&mut line);
            line.extend_from_slice(LINE);
            match stream.put(&line) {
                Ok(()) => lines += 1,
                Err(errno) => {
                    assert_eq!(errno, Errno::EAGAIN);
                    return lines;
                }
            }
        }
    }

    fn is_nonblocking(fd: impl AsFd) -> bool {
        let flags = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_GETFL).unwrap();
        OFlag::from_bits_truncate(flags).contains(OFlag::O_NONBLOCK)
    }

    #[test]
    fn an_unread_pipe_does_not_block() {
        for way in [Way::Write, Way::PollWrite] {
            let (_reader, writer) = pipe().unwrap();
            let kept = writer.try_clone().unwrap();
            let mut stream =
                if way == Way::Write { Stream::shared(writer) } else { Stream { fd: writer, way, torn: false } };
            assert_eq!(stream.way, way);
            assert!(fill(&mut stream) > 100);
            assert!(!stream.torn, "a pipe accepts a short line whole or not at all");
            assert!(!is_nonblocking(&kept), "the shared description is unchanged");
        }
    }

    #[test]
    fn a_pipe_without_a_reader_is_an_error() {
        for reopened in [true, false] {
            let (reader, writer) = pipe().unwrap();
            let mut stream =
                if reopened { Stream::shared(writer) } else { Stream { fd: writer, way: Way::PollWrite, torn: false } };
            drop(reader);
            assert_eq!(stream.put(LINE), Err(Errno::EPIPE));
        }
    }

    #[test]
    fn an_unread_terminal_does_not_block() {
        let pty = nix::pty::openpty(None, None).unwrap();
        let kept = pty.slave.try_clone().unwrap();
        let mut stream = Stream::shared(pty.slave);
        assert_eq!(stream.way, Way::Write);
        assert!(fill(&mut stream) > 0);
        assert!(!is_nonblocking(&kept));
    }

    #[test]
    fn an_unread_socket_does_not_block() {
        let (reader, writer) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::empty()).unwrap();
        let kept = writer.try_clone().unwrap();
        let mut stream = Stream::shared(writer);
        assert_eq!(stream.way, Way::Send);
        assert!(fill(&mut stream) > 100);
        assert!(!is_nonblocking(&kept));
        drop(reader);
        assert_eq!(stream.put(LINE), Err(Errno::EPIPE));
    }

    #[test]
    fn a_partial_line_is_ended_before_the_next() {
        let (reader, writer) = pipe().unwrap();
        let mut stream = Stream::own(writer);
        stream.put(b"half").unwrap();
        let mut line = Vec::new();
        stream.repair(&mut line);
        line.extend_from_slice(LINE);
        stream.put(&line).unwrap();
        let mut nothing = Vec::new();
        stream.repair(&mut nothing);
        assert!(nothing.is_empty());
        let mut seen = [0; 100];
        let n = read(&reader, &mut seen).unwrap();
        assert_eq!(&seen[..n], b"half\na line of a few words\n");
    }
}
