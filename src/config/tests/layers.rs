//! The precedence of layers, and the result of each key's values.

use std::fs;
use std::path::PathBuf;

use super::super::{CameraSource, Config, DataSource, Level, LogSink, LogTarget, Secret, Sources, load};
use super::{Directory, load_layers, load_text};

const EVERYTHING: &str = r#"{
    "server": { "host": "::", "data_port": 0, "settings_port": 0, "auth_port": 65535, "max_clients": 1,
                "rtsp_port": null, "rtsp_path": "cameras/1", "max_viewers": 250 },
    "data": { "source": { "file": "/sys/bus/iio/devices/iio:device0/in_voltage0_raw" } },
    "camera": { "source": "command", "width": 4096, "height": 2160, "framerate": 120, "codec": "h264", "intra": 1000,
                "vflip": false, "hflip": true, "rotation": 180, "camera": 15, "bitrate": 25000000,
                "extra_args": ["--denoise", "cdn_off"], "rtsp_url": "rtsps://[::1]:322/x?y",
                "command": ["cam", "--size={width}x{height}@{framerate}", "{shutter}{gain}{awb_red}{awb_blue}",
                            "{contrast}{brightness}"],
                "publisher": ["push", "{rtsp_url}"], "stall_seconds": 3600, "slate": false },
    "auth": { "password": null, "password_file": "pw", "required": true, "plain": false, "grant_seconds": 86400,
              "trust_loopback": false },
    "paths": { "state_dir": "state", "camera_settings": "settings.json" },
    "logging": { "level": "warn", "target": ["journald", "console"], "file": "log" }
}"#;

#[test]
fn without_other_layers_the_defaults_apply() {
    let loaded = load_layers(None, &[], None).unwrap();
    assert_eq!((loaded.config, loaded.file), (Config::default(), None));
    assert_eq!(load_text("{}", &[]).unwrap().config, Config::default());
}

