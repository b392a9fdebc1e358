//! The words of each report.

use std::fmt;

use super::phrases::source;
use super::{Report, settings};
use crate::limits::{BRAKE_EACH, MAX_FAILING_ADDRESSES};
use crate::wire::ErrorCode;

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
            Self::ShareTaken { service, peer, share } => write!(
                f,
                "refused {peer} on the {} port: it holds {share} connections, the share of an address",
                service.name()
            ),
            Self::TooFewDescriptors(shortage) => shortage.fmt(f),
            Self::AuthAccepted { peer } => write!(f, "{peer} gave the right password"),
            Self::AuthRejected { peer } => write!(f, "{peer} gave a wrong password"),
            Self::LockedOut { peer, length } => {
                write!(f, "{peer} is locked out for {} s after too many wrong passwords", length.as_secs())
            }
            Self::BrakeOn => write!(
                f,
                "{MAX_FAILING_ADDRESSES} addresses gave wrong passwords lately: of those from further addresses, only one \
                 every {} s is checked until that ends",
                BRAKE_EACH.as_secs()
            ),
            Self::BrakeOff => f.write_str("passwords from all addresses are checked again"),
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
