//! Overlays: their order, merging, and errors, which name the overlay's file.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::super::{ConfigError, DataSource, Level, Loaded, Secret, Sources, load};
use super::Directory;

/// A configuration file `server.json` and its overlays.
struct Files {
    directory: Directory,
    overlays: Vec<PathBuf>,
    variables: Vec<(&'static str, OsString)>,
}

impl Files {
    fn new(base: &str) -> Self {
        let directory = Directory::new();
        directory.file("server.json", base);
        Self { directory, overlays: Vec::new(), variables: Vec::new() }
    }

    /// Adds an overlay given with `--overlay`.
    fn overlay(mut self, name: &str, text: &str) -> Self {
        self.overlays.push(self.directory.file(name, text));
        self
    }

    fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        let variable = |name: &str| {
            let found = self.variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone())
        };
        load(&Sources {
            config_file: Some(self.directory.path("server.json")),
            overlays: self.overlays.clone(),
            log_level: None,
            env: &variable,
            default_file: "/nonexistent/server.json".into(),
        })
    }

    /// The error, with each file's name without its directory.
    fn refusal(&self) -> String {
        self.load().unwrap_err().to_string().replace(&format!("{}/", self.directory.0.display()), "")
    }
}

const BASE: &str = r#"{"server": {"host": "base", "max_clients": 7}, "camera": {"extra_args": ["--a", "--b"]},
                       "data": {"source": {"file": "/base"}}}"#;

#[test]
fn an_overlay_changes_its_keys_and_no_others() {
    let text = r#"{"server": {"max_clients": 8}, "camera": {"extra_args": ["--c"], "rtsp_url": null}}"#;
    let files = Files::new(BASE).overlay("over.json", text);
    let loaded = files.load().unwrap();
    let config = loaded.config;
    assert_eq!((config.server.host.as_str(), config.server.max_clients), ("base", 8));
    assert_eq!(config.camera.extra_args, ["--c"], "lists are replaced");
    assert_eq!(config.data.source, DataSource::File("/base".into()));
    assert_eq!((loaded.file, loaded.overlays), (Some(files.directory.path("server.json")), files.overlays));
}

