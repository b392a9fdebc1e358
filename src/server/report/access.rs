//! Passwords, lock-outs, and open ports.

use std::time::Duration;

use crate::ids::Peer;
use crate::limits::{BRAKE_EACH, MAX_FAILING_ADDRESSES};
use crate::logging::Level::{Info, Warning};
use crate::logging::Line;
use crate::service::scram::Refusal;

/// Something about passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessReport {
    /// A right password.
    Accepted {
        /// Whose.
        peer: Peer,
    },
    /// A wrong password.
    Rejected {
        /// Whose.
        peer: Peer,
    },
    /// A peer is locked out from now on.
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
    /// A password itself came, and `auth.plain` is off.
    PlainRefused {
        /// Whose.
        peer: Peer,
    },
    /// A message of a login is refused, before any password was looked at.
    LoginRefused {
        /// Whose.
        peer: Peer,
        /// Why.
        refusal: Refusal,
    },
    /// The data and settings ports, the video and the page need no password.
    OpenToNetwork,
    /// They do, for clients on the network.
    PasswordNeeded,
}

impl AccessReport {
    /// Hands the line to `show`.
    pub fn line<'a, R>(&'a self, show: impl FnOnce(Line<'a, '_>) -> R) -> R {
        match self {
            Self::Accepted { peer } => {
                show(Line::limited(Info, "auth", "right passwords", format_args!("{peer} gave the right password")))
            }
            Self::Rejected { peer } => {
                show(Line::limited(Warning, "auth", "wrong passwords", format_args!("{peer} gave a wrong password")))
            }
            Self::LockedOut { peer, length } => show(Line::limited(
                Warning,
                "auth",
                "lock-outs",
                format_args!("{peer} is locked out for {} s after too many wrong passwords", length.as_secs()),
            )),
            Self::BrakeOn => show(Line::limited(
                Warning,
                "auth",
                "many wrong passwords",
                format_args!(
                    "{MAX_FAILING_ADDRESSES} addresses gave wrong passwords recently: until that ends, only one password \
                     from a new address is checked every {} s",
                    BRAKE_EACH.as_secs()
                ),
            )),
            Self::BrakeOff => show(Line::limited(
                Info,
                "auth",
                "many wrong passwords",
                format_args!("passwords from all addresses are checked again"),
            )),
            Self::PlainRefused { peer } => show(Line::limited(
                Warning,
                "auth",
                "refusals",
                format_args!(
                    "refused {peer} on the auth port: it sent the password itself, and auth.plain is off: use es-iot-ctl \
                     auth, or update the client"
                ),
            )),
            Self::LoginRefused { peer, refusal } => show(Line::limited(
                Warning,
                "auth",
                "refusals",
                format_args!("refused a login of {peer} on the auth port: {refusal}"),
            )),
            Self::PasswordNeeded => show(Line::new(
                Info,
                "auth",
                format_args!(
                    "clients on the network need the password: with es-iot-ctl auth, on the page or in the RTSP URL; set \
                     auth.required to false to open the ports to everyone"
                ),
            )),
            Self::OpenToNetwork => show(Line::new(
                Warning,
                "auth",
                format_args!(
                    "the data and settings ports, the video and the page are open to everyone who can reach them; set \
                     auth.required to true to change that"
                ),
            )),
        }
    }
}
