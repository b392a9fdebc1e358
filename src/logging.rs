//! What is logged and where, as values: levels, by the names that configurations, environments and people use, and
//! targets.
//!
//! Not here: writing lines (`sys::log`).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What [`Level::from_str`] takes, in words.
pub const ALLOWED_LEVELS: &str = "DEBUG, INFO, WARNING, ERROR or CRITICAL (or WARN, TRACE; case-insensitive)";

/// How severe a line is, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Every event of the loop.
    Trace,
    /// What a developer wants to see.
    Debug,
    /// What happens in a normal day.
    #[default]
    Info,
    /// Something is not as it should be; the server copes.
    Warning,
    /// Something does not work.
    Error,
    /// The server can't go on.
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

    /// Takes the names in any case, and `WARN` for `WARNING`.
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
    /// The least severe level that is logged.
    pub level: Level,
    /// Where lines go.
    pub target: LogTarget,
    /// A file that lines are appended to as well.
    pub file: Option<PathBuf>,
}

/// `logging.target`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogTarget {
    /// Journald if standard error is its stream, else the terminal if it is one, else syslog if `/dev/log` is
    /// there, else standard error.
    #[default]
    Auto,
    /// These, each once.
    Named(Vec<LogSink>),
}

/// One place that lines go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSink {
    /// Standard error, a line with time, logger, level and message.
    Console,
    /// `/dev/log`, facility `daemon`.
    Syslog,
    /// Standard error, with the `<N>` prefix that journald reads the priority from.
    Journald,
}
