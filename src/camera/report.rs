//! What the supervisor has to say, as values: the caller logs them, or counts them, or leaves them out.

use std::fmt;
use std::time::Duration;

use super::diagnosis::{Reason, Role};
use crate::logging::Level;

/// One thing worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A camera program was found.
    Found {
        /// Its name.
        program: String,
        /// Whether it is built with libav.
        libav: bool,
    },
    /// `camera.source` is `auto` and there is no camera program. Said once, until one is found.
    NoProgram,
    /// Video moves, for the first time in this run of the camera.
    Running {
        /// From the start of the camera to the first video.
        after: Duration,
        /// The failures in a row that this ends.
        failures: u32,
    },
    /// The camera restarts to take new settings; viewers stay connected.
    Restarting,
    /// The system's clock was set, and camera and publisher restart.
    ClockStepped {
        /// By how many milliseconds: forward, or back when it is negative.
        by_ms: i64,
    },
    /// The pipeline failed. Repeats of one kind come at attempts 1, 2, 4, 8 and so on: log writes wear out flash.
    Failed {
        /// What is wrong.
        reason: Reason,
        /// How often it was this kind of reason since all was well, from 1.
        attempt: u32,
        /// How long until the next try.
        retry_in: Duration,
        /// The last lines of the child whose failure it is, or of both, oldest first, to be logged as lines of their
        /// own. Each names its child. Only at attempt 1.
        tail: Vec<String>,
    },
    /// A child outlives SIGKILL: the kernel does not let it go.
    WillNotDie {
        /// Which one.
        role: Role,
    },
    /// A child printed a line on standard error.
    ChildLine {
        /// The logger it goes to, named after the program.
        logger: String,
        /// Who printed it.
        role: Role,
        /// The line, cut to [`crate::limits::MAX_CHILD_LINE_BYTES`].
        text: String,
        /// Whether it is likely to have been seen before: the pipeline failed and is tried again.
        quiet: bool,
    },
}

impl Report {
    /// How severe it is.
    pub const fn level(&self) -> Level {
        match self {
            Self::Found { .. }
            | Self::Running { .. }
            | Self::Restarting
            | Self::ClockStepped { .. }
            | Self::ChildLine { quiet: false, .. } => Level::Info,
            Self::NoProgram => Level::Warning,
            Self::Failed { reason, .. } => reason.level(),
            Self::WillNotDie { .. } => Level::Error,
            Self::ChildLine { quiet: true, .. } => Level::Debug,
        }
    }

    /// The logger's name: `camera` for what goes well, `camera.process` for failures, and one for each program.
    pub fn logger(&self) -> &str {
        match self {
            Self::Found { .. }
            | Self::NoProgram
            | Self::Running { .. }
            | Self::Restarting
            | Self::ClockStepped { .. } => "camera",
            Self::Failed { .. } | Self::WillNotDie { .. } => "camera.process",
            Self::ChildLine { logger, .. } => logger,
        }
    }

    /// A stable name, for limiting the log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::NoProgram => "no-program",
            Self::Running { .. } => "running",
            Self::Restarting => "restarting",
            Self::ClockStepped { .. } => "clock-stepped",
            Self::Failed { reason, .. } => reason.kind(),
            Self::WillNotDie { .. } => "will-not-die",
            Self::ChildLine { role: Role::Probe, .. } => "probe-line",
            Self::ChildLine { role: Role::Camera, .. } => "camera-line",
            Self::ChildLine { role: Role::Publisher, .. } => "publisher-line",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { program, libav } => {
                write!(f, "camera program {program}, built with{} libav", if *libav { "" } else { "out" })
            }
            Self::NoProgram => f.write_str(
                "no video: neither rpicam-vid nor libcamera-vid is installed; looking again from time to time",
            ),
            Self::Running { after, failures } => {
                write!(f, "video is running, first after {:.1} s", after.as_secs_f64())?;
                if *failures > 0 { write!(f, ", and {failures} failures before") } else { Ok(()) }
            }
            Self::Restarting => f.write_str("restarting the camera for new settings"),
            Self::ClockStepped { by_ms } => {
                let (way, seconds) = (if *by_ms < 0 { "back" } else { "forward" }, by_ms.unsigned_abs() / 1000);
                write!(f, "the system's clock was set {way} by {seconds} s: restarting video for right time stamps")
            }
            Self::Failed { reason, attempt, retry_in, .. } => {
                write!(f, "{reason}; next try in {:.1} s", retry_in.as_secs_f64())?;
                if *attempt > 1 { write!(f, " (attempt {attempt})") } else { Ok(()) }
            }
            Self::WillNotDie { role } => write!(
                f,
                "the kernel does not end the {} after SIGKILL: waiting for it; if this lasts, power-cycle the device",
                role.name()
            ),
            Self::ChildLine { text, .. } => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_recognised_by_their_logger_and_say_when_it_goes_on() {
        let failed = |attempt| Report::Failed {
            reason: Reason::Busy,
            attempt,
            retry_in: Duration::from_millis(500),
            tail: Vec::new(),
        };
        assert_eq!(failed(1).logger(), "camera.process");
        assert_eq!((failed(1).level(), failed(1).kind()), (Level::Error, "busy"));
        assert!(failed(1).to_string().ends_with("stop that one; next try in 0.5 s"));
        assert!(failed(4).to_string().ends_with("next try in 0.5 s (attempt 4)"));
    }

    #[test]
    fn a_childs_lines_go_to_its_own_logger() {
        let line = |quiet| Report::ChildLine {
            logger: "camera.rpicam-vid".into(),
            role: Role::Camera,
            text: "hello".into(),
            quiet,
        };
        assert_eq!((line(false).logger(), line(false).level()), ("camera.rpicam-vid", Level::Info));
        assert_eq!(line(true).level(), Level::Debug);
        assert_eq!(line(true).to_string(), "hello");
    }
}
