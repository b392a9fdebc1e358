//! Prepares the persistent state for the server: state directory, password, camera settings.

use std::fs;
use std::io;
use std::path::Path;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;

use super::StartError;
use super::error::SettingsProblem;
use crate::camera::settings::CameraSettings;
use crate::config::{Config, Level, PathsConfig, Secret, password};
use crate::limits::MAX_SETTINGS_FILE_BYTES;
use crate::sys::file;
use crate::sys::filesystem;
use crate::sys::log::Handle;
use crate::sys::memory::wipe_vec;

/// Creates the state directory if it is missing, and checks that it is writable.
pub fn state_dir(config: &Config) -> Result<(), StartError> {
    let directory = &config.paths.state_dir;
    file::ensure_directory(directory).map_err(|error| StartError::State { directory: directory.clone(), error })
}

/// Whether the state directory survives a restart of the device, as far as the kernel knows.
pub fn is_persistent(paths: &PathsConfig) -> bool {
    !filesystem::is_in_memory(&paths.state_dir).unwrap_or(false)
}

/// The password: the configured one, the one generated at an earlier start, or a new generated one.
pub fn password(config: &Config, log: &Handle) -> Result<Secret, StartError> {
    let path = config.paths.generated_password_file();
    if config.auth.password.is_none() && config.auth.password_file.is_none() && is_missing(&path) {
        let secret = password::generate(&mut UnwrapErr(SysRng));
        let mut line = [secret.reveal(), b"\n"].concat();
        let written = file::replace(&path, &line, 0o600);
        wipe_vec(&mut line);
        written.map_err(|error| StartError::State { directory: config.paths.state_dir.clone(), error })?;
        log.write(
            Level::Warning,
            "auth",
            format_args!("no password is configured: generated one in {}", path.display()),
        );
    }
    known_password(config, &config.paths)
}

/// The configured password, or the one generated earlier.
pub fn known_password(config: &Config, paths: &PathsConfig) -> Result<Secret, StartError> {
    if let Some(secret) = &config.auth.password {
        return Ok(secret.clone());
    }
    let generated = paths.generated_password_file();
    let path = config.auth.password_file.as_ref().unwrap_or(&generated);
    Ok(password::read_file(path)?)
}

/// Checks that this user may read the other files that the daemon reads at its start.
pub fn check_permissions(config: &Config) -> Result<(), StartError> {
    let password = match (&config.auth.password, &config.auth.password_file) {
        (Some(_), _) => None,
        (None, Some(file)) => Some(file.clone()),
        (None, None) => Some(config.paths.generated_password_file()),
    };
    for path in password.into_iter().chain([config.paths.camera_settings_file()]) {
        if let Err(error) = file::open_to_read(&path)
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            return Err(StartError::Forbidden { path, error });
        }
    }
    Ok(())
}

/// Checks that a start would find or generate a password.
pub fn check_password(config: &Config) -> Result<(), StartError> {
    let generated = config.auth.password_file.is_none() && is_missing(&config.paths.generated_password_file());
    if generated { Ok(()) } else { known_password(config, &config.paths).map(drop) }
}

/// The camera settings at the start. If the file is damaged or can't be read, it is set aside and the defaults are
/// used.
pub fn settings(config: &Config, log: &Handle) -> CameraSettings {
    let path = config.paths.camera_settings_file();
    let error = match read_settings(config) {
        Ok(settings) => return settings.unwrap_or_default(),
        Err(error) => error,
    };
    // An unreadable file is also set aside because the next update would replace it. A directory can't be replaced.
    let aside = if fs::metadata(&path).is_ok_and(|found| found.is_dir()) {
        "they can't be stored there".to_owned()
    } else {
        match file::set_aside(&path) {
            Ok(aside) => format!("the file is kept as {}", aside.display()),
            Err(error) => format!("the file can't be set aside: {error}"),
        }
    };
    log.write(Level::Error, "camera.config", format_args!("{error}; the default settings are used; {aside}"));
    CameraSettings::default()
}

/// The camera settings in the file; `None` if there is no file.
pub fn read_settings(config: &Config) -> Result<Option<CameraSettings>, StartError> {
    let path = config.paths.camera_settings_file();
    let problem = match file::read_text(&path, MAX_SETTINGS_FILE_BYTES) {
        Ok(text) => match CameraSettings::from_json(&text) {
            Ok(settings) => return Ok(Some(settings)),
            Err(error) => SettingsProblem::Damaged(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData || error.kind() == io::ErrorKind::FileTooLarge => {
            SettingsProblem::Damaged(crate::camera::settings::SettingsError::Malformed(error.to_string()))
        }
        Err(error) => SettingsProblem::Unreadable(error),
    };
    Err(StartError::Settings { path, error: problem })
}

fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
