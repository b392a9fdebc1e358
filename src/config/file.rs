//! The layers of the JSON files: the configuration file and its overlays.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::keys::{of_section, sections};
use super::layers::Draft;
use super::read::{self, ReadError};
use super::value::{Node, kind};
use super::{ConfigError, FileProblem, Layer, OVERLAY_VARIABLE, Sources, json, password};
use crate::limits::MAX_CONFIG_BYTES;

/// A file that was read.
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub text: String,
    /// The permission bits.
    pub mode: u32,
}

/// The configuration file; `None` without `--config` if the default file does not exist.
pub(super) fn read(sources: &Sources<'_>) -> Result<Option<ConfigFile>, ConfigError> {
    let path = sources.config_file.as_ref().unwrap_or(&sources.default_file);
    match read_named(path, "--config") {
        Err(ConfigError::File { problem: FileProblem::Missing { .. }, .. }) if sources.config_file.is_none() => {
            Ok(None)
        }
        found => found.map(Some),
    }
}

/// The paths of the overlays in order, each with the option or variable that names it.
pub(super) fn overlays(sources: &Sources<'_>) -> Vec<(PathBuf, &'static str)> {
    let variable = (sources.env)(OVERLAY_VARIABLE).unwrap_or_default();
    let paths = std::env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty());
    let named = paths.map(|path| (path, OVERLAY_VARIABLE));
    named.chain(sources.overlays.iter().map(|path| (path.clone(), "--overlay"))).collect()
}

/// A file, with the option or variable that names it.
pub(super) fn read_named(path: &Path, named_by: &'static str) -> Result<ConfigFile, ConfigError> {
    match text(path, named_by) {
        Ok((text, mode)) => Ok(ConfigFile { path: path.into(), text, mode }),
        Err(problem) => Err(ConfigError::File { path: path.into(), problem }),
    }
}

impl ConfigFile {
    /// Applies the file to the draft: a key that it sets replaces that of the layers below.
    pub fn apply(&self, draft: &mut Draft) -> Result<(), ConfigError> {
        let path = &self.path;
        let layer = Layer::File(path.clone());
        let value = json::parse(path, &self.text)?;
        // The value itself is not shown: the file may be the wrong one, such as the password file.
        let problem = |problem| ConfigError::File { path: path.clone(), problem };
        let file = value.as_object().ok_or_else(|| problem(FileProblem::NotAnObject(kind(&value))))?;
        let root = Node { layer: &layer, key: String::new(), value: &value };
        let sections = sections();
        for &section in &sections {
            if let Some(value) = file.get(section) {
                apply_section(draft, section, &root.below(section, value))?;
            }
        }
        root.refuse_unknown_keys(file, &sections)?;
        if !value["auth"]["password"].is_null() && self.mode & password::OTHERS != 0 {
            return Err(problem(FileProblem::Exposed(self.mode)));
        }
        Ok(())
    }
}

fn apply_section(draft: &mut Draft, section: &str, node: &Node<'_>) -> Result<(), ConfigError> {
    let Value::Object(map) = node.value else { return Err(node.wrong_type("an object")) };
    for key in of_section(section) {
        if let Some(value) = map.get(key.name) {
            draft.set(key, &node.below(key.name, value))?;
        }
    }
    if section == "auth" {
        // A later layer's password overrides an earlier layer's, whichever of the two keys sets it.
        let is_set = |name| map.get(name).is_some_and(|value| !value.is_null());
        match (is_set("password"), is_set("password_file")) {
            (true, true) => return Err(ConfigError::TwoPasswords { layer: node.layer.clone() }),
            (true, false) => draft.config.auth.password_file = None,
            (false, true) => draft.config.auth.password = None,
            (false, false) => {}
        }
    }
    let known: Vec<&'static str> = of_section(section).map(|key| key.name).collect();
    node.refuse_unknown_keys(map, &known)
}

fn text(path: &Path, named_by: &'static str) -> Result<(String, u32), FileProblem> {
    // One byte above the limit distinguishes a file that is too large from one that just fits.
    let found = read::open_regular(path)
        .and_then(|(file, metadata)| Ok((read::beginning(file, MAX_CONFIG_BYTES + 1)?, read::mode(&metadata))));
    let (bytes, mode) = found.map_err(|error| match error {
        ReadError::NotRegular => FileProblem::NotRegular,
        ReadError::Io(error) if error.kind() == ErrorKind::NotFound => FileProblem::Missing { named_by },
        ReadError::Io(error) => FileProblem::Unreadable(error.to_string()),
    })?;
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(FileProblem::TooLarge);
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|error| FileProblem::NotUtf8 { offset: error.utf8_error().valid_up_to() })?;
    Ok((text, mode))
}
