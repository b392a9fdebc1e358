//! One place that lines go to, and what it lost.

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
use crate::time::{Mono, Now};

/// Where a sink's lines go.
#[derive(Debug)]
pub enum Place {
    /// Standard error, for people.
    Console(Stream),
    /// Standard error, for journald.
    Journald(Stream),
    /// `/dev/log`.
    Syslog(Syslog),
    /// `logging.file`.
    File(LogFile),
}

/// A file, and its name for opening it anew.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// The file, or why it is not open.
    stream: Result<Stream, Errno>,
    /// When opening it was tried last.
    tried: Mono,
}

impl LogFile {
    /// The open file. One that could not be opened is tried anew, but only once in [`LOG_RECONNECT`].
    fn stream(&mut self, now: Mono) -> Result<&mut Stream, Errno> {
        if self.stream.is_err() && now.since(self.tried) >= LOG_RECONNECT {
            self.tried = now;
            self.stream = open(&self.path);
        }
        self.stream.as_mut().map_err(|errno| *errno)
    }
}

impl Place {
    /// Opens `path` to append to. When the disk is what keeps it from being opened, that is tried again with later lines,
    /// and [`Self::not_open`] says why; everything else is a mistake in the configuration.
    pub fn file(path: &Path, now: Mono) -> Result<Self, Errno> {
        match open(path) {
            Err(errno) if !is_of_the_disk(errno) => Err(errno),
            stream => Ok(Self::File(LogFile { path: path.to_owned(), stream, tried: now })),
        }
    }

    /// The file that could not be opened yet, and why.
    pub fn not_open(&self) -> Option<(&Path, Errno)> {
        if let Self::File(LogFile { path, stream: Err(errno), .. }) = self { Some((path, *errno)) } else { None }
    }

    /// Whether its lines go to standard error.
    pub const fn is_stderr(&self) -> bool {
        matches!(self, Self::Console(_) | Self::Journald(_))
    }

    /// Why there is no syslogd, if this is the way to one.
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

/// A place, and the lines that it lost and nobody has read about yet.
#[derive(Debug)]
pub struct Sink {
    place: Place,
    buffer: Vec<u8>,
    lost: u64,
    why: Errno,
    noticed_at: Option<Mono>,
}

impl Sink {
    /// Lines shall go to `place`.
    pub fn new(place: Place) -> Self {
        // The head of a syslog line is not bounded by us, but short.
        Self {
            place,
            buffer: Vec::with_capacity(MAX_LOG_LINE_BYTES + 8),
            lost: 0,
            why: Errno::EAGAIN,
            noticed_at: None,
        }
    }

    /// Where lines go.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The place itself.
    pub fn place_mut(&mut self) -> &mut Place {
        &mut self.place
    }

    /// Takes one line and says whether it went out. If lines were lost before, a line that says so goes first, but
    /// not more often than [`LOG_LOSS_NOTICE`].
    pub fn take(&mut self, record: &Record<'_>, now: Now) -> bool {
        let may_notice = self.noticed_at.is_none_or(|at| now.mono.since(at) >= LOG_LOSS_NOTICE);
        let result = if self.lost > 0 && may_notice {
            self.tell_loss(now).and_then(|()| self.place.put(record, &mut self.buffer, now))
        } else {
            self.place.put(record, &mut self.buffer, now)
        };
        if let Err(errno) = result {
            self.lost = self.lost.saturating_add(1);
            self.why = errno;
        }
        result.is_ok()
    }

    /// Opens the file anew, if this is one. When that fails, lines still go where they went.
    pub fn reopen(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Place::File(LogFile { path, stream, .. }) = &mut self.place else { return Ok(()) };
        *stream = Ok(open(path).map_err(|errno| (path.clone(), errno.into()))?);
        Ok(())
    }

    fn tell_loss(&mut self, now: Now) -> Result<(), Errno> {
        let lines = if self.lost == 1 { "1 log line was" } else { &format!("{} log lines were", self.lost) };
        let text = if self.why == Errno::EAGAIN {
            line::clean(format_args!("{lines} lost while {} took no more", self.place))
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

/// Whether an error may pass without anybody changing the configuration.
const fn is_of_the_disk(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSPC | Errno::EDQUOT | Errno::EROFS | Errno::EIO)
}

/// Whether [`open`] could open `path`, as far as that shows without doing it: its directory is there, it is none itself.
pub fn check(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(Errno::EISDIR.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
            parent.metadata().map(drop)
        }
        // What keeps this user from looking need not keep the daemon's.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        found => found.map(drop),
    }
}

/// `O_NONBLOCK` means nothing to a regular file, and keeps a FIFO or a terminal in its place from holding us up.
fn open(path: &Path) -> Result<Stream, Errno> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path);
    opened.map(|file| Stream::own(file.into())).map_err(|error| errno(&error))
}
