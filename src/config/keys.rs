//! The table of configuration keys, one line per key: how its value is read and printed, and when a change takes effect.
//! A second table lists the environment variables.
//!
//! The order is that of the documentation and of `--print-config`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::value::Node;
use super::{CameraSource, Config, ConfigError, DataSource, LogSink, LogTarget, mask, rules};

/// Shown instead of a password.
const MASK: &str = "***";

/// When a change of a key takes effect after SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// Immediately.
    Now,
    /// At the next start: it concerns a bound socket, a directory in use or an open log.
    NextStart,
}

/// One key.
pub struct Key {
    /// Its section.
    pub section: &'static str,
    /// Its name within the section.
    pub name: &'static str,
    /// Section and name, joined by a dot.
    pub path: &'static str,
    /// When a change takes effect.
    pub reload: Reload,
    /// Validates a value and sets it in the configuration.
    pub(super) read: fn(&Node<'_>, &mut Config) -> Result<(), ConfigError>,
    /// The value as `--print-config` shows it, without passwords.
    pub(super) show: fn(&Config) -> Value,
    /// Copies the value from another configuration.
    pub(super) copy: fn(&mut Config, &Config),
}

macro_rules! key {
    ($section:ident.$name:ident, $reload:ident, $read:expr, $show:expr) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            path: concat!(stringify!($section), ".", stringify!($name)),
            reload: Reload::$reload,
            read: |node, config| {
                config.$section.$name = $read(node)?;
                Ok(())
            },
            show: |config| $show(&config.$section.$name),
            copy: |to, from| to.$section.$name.clone_from(&from.$section.$name),
        }
    };
}

