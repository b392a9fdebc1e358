//! Every way a command can fail, in words that say what to do, with its exit code.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::time::Duration;

use es_iot_server::wire::ErrorCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// A setting can't have the value that it was to be given.
    Value(String),
    /// There is no password to send.
    Password(String),
    /// The host has no address.
    NoSuchHost { host: String, error: io::Error },
    /// No address of the host took the connection.
    Unreachable { peer: String, timeout: Duration, error: io::Error },
    /// The connection was lost.
    Lost { peer: String, error: io::Error },
    /// The server closed the connection before it sent a packet.
    Closed { peer: String },
    /// The server closed the connection in the middle of its data stream.
    StreamEnded { peer: String },
    /// No packet came within the time-out.
    Silent { peer: String, timeout: Duration },
    /// The settings were sent, but what became of them was not told: within the time-out, or, if there is none
    /// here, before the connection ended.
    Unconfirmed { peer: String, timeout: Option<Duration> },
    /// What came is not what this service sends.
    NotOurs { peer: String, service: &'static str, option: &'static str },
    /// An update was twice printed not to be stored, instead of once and then an answer.
    Repeated { peer: String },
    /// An error packet.
    Refused { peer: String, refusal: Refusal },
    /// The password is wrong.
    WrongPassword,
    /// Another client has changed the same settings in between.
    Overwritten { keys: String },
    /// Standard output can't be written to.
    Output(io::Error),
    /// Nobody reads standard output any more.
    OutputClosed,
    /// Something the system denies to every program at times.
    System { doing: &'static str, error: io::Error },
}

/// What an error packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A code of the protocol.
    Code(ErrorCode),
    /// A code of a later version of it.
    Unknown(u8),
    /// No code: on the authentication port, a wrong password.
    Bare,
}

impl Failure {
    /// The failure to write to standard output.
    pub fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::OutputClosed } else { Self::Output(error) }
    }

    /// 2 for what is wrong with the command as given, 1 for the rest.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Value(_) | Self::Password(_) => 2,
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
            | Self::WrongPassword
            | Self::Overwritten { .. }
            | Self::Output(_)
            | Self::OutputClosed
            | Self::System { .. } => 1,
        }
    }

    /// Prints it on standard error. A closed standard error is no reason for a different exit code.
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
                write!(f, "the host {host} can't be found: is --host right? ({error})")
            }
            Self::Unreachable { peer, timeout, error } => unreachable_text(f, peer, *timeout, error),
            Self::Lost { peer, error } => write!(f, "the connection to {peer} was lost: try again ({error})"),
            Self::Closed { peer } => {
                write!(f, "{peer} closed the connection without an answer: see the server's log")
            }
            Self::StreamEnded { peer } => write!(
                f,
                "{peer} ended the stream: was es-iot-server stopped, or the output not read for too long? \
                 See the server's log"
            ),
            Self::Silent { peer, timeout } => write!(
                f,
                "{peer} sent no packet for {} s: is it es-iot-server? A slow one needs a longer --timeout",
                timeout.as_secs_f64()
            ),
            Self::Unconfirmed { peer, timeout: Some(timeout) } => write!(
                f,
                "{peer} was sent the settings, but did not confirm within {} s that they are stored: \
                 check with es-iot-ctl get, or use a longer --timeout",
                timeout.as_secs_f64()
            ),
            Self::Unconfirmed { peer, timeout: None } => write!(
                f,
                "{peer} was sent the settings, but the connection ended before it confirmed that they are stored: \
                 check with es-iot-ctl get"
            ),
            Self::NotOurs { peer, service, option } => write!(
                f,
                "{peer} sent what is no {service} of es-iot-server: is {option} right, and the server's version?"
            ),
            Self::Repeated { peer } => write!(
                f,
                "{peer} reported twice that the settings could not be stored, and did not answer: is it es-iot-server, \
                 in the version of es-iot-ctl?"
            ),
            Self::Refused { peer, refusal } => {
                write!(f, "{peer} answered: {refusal}")?;
                advice(*refusal).map_or(Ok(()), |advice| write!(f, "; {advice}"))
            }
            Self::WrongPassword => write!(f, "wrong password: try again; too many attempts lock this address out"),
            Self::Overwritten { keys } => {
                write!(f, "the server reports another {keys} than was set: did another client change it meanwhile?")
            }
            Self::Output(error) => write!(f, "standard output can't be written to: is the disk full? ({error})"),
            Self::OutputClosed => f.write_str("nobody reads standard output"),
            Self::System { doing, error } => write!(f, "{doing} failed: try again ({error})"),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code.text()),
            Self::Unknown(code) => write!(f, "error {code:02}, which this es-iot-ctl does not know"),
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
            "{peer} did not answer within {seconds} s: is the host up, and does a firewall let the port through?"
        );
    }
    write!(f, "{peer} can't be reached: is --host right, and the network up? ({error})")
}

/// What a person can do about a refusal.
const fn advice(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Code(ErrorCode::NotAuthenticated) => Some("run es-iot-ctl auth first"),
        Refusal::Code(ErrorCode::TooManyAttempts) => {
            Some("this address is locked out for a while, with the right password too: wait before trying again")
        }
        Refusal::Code(ErrorCode::TooManyClients) => Some("close others, or raise server.max_clients"),
        Refusal::Code(ErrorCode::NotStored) => {
            Some("the next start of the server begins with the old values: see its log, is its disk full or read-only?")
        }
        Refusal::Code(ErrorCode::NotValidHere) => Some("is this the right port?"),
        Refusal::Code(ErrorCode::BadChecksum | ErrorCode::BadLength) => {
            Some("is the server's version that of es-iot-ctl?")
        }
        Refusal::Unknown(_) | Refusal::Bare => None,
    }
}
