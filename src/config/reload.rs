//! Which changes SIGHUP can't apply.

use super::Config;

/// The keys, dotted, whose change takes effect only at the next start: sockets are bound, the state directory is
/// taken, and the log is open. Everything else (`server.max_clients`, `data`, `camera`, `auth`, `logging.level`)
/// applies at once.
pub fn changes_needing_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changes = [
        ("server.host", old.server.host != new.server.host),
        ("server.data_port", old.server.data_port != new.server.data_port),
        ("server.settings_port", old.server.settings_port != new.server.settings_port),
        ("server.auth_port", old.server.auth_port != new.server.auth_port),
        ("paths.state_dir", old.paths.state_dir != new.paths.state_dir),
        ("paths.camera_settings", old.paths.camera_settings != new.paths.camera_settings),
        ("logging.target", old.logging.target != new.logging.target),
        ("logging.file", old.logging.file != new.logging.file),
    ];
    changes.into_iter().filter_map(|(key, changed)| changed.then_some(key)).collect()
}
