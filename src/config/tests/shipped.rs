//! The files in `config/`.

use std::path::{Path, PathBuf};

use super::super::{CameraSource, Config, LogSink, LogTarget};
use super::load_layers;
use crate::camera::settings::CameraSettings;

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[test]
fn server_json_has_every_key_at_its_default() {
    assert_eq!(load_layers(Some(&shipped("server.json")), &[], None).unwrap().config, Config::default());
    assert_eq!(include_str!("../../../config/server.json"), Config::default().to_json_masked());
}

#[test]
fn camera_settings_json_has_the_defaults() {
    assert_eq!(include_str!("../../../config/camera_settings.json"), CameraSettings::default().to_json());
}

#[test]
fn demo_json_needs_no_privileges_and_listens_only_locally() {
    let config = load_layers(Some(&shipped("demo.json")), &[], None).unwrap().config;
    assert_eq!(config.server.host, "127.0.0.1");
    assert!(config.auth.trust_loopback);
    assert_eq!(config.camera.source, CameraSource::Test);
    assert_eq!(config.paths.state_dir, Path::new("target/demo"));
    assert_eq!(config.logging.target, LogTarget::Named(vec![LogSink::Console]));
}
