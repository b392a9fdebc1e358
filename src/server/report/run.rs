//! The server as a whole: reload, stop, counters, and suppressed lines.

use std::path::PathBuf;

use crate::logging::Level::{Error, Info, Warning};
use crate::logging::{Level, Line};
use crate::os::Errno;

/// Something about the server as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerReport {
    /// The configuration was reread and is in force.
    Reloaded {
        /// Keys that changed but need a restart.
        needs_restart: Vec<&'static str>,
    },
    /// The configuration was reread and refused; nothing changed.
    ReloadFailed {
        /// What is wrong with it.
        why: String,
    },
    /// The counters, on request.
    Counters {
        /// All of them, and the sizes of what is bounded.
        text: String,
    },
    /// Lines were suppressed, because too many of their kind came at once.
    Suppressed {
        /// The kind.
        kind: &'static str,
        /// How many.
        count: u64,
        /// The level of the worst of them.
        level: Level,
    },
    /// The wall clock is not set.
    ClockNotSet,
    /// The wall clock was not set, and is now.
    ClockSet,
    /// The state directory is on a file system in memory.
    StateInMemory {
        /// The directory.
        directory: PathBuf,
    },
    /// The service manager took no message.
    NotifyFailed {
        /// Why.
        errno: Errno,
    },
    /// The server was asked to stop.
    Stopping,
    /// Stopping took too long; what is left is killed.
    StopTimedOut {
        /// What it waited for.
        waiting_for: &'static str,
    },
}

impl ServerReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let logger = "server";
        match self {
            Self::Reloaded { needs_restart } if needs_restart.is_empty() => {
                show(Line::new(Info, logger, format_args!("configuration reread")))
            }
            Self::Reloaded { needs_restart } => show(Line::new(
                Info,
                logger,
                format_args!(
                    "configuration reread; changes of {} take effect only after a restart",
                    needs_restart.join(", ")
                ),
            )),
            Self::ReloadFailed { why } => {
                show(Line::new(Error, logger, format_args!("configuration not changed: {why}")))
            }
            Self::Counters { text } => {
                show(Line { requested: true, ..Line::new(Info, logger, format_args!("{text}")) })
            }
            Self::Suppressed { kind, count, level } => {
                let lines = if *count == 1 { "line" } else { "lines" };
                show(Line::new(*level, logger, format_args!("suppressed {count} more {lines} about {kind}")))
            }
            Self::ClockNotSet => show(Line::limited(
                Warning,
                logger,
                "the clock",
                format_args!("the clock is not set: time stamps begin in 1970 until NTP sets it"),
            )),
            Self::ClockSet => show(Line::limited(
                Info,
                logger,
                "the clock",
                format_args!("the clock is set: time stamps are right from here on"),
            )),
            Self::StateInMemory { directory } => show(Line::new(
                Warning,
                logger,
                format_args!(
                    "the state directory {} is in memory: settings and password are lost at a restart of the device; \
                     check the data partition, or change paths.state_dir",
                    directory.display()
                ),
            )),
            Self::NotifyFailed { errno } => show(Line::limited(
                Warning,
                logger,
                "messages to the service manager",
                format_args!("the service manager accepts no messages: {errno}; trying again every second"),
            )),
            Self::Stopping => show(Line::new(Info, logger, format_args!("stopping"))),
            Self::StopTimedOut { waiting_for } => {
                show(Line::new(Warning, logger, format_args!("stopped without waiting longer for {waiting_for}")))
            }
        }
    }
}
