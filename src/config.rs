//! The configuration: keys, defaults, and merging the layers into one validated [`Config`].
//!
//! The layers are built-in defaults, JSON file, overlays, environment and command line; later ones override earlier ones.
//! `docs/OPERATIONS.md` is the contract. Every layer is fully validated, including values that a later one overrides, and
//! every error names its source. [`load`] is stateless; SIGHUP calls it again.
//!
//! Not here: applying the configuration, and writing files (`sys::file`).

use std::ffi::OsString;
use std::path::PathBuf;

mod error;
mod file;
mod json;
mod keys;
mod layers;
mod mask;
pub mod password;
mod print;
mod read;
mod rules;
#[cfg(test)]
mod tests;
mod types;
mod unused;
mod value;

pub use crate::logging::{ALLOWED_LEVELS, Level, LogSink, LogTarget, LoggingConfig};
pub use error::{ConfigError, FileProblem, Layer, PasswordFileProblem, PasswordProblem};
pub use mask::{url_passwords as mask_url_passwords, url_passwords_in_cut as mask_url_passwords_in_cut};
pub use types::{
    AuthConfig, CameraConfig, CameraSource, Codec, Config, DataConfig, DataSource, PathsConfig, Secret, ServerConfig,
};
pub use unused::warnings;

/// The file to read, if it exists, when `--config` is not given.
pub const DEFAULT_FILE: &str = "/etc/es-iot/server.json";

/// The environment variable with the paths of overlays, separated by colons.
pub const OVERLAY_VARIABLE: &str = "CONFIG_OVERLAY";

/// The sources of the layers above the defaults.
pub struct Sources<'a> {
    /// The file given with `--config`, which must exist.
    pub config_file: Option<PathBuf>,
    /// The files given with `--overlay`, which must exist. Those of [`OVERLAY_VARIABLE`] come before them.
    pub overlays: Vec<PathBuf>,
    /// The level given with `--log-level`.
    pub log_level: Option<Level>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// The file to read, if it exists, when `config_file` is `None`: [`DEFAULT_FILE`].
    pub default_file: PathBuf,
}

impl Sources<'static> {
    /// The process's environment and [`DEFAULT_FILE`], and these values of the command line.
    pub fn of_process(config_file: Option<PathBuf>, overlays: Vec<PathBuf>, log_level: Option<Level>) -> Self {
        let default_file = DEFAULT_FILE.into();
        Self { config_file, overlays, log_level, env: &|name| std::env::var_os(name), default_file }
    }
}

/// The result of [`load`].
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The merged layers, validated.
    pub config: Config,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    /// The overlays that were read, in order.
    pub overlays: Vec<PathBuf>,
}

/// Merges the layers and validates the result. Does not read the password file: see [`password::read_file`].
///
/// # Errors
///
/// [`ConfigError`] for the first mistake, in the order of the layers.
pub fn load(sources: &Sources<'_>) -> Result<Loaded, ConfigError> {
    let mut draft = layers::Draft::default();
    let file = file::read(sources)?;
    if let Some(file) = &file {
        file.apply(&mut draft)?;
    }
    let overlays = file::overlays(sources);
    for (path, named_by) in &overlays {
        file::read_named(path, named_by)?.apply(&mut draft)?;
    }
    layers::environment(&mut draft, sources.env)?;
    if let Some(level) = sources.log_level {
        draft.config.logging.level = level;
    }
    let overlays = overlays.into_iter().map(|(path, _)| path).collect();
    Ok(Loaded { config: draft.finish()?, file: file.map(|file| file.path), overlays })
}
