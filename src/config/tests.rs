//! Tests of the whole path from files and variables to a `Config` or an error's text.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{ConfigError, Level, Loaded, Sources, load};

mod errors;
mod layers;
mod overlays;
mod passwords;
mod robustness;
mod shipped;

/// A temporary directory for one test, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("es-iot-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Loads a file given with `--config`, or none, with these variables and this `--log-level`.
fn load_layers(
    file: Option<&Path>,
    variables: &[(&str, &str)],
    log_level: Option<Level>,
) -> Result<Loaded, ConfigError> {
    let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    load(&Sources {
        config_file: file.map(Into::into),
        overlays: Vec::new(),
        log_level,
        env: &env,
        default_file: "/nonexistent/server.json".into(),
    })
}

/// Loads a text as the file given with `--config`.
fn load_text(text: impl AsRef<[u8]>, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let directory = Directory::new();
    load_layers(Some(&directory.file("server.json", text)), variables, None)
}

/// The error for a text, with `FILE` in place of the file's path.
fn refusal(text: impl AsRef<[u8]>, variables: &[(&str, &str)]) -> String {
    let directory = Directory::new();
    let path = directory.file("server.json", text);
    let error = load_layers(Some(&path), variables, None).unwrap_err();
    error.to_string().replace(path.to_str().unwrap(), "FILE")
}
