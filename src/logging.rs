//! Log levels and targets as values.
//!
//! Not here: writing lines (`sys::log`).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The names that [`Level::from_str`] accepts, in words.
pub const ALLOWED_LEVELS: &str = "DEBUG, INFO, WARNING, ERROR or CRITICAL (or WARN, TRACE; case-insensitive)";

/// The severity of a line, in increasing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Every event of the loop.
    Trace,
    /// Details for a developer.
    Debug,
    /// Normal operation.
    #[default]
    Info,
    /// Something is wrong, but the server copes with it.
    Warning,
    /// Something does not work.
    Error,
    /// The server can't continue.
    Critical,
}

impl Level {
    /// The name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = ();

    /// Accepts the names, case-insensitively, and `WARN` for `WARNING`.
    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical]
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
            .or_else(|| name.eq_ignore_ascii_case("WARN").then_some(Self::Warning))
            .ok_or(())
    }
}

/// `logging`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoggingConfig {
    /// The least severe level to log.
    pub level: Level,
    /// The destinations of lines.
    pub target: LogTarget,
    /// A file to append lines to, in addition to the targets.
    pub file: Option<PathBuf>,
}

/// `logging.target`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogTarget {
    /// Journald if standard error is its stream; else standard error if it is a terminal; else syslog if `/dev/log`
    /// exists; else standard error.
    #[default]
    Auto,
    /// These sinks, each at most once.
    Named(Vec<LogSink>),
}

/// A destination of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSink {
    /// Standard error; a line has time, logger, level and message.
    Console,
    /// `/dev/log`, facility `daemon`.
    Syslog,
    /// Standard error, with the `<N>` prefix from which journald reads the priority.
    Journald,
}

/// A line for the log, not yet formatted. `'a` is the report that it comes from, `'t` its text's parts.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a, 't> {
    /// How severe it is.
    pub level: Level,
    /// The part of the product that it comes from.
    pub logger: &'a str,
    /// What repetitions of it are limited by, as it follows "lines about" in the log; `None` if nothing outside can make it
    /// frequent.
    pub kind: Option<&'static str>,
    /// Whether a person asked for it: it is logged whatever the level.
    pub requested: bool,
    /// The text.
    pub text: fmt::Arguments<'t>,
}

impl<'a, 't> Line<'a, 't> {
    /// A line that nothing outside can make frequent.
    pub const fn new(level: Level, logger: &'a str, text: fmt::Arguments<'t>) -> Self {
        Self { level, logger, kind: None, requested: false, text }
    }

    /// A line whose repetitions are limited together with those of its kind.
    pub const fn limited(level: Level, logger: &'a str, kind: &'static str, text: fmt::Arguments<'t>) -> Self {
        Self { level, logger, kind: Some(kind), requested: false, text }
    }
}
