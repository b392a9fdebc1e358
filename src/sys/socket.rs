//! Stream sockets: listening, and what `accept(2)` failing means.

use std::fs;
use std::io;
use std::mem::size_of_val;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, bind, listen, setsockopt, socket, sockopt,
};

use nix::sys::stat::{Mode, umask};

use crate::limits::{KEEPALIVE_SECONDS, LISTEN_BACKLOG};

/// A socket that listens.
#[derive(Debug)]
pub enum Bound {
    /// On the network.
    Tcp(TcpListener),
    /// On this device.
    Unix(UnixListener),
}

/// A non-blocking listener at `path`, whose file has `mode`. A socket that a daemon left behind is replaced; one that is
/// in use is not.
///
/// # Errors
///
/// The path is in use or is something else than a socket, or its directory is missing or can't be written.
pub fn unix_listener(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    // connect(2) on a socket file without a listener: ECONNREFUSED.
    if is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        fs::remove_file(path)?;
    }
    // The file gets its mode from bind(2) and the umask (unix(7)): a change afterwards would leave it open for a moment.
    let before = umask(Mode::from_bits_truncate(!mode & 0o777));
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A non-blocking listener on `address`; port 0 takes a free one, `::` serves IPv4 too.
///
/// What is set here, every accepted connection inherits (Linux copies a listener's socket when the handshake is
/// complete), so accepting costs one system call: `TCP_NODELAY`; keep-alive that finds a vanished peer; and, if
/// `max_unsent_bytes` is given, `TCP_NOTSENT_LOWAT`, which has a socket refuse more once so much is not yet sent.
///
/// # Errors
///
/// The address is in use, not this machine's, or not allowed.
pub fn listener(address: SocketAddr, max_unsent_bytes: Option<u32>) -> io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    if address.is_ipv6() {
        setsockopt(&fd, sockopt::Ipv6V6Only, &!address.ip().is_unspecified())?;
    }
    setsockopt(&fd, sockopt::TcpNoDelay, &true)?;
    setsockopt(&fd, sockopt::KeepAlive, &true)?;
    let (idle, interval, count) = KEEPALIVE_SECONDS;
    setsockopt(&fd, sockopt::TcpKeepIdle, &idle)?;
    setsockopt(&fd, sockopt::TcpKeepInterval, &interval)?;
    setsockopt(&fd, sockopt::TcpKeepCount, &count)?;
    // The same patience for what was sent and is not acknowledged (RFC 5482).
    setsockopt(&fd, sockopt::TcpUserTimeout, &((idle + interval * count) * 1000))?;
    if let Some(bytes) = max_unsent_bytes {
        set_notsent_lowat(&fd, bytes)?;
    }
    match address {
        SocketAddr::V4(address) => bind(fd.as_raw_fd(), &SockaddrIn::from(address))?,
        SocketAddr::V6(address) => bind(fd.as_raw_fd(), &SockaddrIn6::from(address))?,
    }
    listen(&fd, Backlog::new(LISTEN_BACKLOG)?)?;
    Ok(TcpListener::from(fd))
}

/// What a failed `accept(2)` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptFailure {
    /// Nothing waits to be accepted.
    WouldBlock,
    /// The one connection, which is gone: take the next.
    Connection,
    /// The process or the system has run out of something: rest, since trying again at once would spin.
    Exhausted,
    /// The listener: there is no use in going on.
    Listener,
}

/// Tells what an error of `accept(2)` is about. Errors already pending on the new connection are the
/// connection's, as the man page has it.
pub fn accept_failure(error: &io::Error) -> AcceptFailure {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN) => AcceptFailure::WouldBlock,
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => AcceptFailure::Exhausted,
        Some(Errno::EBADF | Errno::EFAULT | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP) | None => {
            AcceptFailure::Listener
        }
        Some(_) => AcceptFailure::Connection,
    }
}

fn set_notsent_lowat(fd: &impl AsRawFd, bytes: u32) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of_val(&bytes)).expect("the size of a u32 fits");
    // SAFETY: the pointer is to a u32 that outlives the call, and the length is its size (tcp(7) takes an int).
    let result = unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, (&raw const bytes).cast(), length)
    };
    Errno::result(result)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Error;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn accept_errors_fall_in_their_classes() {
        for (errno, class) in [
            (libc::EAGAIN, AcceptFailure::WouldBlock),
            (libc::ECONNABORTED, AcceptFailure::Connection),
            (libc::EPROTO, AcceptFailure::Connection),
            (libc::ENETDOWN, AcceptFailure::Connection),
            (libc::EPERM, AcceptFailure::Connection),
            (libc::EINTR, AcceptFailure::Connection),
            (libc::EMFILE, AcceptFailure::Exhausted),
            (libc::ENFILE, AcceptFailure::Exhausted),
            (libc::ENOBUFS, AcceptFailure::Exhausted),
            (libc::ENOMEM, AcceptFailure::Exhausted),
            (libc::EBADF, AcceptFailure::Listener),
            (libc::EINVAL, AcceptFailure::Listener),
        ] {
            assert_eq!(accept_failure(&Error::from_raw_os_error(errno)), class, "errno {errno}");
        }
    }

    #[test]
    fn a_unix_listener_has_its_mode_and_replaces_only_what_is_left_behind() {
        use std::os::unix::fs::PermissionsExt;
        let directory = std::env::temp_dir().join(format!("es-iot-socket-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let path = directory.join("http.sock");
        let first = unix_listener(&path, 0o660).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(unix_listener(&path, 0o660).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        drop(unix_listener(&path, 0o600).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a file").unwrap();
        assert_eq!(unix_listener(&path, 0o660).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).unwrap(), b"a file");
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn accepted_connections_inherit_what_the_listener_has() {
        use nix::sys::socket::getsockopt;
        let listener = listener("127.0.0.1:0".parse().unwrap(), Some(64)).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(getsockopt(&accepted, sockopt::TcpNoDelay).unwrap());
        assert!(getsockopt(&accepted, sockopt::KeepAlive).unwrap());
        assert_eq!(getsockopt(&accepted, sockopt::TcpKeepIdle).unwrap(), KEEPALIVE_SECONDS.0);
        let mut lowat = 0_u32;
        let mut length = 4;
        // SAFETY: both pointers are to live variables of the size that `length` says.
        let result = unsafe {
            libc::getsockopt(
                accepted.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_NOTSENT_LOWAT,
                (&raw mut lowat).cast(),
                &raw mut length,
            )
        };
        assert_eq!((result, lowat), (0, 64));
    }
}
