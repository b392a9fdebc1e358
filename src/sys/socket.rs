//! Stream sockets: binding listeners, and classifying errors of `accept(2)`.

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

/// A listening socket.
#[derive(Debug)]
pub enum Bound {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

/// Binds a non-blocking listener at `path`; the socket's file gets `mode`. A stale socket of an earlier daemon is replaced,
/// one in use is not.
///
/// # Errors
///
/// The path is in use or is not a socket, or its directory is missing or not writable.
pub fn unix_listener(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    // connect(2) to a socket file without a listener fails with ECONNREFUSED.
    if is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
        fs::remove_file(path)?;
    }
    // bind(2) sets the file's mode from the umask (unix(7)). A later chmod would leave it open for a moment.
    let before = umask(Mode::from_bits_truncate(!mode & 0o777));
    let listener = UnixListener::bind(path);
    umask(before);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Binds a non-blocking listener to `address`. Port 0 picks a free port; `::` also accepts IPv4.
///
/// Accepted connections inherit the listener's options because Linux copies its socket when the handshake completes, so
/// accepting costs one system call. The options are `TCP_NODELAY`, keep-alive to detect a vanished peer and, if
/// `max_unsent_bytes` is given, `TCP_NOTSENT_LOWAT`, above which the socket is no longer writable.
///
/// # Errors
///
/// The address is in use, is not local, or is not permitted.
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
    // The same time-out for sent bytes that are not acknowledged (RFC 5482).
    setsockopt(&fd, sockopt::TcpUserTimeout, &((idle + interval * count) * 1000))?;
    if let Some(bytes) = max_unsent_bytes {
        limit_unsent(&fd, bytes)?;
    }
    match address {
        SocketAddr::V4(address) => bind(fd.as_raw_fd(), &SockaddrIn::from(address))?,
        SocketAddr::V6(address) => bind(fd.as_raw_fd(), &SockaddrIn6::from(address))?,
    }
    listen(&fd, Backlog::new(LISTEN_BACKLOG)?)?;
    Ok(TcpListener::from(fd))
}

/// The class of an error of `accept(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptFailure {
    /// No connection is pending.
    WouldBlock,
    /// This connection is gone: accept the next.
    Connection,
    /// The process or the system is out of a resource: pause, because an immediate retry would spin.
    Exhausted,
    /// The listener is broken: stop.
    Listener,
}

/// Classifies an error of `accept(2)`. Per the man page, errors already pending on the new connection are returned by
/// accept; they concern only that connection.
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

/// Sets `TCP_NOTSENT_LOWAT`, the unsent bytes above which a TCP socket is no longer writable.
///
/// # Errors
///
/// Those of `setsockopt(2)`.
pub fn limit_unsent(fd: &impl AsRawFd, bytes: u32) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of_val(&bytes)).expect("the size of a u32 fits");
    // SAFETY: the pointer is to a u32 that outlives the call; the length is its size (tcp(7): the option is an int).
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
    fn accept_errors_are_classified() {
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
    fn a_unix_listener_sets_its_mode_and_replaces_only_a_stale_socket() {
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
    fn accepted_connections_inherit_the_listeners_options() {
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
        // SAFETY: both pointers are to live variables; `length` is the size of the first.
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
