//! Why a start (or, for an internal error, a run) failed: one line for a person, one exit code for an init system.

use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::camera::settings::SettingsError;
use crate::config::ConfigError;
use crate::reactor::ReactorError;
use crate::sys::errno::out_of_descriptors;
use crate::sys::log::LogError;

/// Why the daemon is not running. The exit codes are those of `sysexits.h`.
#[derive(Debug)]
pub enum StartError {
    /// The command line is wrong: 64.
    Usage(String),
    /// A port can't be bound: 69.
    Bind {
        /// `server.host`
        host: String,
        /// The port.
        port: u16,
        /// Its key.
        key: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// A Unix socket can't be bound: 69.
    BindPath {
        /// Its file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Something that never fails did: 70.
    Internal {
        /// What was being done.
        doing: &'static str,
        /// How it failed.
        error: io::Error,
    },
    /// The loop could not go on: 70.
    Reactor(ReactorError),
    /// The state directory, or the generated password in it, can't be used: 73.
    State {
        /// Which file or directory.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The configuration is not valid: 78.
    Config(ConfigError),
    /// The camera settings file is not valid: 78.
    Settings {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: SettingsProblem,
    },
    /// `--check-config` may not read a file that the daemon reads: 78.
    Forbidden {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The log file can't be used: 78; or what never fails did: 70.
    Log(LogError),
    /// Any of these, already told on standard error.
    AlreadyLogged(u8),
}

/// What is wrong with a camera settings file.
#[derive(Debug)]
pub enum SettingsProblem {
    /// It can't be read.
    Unreadable(io::Error),
    /// What it says is wrong.
    Damaged(SettingsError),
}

impl StartError {
    /// The process's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Bind { .. } | Self::BindPath { .. } => 69,
            Self::Internal { .. } | Self::Reactor(_) | Self::Log(LogError::StandardError(_) | LogError::Installed) => {
                70
            }
            Self::State { .. } => 73,
            Self::Config(_) | Self::Settings { .. } | Self::Forbidden { .. } | Self::Log(LogError::File { .. }) => 78,
            Self::AlreadyLogged(code) => *code,
        }
    }

    /// The logger's name: the kind of error.
    pub const fn logger(&self) -> &'static str {
        match self {
            Self::Bind { .. } | Self::BindPath { .. } | Self::Reactor(ReactorError::Listener { .. }) => "tcp",
            Self::Settings { .. } => "camera.config",
            Self::Usage(_)
            | Self::Internal { .. }
            | Self::Reactor(ReactorError::Kernel { .. })
            | Self::State { .. }
            | Self::Config(_)
            | Self::Forbidden { .. }
            | Self::Log(_)
            | Self::AlreadyLogged(_) => "server",
        }
    }

    /// The same error, not to be told again: the log goes to standard error too.
    #[must_use]
    pub fn logged(self) -> Self {
        Self::AlreadyLogged(self.exit_code())
    }

    /// Tells it on standard error, in one line.
    pub fn print(&self) {
        if !matches!(self, Self::AlreadyLogged(_)) {
            // Nobody is left to hear that it could not be told; the exit code says the rest.
            let _ = writeln!(io::stderr(), "es-iot-server: {self}");
        }
    }

    /// Wraps what should never fail.
    pub fn internal(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::Internal { doing, error }
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}; see es-iot-server --help"),
            Self::Bind { host, port, key, error } => {
                write!(f, "cannot listen on {host} port {port}: {error}; ")?;
                if out_of_descriptors(error) {
                    return f.write_str(RAISE_DESCRIPTORS);
                }
                write!(f, "{} {key}", bind_hint(error.kind()))
            }
            Self::BindPath { path, error } => write!(
                f,
                "cannot listen on {}: {error}; check that its directory is writable and that no other program has it",
                path.display()
            ),
            Self::Internal { doing, error } => write!(f, "internal error {doing}: {error}; {}", advice(error)),
            Self::Reactor(reason) => {
                let (ReactorError::Kernel { error, .. } | ReactorError::Listener { error, .. }) = reason;
                write!(f, "internal error: {reason}; {}", advice(error))
            }
            Self::State { path, error } => write!(
                f,
                "cannot use {}: {error}; {}, or change paths.state_dir",
                path.display(),
                state_hint(error.kind())
            ),
            Self::Config(error) => error.fmt(f),
            Self::Settings { path, error: SettingsProblem::Unreadable(error) } => {
                write!(f, "cannot read {}: {error}", path.display())
            }
            Self::Settings { path, error: SettingsProblem::Damaged(error) } => write!(f, "{}: {error}", path.display()),
            Self::Forbidden { path, error } => write!(
                f,
                "cannot read {}: {error}; run --check-config as root or as the user that runs the server, and if this is \
                 that user, let it read the file",
                path.display()
            ),
            Self::Log(error) => error.fmt(f),
            Self::AlreadyLogged(code) => write!(f, "exit code {code}"),
        }
    }
}

/// What to do about a state directory that can't be used.
#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list of kinds is open")]
fn state_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its disk",
        io::ErrorKind::ReadOnlyFilesystem => "mount it writable",
        _ => "make it a directory that this user can write to",
    }
}

/// What to do about a port that can't be bound; the key to change comes after it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's list of kinds is open")]
fn bind_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => "another program (or a second es-iot-server) has it: stop that or change",
        io::ErrorKind::PermissionDenied => "ports below 1024 need CAP_NET_BIND_SERVICE: give that or change",
        _ => "check server.host or change",
    }
}

impl std::error::Error for StartError {}

const RAISE_DESCRIPTORS: &str = "raise the limit on open files (ulimit -n, LimitNOFILE=)";

/// What to do about an error that should never be.
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
