//! Errors of a start or, for an internal error, of a run: one line for people, one exit code for the init system.

use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::camera::settings::SettingsError;
use crate::config::ConfigError;
use crate::reactor::ReactorError;
use crate::sys::errno::out_of_descriptors;
use crate::sys::log::LogError;

/// An error that prevents or ends the daemon. The exit codes are those of `sysexits.h`.
#[derive(Debug)]
pub enum StartError {
    /// The command line is wrong: 64.
    Usage(String),
    /// The arguments of the test camera, which only the daemon passes, are wrong: 64.
    TestCamera(String),
    /// A port can't be bound: 69.
    Bind {
        /// `server.host`
        host: String,
        /// The port.
        port: u16,
        /// The port's configuration key.
        key: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// An operation failed that should never fail: 70.
    Internal {
        /// The operation.
        doing: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// The loop could not continue: 70.
    Reactor(ReactorError),
    /// The state directory can't be used, or takes no generated password: 73.
    State {
        /// The directory.
        directory: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The configuration is invalid: 78.
    Config(ConfigError),
    /// The camera settings file is invalid: 78.
    Settings {
        /// The file.
        path: PathBuf,
        /// The problem.
        error: SettingsProblem,
    },
    /// `--check-config` has no permission to read a file that the daemon reads: 78.
    Forbidden {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The log file can't be used: 78. Any other error of the log: 70.
    Log(LogError),
    /// Any of these with this exit code, already logged on standard error.
    AlreadyLogged(u8),
}

/// A problem with a camera settings file.
#[derive(Debug)]
pub enum SettingsProblem {
    /// It can't be read.
    Unreadable(io::Error),
    /// Its contents are invalid.
    Damaged(SettingsError),
}

impl StartError {
    /// The process's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::TestCamera(_) => 64,
            Self::Bind { .. } => 69,
            Self::Internal { .. } | Self::Reactor(_) | Self::Log(LogError::StandardError(_) | LogError::Installed) => {
                70
            }
            Self::State { .. } => 73,
            Self::Config(_) | Self::Settings { .. } | Self::Forbidden { .. } | Self::Log(LogError::File { .. }) => 78,
            Self::AlreadyLogged(code) => *code,
        }
    }

    /// The logger's name, which is the kind of error.
    pub const fn logger(&self) -> &'static str {
        match self {
            Self::Bind { .. } | Self::Reactor(ReactorError::Listener { .. }) => "tcp",
            Self::Settings { .. } => "camera.config",
            Self::Usage(_)
            | Self::TestCamera(_)
            | Self::Internal { .. }
            | Self::Reactor(ReactorError::Kernel { .. })
            | Self::State { .. }
            | Self::Config(_)
            | Self::Forbidden { .. }
            | Self::Log(_)
            | Self::AlreadyLogged(_) => "server",
        }
    }

    /// Marks the error as already logged on standard error.
    #[must_use]
    pub fn logged(self) -> Self {
        Self::AlreadyLogged(self.exit_code())
    }

    /// Prints the error to standard error in one line, unless it is already logged there.
    pub fn print(&self) {
        if !matches!(self, Self::AlreadyLogged(_)) {
            // A failure to print can't be reported; the exit code remains.
            let _ = writeln!(io::stderr(), "es-iot-server: {self}");
        }
    }

    /// Wraps the error of an operation that should never fail.
    pub fn internal(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::Internal { doing, error }
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}; see es-iot-server --help"),
            Self::TestCamera(what) => {
                write!(
                    f,
                    "test camera: {what}; set camera.source to \"test\", and the daemon starts it with the right arguments"
                )
            }
            Self::Bind { host, port, key, error } => {
                write!(f, "cannot listen on {host} port {port}: {error}; ")?;
                if out_of_descriptors(error) {
                    return f.write_str(RAISE_DESCRIPTORS);
                }
                write!(f, "{} {key}", bind_hint(error.kind()))
            }
            Self::Internal { doing, error } => write!(f, "internal error: {doing} failed: {error}; {}", advice(error)),
            Self::Reactor(reason) => {
                let (ReactorError::Kernel { error, .. } | ReactorError::Listener { error, .. }) = reason;
                write!(f, "internal error: {reason}; {}", advice(error))
            }
            Self::State { directory, error } => {
                let directory = directory.display();
                write!(f, "cannot use the state directory {directory}: {error}; ")?;
                if error.kind() == io::ErrorKind::PermissionDenied {
                    let commands = format_args!("mkdir -p {directory} && chown USER {directory}");
                    write!(f, "give it to the user that runs the server (as root: {commands})")?;
                } else {
                    f.write_str(state_hint(error.kind()))?;
                }
                f.write_str(", or change paths.state_dir")
            }
            Self::Config(error) => error.fmt(f),
            Self::Settings { path, error: SettingsProblem::Unreadable(error) } => {
                write!(f, "cannot read {}: {error}", path.display())
            }
            Self::Settings { path, error: SettingsProblem::Damaged(error) } => write!(f, "{}: {error}", path.display()),
            Self::Forbidden { path, error } => write!(
                f,
                "cannot read {}: {error}; run --check-config as root or as the user that runs the server, and make sure \
                 that this user may read the file",
                path.display()
            ),
            Self::Log(error) => error.fmt(f),
            Self::AlreadyLogged(code) => write!(f, "exit code {code}"),
        }
    }
}

/// The fix for a state directory that can't be used.
#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list of kinds is open")]
fn state_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on its disk",
        // A damaged ext4 becomes read-only (`errors=remount-ro`).
        io::ErrorKind::ReadOnlyFilesystem => "check its disk, and mount it writable",
        io::ErrorKind::NotFound => "create the directory that it is in, or what it links to",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => "move the file of this name away",
        // Such as EIO, which has no kind.
        _ => "check its disk: the kernel's log may have the reason (dmesg)",
    }
}

/// The fix for a port that can't be bound; the caller appends the key to change.
#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list of kinds is open")]
fn bind_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => {
            "another program, perhaps a second es-iot-server, uses it: stop that program or change"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE: grant it or change",
        _ => "check server.host or change",
    }
}

impl std::error::Error for StartError {}

const RAISE_DESCRIPTORS: &str = "raise the limit on open files (ulimit -n, LimitNOFILE=)";

/// The advice for an error that should never happen.
fn advice(error: &io::Error) -> &'static str {
    if out_of_descriptors(error) { RAISE_DESCRIPTORS } else { "please report it" }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<LogError> for StartError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<ReactorError> for StartError {
    fn from(error: ReactorError) -> Self {
        Self::Reactor(error)
    }
}