#[test]
fn later_overlays_win_and_the_command_line_comes_after_the_environment() {
    let host = |name: &str| format!(r#"{{"server": {{"host": "{name}"}}}}"#);
    let mut files = Files::new(BASE).overlay("3.json", r#"{"data": {"source": "random"}}"#).overlay("4.json", "{}");
    let [first, second] = ["first", "second"].map(|name| files.directory.file(&format!("{name}.json"), host(name)));
    let mut list = OsString::from(&first);
    list.push(":");
    list.push(&second);
    files = files.env("CONFIG_OVERLAY", list);
    let loaded = files.load().unwrap();
    assert_eq!((loaded.config.server.host.as_str(), loaded.config.data.source), ("second", DataSource::Random));
    let order: Vec<PathBuf> = [first, second].into_iter().chain(files.overlays.clone()).collect();
    assert_eq!(loaded.overlays, order);
    fs::write(&files.overlays[1], host("fourth")).unwrap();
    assert_eq!(files.load().unwrap().config.server.host, "fourth");
    // The variables of single keys override all files.
    let files = files.env("SERVER_HOST", "variable").env("LOG_LEVEL", "debug");
    let config = files.load().unwrap().config;
    assert_eq!((config.server.host.as_str(), config.logging.level), ("variable", Level::Debug));
}

#[test]
fn empty_parts_of_the_variable_count_as_unset() {
    for list in ["", ":", "::"] {
        assert_eq!(Files::new(BASE).env("CONFIG_OVERLAY", list).load().unwrap().overlays, Vec::<PathBuf>::new());
    }
}

#[test]
fn a_missing_overlay_is_an_error_that_names_the_option_or_the_variable() {
    let mut files = Files::new(BASE);
    files.overlays.push(files.directory.path("gone.json"));
    assert_eq!(files.refusal(), "gone.json: no such file; correct the path given with --overlay");
    let files = Files::new(BASE).env("CONFIG_OVERLAY", "/nonexistent/gone.json");
    assert_eq!(files.refusal(), "/nonexistent/gone.json: no such file; correct the path given with CONFIG_OVERLAY");
}

#[test]
fn errors_name_the_overlay() {
    for (base, text, error) in [
        ("{}", "[]", "contains a list; it must be a JSON object, such as {\"server\": {\"data_port\": 5000}}"),
        ("{}", "{", "line 1, column 1: EOF while parsing an object; correct the JSON there"),
        (
            "{}",
            r#"{"sever": {}}"#,
            "unknown key sever; did you mean server? allowed here: server, data, camera, auth, paths, logging",
        ),
        (
            "{}",
            r#"{"paths": {"stat_dir": "x"}}"#,
            "unknown key paths.stat_dir; did you mean state_dir? allowed here: state_dir, camera_settings",
        ),
        ("{}", r#"{"camera": {"vflip": 1}}"#, "camera.vflip is 1; it must be true or false"),
        ("{}", r#"{"camera": {"framerate": 0}}"#, "camera.framerate is 0; allowed: a whole number from 1 to 120"),
        ("{}", r#"{"camera": null}"#, "camera is null; it must be an object"),
        (
            r#"{"camera": {"stall_seconds": 1, "framerate": 24}}"#,
            r#"{"camera": {"framerate": 2}}"#,
            "camera.stall_seconds is 1 and camera.framerate is 2, so three frames do not fit; raise \
             camera.stall_seconds to at least 2, or raise camera.framerate",
        ),
        (
            r#"{"camera": {"source": "command", "command": ["cam"]}}"#,
            r#"{"camera": {"command": null}}"#,
            "camera.source is \"command\", but camera.command is null; set it to a list of the program and its arguments",
        ),
        (
            r#"{"auth": {"password_file": "/pw"}}"#,
            r#"{"auth": {"password": "a", "password_file": "b"}}"#,
            "auth.password and auth.password_file are both set; set one of them to null",
        ),
    ] {
        // A second overlay that is right does not take the blame.
        let files = Files::new(base).overlay("over.json", text).overlay("right.json", r#"{"server": {}}"#);
        assert_eq!(files.refusal(), format!("over.json: {error}"));
    }
    let files = Files::new("{}").overlay("over.json", r#"{"server": {"data_port": 5001}}"#);
    let error = files.refusal();
    assert!(error.starts_with("server.data_port (over.json) and server.settings_port (built-in default)"), "{error}");
    // A mistake in the file below is still that file's.
    let files = Files::new(r#"{"camera": {"framerate": 0}}"#).overlay("over.json", r#"{"camera": {"framerate": 24}}"#);
    assert!(files.refusal().starts_with("server.json: camera.framerate is 0"));
}

#[test]
fn an_overlays_password_replaces_the_other_kind_below_it() {
    let files = Files::new(r#"{"auth": {"password_file": "/pw"}}"#).overlay("a.json", r#"{"auth": {"password": "a"}}"#);
    let auth = files.load().unwrap().config.auth;
    assert_eq!((auth.password, auth.password_file), (Some(Secret::new("a")), None));
    let files = files.overlay("b.json", r#"{"auth": {"password_file": "/card", "required": true}}"#);
    let auth = files.load().unwrap().config.auth;
    assert_eq!((auth.password, auth.password_file), (None, Some("/card".into())));
    // Null takes away its own key alone.
    let files = files.overlay("c.json", r#"{"auth": {"password": null}}"#);
    assert_eq!(files.load().unwrap().config.auth.password_file, Some("/card".into()));
}

#[test]
fn an_overlay_with_a_password_must_not_be_readable_by_others() {
    let exposed = |path: &PathBuf| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    let files = Files::new("{}").overlay("a.json", r#"{"auth": {"password": "sesame"}}"#).overlay("b.json", "{}");
    exposed(&files.overlays[1]);
    exposed(&files.directory.path("server.json"));
    assert!(files.load().is_ok(), "only the file with the password counts");
    exposed(&files.overlays[0]);
    let error = files.refusal();
    assert!(
        error.starts_with("a.json: contains auth.password, and others can read or write it (mode 0644)"),
        "{error}"
    );
    // Even if a later overlay replaces the password.
    let files = files.overlay("c.json", r#"{"auth": {"password_file": "/card"}}"#);
    assert!(files.refusal().starts_with("a.json: contains auth.password"));
}