#[test]
fn the_default_file_is_read_if_it_exists() {
    let directory = Directory::new();
    let default_file = directory.path("default.json");
    let mut sources = Sources {
        config_file: None,
        overlays: Vec::new(),
        log_level: None,
        env: &|_| None,
        default_file: default_file.clone(),
    };
    assert_eq!(load(&sources).unwrap().file, None);

    fs::write(&default_file, r#"{"server": {"host": "first"}}"#).unwrap();
    let loaded = load(&sources).unwrap();
    assert_eq!((loaded.config.server.host.as_str(), loaded.file), ("first", Some(default_file)));

    let named = directory.file("named.json", r#"{"server": {"max_clients": 7}}"#);
    sources.config_file = Some(named.clone());
    let loaded = load(&sources).unwrap();
    assert_eq!((loaded.config.server.host.as_str(), loaded.config.server.max_clients), ("0.0.0.0", 7));
    assert_eq!(loaded.file, Some(named));
}

#[test]
fn every_key_of_the_file_is_applied() {
    let config = load_text(EVERYTHING, &[]).unwrap().config;
    let server = &config.server;
    assert_eq!((server.host.as_str(), server.data_port, server.settings_port), ("::", 0, 0));
    assert_eq!((server.auth_port, server.max_clients), (65_535, 1));
    assert_eq!((server.rtsp_port, server.rtsp_path.as_str(), server.max_viewers), (None, "cameras/1", 250));
    assert_eq!(config.data.source, DataSource::File("/sys/bus/iio/devices/iio:device0/in_voltage0_raw".into()));
    let camera = &config.camera;
    assert_eq!(camera.source, CameraSource::Command);
    assert_eq!((camera.width, camera.height, camera.framerate, camera.intra), (4096, 2160, 120, 1000));
    assert_eq!((camera.vflip, camera.slate, camera.rtsp_url.as_deref()), (false, false, Some("rtsps://[::1]:322/x?y")));
    assert_eq!((camera.hflip, camera.rotation, camera.camera, camera.bitrate), (true, 180, Some(15), Some(25_000_000)));
    assert_eq!(camera.extra_args, ["--denoise", "cdn_off"]);
    assert_eq!(camera.command.as_ref().map(Vec::len), Some(4));
    assert_eq!(camera.publisher, Some(vec!["push".into(), "{rtsp_url}".into()]));
    assert_eq!(camera.stall_seconds, 3600);
    let auth = &config.auth;
    assert_eq!((&auth.password, &auth.password_file), (&None, &Some(PathBuf::from("pw"))));
    assert_eq!((auth.required, auth.plain), (true, false));
    assert_eq!((auth.grant_seconds, auth.trust_loopback), (86_400, false));
    assert_eq!(config.paths.camera_settings_file(), PathBuf::from("settings.json"));
    assert_eq!(config.paths.generated_password_file(), PathBuf::from("state/auth_password"));
    assert_eq!(config.logging.level, Level::Warning);
    assert_eq!(config.logging.target, LogTarget::Named(vec![LogSink::Journald, LogSink::Console]));
    assert_eq!(config.logging.file, Some("log".into()));
}

#[test]
fn the_environment_overrides_the_file_and_the_arguments_override_both() {
    let directory = Directory::new();
    let text = r#"{"server": {"host": "file", "data_port": 1, "settings_port": 2}, "logging": {"level": "ERROR"}}"#;
    let path = directory.file("server.json", text);
    let variables = [
        ("SERVER_HOST", "env"),
        ("DATA_PORT", "11"),
        ("AUTH_PORT", "0"),
        ("RTSP_PORT", "8555"),
        ("SETTINGS_PORT", ""),
        ("LOG_LEVEL", "debug"),
    ];
    let config = load_layers(Some(&path), &variables, None).unwrap().config;
    let server = &config.server;
    assert_eq!((server.host.as_str(), server.data_port, server.settings_port, server.auth_port), ("env", 11, 2, 0));
    assert_eq!(server.rtsp_port, Some(8555));
    assert_eq!(config.logging.level, Level::Debug);
    let config = load_layers(Some(&path), &variables, Some(Level::Critical)).unwrap().config;
    assert_eq!(config.logging.level, Level::Critical);
    let config = load_layers(None, &[("SETTINGS_PORT", "12")], None).unwrap().config;
    assert_eq!(config.server.settings_port, 12);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let names = ["SERVER_HOST", "DATA_PORT", "SETTINGS_PORT", "AUTH_PORT", "RTSP_PORT", "AUTH_PASSWORD", "LOG_LEVEL"];
    let config = load_layers(None, &names.map(|name| (name, "")), None).unwrap().config;
    assert_eq!(config, Config::default());
}

#[test]
fn a_password_in_the_environment_overrides_password_and_password_file() {
    for text in [r#"{"auth": {"password": "file's"}}"#, r#"{"auth": {"password_file": "/pw"}}"#, "{}"] {
        let auth = load_text(text, &[("AUTH_PASSWORD", "env's own")]).unwrap().config.auth;
        assert_eq!((auth.password, auth.password_file), (Some(Secret::new("env's own")), None));
    }
}

#[test]
fn several_ports_may_be_0() {
    let text = r#"{"server": {"data_port": 0, "settings_port": 0, "auth_port": 0}}"#;
    assert_eq!(load_text(text, &[]).unwrap().config.server.auth_port, 0);
}

#[test]
fn a_later_layer_can_resolve_a_port_conflict() {
    let text = r#"{"server": {"data_port": 5001}}"#;
    let server = load_text(text, &[("SETTINGS_PORT", "5003")]).unwrap().config.server;
    assert_eq!((server.data_port, server.settings_port), (5001, 5003));
}

#[test]
fn a_single_log_target_may_be_a_string() {
    let target =
        |text: &str| load_text(format!(r#"{{"logging": {{"target": {text}}}}}"#), &[]).unwrap().config.logging.target;
    assert_eq!(target(r#""syslog""#), LogTarget::Named(vec![LogSink::Syslog]));
    assert_eq!(target(r#"["syslog"]"#), LogTarget::Named(vec![LogSink::Syslog]));
    assert_eq!(target(r#""auto""#), LogTarget::Auto);
}

#[test]
fn other_braces_than_placeholders_are_kept() {
    let text = r#"{"camera": {"command": ["sh", "-c", "cam ${OPTIONS} | awk '{ print $1 }' # {} {width}"]}}"#;
    assert_eq!(load_text(text, &[]).unwrap().config.camera.command.unwrap().len(), 3);
}

#[test]
fn the_printed_configuration_reads_back() {
    for text in ["{}", EVERYTHING, r#"{"logging": {"target": "syslog"}}"#] {
        let config = load_text(text, &[]).unwrap().config;
        let printed = config.to_json_masked();
        assert_eq!(load_text(&printed, &[]).unwrap().config, config);
    }
}

#[test]
fn the_printed_configuration_contains_no_password() {
    let text = r#"{"auth": {"password": "sesame"},
                   "camera": {"rtsp_url": "rtsp://ann:sesame@host/x",
                              "publisher": ["push", "-o", "rtsp://ann:sesame@host/x"]}}"#;
    let config = load_text(text, &[]).unwrap().config;
    let printed = config.to_json_masked();
    assert!(!printed.contains("sesame"), "{printed}");
    assert!(printed.contains(r#""password": "***""#) && printed.contains(r#""password_file": null"#), "{printed}");
    assert_eq!(printed.matches("rtsp://ann:***@host/x").count(), 2, "{printed}");
    assert!(!format!("{:?}", config.auth).contains("sesame"));
}

#[test]
fn changes_that_need_a_restart_are_listed() {
    let old = Config::default();
    assert_eq!(old.changes_needing_restart(&old), Vec::<&str>::new());

    let new = load_text(EVERYTHING, &[]).unwrap().config;
    let expected = [
        "server.host",
        "server.data_port",
        "server.settings_port",
        "server.auth_port",
        "server.rtsp_port",
        "paths.state_dir",
        "paths.camera_settings",
        "logging.target",
        "logging.file",
    ];
    assert_eq!(old.changes_needing_restart(&new), expected);

    let mut new = old.clone();
    new.server.max_clients = 1;
    new.logging.level = Level::Debug;
    new.auth.password = Some(Secret::new("x"));
    new.auth.required = true;
    new.data.source = DataSource::File("/x".into());
    new.camera.source = CameraSource::None;
    assert_eq!(old.changes_needing_restart(&new), Vec::<&str>::new());
}
