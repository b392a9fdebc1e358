//! The log: writes lines to standard error, journald, syslog and a file. None of them can block the server.
//!
//! A line that a destination can't accept is dropped and counted; the count is logged before that destination's next line.
//! The exception is a file on a disk that hangs: Linux has no non-blocking write to a regular file.
//!
//! Not here: the rate limit for each kind of event ([`crate::limiter`]).

use std::fmt;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use nix::sys::stat::fstat;

use crate::logging::{Level, LogSink, LogTarget, LoggingConfig};
use crate::time::Now;

mod line;
mod sink;
mod stream;
mod syslog;

use line::Record;
use sink::{Place, Sink};
use stream::Stream;
use syslog::Syslog;

/// Why the configured log can't be opened.
#[derive(Debug)]
pub enum LogError {
    /// `logging.file` can't be opened.
    File {
        /// The file.
        path: PathBuf,
        /// The kernel's error.
        source: io::Error,
    },
    /// Standard error can't be duplicated.
    StandardError(io::Error),
    /// The process already has a logger.
    Installed,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(
                f,
                "logging.file: can't open {}: {source}; create its directory, let this user write there, or change \
                 logging.file",
                path.display()
            ),
            Self::StandardError(source) => {
                write!(f, "can't duplicate standard error: {source}; raise the limit on open files")
            }
            Self::Installed => f.write_str("the log is already set up; a process can set it up only once"),
        }
    }
}

impl std::error::Error for LogError {}

/// The log's environment, which tests replace.
pub struct Surroundings {
    /// Standard error.
    pub stderr: OwnedFd,
    /// `JOURNAL_STREAM`, as systemd sets it (systemd.exec(5)): device and inode of journald's stream.
    pub journal_stream: Option<String>,
    /// syslogd's socket.
    pub dev_log: PathBuf,
    /// Both clocks.
    pub clock: Box<dyn Fn() -> Now + Send + Sync>,
}

impl Surroundings {
    /// The environment of this process.
    ///
    /// # Errors
    /// [`LogError::StandardError`] when no descriptor is left.
    pub fn of_process() -> Result<Self, LogError> {
        Ok(Self {
            stderr: io::stderr().as_fd().try_clone_to_owned().map_err(LogError::StandardError)?,
            journal_stream: std::env::var("JOURNAL_STREAM").ok(),
            dev_log: "/dev/log".into(),
            clock: Box::new(crate::sys::clock::now),
        })
    }

    /// The sink that `logging.target` `auto` selects.
    fn auto(&self) -> LogSink {
        if self.stderr_is_journal() {
            LogSink::Journald
        } else if !self.stderr.is_terminal() && self.dev_log.exists() {
            LogSink::Syslog
        } else {
            LogSink::Console
        }
    }

    /// Compared as text because the types of device and inode differ between platforms.
    fn stderr_is_journal(&self) -> bool {
        let Some(journal) = &self.journal_stream else { return false };
        fstat(&self.stderr).is_ok_and(|stat| *journal == format!("{}:{}", stat.st_dev, stat.st_ino))
    }

    fn place(&self, sink: LogSink) -> Result<Place, LogError> {
        let stderr = || self.stderr.try_clone().map(Stream::shared).map_err(LogError::StandardError);
        Ok(match sink {
            LogSink::Console => Place::Console(stderr()?),
            LogSink::Journald => Place::Journald(stderr()?),
            LogSink::Syslog => Place::Syslog(Syslog::new(self.dev_log.clone())),
        })
    }
}

/// Opens the log of this process and installs it for the `log` macros.
///
/// # Errors
/// [`LogError::File`] (configuration, exit code 78), or another [`LogError`] for an internal error.
pub fn init(config: &LoggingConfig) -> Result<Handle, LogError> {
    let handle = open(config, Surroundings::of_process()?)?;
    handle.install(config.level)?;
    Ok(handle)
}

/// Checks `path` as `logging.file`, without opening or creating it: it must not be a directory, and its parent must
/// exist.
///
/// # Errors
/// [`LogError::File`].
pub fn check_file(path: &Path) -> Result<(), LogError> {
    sink::check(path).map_err(|source| LogError::File { path: path.to_owned(), source })
}

/// Opens a log without installing it.
///
/// # Errors
/// [`LogError::File`], [`LogError::StandardError`].
pub fn open(config: &LoggingConfig, around: Surroundings) -> Result<Handle, LogError> {
    let named = match &config.target {
        LogTarget::Auto => &vec![around.auto()],
        LogTarget::Named(sinks) => sinks,
    };
    let mut sinks = Vec::with_capacity(named.len() + 1);
    for &sink in named {
        sinks.push(Sink::new(around.place(sink)?));
    }
    let mut trouble = None;
    if let Some(path) = &config.file {
        let place = Place::file(path, (around.clock)().mono)
            .map_err(|errno| LogError::File { path: path.clone(), source: errno.into() })?;
        trouble = place.not_open().map(|(path, errno)| (path.to_owned(), errno.desc()));
        sinks.push(Sink::new(place));
    }
    report_missing_syslogd(&mut sinks, &around)?;
    let log = Handle(Arc::new(Inner {
        level: AtomicU8::new(config.level as u8),
        lost: AtomicU64::new(0),
        installed: AtomicBool::new(false),
        clock: around.clock,
        sinks: Mutex::new(sinks),
    }));
    if let Some((path, why)) = trouble {
        let path = path.display();
        log.write(Level::Error, "server", format_args!("logging.file: can't open {path}: {why}; retrying"));
    }
    Ok(log)
}

