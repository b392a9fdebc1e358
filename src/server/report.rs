//! Everything the server says in its log, in one place: the words, the level, the logger, and the kind by which
//! repetitions are limited.

mod settings;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Errno, Service};
use crate::camera;
use crate::camera::settings::{CameraSettings, Origin};
use crate::config::Level;
use crate::service::data::SourceChange;
use crate::wire::ErrorCode;

/// Something worth a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// A client connected.
    Connected {
        /// To what.
        service: Service,
        /// From where.
        peer: IpAddr,
    },
    /// No connections are taken for a moment.
    AcceptRests {
        /// What ran out.
        errno: Errno,
    },
    /// A connection ended.
    Disconnected {
        /// From what.
        service: Service,
        /// From where.
        peer: IpAddr,
        /// Why.
        why: Parting,
    },
    /// A packet or a connection was refused with an error packet.
    Refused {
        /// By what.
        service: Service,
        /// From where.
        peer: IpAddr,
        /// The code it was told.
        code: ErrorCode,
    },
    /// A right password.
    AuthAccepted {
        /// From where.
        peer: IpAddr,
    },
    /// A wrong password.
    AuthRejected {
        /// From where.
        peer: IpAddr,
    },
    /// An address is locked out from now on.
    LockedOut {
        /// Which.
        peer: IpAddr,
        /// For how long.
        length: Duration,
    },
    /// The settings ports are open to whoever reaches them.
    OpenToNetwork,
    /// The camera takes new settings.
    SettingsApplied {
        /// Which.
        settings: CameraSettings,
        /// Who brought them.
        origin: Origin,
    },
    /// The settings file could not be written.
    StoreFailed {
        /// Which file.
        path: PathBuf,
        /// Why.
        errno: Errno,
    },
    /// The settings file does not get written in time.
    StoreHangs {
        /// Which file.
        path: PathBuf,
    },
    /// The settings file could be written after it could not.
    StoreRecovered {
        /// Which file.
        path: PathBuf,
    },
    /// The data source's file changed between readable and not.
    Source {
        /// Which file.
        path: PathBuf,
        /// How.
        change: SourceChange,
        /// The value that is sent meanwhile.
        value: u8,
    },
    /// Something about the camera.
    Camera(camera::report::Report),
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
    /// Lines that were left out, because too many of their kind came at once.
    LeftOut {
        /// The kind.
        kind: &'static str,
        /// How many.
        count: u64,
        /// The level of the worst of them.
        level: Level,
    },
    /// The service manager took no message.
    NotTold {
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

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Its request is answered, or it closed.
    Done,
    /// It was reset or vanished.
    Lost,
    /// A packet it had begun was not complete in time, or on the authentication port none came.
    TooSlow,
    /// Its socket took nothing in time.
    Stuck,
    /// It sent 1024 bytes that are no packet.
    NoProtocol,
}

impl Report {
    /// How severe it is.
    pub fn level(&self) -> Level {
        match self {
            Self::Connected { .. } | Self::Disconnected { why: Parting::Done | Parting::Lost, .. } => Level::Debug,
            Self::Disconnected { why: Parting::TooSlow | Parting::Stuck | Parting::NoProtocol, .. }
            | Self::Refused { .. }
            | Self::AuthRejected { .. }
            | Self::LockedOut { .. }
            | Self::OpenToNetwork
            | Self::NotTold { .. }
            | Self::StopTimedOut { .. } => Level::Warning,
            Self::AuthAccepted { .. }
            | Self::SettingsApplied { .. }
            | Self::StoreRecovered { .. }
            | Self::Reloaded { .. }
            | Self::Counters { .. }
            | Self::Stopping => Level::Info,
            Self::LeftOut { level, .. } => *level,
            Self::StoreFailed { .. }
            | Self::StoreHangs { .. }
            | Self::ReloadFailed { .. }
            | Self::AcceptRests { .. } => Level::Error,
            Self::Source { change: SourceChange::Recovered, .. } => Level::Info,
            Self::Source { change: SourceChange::Unreadable(_) | SourceChange::NotANumber, .. } => Level::Error,
            Self::Camera(report) => report.level(),
        }
    }

    /// The logger's name: which part of the product speaks. `protocol` is what peers did wrong, `camera.config`
    /// the settings, `camera.process` the children, `server` the coordination.
    pub fn logger(&self) -> &str {
        match self {
            Self::Refused { code, service, .. } => match code {
                ErrorCode::BadChecksum | ErrorCode::BadLength | ErrorCode::NotValidHere => "protocol",
                ErrorCode::NotAuthenticated
                | ErrorCode::TooManyAttempts
                | ErrorCode::TooManyClients
                | ErrorCode::NotStored => service.name(),
            },
            Self::Disconnected { why: Parting::NoProtocol | Parting::TooSlow, .. } => "protocol",
            Self::AcceptRests { .. } => "tcp",
            Self::Connected { service, .. } | Self::Disconnected { service, .. } => service.name(),
            Self::AuthAccepted { .. } | Self::AuthRejected { .. } | Self::LockedOut { .. } | Self::OpenToNetwork => {
                "auth"
            }
            Self::SettingsApplied { .. }
            | Self::StoreFailed { .. }
            | Self::StoreHangs { .. }
            | Self::StoreRecovered { .. } => "camera.config",
            Self::Source { .. } => "data",
            Self::Camera(report) => report.logger(),
            Self::Reloaded { .. }
            | Self::ReloadFailed { .. }
            | Self::Counters { .. }
            | Self::LeftOut { .. }
            | Self::NotTold { .. }
            | Self::Stopping
            | Self::StopTimedOut { .. } => "server",
        }
    }

