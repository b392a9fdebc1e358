//! Configuration errors. Each is one line that names the source, the key, the value and the allowed values.
//!
//! No error contains a password: values are masked first (`mask`).

use std::fmt;
use std::path::{Path, PathBuf};

use super::mask::one_line;
use crate::limits::{MAX_CONFIG_BYTES, MAX_REQUEST_PAYLOAD_BYTES};

/// The layer of a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Layer {
    /// The built-in defaults.
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

/// A configuration error. `Display` is one line that includes the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parts of the variant's text: source, key, value, allowed values")]
pub enum ConfigError {
    /// The configuration file or an overlay can't be used.
    File { path: PathBuf, problem: FileProblem },
    /// The key does not exist.
    UnknownKey { layer: Layer, key: String, allowed: Vec<&'static str>, nearest: Option<&'static str> },
    /// The value has the wrong type.
    WrongType { layer: Layer, key: String, value: String, expected: String },
    /// The value has the right type but is not allowed.
    NotAllowed { layer: Layer, key: String, value: String, allowed: String },
    /// Two services have the same port.
    SamePort { port: u16, first: (&'static str, Layer), second: (&'static str, Layer) },
    /// An argv contains an unknown placeholder.
    UnknownPlaceholder { layer: Layer, key: String, placeholder: String, allowed: &'static [&'static str] },
    /// `camera.source` is `command`, and `camera.command` is null.
    CommandNeeded { layer: Layer },
    /// The stall time is too short for the frame rate: the pipeline would be restarted between two frames.
    StallTooShort { layer: Layer, stall_seconds: u32, framerate: u32, least: u32 },
    /// A file sets both `auth.password` and `auth.password_file`.
    TwoPasswords { layer: Layer },
    /// A password can't be used.
    Password { layer: Layer, key: String, problem: PasswordProblem },
    /// A password file can't be used.
    PasswordFile { path: PathBuf, problem: PasswordFileProblem },
}

/// A problem with a configuration file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileProblem {
    /// It does not exist.
    Missing {
        /// The option or the variable that names it.
        named_by: &'static str,
    },
    /// It can't be opened or read, for this reason.
    Unreadable(String),
    /// It is a directory, a pipe or a device.
    NotRegular,
    /// It is larger than [`MAX_CONFIG_BYTES`].
    TooLarge,
    /// It is not UTF-8.
    NotUtf8 {
        /// The offset of the first invalid byte, from 0.
        offset: usize,
    },
    /// It is not JSON, or contains a duplicate key.
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 is the end of the preceding line.
        column: usize,
        /// The parser's message.
        why: String,
    },
    /// It is JSON, but of this type instead of an object.
    NotAnObject(&'static str),
    /// It contains `auth.password`, and others may read or write it; the permission bits.
    Exposed(u32),
}

/// A problem with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProblem {
    /// It is empty.
    Empty,
    /// It is longer than a request's payload, [`MAX_REQUEST_PAYLOAD_BYTES`].
    TooLong,
    /// It contains a character outside printable ASCII.
    NotPrintable,
}

impl fmt::Display for PasswordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Empty => "is empty",
            Self::TooLong => "is too long",
            Self::NotPrintable => "has a character outside printable ASCII",
        };
        write!(f, "the password {what}; allowed: 1 to {MAX_REQUEST_PAYLOAD_BYTES} printable ASCII characters")
    }
}

/// A problem with a password file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordFileProblem {
    /// It can't be read, for this reason.
    Unreadable(String),
    /// It is a directory, a pipe or a device.
    NotRegular,
    /// Others may read or write it; the permission bits.
    Exposed(u32),
    /// Its first line is not a valid password.
    FirstLine(PasswordProblem),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, problem } => write!(f, "{}: {problem}", shown(path)),
            Self::UnknownKey { layer, key, allowed, nearest } => {
                write!(f, "{layer}: unknown key {key}; ")?;
                if let Some(nearest) = nearest {
                    write!(f, "did you mean {nearest}? ")?;
                }
                write!(f, "allowed here: {}", allowed.join(", "))
            }
            Self::WrongType { layer, key, value, expected } => {
                write!(f, "{layer}: {key} is {value}; it must be {expected}")
            }
            Self::NotAllowed { layer, key, value, allowed } => {
                write!(f, "{layer}: {key} is {value}; allowed: {allowed}")
            }
            Self::SamePort { port, first, second } => write!(
                f,
                "{} ({}) and {} ({}) are both {port}; give each service its own port, or 0 to pick a free one",
                first.0, first.1, second.0, second.1
            ),
            Self::UnknownPlaceholder { layer, key, placeholder, allowed } => {
                write!(f, "{layer}: {key} has the unknown placeholder {{{placeholder}}}; allowed:")?;
                allowed.iter().try_for_each(|name| write!(f, " {{{name}}}"))
            }
            Self::CommandNeeded { layer } => write!(
                f,
                "{layer}: camera.source is \"command\", but camera.command is null; \
                 set it to a list of the program and its arguments"
            ),
            Self::StallTooShort { layer, stall_seconds, framerate, least } => write!(
                f,
                "{layer}: camera.stall_seconds is {stall_seconds} and camera.framerate is {framerate}, so three frames do \
                 not fit; raise camera.stall_seconds to at least {least}, or raise camera.framerate"
            ),
            Self::TwoPasswords { layer } => {
                write!(f, "{layer}: auth.password and auth.password_file are both set; set one of them to null")
            }
            Self::Password { layer, key, problem } => write!(f, "{layer}: {key}: {problem}"),
            Self::PasswordFile { path, problem } => write!(f, "password file {}: {problem}", shown(path)),
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { named_by } => write!(f, "no such file; correct the path given with {named_by}"),
            Self::Unreadable(why) => {
                write!(f, "can't be read: {why}; check its permissions and the user that runs the server")
            }
            Self::NotRegular => f.write_str("is not a regular file; give the path of a JSON file"),
            Self::TooLarge => write!(f, "is larger than {MAX_CONFIG_BYTES} bytes; check that it is the right file"),
            Self::NotUtf8 { offset } => write!(f, "invalid UTF-8 at offset {offset}; save the file as UTF-8"),
            Self::Malformed { line, column, why } => {
                write!(f, "line {line}, column {column}: {why}; correct the JSON there")
            }
            Self::Exposed(mode) => write!(
                f,
                "contains auth.password, and others can read or write it (mode {mode:04o}); run chmod 640 on it and give it \
                 to the server's group (chgrp es-iot), or use auth.password_file"
            ),
            Self::NotAnObject(found) => {
                write!(f, "contains {found}; it must be a JSON object, such as {{\"server\": {{\"data_port\": 5000}}}}")
            }
        }
    }
}

impl fmt::Display for PasswordFileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => {
                write!(f, "can't be read: {why}; create it for the user that runs the server, with chmod 600")
            }
            Self::NotRegular => f.write_str(
                "is not a regular file; put the password in the first line of a regular file, with chmod 600",
            ),
            Self::Exposed(mode) => write!(f, "others can read or write it (mode {mode:04o}); run chmod 600 on it"),
            Self::FirstLine(problem) => write!(f, "first line: {problem}"),
        }
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}