/// Reports a missing syslogd on standard error and in the file, whatever the level. Lines to syslog are lost meanwhile, and
/// a daemon that logs only to syslog would otherwise be silent.
fn report_missing_syslogd(sinks: &mut [Sink], around: &Surroundings) -> Result<(), LogError> {
    let now = (around.clock)();
    let Some(errno) = sinks.iter_mut().find_map(|sink| sink.place_mut().missing_syslogd(now.mono)) else {
        return Ok(());
    };
    let (path, why) = (around.dev_log.display(), errno.desc());
    let text = line::clean(format_args!("no syslogd at {path}: {why}; syslog lines are lost until one is started"));
    let record = Record { level: Level::Warning, logger: "log", text: &text, unix_ms: now.unix_ms };
    if !sinks.iter().any(|sink| sink.place().is_stderr()) {
        Sink::new(around.place(LogSink::Console)?).take(&record, now);
    }
    for sink in sinks.iter_mut().filter(|sink| !matches!(sink.place(), Place::Syslog(_))) {
        sink.take(&record, now);
    }
    Ok(())
}

/// The log. Clones share it.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    /// A [`Level`] as a number.
    level: AtomicU8,
    lost: AtomicU64,
    installed: AtomicBool,
    clock: Box<dyn Fn() -> Now + Send + Sync>,
    sinks: Mutex<Vec<Sink>>,
}

impl Handle {
    /// Logs one event. `logger` is the name to filter by, such as `camera.process`.
    pub fn write(&self, level: Level, logger: &str, text: fmt::Arguments<'_>) {
        if self.logs(level) {
            self.answer(level, logger, text);
        }
    }

    /// Logs the answer to a request, such as SIGUSR1, whatever the level.
    pub fn answer(&self, level: Level, logger: &str, text: fmt::Arguments<'_>) {
        // Foreign code (the Display implementations in `text`) runs before the lock is taken.
        let (logger, text) = (line::clean_name(logger), line::clean(text));
        let now = (self.0.clock)();
        let record = Record { level, logger: &logger, text: &text, unix_ms: now.unix_ms };
        let mut sinks = match self.0.sinks.try_lock() {
            Ok(sinks) => sinks,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another thread holds the lock. The daemon has one thread; tests have more.
            Err(TryLockError::WouldBlock) => return self.count_lost(1),
        };
        let lost = sinks.iter_mut().map(|sink| u64::from(!sink.take(&record, now))).sum();
        self.count_lost(lost);
    }

    /// Whether a line of this level is logged.
    pub fn logs(&self, level: Level) -> bool {
        level as u8 >= self.0.level.load(Ordering::Relaxed)
    }

    /// Sets the least severe level that is logged.
    pub fn set_level(&self, level: Level) {
        self.0.level.store(level as u8, Ordering::Relaxed);
        if self.0.installed.load(Ordering::Relaxed) {
            log::set_max_level(filter(level));
        }
    }

    /// Reopens `logging.file`, if there is one, after it was moved away. On failure the old file stays in use.
    ///
    /// # Errors
    /// [`LogError::File`].
    pub fn reopen_file(&self) -> Result<(), LogError> {
        let mut sinks = self.0.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.iter_mut().try_for_each(Sink::reopen).map_err(|(path, source)| LogError::File { path, source })
    }

    /// The number of lines lost so far because a destination was gone or full. A line lost at two destinations counts twice.
    pub fn lines_lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// The destinations, in words: `syslog and /var/log/es-iot.log`.
    pub fn describe(&self) -> String {
        let sinks = self.0.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names = sinks.iter().map(|sink| sink.place().to_string()).collect::<Vec<_>>();
        match names.pop() {
            None => "nowhere".into(),
            Some(only) if names.is_empty() => only,
            Some(last) => format!("{} and {last}", names.join(", ")),
        }
    }

    /// Whether the lines go to standard error.
    pub fn uses_stderr(&self) -> bool {
        let sinks = self.0.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.iter().any(|sink| sink.place().is_stderr())
    }

    fn install(&self, level: Level) -> Result<(), LogError> {
        log::set_boxed_logger(Box::new(self.clone())).map_err(|_| LogError::Installed)?;
        self.0.installed.store(true, Ordering::Relaxed);
        self.set_level(level);
        Ok(())
    }

    fn count_lost(&self, lines: u64) {
        self.0.lost.fetch_add(lines, Ordering::Relaxed);
    }
}

impl log::Log for Handle {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.logs(level(metadata.level()))
    }

    fn log(&self, record: &log::Record<'_>) {
        self.write(level(record.level()), record.target(), *record.args());
    }

    fn flush(&self) {}
}

/// The level for one of the `log` crate, which has no `CRITICAL`; [`Handle::write`] logs that one.
const fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warning,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

const fn filter(level: Level) -> log::LevelFilter {
    match level {
        Level::Trace => log::LevelFilter::Trace,
        Level::Debug => log::LevelFilter::Debug,
        Level::Info => log::LevelFilter::Info,
        Level::Warning => log::LevelFilter::Warn,
        Level::Error | Level::Critical => log::LevelFilter::Error,
    }
}
