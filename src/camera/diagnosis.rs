//! Diagnoses a failure from the children's output and exit states. The result is one [`Reason`], with a fix.
//!
//! The order in which deaths are noticed means little: SIGCHLD coalesces, and a child dies when it loses the other one. So
//! [`Findings`] are collected until the whole pipeline is down, and only then evaluated.

use std::fmt;

use crate::logging::Level;
pub use crate::os::Exit;

mod findings;
mod symptom;

pub use findings::Findings;
pub use symptom::Symptom;

/// A child's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Lists a camera program's options.
    Probe,
    /// Produces the video.
    Camera,
    /// Sends the video to the RTSP server.
    Publisher,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Probe, Self::Camera, Self::Publisher];

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Camera => "camera",
            Self::Publisher => "publisher",
        }
    }
}

/// Why the pipeline, or the search for a camera program, failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The camera program detects no camera.
    NoCamera,
    /// Another process uses the camera.
    Busy,
    /// The camera is detected but delivers no frames.
    SensorTimeout,
    /// The program or the board can't encode H.264.
    NoEncoder,
    /// The program is not installed.
    ProgramMissing {
        /// The program's name.
        program: String,
    },
    /// The program rejects its options.
    RefusedOptions {
        /// Its error message.
        text: String,
    },
    /// The RTSP server can't be reached or refused the publisher.
    PublisherRefused {
        /// The publisher's error message.
        text: String,
    },
    /// The connection to the RTSP server was lost.
    PublisherLost,
    /// No video moved for this long, and no child printed a reason.
    Stalled {
        /// The time in whole seconds, rounded down.
        seconds: u64,
        /// Whether a publisher took part, which may be the one that hangs.
        publishing: bool,
    },
    /// A child was ended by a signal that the daemon did not send.
    Crashed {
        /// Which child.
        role: Role,
        /// The signal's number.
        signal: i32,
    },
    /// A child exited on its own.
    Exited {
        /// Which child.
        role: Role,
        /// Its exit status.
        code: i32,
    },
    /// The program exists but can't be executed.
    NotExecutable {
        /// Which child.
        role: Role,
        /// The program's name.
        program: String,
        /// The system's error text.
        text: String,
    },
    /// The system could not start a child.
    SpawnFailed {
        /// Which child.
        role: Role,
        /// The program's name.
        program: String,
        /// The system's error text.
        text: String,
    },
}

// From errno(3): the three errors that concern the program, not the state of the system.
const ENOENT: i32 = 2;
const ENOEXEC: i32 = 8;
const EACCES: i32 = 13;

impl Reason {
    /// The reason for an errno of fork, exec or a related call for `program`.
    pub fn of_spawn(role: Role, program: &str, errno: i32, text: &str) -> Self {
        let (program, text) = (program.to_owned(), text.to_owned());
        match errno {
            ENOENT => Self::ProgramMissing { program },
            EACCES | ENOEXEC => Self::NotExecutable { role, program, text },
            _ => Self::SpawnFailed { role, program, text },
        }
    }

