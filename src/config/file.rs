//! The layer of the JSON file.

use std::path::Path;

use serde_json::Value;

use super::keys::{of_section, sections};
use super::layers::Draft;
use super::value::{Node, kind};
use super::{ConfigError, FileProblem, Layer, json};

/// Applies the file to the draft.
pub(super) fn apply(draft: &mut Draft, path: &Path, text: &str) -> Result<(), ConfigError> {
    let layer = Layer::File(path.into());
    let value = json::parse(path, text)?;
    // The value itself is not shown: the file may be the wrong one, such as the password file.
    let not_an_object = || ConfigError::File { path: path.into(), problem: FileProblem::NotAnObject(kind(&value)) };
    let file = value.as_object().ok_or_else(not_an_object)?;
    let root = Node { layer: &layer, key: String::new(), value: &value };
    for section in sections() {
        if let Some(value) = file.get(section) {
            apply_section(draft, section, &root.below(section, value))?;
        }
    }
    root.refuse_unknown_keys(file, &sections())?;
    Ok(())
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
