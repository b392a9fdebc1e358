//! The failures of a command: a text with the fix, and an exit code.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use es_iot_server::service::scram::Untrusted;
use es_iot_server::wire::ErrorCode;

use crate::http::Problem;

/// The failure of a command.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// A setting can't have this value.
    Value(String),
    /// The password can't be read or sent.
    Password(String),
    /// The host has no address.
    NoSuchHost { host: String, error: io::Error },
    /// No address of the host accepted the connection.
    Unreachable { peer: String, timeout: Duration, error: io::Error },
    /// The connection was lost.
    Lost { peer: String, error: io::Error },
    /// The server closed the connection before it sent a packet.
    Closed { peer: String },
    /// The server closed the connection in the middle of its data stream.
    StreamEnded { peer: String },
    /// No packet came within the time-out.
    Silent { peer: String, timeout: Duration },
    /// The settings were sent but not confirmed: within the time-out or, if that is `None`, before the connection
    /// ended.
    Unconfirmed { peer: String, timeout: Option<Duration> },
    /// The peer's packets are not those of this service.
    NotOurs { peer: String, service: &'static str, option: &'static str },
    /// The server reported twice, instead of once followed by a reply, that an update was not stored.
    Repeated { peer: String },
    /// An error packet.
    Refused { peer: String, refusal: Refusal },
    /// The Unix socket can't be used, and no port either if one was tried.
    NoSocket { path: PathBuf, error: io::Error, tcp: Option<Box<Failure>> },
    /// An HTTP reply is a refusal, or is damaged.
    Http { peer: String, problem: Problem },
    /// The server's video does not move, for this reason.
    Unhealthy(String),
    /// The password is wrong.
    WrongPassword,
    /// The server does not take logins that keep the password off the wire.
    NoLogin { peer: String },
    /// The server does not take the password itself.
    NoPlain { peer: String },
    /// The login failed, for another reason than the password.
    Untrusted { peer: String, why: Untrusted },
    /// Another client has changed the same settings meanwhile.
    Overwritten { keys: String },
    /// Standard output can't be written to.
    Output(io::Error),
    /// Standard output was closed by its reader.
    OutputClosed,
    /// A system call failed.
    System { doing: &'static str, error: io::Error },
}

/// The contents of an error packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A known error code.
    Code(ErrorCode),
    /// An unknown code, from a later version of the protocol.
    Unknown(u8),
    /// No code: on the authentication port, a wrong password.
    Bare,
}

