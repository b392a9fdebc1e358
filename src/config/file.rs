//! The layer of the JSON file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::keys::{of_section, sections};
use super::layers::Draft;
use super::read::{self, ReadError};
use super::value::{Node, kind};
use super::{ConfigError, FileProblem, Layer, Sources, json};
use crate::limits::MAX_CONFIG_BYTES;

/// The file's path, text and permission bits; `None` without `--config` if the default file does not exist.
pub(super) fn read_text(sources: &Sources<'_>) -> Result<Option<(PathBuf, String, u32)>, ConfigError> {
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

/// Applies the file to the draft.
pub(super) fn apply(draft: &mut Draft, path: &Path, text: &str) -> Result<(), ConfigError> {
    let layer = Layer::File(path.into());
    let value = json::parse(path, text)?;
    // The value itself is not shown: the file may be the wrong one, such as the password file.
    let not_an_object = || ConfigError::File { path: path.into(), problem: FileProblem::NotAnObject(kind(&value)) };
    let file = value.as_object().ok_or_else(not_an_object)?;
    let root = Node { layer: &layer, key: String::new(), value: &value };
    let sections = sections();
    for &section in &sections {
        if let Some(value) = file.get(section) {
            apply_section(draft, section, &root.below(section, value))?;
        }
    }
    root.refuse_unknown_keys(file, &sections)
}

fn apply_section(draft: &mut Draft, section: &str, node: &Node<'_>) -> Result<(), ConfigError> {
    let Value::Object(map) = node.value else { return Err(node.wrong_type("an object")) };
    for key in of_section(section) {
        if let Some(value) = map.get(key.name) {
            draft.set(key, &node.below(key.name, value))?;
        }
    }
    let auth = &draft.config.auth;
    if section == "auth" && auth.password.is_some() && auth.password_file.is_some() {
        return Err(ConfigError::TwoPasswords { layer: node.layer.clone() });
    }
    let known: Vec<&'static str> = of_section(section).map(|key| key.name).collect();
    node.refuse_unknown_keys(map, &known)
}
