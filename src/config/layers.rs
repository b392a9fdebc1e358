//! The layers above the file, and what is checked when all of them are there.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::read::{self, ReadError};
use super::value::Node;
use super::{ALLOWED_LEVELS, CameraSource, Config, ConfigError, FileProblem, Level, Origin, Secret, Sources, rules};
use crate::limits::MAX_CONFIG_BYTES;

/// A configuration in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub config: Config,
    /// The layer of `server.data_port`.
    pub data_port: Origin,
    /// The layer of `server.settings_port`.
    pub settings_port: Origin,
    /// The layer of `server.auth_port`.
    pub auth_port: Origin,
    /// The layer of `camera.source`.
    pub camera_source: Origin,
}

/// The file's path, text and permission bits; nothing if no file is named and the default one does not exist.
pub(super) fn file_text(sources: &Sources<'_>) -> Result<Option<(PathBuf, String, u32)>, ConfigError> {
    let path = sources.config_file.as_ref().unwrap_or(&sources.default_file);
    match text(path) {
        Ok((text, mode)) => Ok(Some((path.clone(), text, mode))),
        Err(FileProblem::Missing) if sources.config_file.is_none() => Ok(None),
        Err(problem) => Err(ConfigError::File { path: path.clone(), problem }),
    }
}

fn text(path: &Path) -> Result<(String, u32), FileProblem> {
    // One byte more than allowed tells a file that is too large from one that just fits.
    let found = read::open_regular(path)
        .and_then(|(file, metadata)| Ok((read::beginning(file, MAX_CONFIG_BYTES + 1)?, read::mode(&metadata))));
    let (bytes, mode) = found.map_err(|error| match error {
        ReadError::NotRegular => FileProblem::NotRegular,
        ReadError::Io(error) if error.kind() == ErrorKind::NotFound => FileProblem::Missing,
        ReadError::Io(error) => FileProblem::Unreadable(error.to_string()),
    })?;
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(FileProblem::TooLarge);
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|error| FileProblem::NotUtf8 { offset: error.utf8_error().valid_up_to() })?;
    Ok((text, mode))
}

/// Applies the environment. A set but empty variable counts as unset.
pub(super) fn environment(draft: &mut Draft, env: &dyn Fn(&str) -> Option<OsString>) -> Result<(), ConfigError> {
    let server = &mut draft.config.server;
    if let Some(host) = variable(env, "SERVER_HOST", "server.host", host)? {
        server.host = host;
    }
    for (name, key, port, origin) in [
        ("DATA_PORT", "server.data_port", &mut server.data_port, &mut draft.data_port),
        ("SETTINGS_PORT", "server.settings_port", &mut server.settings_port, &mut draft.settings_port),
        ("AUTH_PORT", "server.auth_port", &mut server.auth_port, &mut draft.auth_port),
    ] {
        if let Some(number) = variable(env, name, key, port_text)? {
            (*port, *origin) = (number, Origin::Variable(name));
        }
    }
    if let Some(password) = variable(env, "AUTH_PASSWORD", "auth.password", secret)? {
        // A later layer's password replaces an earlier layer's, in whichever of the two keys that is.
        draft.config.auth.password = Some(password);
        draft.config.auth.password_file = None;
    }
    if let Some(level) = variable(env, "LOG_LEVEL", "logging.level", level)? {
        draft.config.logging.level = level;
    }
    Ok(())
}

impl Draft {
    /// Checks what takes more than one value to check.
    pub fn finish(self) -> Result<Config, ConfigError> {
        let server = &self.config.server;
        let ports = [
            (server.data_port, "server.data_port", &self.data_port),
            (server.settings_port, "server.settings_port", &self.settings_port),
            (server.auth_port, "server.auth_port", &self.auth_port),
        ];
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            let ((port, first, first_origin), (other, second, second_origin)) = (ports[first], ports[second]);
            if port == other && port != 0 {
                let (first, second) = ((first, first_origin.clone()), (second, second_origin.clone()));
                return Err(ConfigError::SamePort { port, first, second });
            }
        }
        let camera = &self.config.camera;
        if camera.source == CameraSource::Command && camera.command.is_none() {
            return Err(ConfigError::CommandNeeded { origin: self.camera_source });
        }
        Ok(self.config)
    }
}

/// A host name or an address.
pub(super) fn host(node: &Node<'_>) -> Result<String, ConfigError> {
    node.text(rules::is_host, rules::HOST)
}

/// A log level.
pub(super) fn level(node: &Node<'_>) -> Result<Level, ConfigError> {
    let text = node.text(|text| text.parse::<Level>().is_ok(), ALLOWED_LEVELS)?;
    text.parse().map_err(|()| node.not_allowed(ALLOWED_LEVELS))
}

/// A password.
fn secret(node: &Node<'_>) -> Result<Secret, ConfigError> {
    node.secret()
}

/// A port in digits, as the environment has it.
fn port_text(node: &Node<'_>) -> Result<u16, ConfigError> {
    let digits = node.value.as_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse::<u64>().ok());
    let value = number.map_or_else(|| node.value.clone(), Value::from);
    Node { origin: node.origin, key: node.key.clone(), value: &value }.whole(rules::PORT)
}

/// Reads a variable that is set and not empty. What is no UTF-8 becomes U+FFFD, which none of the rules takes.
fn variable<T>(
    env: &dyn Fn(&str) -> Option<OsString>,
    name: &'static str,
    key: &str,
    read: impl FnOnce(&Node<'_>) -> Result<T, ConfigError>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = env(name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let value = Value::from(text.to_string_lossy());
    read(&Node { origin: &Origin::Variable(name), key: key.into(), value: &value }).map(Some)
}