    /// Whether somebody asked for it: it is logged whatever the level.
    pub fn is_an_answer(&self) -> bool {
        matches!(self, Self::Counters { .. })
    }

    /// Lines that belong below it: what the children printed before they failed.
    pub fn details(&self) -> &[String] {
        if let Self::Camera(camera::report::Report::Failed { tail, .. }) = self { tail } else { &[] }
    }

    /// What it is limited by, `None` for what nobody outside can make happen often.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Connected { .. } => Some("connections"),
            Self::AcceptRests { .. } => Some("connections not taken"),
            Self::Disconnected { .. } => Some("disconnections"),
            Self::Refused { .. } => Some("refusals"),
            Self::AuthAccepted { .. } => Some("right passwords"),
            Self::AuthRejected { .. } => Some("wrong passwords"),
            Self::LockedOut { .. } => Some("lock-outs"),
            Self::SettingsApplied { .. } => Some("settings changes"),
            Self::StoreFailed { .. } | Self::StoreHangs { .. } | Self::StoreRecovered { .. } => Some("failed writes"),
            Self::Source { .. } => Some("data source changes"),
            Self::NotTold { .. } => Some("messages to the service manager"),
            Self::Camera(report) => Some(report.kind()),
            Self::OpenToNetwork
            | Self::Reloaded { .. }
            | Self::ReloadFailed { .. }
            | Self::Counters { .. }
            | Self::LeftOut { .. }
            | Self::Stopping
            | Self::StopTimedOut { .. } => None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { service, peer } => write!(f, "{peer} connected to the {} port", service.name()),
            Self::AcceptRests { errno } => write!(
                f,
                "cannot take connections: {errno}; trying again every 0.5 s: raise the limit on open files or lower \
                 server.max_clients"
            ),
            Self::Disconnected { service, peer, why } => {
                write!(f, "{peer} left the {} port: {why}", service.name())
            }
            Self::Refused { service, peer, code: code @ ErrorCode::NotStored } => {
                write!(f, "{peer} got error 07 on the {} port: {}", service.name(), code.text())
            }
            Self::Refused { service, peer, code } => {
                write!(f, "refused {peer} on the {} port: {}", service.name(), code.text())
            }
            Self::AuthAccepted { peer } => write!(f, "{peer} gave the right password"),
            Self::AuthRejected { peer } => write!(f, "{peer} gave a wrong password"),
            Self::LockedOut { peer, length } => {
                write!(f, "{peer} is locked out for {} s after too many wrong passwords", length.as_secs())
            }
            Self::OpenToNetwork => f.write_str(
                "the data and settings ports are open to everyone who reaches them; set auth.required to change that",
            ),
            Self::SettingsApplied { settings, origin } => settings::applied(f, settings, *origin),
            Self::StoreFailed { path, errno } => settings::store_failed(f, path, *errno),
            Self::StoreHangs { path } => write!(
                f,
                "writing {} takes longer than 10 s: the disk hangs or is too slow; the new settings are in force but will be \
                 lost at a restart until it is written: check the disk",
                path.display()
            ),
            Self::StoreRecovered { path } => write!(f, "{} is written again", path.display()),
            Self::Source { path, change, value } => source(f, path, *change, *value),
            Self::Camera(report) => report.fmt(f),
            Self::Reloaded { needs_restart } if needs_restart.is_empty() => f.write_str("configuration reread"),
            Self::Reloaded { needs_restart } => write!(
                f,
                "configuration reread; changes of {} take effect only after a restart",
                needs_restart.join(", ")
            ),
            Self::ReloadFailed { why } => write!(f, "configuration not changed: {why}"),
            Self::Counters { text } => f.write_str(text),
            Self::LeftOut { kind, count, .. } => write!(f, "left out {count} more lines about {kind}"),
            Self::NotTold { errno } => {
                write!(f, "the service manager takes no messages: {errno}; trying again every second")
            }
            Self::Stopping => f.write_str("stopping"),
            Self::StopTimedOut { waiting_for } => write!(f, "stopped without waiting longer for {waiting_for}"),
        }
    }
}

fn source(f: &mut fmt::Formatter<'_>, path: &std::path::Path, change: SourceChange, value: u8) -> fmt::Result {
    let path = path.display();
    match change {
        SourceChange::Unreadable(errno) => {
            write!(f, "cannot read data.source {path}: {errno}; the last value, {value}, is sent on")
        }
        SourceChange::NotANumber => {
            write!(f, "data.source {path} does not begin with a decimal number; the last value, {value}, is sent on")
        }
        SourceChange::Recovered => write!(f, "data.source {path} can be read again"),
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Lost => "connection lost",
            Self::TooSlow => "no complete packet within 5 s",
            Self::Stuck => "it took no data for 10 s",
            Self::NoProtocol => "1024 bytes that are no packet",
        })
    }
}