/// Every key.
pub const KEYS: &[Key] = &[
    key!(server.host, NextStart, |node: &Node<'_>| node.text(rules::is_host, rules::HOST), plain),
    key!(server.data_port, NextStart, |node: &Node<'_>| node.whole(rules::PORT), plain),
    key!(server.settings_port, NextStart, |node: &Node<'_>| node.whole(rules::PORT), plain),
    key!(server.auth_port, NextStart, |node: &Node<'_>| node.whole(rules::PORT), plain),
    key!(server.max_clients, Now, |node: &Node<'_>| node.whole(rules::CLIENTS), plain),
    key!(server.rtsp_port, NextStart, |node: &Node<'_>| node.nullable(|node| node.whole(rules::PORT)), plain),
    key!(server.rtsp_path, Now, |node: &Node<'_>| node.text(rules::is_stream_path, rules::STREAM_PATH), plain),
    key!(server.max_viewers, Now, |node: &Node<'_>| node.whole(rules::VIEWERS), plain),
    key!(server.http_port, NextStart, |node: &Node<'_>| node.nullable(|node| node.whole(rules::PORT)), plain),
    key!(server.http_socket, NextStart, |node: &Node<'_>| node.nullable(Node::path), shown_optional_path),
    key!(server.http_hosts, Now, host_names, plain),
    key!(data.source, Now, data_source, shown_data_source),
    key!(camera.source, Now, camera_source, |source: &CameraSource| json!(source.name())),
    key!(camera.camera, Now, |node: &Node<'_>| node.nullable(|node| node.whole(rules::CAMERA)), plain),
    key!(camera.width, Now, |node: &Node<'_>| node.whole(rules::WIDTH), plain),
    key!(camera.height, Now, |node: &Node<'_>| node.whole(rules::HEIGHT), plain),
    key!(camera.framerate, Now, |node: &Node<'_>| node.whole(rules::FRAMERATE), plain),
    key!(camera.codec, Now, |node: &Node<'_>| node.choice(&rules::CODECS), |codec: &_| name_of(&rules::CODECS, codec)),
    key!(camera.intra, Now, |node: &Node<'_>| node.whole(rules::INTRA), plain),
    key!(camera.bitrate, Now, |node: &Node<'_>| node.nullable(|node| node.whole(rules::BITRATE)), plain),
    key!(camera.vflip, Now, Node::flag, plain),
    key!(camera.hflip, Now, Node::flag, plain),
    key!(camera.rotation, Now, rotation, plain),
    key!(camera.extra_args, Now, arguments, |arguments: &Vec<String>| masked(arguments)),
    key!(
        camera.rtsp_url,
        Now,
        |node: &Node<'_>| node.nullable(|node| node.text(rules::is_rtsp_url, rules::RTSP_URL)),
        |url: &Option<String>| json!(url.as_deref().map(mask::url_passwords))
    ),
    key!(
        camera.command,
        Now,
        |node: &Node<'_>| node.nullable(|node| node.argv(rules::COMMAND_PLACEHOLDERS)),
        shown_argv
    ),
    key!(
        camera.publisher,
        Now,
        |node: &Node<'_>| node.nullable(|node| node.argv(rules::PUBLISHER_PLACEHOLDERS)),
        shown_argv
    ),
    key!(camera.stall_seconds, Now, |node: &Node<'_>| node.whole(rules::STALL_SECONDS), plain),
    key!(camera.slate, Now, Node::flag, plain),
    key!(auth.password, Now, |node: &Node<'_>| node.nullable(Node::secret), |password: &Option<_>| json!(
        password.as_ref().map(|_| MASK)
    )),
    key!(auth.password_file, Now, |node: &Node<'_>| node.nullable(Node::path), shown_optional_path),
    key!(auth.required, Now, Node::flag, plain),
    key!(auth.grant_seconds, Now, |node: &Node<'_>| node.whole(rules::GRANT_SECONDS), plain),
    key!(auth.trust_loopback, Now, Node::flag, plain),
    key!(paths.state_dir, NextStart, Node::path, |path: &PathBuf| shown_path(path)),
    key!(paths.camera_settings, NextStart, |node: &Node<'_>| node.nullable(Node::path), shown_optional_path),
    key!(logging.level, Now, Node::level, |level: &super::Level| json!(level.name())),
    key!(logging.target, NextStart, log_target, shown_log_target),
    key!(logging.file, NextStart, |node: &Node<'_>| node.nullable(Node::path), shown_optional_path),
];

/// The environment variables and their keys.
pub const VARIABLES: [(&str, &str); 8] = [
    ("SERVER_HOST", "server.host"),
    ("DATA_PORT", "server.data_port"),
    ("SETTINGS_PORT", "server.settings_port"),
    ("AUTH_PORT", "server.auth_port"),
    ("RTSP_PORT", "server.rtsp_port"),
    ("HTTP_PORT", "server.http_port"),
    ("AUTH_PASSWORD", "auth.password"),
    ("LOG_LEVEL", "logging.level"),
];

/// The key with this path.
///
/// # Panics
///
/// If there is none. Paths come only from this file and the program's own code.
pub(super) fn key(path: &str) -> &'static Key {
    KEYS.iter().find(|key| key.path == path).expect("the program names only keys of the table")
}

/// The sections, each once, in order.
pub(super) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&'static str> = KEYS.iter().map(|key| key.section).collect();
    sections.dedup();
    sections
}

/// The keys of a section, in order.
pub(super) fn of_section(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |key| key.section == section)
}

impl Config {
    /// Copies from `new` every key that can change while the server runs.
    pub fn adopt(&mut self, new: &Self) {
        for key in KEYS.iter().filter(|key| key.reload == Reload::Now) {
            (key.copy)(self, new);
        }
    }

    /// The paths of the keys that differ in `new` and take effect only at the next start.
    pub fn changes_needing_restart(&self, new: &Self) -> Vec<&'static str> {
        let waits = KEYS.iter().filter(|key| key.reload == Reload::NextStart);
        waits.filter(|key| (key.show)(self) != (key.show)(new)).map(|key| key.path).collect()
    }
}

fn plain<T: serde::Serialize>(value: &T) -> Value {
    json!(value)
}

/// A value's name, from the table that is also used to read it.
fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], value: &T) -> Value {
    json!(names.iter().find(|(_, named)| named == value).expect("the table names every variant").0)
}

fn shown_path(path: &Path) -> Value {
    json!(path.to_string_lossy())
}

#[expect(clippy::ref_option, reason = "the table hands over every field by reference")]
fn shown_optional_path(path: &Option<PathBuf>) -> Value {
    path.as_deref().map_or(Value::Null, shown_path)
}

#[expect(clippy::ref_option, reason = "the table hands over every field by reference")]
fn shown_argv(argv: &Option<Vec<String>>) -> Value {
    argv.as_ref().map_or(Value::Null, |argv| masked(argv))
}

fn masked(arguments: &[String]) -> Value {
    arguments.iter().map(|argument| json!(mask::url_passwords(argument))).collect()
}

fn arguments(node: &Node<'_>) -> Result<Vec<String>, ConfigError> {
    node.texts(rules::is_argument, rules::ARGUMENT)
}

fn host_names(node: &Node<'_>) -> Result<Vec<String>, ConfigError> {
    node.texts(rules::is_host_name, rules::HOST_NAME)
}

fn camera_source(node: &Node<'_>) -> Result<CameraSource, ConfigError> {
    node.choice(&CameraSource::ALL.map(|source| (source.name(), source)))
}

fn rotation(node: &Node<'_>) -> Result<u32, ConfigError> {
    match node.value {
        Value::Number(number) => match number.as_u64() {
            Some(0) => Ok(0),
            Some(180) => Ok(180),
            Some(_) | None => Err(node.not_allowed(rules::ROTATION)),
        },
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(node.wrong_type(rules::ROTATION))
        }
    }
}

fn data_source(node: &Node<'_>) -> Result<DataSource, ConfigError> {
    match node.value {
        Value::String(name) if name == "random" => Ok(DataSource::Random),
        Value::Object(map) => {
            node.refuse_unknown_keys(map, &["file"])?;
            let file = map.get("file").ok_or_else(|| node.not_allowed(rules::DATA_SOURCE))?;
            node.below("file", file).path().map(DataSource::File)
        }
        Value::String(_) => Err(node.not_allowed(rules::DATA_SOURCE)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(node.wrong_type(rules::DATA_SOURCE)),
    }
}

fn shown_data_source(source: &DataSource) -> Value {
    match source {
        DataSource::Random => json!("random"),
        DataSource::File(path) => json!({ "file": path.to_string_lossy() }),
    }
}

fn log_target(node: &Node<'_>) -> Result<LogTarget, ConfigError> {
    let sink = |name: &str| rules::LOG_SINKS.iter().find(|(known, _)| *known == name).map(|(_, sink)| *sink);
    match node.value {
        Value::String(name) if name == "auto" => Ok(LogTarget::Auto),
        Value::String(name) => {
            sink(name).map(|sink| LogTarget::Named(vec![sink])).ok_or_else(|| node.not_allowed(rules::LOG_TARGET))
        }
        Value::Array(names) if !names.is_empty() => {
            let mut sinks = Vec::new();
            for (index, value) in names.iter().enumerate() {
                let node = node.element(index, value);
                let sink = node.choice(&rules::LOG_SINKS)?;
                if sinks.contains(&sink) {
                    return Err(node.not_allowed("each target once"));
                }
                sinks.push(sink);
            }
            Ok(LogTarget::Named(sinks))
        }
        Value::Array(_) => Err(node.not_allowed(rules::LOG_TARGET)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(node.wrong_type(rules::LOG_TARGET)),
    }
}

fn shown_log_target(target: &LogTarget) -> Value {
    let sink = |sink: &LogSink| name_of(&rules::LOG_SINKS, sink);
    match target {
        LogTarget::Auto => json!("auto"),
        LogTarget::Named(sinks) if sinks.len() == 1 => sink(&sinks[0]),
        LogTarget::Named(sinks) => sinks.iter().map(sink).collect(),
    }
}
