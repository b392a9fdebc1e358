//! What the supervisor reports, as values: the caller logs them, counts them, or suppresses them.

use std::fmt;
use std::time::Duration;

use super::diagnosis::{Reason, Role};
use crate::limits::REPROBE;
use crate::logging::Level::{Debug, Error, Info, Warning};
use crate::logging::Line;

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
    /// `camera.source` is `auto` and there is no camera program. Reported once, until one is found or
    /// the configuration changes.
    NoProgram,
    /// Video has moved for [`RUNNING_PROOF`](crate::limits::RUNNING_PROOF); once in each run of the camera.
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
    /// Hands the line to `show`. The logger is `camera` for what goes well, `camera.process` for failures, and one for each
    /// program.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        let (camera, process) = ("camera", "camera.process");
        match self {
            Self::Found { program, libav } => show(Line::limited(
                Info,
                camera,
                "camera programs",
                format_args!("camera program {program}, built with{} libav", if *libav { "" } else { "out" }),
            )),
            Self::NoProgram => show(Line::limited(
                Warning,
                camera,
                "missing camera programs",
                format_args!(
                    "no video: neither rpicam-vid nor libcamera-vid is installed; looking again every {} s",
                    REPROBE.as_secs()
                ),
            )),
            Self::Running { after, failures } => {
                let failures = Failures(*failures);
                let text = format_args!("video is running, first after {:.1} s{failures}", after.as_secs_f64());
                show(Line::limited(Info, camera, "running video", text))
            }
            Self::Restarting => show(Line::limited(
                Info,
                camera,
                "camera restarts",
                format_args!("restarting the camera for new settings"),
            )),
            Self::ClockStepped { by_ms } => {
                let (way, seconds) = (if *by_ms < 0 { "back" } else { "forward" }, by_ms.unsigned_abs() / 1000);
                show(Line::limited(
                    Info,
                    camera,
                    "clock changes",
                    format_args!(
                        "the system clock was set {way} by {seconds} s: restarting video to correct its time stamps"
                    ),
                ))
            }
            Self::Failed { reason, attempt, retry_in, .. } => {
                let retry_in = retry_in.as_secs_f64();
                let attempt = Attempt(*attempt);
                let text = format_args!("{reason}; next try in {retry_in:.1} s{attempt}");
                show(Line::limited(reason.level(), process, "pipeline failures", text))
            }
            Self::WillNotDie { role } => show(Line::limited(
                Error,
                process,
                "unkillable children",
                format_args!(
                    "the {} survives SIGKILL, stuck in the kernel: waiting for it; if this lasts, power-cycle the device",
                    role.name()
                ),
            )),
            Self::ChildLine { logger, role, text, quiet } => {
                let level = if *quiet { Debug } else { Info };
                let kind = match role {
                    Role::Probe => "the probe's output",
                    Role::Camera => "the camera's output",
                    Role::Publisher => "the publisher's output",
                };
                show(Line::limited(level, logger, kind, format_args!("{text}")))
            }
        }
    }

    /// Lines that belong below it: what the children printed before they failed.
    pub fn details(&self) -> &[String] {
        match self {
            Self::Failed { tail, .. } => tail,
            Self::Found { .. }
            | Self::NoProgram
            | Self::Running { .. }
            | Self::Restarting
            | Self::ClockStepped { .. }
            | Self::WillNotDie { .. }
            | Self::ChildLine { .. } => &[],
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(|line| f.write_fmt(line.text))
    }
}

/// The failures before video ran, if there were any.
struct Failures(u32);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(", and 1 failure before"),
            failures => write!(f, ", and {failures} failures before"),
        }
    }
}

/// Which attempt it was, from the second on.
struct Attempt(u32);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1 { write!(f, " (attempt {})", self.0) } else { Ok(()) }
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
        assert_eq!(failed(1).line(|line| line.logger.to_owned()), "camera.process");
        assert_eq!(failed(1).line(|line| (line.level, line.kind)), (Error, Some("pipeline failures")));
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
        assert_eq!(
            line(false).line(|line| (line.logger.to_owned(), line.level)),
            ("camera.rpicam-vid".to_owned(), Info)
        );
        assert_eq!(line(true).line(|line| line.level), Debug);
        assert_eq!(line(true).to_string(), "hello");
    }
}
