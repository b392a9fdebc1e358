//! Sends log lines to syslogd: non-blocking datagrams to `/dev/log`.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use nix::errno::Errno;

use super::line::{self, Record};
use crate::limits::LOG_RECONNECT;
use crate::time::Mono;

/// The connection to a syslogd that may come and go.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    /// The time and the error of the last attempt to connect.
    tried: Option<(Mono, Errno)>,
}

impl Syslog {
    /// The syslogd whose socket is `path`. [`Self::reach`] and every line connect to it.
    pub fn new(path: PathBuf) -> Self {
        Self { path, socket: None, tried: None }
    }

    /// Sends one line; `buffer` is scratch space. `EAGAIN` means a full queue. If syslogd was restarted, the same line
    /// reconnects, at most once per [`LOG_RECONNECT`].
    pub fn put(&mut self, record: &Record<'_>, buffer: &mut Vec<u8>, now: Mono) -> Result<(), Errno> {
        line::syslog(buffer, record);
        if let Some(socket) = &self.socket {
            match sent(socket.send(buffer)) {
                Err(errno) if is_away(errno) => self.socket = None,
                done => return done,
            }
        }
        self.connect(now)?;
        match &self.socket {
            Some(socket) => sent(socket.send(buffer)),
            None => Err(Errno::ENOTCONN),
        }
    }

    /// Connects if there is no connection.
    pub fn reach(&mut self, now: Mono) -> Result<(), Errno> {
        if self.socket.is_some() { Ok(()) } else { self.connect(now) }
    }

    fn connect(&mut self, now: Mono) -> Result<(), Errno> {
        if let Some((at, errno)) = self.tried
            && now.since(at) < LOG_RECONNECT
        {
            return Err(errno);
        }
        self.tried = Some((now, Errno::ENOTCONN));
        let reached = UnixDatagram::unbound().and_then(|socket| {
            socket.set_nonblocking(true)?;
            socket.connect(&self.path)?;
            Ok(socket)
        });
        match reached {
            Ok(socket) => self.socket = Some(socket),
            Err(error) => {
                let errno = errno(&error);
                self.tried = Some((now, errno));
                return Err(errno);
            }
        }
        Ok(())
    }
}

/// Whether an error means that syslogd is not running (unix(7)): its socket is missing, has no reader, or was replaced.
pub const fn is_away(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENOENT | Errno::ECONNREFUSED | Errno::ENOTCONN | Errno::ECONNRESET | Errno::EPIPE | Errno::EDESTADDRREQ
    )
}

fn sent(result: io::Result<usize>) -> Result<(), Errno> {
    result.map(drop).map_err(|error| errno(&error))
}

/// The errno of an I/O error; `EIO` if it has none.
pub fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(crate::sys::errno::of(error))
}
