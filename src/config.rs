//! The configuration: what each key means, its default, and how the layers make one validated [`Config`].
//!
//! Layers, later ones win: built-in defaults, JSON file, environment, command line. `docs/OPERATIONS.md` is the
//! contract. Every layer is checked whole, also what a later one replaces, and every error names its source.
//! [`load`] has no state, so that SIGHUP calls it again.
//!
//! Not here: applying any of it, and writing files (`sys::file`).

use std::ffi::OsString;
use std::path::PathBuf;

mod error;
mod file;
mod json;
pub mod keys;
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

/// The file that is read without `--config`, if it exists.
pub const DEFAULT_FILE: &str = "/etc/es-iot/server.json";

/// Where the layers above the defaults come from.
#[derive(Clone)]
pub struct Sources<'a> {
    /// The file named with `--config`, which then has to exist.
    pub config_file: Option<PathBuf>,
    /// The level given with `--log-level`.
    pub log_level: Option<Level>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// The file that is read without `config_file`, if it exists: [`DEFAULT_FILE`].
    pub default_file: PathBuf,
}

impl Sources<'static> {
    /// The process's own environment and [`DEFAULT_FILE`], with what the command line said.
    pub fn of_process(config_file: Option<PathBuf>, log_level: Option<Level>) -> Self {
        Self { config_file, log_level, env: &|name| std::env::var_os(name), default_file: DEFAULT_FILE.into() }
    }
}

/// What [`load`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// All layers together, validated.
    pub config: Config,
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
}

/// Puts the layers together and checks the result. The password file is not read: see [`password::read_file`].
///
/// # Errors
///
/// [`ConfigError`] for the first thing that is wrong, in the order of the layers.
pub fn load(sources: &Sources<'_>) -> Result<Loaded, ConfigError> {
    let mut draft = layers::Draft::default();
    let file = layers::file_text(sources)?;
    if let Some((path, text, mode)) = &file {
        file::apply(&mut draft, path, text)?;
        if draft.config.auth.password.is_some() && mode & password::OTHERS != 0 {
            return Err(ConfigError::File { path: path.clone(), problem: FileProblem::Exposed(*mode) });
        }
    }
    layers::environment(&mut draft, sources.env)?;
    if let Some(level) = sources.log_level {
        draft.config.logging.level = level;
    }
    Ok(Loaded { config: draft.finish()?, file: file.map(|(path, ..)| path) })
}
