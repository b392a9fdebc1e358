//! The JSON file's layer: which keys there are, and into which field each goes.

use std::path::Path;

use serde_json::Value;

use super::layers::{Draft, host, level};
use super::value::{Node, Table, kind};
use super::{
    AuthConfig, ConfigError, DataSource, FileProblem, LogTarget, LoggingConfig, Origin, PathsConfig, json, rules,
};
use crate::limits::STALL_FRAMES;

/// Puts what the file says over what is in the draft.
pub(super) fn apply(draft: &mut Draft, path: &Path, text: &str) -> Result<(), ConfigError> {
    let origin = Origin::File(path.into());
    let value = json::parse(path, text)?;
    // The value itself is not shown: the file may be the wrong one, say the one with the password.
    let not_an_object = || ConfigError::File { path: path.into(), problem: FileProblem::NotAnObject(kind(&value)) };
    let map = value.as_object().ok_or_else(not_an_object)?;
    Table::read(&origin, "", map, |table| {
        table.section("server", |table| server(table, draft))?;
        table.section("data", |table| {
            table.set("source", &mut draft.config.data.source, data_source)?;
            Ok(())
        })?;
        table.section("camera", |table| camera(table, draft))?;
        table.section("auth", |table| auth(table, &mut draft.config.auth))?;
        table.section("paths", |table| paths(table, &mut draft.config.paths))?;
        table.section("logging", |table| logging(table, &mut draft.config.logging))
    })
}

fn server(table: &mut Table<'_>, draft: &mut Draft) -> Result<(), ConfigError> {
    let server = &mut draft.config.server;
    table.set("host", &mut server.host, host)?;
    for (key, port, origin) in [
        ("data_port", &mut server.data_port, &mut draft.data_port),
        ("settings_port", &mut server.settings_port, &mut draft.settings_port),
        ("auth_port", &mut server.auth_port, &mut draft.auth_port),
    ] {
        if table.set(key, port, |node| node.whole(rules::PORT))? {
            *origin = table.origin().clone();
        }
    }
    table.set("max_clients", &mut server.max_clients, |node| node.whole(rules::CLIENTS))?;
    Ok(())
}

fn data_source(node: &Node<'_>) -> Result<DataSource, ConfigError> {
    match node.value {
        Value::String(name) if name == "random" => Ok(DataSource::Random),
        Value::Object(map) => Table::read(node.origin, &node.key, map, |table| {
            let file = table.node("file").map(|file| file.path()).transpose()?;
            Ok(file.map(DataSource::File))
        })?
        .ok_or_else(|| node.not_allowed(rules::DATA_SOURCE)),
        Value::String(_) => Err(node.not_allowed(rules::DATA_SOURCE)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(node.wrong_type(rules::DATA_SOURCE)),
    }
}

fn camera(table: &mut Table<'_>, draft: &mut Draft) -> Result<(), ConfigError> {
    let camera = &mut draft.config.camera;
    if table.set("source", &mut camera.source, |node| node.choice(&rules::CAMERA_SOURCES))? {
        draft.camera_source = table.origin().clone();
    }
    table.set("camera", &mut camera.camera, |node| node.nullable(|node| node.whole(rules::CAMERA)))?;
    table.set("width", &mut camera.width, |node| node.whole(rules::WIDTH))?;
    table.set("height", &mut camera.height, |node| node.whole(rules::HEIGHT))?;
    table.set("framerate", &mut camera.framerate, |node| node.whole(rules::FRAMERATE))?;
    table.set("codec", &mut camera.codec, |node| node.choice(&rules::CODECS))?;
    table.set("intra", &mut camera.intra, |node| node.whole(rules::INTRA))?;
    table.set("bitrate", &mut camera.bitrate, |node| node.nullable(|node| node.whole(rules::BITRATE)))?;
    table.set("vflip", &mut camera.vflip, Node::flag)?;
    table.set("hflip", &mut camera.hflip, Node::flag)?;
    table.set("rotation", &mut camera.rotation, rotation)?;
    table.set("extra_args", &mut camera.extra_args, Node::arguments)?;
    table.set("rtsp_url", &mut camera.rtsp_url, |node| node.text(rules::is_rtsp_url, rules::RTSP_URL))?;
    table.set("command", &mut camera.command, |node| node.argv(rules::COMMAND_PLACEHOLDERS))?;
    table.set("publisher", &mut camera.publisher, |node| node.argv(rules::PUBLISHER_PLACEHOLDERS))?;
    table.set("stall_seconds", &mut camera.stall_seconds, |node| node.whole(rules::STALL_SECONDS))?;
    let least = STALL_FRAMES.div_ceil(camera.framerate);
    if camera.stall_seconds < least {
        let (origin, stall_seconds, framerate) = (table.origin().clone(), camera.stall_seconds, camera.framerate);
        return Err(ConfigError::StallTooShort { origin, stall_seconds, framerate, least });
    }
    Ok(())
}

fn rotation(node: &Node<'_>) -> Result<u32, ConfigError> {
    match node.value.as_u64() {
        Some(0) => Ok(0),
        Some(180) => Ok(180),
        Some(_) => Err(node.not_allowed(rules::ROTATION)),
        None if node.value.is_number() => Err(node.not_allowed(rules::ROTATION)),
        None => Err(node.wrong_type(rules::ROTATION)),
    }
}

fn auth(table: &mut Table<'_>, auth: &mut AuthConfig) -> Result<(), ConfigError> {
    table.set("password", &mut auth.password, |node| node.nullable(Node::secret))?;
    table.set("password_file", &mut auth.password_file, |node| node.nullable(Node::path))?;
    table.set("required", &mut auth.required, Node::flag)?;
    table.set("grant_seconds", &mut auth.grant_seconds, |node| node.whole(rules::GRANT_SECONDS))?;
    table.set("trust_loopback", &mut auth.trust_loopback, Node::flag)?;
    if auth.password.is_some() && auth.password_file.is_some() {
        return Err(ConfigError::TwoPasswords { origin: table.origin().clone() });
    }
    Ok(())
}

fn paths(table: &mut Table<'_>, paths: &mut PathsConfig) -> Result<(), ConfigError> {
    table.set("state_dir", &mut paths.state_dir, Node::path)?;
    table.set("camera_settings", &mut paths.camera_settings, |node| node.nullable(Node::path))?;
    Ok(())
}

fn logging(table: &mut Table<'_>, logging: &mut LoggingConfig) -> Result<(), ConfigError> {
    table.set("level", &mut logging.level, level)?;
    table.set("target", &mut logging.target, log_target)?;
    table.set("file", &mut logging.file, |node| node.nullable(Node::path))?;
    Ok(())
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
                let node = Node { origin: node.origin, key: format!("{}[{index}]", node.key), value };
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