    /// A stable name, for counting.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoCamera => "no-camera",
            Self::Busy => "busy",
            Self::SensorTimeout => "sensor-timeout",
            Self::NoEncoder => "no-encoder",
            Self::ProgramMissing { .. } => "program-missing",
            Self::RefusedOptions { .. } => "refused-options",
            Self::PublisherRefused { .. } => "publisher-refused",
            Self::PublisherLost => "publisher-lost",
            Self::Stalled { .. } => "stalled",
            Self::Crashed { .. } => "crashed",
            Self::Exited { .. } => "exited",
            Self::NotExecutable { .. } => "not-executable",
            Self::SpawnFailed { .. } => "spawn-failed",
        }
    }

    /// The severity. An RTSP server that is not up yet is normal at boot; the other reasons need attention.
    pub const fn level(&self) -> Level {
        match self {
            Self::PublisherRefused { .. } | Self::PublisherLost => Level::Warning,
            Self::NoCamera
            | Self::Busy
            | Self::SensorTimeout
            | Self::NoEncoder
            | Self::ProgramMissing { .. }
            | Self::RefusedOptions { .. }
            | Self::Stalled { .. }
            | Self::Crashed { .. }
            | Self::Exited { .. }
            | Self::NotExecutable { .. }
            | Self::SpawnFailed { .. } => Level::Error,
        }
    }

    /// The child that failed, if known. The other child's last lines are then irrelevant.
    pub const fn guilty(&self) -> Option<Role> {
        match self {
            Self::NoCamera | Self::Busy | Self::SensorTimeout | Self::NoEncoder | Self::RefusedOptions { .. } => {
                Some(Role::Camera)
            }
            Self::PublisherRefused { .. } | Self::PublisherLost => Some(Role::Publisher),
            Self::Crashed { role, .. }
            | Self::Exited { role, .. }
            | Self::NotExecutable { role, .. }
            | Self::SpawnFailed { role, .. } => Some(*role),
            Self::ProgramMissing { .. } | Self::Stalled { .. } => None,
        }
    }

    /// Whether only a person can fix it, so that retrying soon is of no use.
    pub const fn is_slow(&self) -> bool {
        match self {
            Self::NoCamera
            | Self::NoEncoder
            | Self::ProgramMissing { .. }
            | Self::RefusedOptions { .. }
            | Self::NotExecutable { .. } => true,
            Self::Busy
            | Self::SensorTimeout
            | Self::PublisherRefused { .. }
            | Self::PublisherLost
            | Self::Stalled { .. }
            | Self::Crashed { .. }
            | Self::Exited { .. }
            | Self::SpawnFailed { .. } => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCamera => f.write_str(
                "no camera is connected: check the ribbon cable at both ends, and the camera's overlay in config.txt",
            ),
            Self::Busy => f.write_str("the camera is busy: another process uses it; stop that one"),
            Self::SensorTimeout => f.write_str(
                "the camera is detected but delivers no frames: check the ribbon cable and the power supply, then reboot",
            ),
            Self::NoEncoder => f.write_str(
                "no H.264 encoder: wrong build or board; a Pi 5 needs a camera program built with libav",
            ),
            Self::ProgramMissing { program } => {
                write!(f, "program {program} not found: install it, or change the camera section of the configuration")
            }
            Self::RefusedOptions { text } => {
                write!(f, "the camera program rejects its options ({text}): check its version and the camera section")
            }
            Self::PublisherRefused { text } => {
                write!(f, "the RTSP server can't be reached ({text}): start it, or correct camera.rtsp_url")
            }
            Self::PublisherLost => f.write_str("the connection to the RTSP server was lost: see that server's log"),
            Self::Stalled { seconds, publishing: true } => write!(
                f,
                "no video moved for {seconds} s: the camera hangs or the RTSP server stopped reading; restarting both"
            ),
            Self::Stalled { seconds, publishing: false } => {
                write!(f, "no video for {seconds} s: the camera hangs or writes no H.264; restarting it")
            }
            Self::Crashed { role, signal } => write!(
                f,
                "the {} crashed with signal {signal}{}: see its last output in the log",
                role.name(),
                if *signal == SIGKILL { " (SIGKILL often means the OOM killer)" } else { "" }
            ),
            Self::Exited { role, code } => {
                write!(f, "the {} exited on its own with status {code}: see its last output in the log", role.name())
            }
            Self::NotExecutable { role, program, text } => {
                let role = role.name();
                write!(f, "the {role} program {program} can't be executed ({text}): check its mode and architecture")
            }
            Self::SpawnFailed { role, program, text } => {
                let role = role.name();
                write!(f, "the {role} program {program} can't be started ({text}): check memory and process limits")
            }
        }
    }
}

const SIGKILL: i32 = 9;

#[cfg(test)]
mod tests;
