//! What README.md has a newcomer do, and what it promises.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::repository::read;

/// A newcomer runs them on an ordinary network: what opens a port to it is for the text to state.
#[test]
fn configurations_in_the_readme_are_valid_and_listen_on_the_device_only() {
    let readme = read("README.md");
    let blocks: Vec<&str> = readme.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.json");
        fs::write(&file, block).unwrap();
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_es-iot-server"));
        daemon.args(["--print-config", "--config"]).arg(&file);
        for variable in ["SERVER_HOST", "DATA_PORT", "SETTINGS_PORT", "AUTH_PORT", "AUTH_PASSWORD", "LOG_LEVEL"] {
            daemon.env_remove(variable);
        }
        let output = daemon.output().unwrap();
        assert!(output.status.success(), "{block}{}", String::from_utf8_lossy(&output.stderr));
        let effective: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(effective["server"]["host"], "127.0.0.1", "{block}");
        let state_dir = effective["paths"]["state_dir"].as_str().unwrap();
        let password = format!("`cat {state_dir}/auth_password`");
        assert!(readme.contains(&password), "README.md does not have {password}");
    }
}

#[test]
fn the_first_screen_states_what_was_never_tried() {
    let readme = read("README.md");
    let row = readme.lines().take(30).find(|line| line.starts_with("| never tried |")).expect("a row of the table");
    for what in ["a real Raspberry Pi", "a real camera", "a complete Buildroot or Yocto image"] {
        assert!(row.contains(what), "{row}");
    }
    let firmware = read("docs/FIRMWARE.md");
    assert!(firmware.contains("None has run on a real Raspberry Pi, or with a real camera."));
    let tested = firmware.lines().find(|line| line.starts_with("| Tested with |")).expect("the row");
    assert_eq!(tested.matches("no full image build").count(), 2, "Buildroot and Yocto: {tested}");
}
