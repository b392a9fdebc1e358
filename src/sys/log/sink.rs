//! A destination of log lines, and its count of lost lines.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::line::{self, Record};
use super::stream::Stream;
use super::syslog::{Syslog, errno, is_away};
use crate::limits::{LOG_LOSS_NOTICE, LOG_RECONNECT, MAX_LOG_LINE_BYTES};
use crate::logging::Level;
use crate::sys::file::parent;
use crate::time::{Mono, Now};

/// A sink's destination.
#[derive(Debug)]
pub enum Place {
    /// Standard error, formatted for people.
    Console(Stream),
    /// Standard error, formatted for journald.
    Journald(Stream),
    /// `/dev/log`.
    Syslog(Syslog),
    /// `logging.file`.
    File(LogFile),
}

/// A log file, and the path to reopen it.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// The open file, or why it could not be opened.
    stream: Result<Stream, Errno>,
    /// The time of the last attempt to open it.
    tried: Mono,
}

impl LogFile {
    /// The open file. After a failure, opening is retried at most once per [`LOG_RECONNECT`].
    fn stream(&mut self, now: Mono) -> Result<&mut Stream, Errno> {
        if self.stream.is_err() && now.since(self.tried) >= LOG_RECONNECT {
            self.tried = now;
            self.stream = open(&self.path);
        }
        self.stream.as_mut().map_err(|errno| *errno)
    }
}

impl Place {
    /// Opens `path` for appending. A failure of the disk is no error: later lines retry, and [`Self::not_open`] returns the
    /// reason. Any other failure is a mistake in the configuration.
    pub fn file(path: &Path, now: Mono) -> Result<Self, Errno> {
        match open(path) {
            Err(errno) if !is_disk_failure(errno) => Err(errno),
            stream => Ok(Self::File(LogFile { path: path.to_owned(), stream, tried: now })),
        }
    }

    /// The path of a file that is not open yet, and the reason.
    pub fn not_open(&self) -> Option<(&Path, Errno)> {
        if let Self::File(LogFile { path, stream: Err(errno), .. }) = self { Some((path, *errno)) } else { None }
    }

    /// Whether the destination is standard error.
    pub const fn is_stderr(&self) -> bool {
        matches!(self, Self::Console(_) | Self::Journald(_))
    }

    /// Why syslogd can't be reached, if syslog is the destination.
    pub fn missing_syslogd(&mut self, now: Mono) -> Option<Errno> {
        if let Self::Syslog(syslog) = self { syslog.reach(now).err() } else { None }
    }

    fn put(&mut self, record: &Record<'_>, buffer: &mut Vec<u8>, now: Now) -> Result<(), Errno> {
        buffer.clear();
        match self {
            Self::Console(stream) => console(stream, record, buffer),
            Self::File(file) => console(file.stream(now.mono)?, record, buffer),
            Self::Journald(stream) => {
                stream.repair(buffer);
                line::journald(buffer, record);
                stream.put(buffer)
            }
            Self::Syslog(syslog) => syslog.put(record, buffer, now.mono),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console(_) => f.write_str("standard error"),
            Self::Journald(_) => f.write_str("journald"),
            Self::Syslog(_) => f.write_str("syslog"),
            Self::File(file) => write!(f, "{}", file.path.display()),
        }
    }
}

/// A destination, and the lost lines that are not yet reported.
#[derive(Debug)]
pub struct Sink {
    place: Place,
    buffer: Vec<u8>,
    lost: u64,
    why: Errno,
    noticed_at: Option<Mono>,
}

impl Sink {
    /// A sink that writes to `place`.
    pub fn new(place: Place) -> Self {
        // A syslog line's header is not bounded by the limit, but it is short.
        Self {
            place,
            buffer: Vec::with_capacity(MAX_LOG_LINE_BYTES + 8),
            lost: 0,
            why: Errno::EAGAIN,
            noticed_at: None,
        }
    }

    /// The destination.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The destination, mutable.
    pub fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }

    /// Writes one line and returns whether that succeeded. Lost lines are reported first, in a line of their own, at most
    /// once per [`LOG_LOSS_NOTICE`].
    pub fn take(&mut self, record: &Record<'_>, now: Now) -> bool {
        let may_notice = self.noticed_at.is_none_or(|at| now.mono.since(at) >= LOG_LOSS_NOTICE);
        let result = if self.lost > 0 && may_notice {
            self.report_loss(now).and_then(|()| self.place.put(record, &mut self.buffer, now))
        } else {
            self.place.put(record, &mut self.buffer, now)
        };
        if let Err(errno) = result {
            self.lost = self.lost.saturating_add(1);
            self.why = errno;
        }
        result.is_ok()
    }

    /// Reopens the file, if the destination is one. On failure the old file stays in use.
    pub fn reopen(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Place::File(LogFile { path, stream, .. }) = &mut self.place else { return Ok(()) };
        *stream = Ok(open(path).map_err(|errno| (path.clone(), errno.into()))?);
        Ok(())
    }

    fn report_loss(&mut self, now: Now) -> Result<(), Errno> {
        let lines = if self.lost == 1 { "1 log line was" } else { &format!("{} log lines were", self.lost) };
        let text = if self.why == Errno::EAGAIN {
            line::clean(format_args!("{lines} lost while {} was blocked", self.place))
        } else if matches!(self.place, Place::Syslog(_)) && is_away(self.why) {
            line::clean(format_args!("{lines} lost while syslog was away"))
        } else {
            line::clean(format_args!("{lines} lost while {} failed: {}", self.place, self.why.desc()))
        };
        let record = Record { level: Level::Warning, logger: "log", text: &text, unix_ms: now.unix_ms };
        self.place.put(&record, &mut self.buffer, now)?;
        self.lost = 0;
        self.noticed_at = Some(now.mono);
        Ok(())
    }
}

fn console(stream: &mut Stream, record: &Record<'_>, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    stream.repair(buffer);
    line::console(buffer, record);
    stream.put(buffer)
}

/// Whether the error may pass without a change to the configuration.
const fn is_disk_failure(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSPC | Errno::EDQUOT | Errno::EROFS | Errno::EIO)
}

/// Checks, without opening or creating anything, that `path` is not a directory and its parent exists.
pub fn check(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(Errno::EISDIR.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => parent(path).metadata().map(drop),
        // The daemon's user may have access where this user has none.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        found => found.map(drop),
    }
}

/// Opens a log file. `O_NONBLOCK` has no effect on a regular file, and keeps a FIFO or a terminal from blocking.
fn open(path: &Path) -> Result<Stream, Errno> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path);
    opened.map(|file| Stream::own(file.into())).map_err(|error| errno(&error))
}
