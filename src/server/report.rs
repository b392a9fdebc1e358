//! Everything the server says in its log, in one place: the words, the level, the logger, and the kind by which
//! repetitions are limited.

mod phrases;
mod settings;
mod text;

use std::path::PathBuf;
use std::time::Duration;

pub use phrases::{Parting, Shortage};

use super::{Errno, Peer, Service};
use crate::camera;
use crate::camera::settings::{CameraSettings, ChangedBy};
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
        peer: Peer,
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
        peer: Peer,
        /// Why.
        why: Parting,
    },
    /// A packet or a connection was refused with an error packet.
    Refused {
        /// By what.
        service: Service,
        /// From where.
        peer: Peer,
        /// The code it was told.
        code: ErrorCode,
    },
    /// A connection was refused because its address has its share of the places.
    ShareTaken {
        /// By what.
        service: Service,
        /// From where.
        peer: Peer,
        /// How many that is.
        share: usize,
    },
    /// The limit on open descriptors leaves clients fewer places than are configured.
    TooFewDescriptors(Shortage),
    /// A right password.
    AuthAccepted {
        /// From where.
        peer: Peer,
    },
    /// A wrong password.
    AuthRejected {
        /// From where.
        peer: Peer,
    },
    /// An address is locked out from now on.
    LockedOut {
        /// Which.
        peer: Peer,
        /// For how long.
        length: Duration,
    },
    /// Passwords from too many addresses are wrong: those of new ones are hardly looked at from now on.
    BrakeOn,
    /// Passwords of new addresses are looked at again.
    BrakeOff,
    /// The settings ports are open to whoever reaches them.
    OpenToNetwork,
    /// The camera takes new settings.
    SettingsApplied {
        /// Which.
        settings: CameraSettings,
        /// Who brought them.
        origin: ChangedBy,
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

impl Report {
    /// How severe it is.
    pub fn level(&self) -> Level {
        match self {
            Self::Connected { .. } | Self::Disconnected { why: Parting::Done | Parting::Lost, .. } => Level::Debug,
            Self::Disconnected { why: Parting::TooSlow | Parting::Stuck | Parting::NoProtocol, .. }
            | Self::Refused { .. }
            | Self::ShareTaken { .. }
            | Self::TooFewDescriptors(_)
            | Self::AuthRejected { .. }
            | Self::LockedOut { .. }
            | Self::BrakeOn
            | Self::OpenToNetwork
            | Self::NotTold { .. }
            | Self::StopTimedOut { .. } => Level::Warning,
            Self::AuthAccepted { .. }
            | Self::BrakeOff
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
            Self::Connected { service, .. } | Self::Disconnected { service, .. } | Self::ShareTaken { service, .. } => {
                service.name()
            }
            Self::AuthAccepted { .. }
            | Self::AuthRejected { .. }
            | Self::LockedOut { .. }
            | Self::BrakeOn
            | Self::BrakeOff
            | Self::OpenToNetwork => "auth",
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
            | Self::TooFewDescriptors(_)
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
            Self::Refused { .. } | Self::ShareTaken { .. } => Some("refusals"),
            Self::AuthAccepted { .. } => Some("right passwords"),
            Self::AuthRejected { .. } => Some("wrong passwords"),
            Self::LockedOut { .. } => Some("lock-outs"),
            Self::BrakeOn | Self::BrakeOff => Some("many wrong passwords"),
            Self::SettingsApplied { .. } => Some("settings changes"),
            Self::StoreFailed { .. } | Self::StoreHangs { .. } | Self::StoreRecovered { .. } => Some("failed writes"),
            Self::Source { .. } => Some("data source changes"),
            Self::NotTold { .. } => Some("messages to the service manager"),
            Self::Camera(report) => Some(report.kind()),
            Self::OpenToNetwork
            | Self::TooFewDescriptors(_)
            | Self::Reloaded { .. }
            | Self::ReloadFailed { .. }
            | Self::Counters { .. }
            | Self::LeftOut { .. }
            | Self::Stopping
            | Self::StopTimedOut { .. } => None,
        }
    }
}
