//! The layers above the files, and the checks that need all of them.

use std::ffi::OsString;

use serde_json::Value;

use super::keys::{Key, VARIABLES, key};
use super::value::Node;
use super::{CameraSource, Config, ConfigError, Layer};
use crate::limits::STALL_FRAMES;

/// A configuration under construction.
#[derive(Default)]
pub(super) struct Draft {
    pub config: Config,
    /// Which keys were set by which layer, the newest last.
    layers: Vec<(&'static str, Layer)>,
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
        self.newest(&[path])
    }

    /// The layer that set one of these keys last.
    fn newest(&self, paths: &[&str]) -> Layer {
        let newest = self.layers.iter().rev().find(|(known, _)| paths.contains(known));
        newest.map(|(_, layer)| layer.clone()).unwrap_or_default()
    }

    /// Validates the combinations of values.
    pub fn finish(self) -> Result<Config, ConfigError> {
        let server = &self.config.server;
        let ports = [
            (Some(server.data_port), "server.data_port"),
            (Some(server.settings_port), "server.settings_port"),
            (Some(server.auth_port), "server.auth_port"),
            (server.rtsp_port, "server.rtsp_port"),
        ];
        for (index, (port, first)) in ports.into_iter().enumerate() {
            let Some(port) = port.filter(|&port| port != 0) else { continue };
            if let Some((_, second)) = ports[index + 1..].iter().find(|(other, _)| *other == Some(port)) {
                let (first, second) = ((first, self.layer(first)), (*second, self.layer(second)));
                return Err(ConfigError::SamePort { port, first, second });
            }
        }
        let camera = &self.config.camera;
        if camera.source == CameraSource::Command && camera.command.is_none() {
            return Err(ConfigError::CommandNeeded { layer: self.newest(&["camera.source", "camera.command"]) });
        }
        let least = STALL_FRAMES.div_ceil(camera.framerate);
        if camera.stall_seconds < least {
            let layer = self.newest(&["camera.stall_seconds", "camera.framerate"]);
            let (stall_seconds, framerate) = (camera.stall_seconds, camera.framerate);
            return Err(ConfigError::StallTooShort { layer, stall_seconds, framerate, least });
        }
        Ok(self.config)
    }
}
