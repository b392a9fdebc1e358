//! The layers above the file, and the checks that need all of them.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::keys::{Key, VARIABLES, key};
use super::read::{self, ReadError};
use super::value::Node;
use super::{CameraSource, Config, ConfigError, FileProblem, Layer, Sources};
use crate::limits::{MAX_CONFIG_BYTES, STALL_FRAMES};

/// A configuration under construction.
#[derive(Default)]
pub(super) struct Draft {
    pub config: Config,
    /// Which keys were set by which layer, the newest last.
    layers: Vec<(&'static str, Layer)>,
}

/// The file's path, text and permission bits; `None` without `--config` if the default file does not exist.
pub(super) fn file_text(sources: &Sources<'_>) -> Result<Option<(PathBuf, String, u32)>, ConfigError> {
    let path = sources.config_file.as_ref().unwrap_or(&sources.default_file);
    match text(path) {
        Ok((text, mode)) => Ok(Some((path.clone(), text, mode))),
        Err(FileProblem::Missing) if sources.config_file.is_none() => Ok(None),
        Err(problem) => Err(ConfigError::File { path: path.clone(), problem }),
    }
}

fn text(path: &Path) -> Result<(String, u32), FileProblem> {
    // One byte above the limit distinguishes a file that is too large from one that just fits.
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

/// Applies the environment. An empty variable counts as unset. Invalid UTF-8 becomes U+FFFD, which every rule
/// rejects.
pub(super) fn environment(draft: &mut Draft, env: &dyn Fn(&str) -> Option<OsString>) -> Result<(), ConfigError> {
    for (variable, path) in VARIABLES {
        let Some(text) = env(variable).filter(|text| !text.is_empty()) else { continue };
        let value = Value::from(text.to_string_lossy());
        draft.set(key(path), &Node { layer: &Layer::Variable(variable), key: path.into(), value: &value })?;
        if path == "auth.password" {
            // A later layer's password overrides an earlier layer's, whichever of the two keys sets it.
            draft.config.auth.password_file = None;
        }
    }
    Ok(())
}

impl Draft {
    /// Sets one key.
    pub fn set(&mut self, key: &'static Key, node: &Node<'_>) -> Result<(), ConfigError> {
        (key.read)(node, &mut self.config)?;
        self.layers.push((key.path, node.layer.clone()));
        Ok(())
    }

    fn layer(&self, path: &str) -> Layer {
        let newest = self.layers.iter().rev().find(|(known, _)| *known == path);
        newest.map(|(_, layer)| layer.clone()).unwrap_or_default()
    }

    /// Validates the combinations of values.
    pub fn finish(self) -> Result<Config, ConfigError> {
        let server = &self.config.server;
        let ports = [
            (server.data_port, "server.data_port"),
            (server.settings_port, "server.settings_port"),
            (server.auth_port, "server.auth_port"),
        ];
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            let ((port, first), (other, second)) = (ports[first], ports[second]);
            if port == other && port != 0 {
                let (first, second) = ((first, self.layer(first)), (second, self.layer(second)));
                return Err(ConfigError::SamePort { port, first, second });
            }
        }
        let camera = &self.config.camera;
        if camera.source == CameraSource::Command && camera.command.is_none() {
            return Err(ConfigError::CommandNeeded { layer: self.layer("camera.source") });
        }
        let least = STALL_FRAMES.div_ceil(camera.framerate);
        if camera.stall_seconds < least {
            let set = ["camera.stall_seconds", "camera.framerate"].map(|path| self.layer(path));
            let layer = set.into_iter().find(|layer| *layer != Layer::Default).unwrap_or_default();
            let (stall_seconds, framerate) = (camera.stall_seconds, camera.framerate);
            return Err(ConfigError::StallTooShort { layer, stall_seconds, framerate, least });
        }
        Ok(self.config)
    }
}
