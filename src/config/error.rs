//! Why a configuration is refused. Each error is one line that names the source, the key, the value and what is
//! allowed.
//!
//! No password is in any of them: values are masked before they get here (`mask`).

use std::fmt;
use std::path::{Path, PathBuf};

use super::mask::one_line;
use crate::limits::{MAX_CONFIG_BYTES, MAX_REQUEST_PAYLOAD_BYTES};

/// The layer that a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Layer {
    /// Built in.
    #[default]
    Default,
    /// This file.
    File(PathBuf),
    /// The environment variable of this name.
    Variable(&'static str),
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built-in default"),
            Self::File(path) => f.write_str(&shown(path)),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// Why the configuration is refused. `Display` is one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields say what the variant's text does: where, which key, what is there, what may be"
)]
pub enum ConfigError {
    /// The configuration file can't be used.
    File { path: PathBuf, problem: FileProblem },
    /// There is no such key.
    UnknownKey { layer: Layer, key: String, allowed: Vec<&'static str>, nearest: Option<&'static str> },
    /// The value is of another type than the key's.
    WrongType { layer: Layer, key: String, value: String, expected: String },
    /// The type is right, the value is not allowed.
    NotAllowed { layer: Layer, key: String, value: String, allowed: String },
    /// Two services have one port.
    SamePort { port: u16, first: (&'static str, Layer), second: (&'static str, Layer) },
    /// An argv holds a placeholder that nothing replaces.
    UnknownPlaceholder { layer: Layer, key: String, placeholder: String, allowed: &'static [&'static str] },
    /// `camera.source` is `command`, and `camera.command` is null.
    CommandNeeded { layer: Layer },
    /// The stall time is too short for the frame rate: between two pictures the pipeline would be restarted.
    StallTooShort { layer: Layer, stall_seconds: u32, framerate: u32, least: u32 },
    /// A file has both `auth.password` and `auth.password_file`.
    TwoPasswords { layer: Layer },
    /// A password can't be used.
    Password { layer: Layer, key: String, problem: PasswordProblem },
    /// A password file can't be used.
    PasswordFile { path: PathBuf, problem: PasswordFileProblem },
}

/// What is wrong with a configuration file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileProblem {
    /// The named file does not exist.
    Missing,
    /// The system's reason that it can't be opened or read.
    Unreadable(String),
    /// It is a directory, a pipe or a device.
    NotRegular,
    /// It has more than [`MAX_CONFIG_BYTES`].
    TooLarge,
    /// It is no UTF-8.
    NotUtf8 {
        /// Where the first wrong byte is, from 0.
        offset: usize,
    },
    /// It is no JSON, or holds a key twice.
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 is the end of the line before.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// It is JSON, but this instead of an object.
    NotAnObject(&'static str),
    /// It holds `auth.password`, and others may read or write it; these are its permission bits.
    Exposed(u32),
}

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProblem {
    /// It has no character.
    Empty,
    /// It does not fit a request on the wire, [`MAX_REQUEST_PAYLOAD_BYTES`].
    TooLong,
    /// It has something else than the printable characters of ASCII.
    NotPrintable,
}

impl fmt::Display for PasswordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Empty => "is empty",
            Self::TooLong => "is too long",
            Self::NotPrintable => "has a character outside printable ASCII",
        };
        write!(f, "the password {what}; allowed is 1 to {MAX_REQUEST_PAYLOAD_BYTES} printable ASCII characters")
    }
}

/// What is wrong with a password file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordFileProblem {
    /// The system's reason that it can't be read.
    Unreadable(String),
    /// It is a directory, a pipe or a device.
    NotRegular,
    /// Others may read or write it; these are its permission bits.
    Exposed(u32),
    /// Its first line is no password.
    FirstLine(PasswordProblem),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, problem } => write!(f, "{}: {problem}", shown(path)),
            Self::UnknownKey { layer, key, allowed, nearest } => {
                write!(f, "{layer}: there is no key {key}; ")?;
                if let Some(nearest) = nearest {
                    write!(f, "did you mean {nearest}? ")?;
                }
                write!(f, "allowed here: {}", allowed.join(", "))
            }
            Self::WrongType { layer, key, value, expected } => {
                write!(f, "{layer}: {key} is {value}; it has to be {expected}")
            }
            Self::NotAllowed { layer, key, value, allowed } => {
                write!(f, "{layer}: {key} is {value}; allowed is {allowed}")
            }
            Self::SamePort { port, first, second } => write!(
                f,
                "{} ({}) and {} ({}) are both {port}; give each service a port of its own, or 0 for a free one",
                first.0, first.1, second.0, second.1
            ),
            Self::UnknownPlaceholder { layer, key, placeholder, allowed } => {
                write!(f, "{layer}: {key} has the unknown placeholder {{{placeholder}}}; allowed:")?;
                allowed.iter().try_for_each(|name| write!(f, " {{{name}}}"))
            }
            Self::CommandNeeded { layer } => write!(
                f,
                "{layer}: camera.source is \"command\", but camera.command is null; \
                 give it the list of the program and its arguments"
            ),
            Self::StallTooShort { layer, stall_seconds, framerate, least } => write!(
                f,
                "{layer}: camera.stall_seconds is {stall_seconds} and camera.framerate is {framerate}; allowed is a \
                 camera.stall_seconds of {least} or more, so that three frames fit, or a higher camera.framerate"
            ),
            Self::TwoPasswords { layer } => write!(
                f,
                "{layer}: auth.password and auth.password_file are both set; keep one of them and make the other null"
            ),
            Self::Password { layer, key, problem } => write!(f, "{layer}: {key}: {problem}"),
            Self::PasswordFile { path, problem } => write!(f, "password file {}: {problem}", shown(path)),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file; correct the path after --config"),
            Self::Unreadable(why) => {
                write!(f, "can't be read: {why}; check its permissions and the user that runs the server")
            }
            Self::NotRegular => f.write_str("is not a regular file; give the path of a JSON file"),
            Self::TooLarge => write!(f, "has more than {MAX_CONFIG_BYTES} bytes; check that it is the right file"),
            Self::NotUtf8 { offset } => write!(f, "the byte at offset {offset} is no UTF-8; save the file as UTF-8"),
            Self::Malformed { line, column, why } => {
                write!(f, "line {line}, column {column}: {why}; correct the JSON there")
            }
            Self::Exposed(mode) => write!(
                f,
                "holds auth.password, and others can read or write it (mode {mode:04o}); run chmod 640 on it and give it \
                 to the server's group (chgrp es-iot), or use auth.password_file"
            ),
            Self::NotAnObject(found) => write!(
                f,
                "holds {found}; it has to be one JSON object, such as {{\"server\": {{\"data_port\": 5000}}}}"
            ),
        }
    }
}

impl fmt::Display for PasswordFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => {
                write!(f, "can't be read: {why}; create it for the user that runs the server, with chmod 600")
            }
            Self::NotRegular => {
                f.write_str("is not a regular file; put the password into the first line of one, with chmod 600")
            }
            Self::Exposed(mode) => write!(f, "others can read or write it (mode {mode:04o}); run chmod 600 on it"),
            Self::FirstLine(problem) => write!(f, "in the first line {problem}"),
        }
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}