impl Failure {
    /// The failure for an error of writing to standard output.
    pub fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::OutputClosed } else { Self::Output(error) }
    }

    /// The exit code: 2 for a mistake in the command, 3 for video that does not move, 1 for any other failure.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Value(_) | Self::Password(_) => 2,
            Self::Unhealthy(_) => 3,
            Self::NoSuchHost { .. }
            | Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Closed { .. }
            | Self::StreamEnded { .. }
            | Self::Silent { .. }
            | Self::Unconfirmed { .. }
            | Self::NotOurs { .. }
            | Self::Repeated { .. }
            | Self::Refused { .. }
            | Self::NoSocket { .. }
            | Self::Http { .. }
            | Self::WrongPassword
            | Self::NoLogin { .. }
            | Self::NoPlain { .. }
            | Self::Untrusted { .. }
            | Self::Overwritten { .. }
            | Self::Output(_)
            | Self::OutputClosed
            | Self::System { .. } => 1,
        }
    }

    /// Prints the failure to standard error. A closed standard error does not change the exit code.
    pub fn print(&self) {
        let _best_effort = writeln!(io::stderr(), "es-iot-ctl: {self}");
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}; see es-iot-ctl --help"),
            Self::Value(what) | Self::Password(what) => f.write_str(what),
            Self::NoSuchHost { host, error } => {
                write!(f, "host {host} not found: check --host ({error})")
            }
            Self::Unreachable { peer, timeout, error } => unreachable_text(f, peer, *timeout, error),
            Self::Lost { peer, error } => write!(f, "the connection to {peer} was lost: try again ({error})"),
            Self::Closed { peer } => {
                write!(f, "{peer} closed the connection without an answer: see the server's log")
            }
            Self::StreamEnded { peer } => write!(
                f,
                "{peer} ended the stream: was es-iot-server stopped, or was the output not read for too long? \
                 See the server's log"
            ),
            Self::Silent { peer, timeout } => write!(
                f,
                "{peer} sent no packet for {} s: is it es-iot-server? For a slow server, use a longer --timeout",
                timeout.as_secs_f64()
            ),
            Self::Unconfirmed { peer, timeout: Some(timeout) } => write!(
                f,
                "the settings were sent to {peer}, but it did not confirm within {} s that they are stored: \
                 check with es-iot-ctl get, or use a longer --timeout",
                timeout.as_secs_f64()
            ),
            Self::Unconfirmed { peer, timeout: None } => write!(
                f,
                "the settings were sent to {peer}, but the connection ended before it confirmed that they are stored: \
                 check with es-iot-ctl get"
            ),
            Self::NotOurs { peer, service, option } => write!(
                f,
                "{peer} is not the {service} port of an es-iot-server: check {option} and the server's version"
            ),
            Self::Repeated { peer } => write!(
                f,
                "{peer} reported twice that the settings could not be stored, but sent no reply: check that it is \
                 es-iot-server, and that its version is that of es-iot-ctl"
            ),
            Self::Refused { peer, refusal } => {
                write!(f, "{peer} answered: {refusal}")?;
                advice(*refusal).map_or(Ok(()), |advice| write!(f, "; {advice}"))
            }
            Self::NoSocket { path, error, tcp } => no_socket_text(f, path, error, tcp.as_deref()),
            Self::Http { peer, problem } => write!(f, "{peer} {problem}"),
            Self::Unhealthy(reason) => write!(f, "the video does not move: {reason}"),
            Self::WrongPassword => write!(f, "wrong password: try again; too many attempts lock this address out"),
            Self::NoLogin { peer } => write!(
                f,
                "{peer} only knows the old login, which sends the password itself: update es-iot-server, or use --plain if \
                 you trust the network"
            ),
            Self::NoPlain { peer } => write!(f, "{peer} does not take the password itself: leave --plain out"),
            Self::Untrusted { peer, why } => write!(f, "{peer}: {why}"),
            Self::Overwritten { keys } => {
                write!(f, "the server reports a different value of {keys} than was set: did another client change it?")
            }
            Self::Output(error) => write!(f, "can't write to standard output: is the disk full? ({error})"),
            Self::OutputClosed => f.write_str("standard output was closed"),
            Self::System { doing, error } => write!(f, "{doing} failed: try again ({error})"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code.text()),
            Self::Unknown(code) => write!(f, "error {code:02}, which this version of es-iot-ctl does not know"),
            Self::Bare => f.write_str("an error without a code"),
        }
    }
}

fn unreachable_text(f: &mut fmt::Formatter<'_>, peer: &str, timeout: Duration, error: &io::Error) -> fmt::Result {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return write!(f, "nothing listens at {peer}: is es-iot-server running?");
    }
    if error.kind() == io::ErrorKind::TimedOut {
        let seconds = timeout.as_secs_f64();
        return write!(
            f,
            "{peer} did not answer within {seconds} s: is the host up, and does a firewall block the port?"
        );
    }
    write!(f, "{peer} can't be reached: check --host and the network ({error})")
}

fn no_socket_text(f: &mut fmt::Formatter<'_>, path: &Path, error: &io::Error, tcp: Option<&Failure>) -> fmt::Result {
    if let Some(tcp) = tcp {
        write!(f, "{tcp}; ")?;
    }
    let path = path.display();
    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
        return write!(f, "nothing listens at the socket {path}: is es-iot-server running?");
    }
    if error.kind() == io::ErrorKind::PermissionDenied {
        return write!(f, "the socket {path} is not open to you: use sudo, or join the group of es-iot-server");
    }
    write!(f, "the socket {path} can't be used: is es-iot-server running? ({error})")
}

/// The fix for a refusal.
const fn advice(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Code(ErrorCode::NotAuthenticated) => Some("run es-iot-ctl auth first"),
        Refusal::Code(ErrorCode::TooManyAttempts) => {
            Some("this address is locked out for a while, even with the right password: wait before trying again")
        }
        Refusal::Code(ErrorCode::TooManyClients) => Some("close other clients, or raise server.max_clients"),
        Refusal::Code(ErrorCode::NotStored) => {
            Some("the server's next start will use the old values: see its log; its disk may be full or read-only")
        }
        Refusal::Code(ErrorCode::NotReady) => Some("its password has just changed: run es-iot-ctl auth again"),
        Refusal::Code(ErrorCode::NotValidHere) => Some("check the port"),
        Refusal::Code(ErrorCode::BadChecksum | ErrorCode::BadLength) => {
            Some("check that the server's version is that of es-iot-ctl")
        }
        Refusal::Unknown(_) | Refusal::Bare => None,
    }
}
