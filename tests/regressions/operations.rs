//! Starting, checking and logging, as an operator meets them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Launch, binary, skip};

/// `nobody` and `nogroup`, by number: neither owns anything here.
const ORDINARY_USER: u32 = 65_534;

fn refused(output: &Output, code: i32, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} has not all of {parts:?}");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the file is this test's own");
}

/// It counted as a wrong configuration, and was logged as one.
#[test]
fn an_option_with_a_wrong_value_was_no_wrong_usage() {
    for arguments in [&["--log-level", "loud"][..], &["--log-level", ""], &["--config", ""], &["--config="]] {
        for also in ["--check-config", "--print-config"] {
            let output = Command::new(binary()).args(arguments).arg(also).env_clear().output().unwrap();
            refused(&output, 64, &[arguments[0].trim_end_matches('='), "see es-iot-server --help"]);
        }
    }
    refused(&Launch::new().arg("--log-level").arg("loud").run(), 64, &["\"loud\"", "WARNING", "--help"]);
}

#[test]
fn a_host_that_no_start_can_listen_on_passed_the_check() {
    for host in ["[::1]", "0.0.0.0:5000", "[::]:5000", "localhost:5000", "192.168.1.300", "192.168.1", "::1::", "a/b"] {
        let launch = Launch::new().set("server.host", host).arg("--check-config");
        refused(&launch.run(), 78, &["server.host", host]);
        let launch = Launch::new().env("SERVER_HOST", host).arg("--check-config");
        refused(&launch.run(), 78, &["SERVER_HOST", host]);
    }
    for host in [
        "::",
        "::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "127.0.0.1",
        "localhost",
        "my_camera-2.example.",
        "3com.example",
    ] {
        assert!(Launch::new().set("server.host", host).arg("--check-config").run().status.success(), "{host}");
    }
}

#[test]
fn a_log_file_that_no_start_can_open_passed_the_check() {
    let launch = Launch::new();
    let (directory, file) = (launch.dir.join("directory"), launch.dir.join("file"));
    fs::create_dir(&directory).unwrap();
    fs::write(&file, "").unwrap();
    let mut launch = launch.arg("--check-config");
    for wrong in [directory.clone(), directory.join("missing/log"), file.join("log")] {
        launch.change("logging.file", wrong.to_str().unwrap());
        refused(&launch.run(), 78, &["logging.file", wrong.to_str().unwrap()]);
    }
    // One that can be made is not made.
    for right in [file, directory.join("log")] {
        launch.change("logging.file", right.to_str().unwrap());
        assert!(launch.run().status.success(), "{}", right.display());
    }
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

/// The password file with the same mode was refused all along.
#[test]
fn a_configuration_file_with_a_password_that_others_can_read_was_taken() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    for mode in [0o644, 0o602, 0o604] {
        set_mode(&launch.config_file(), mode);
        let octal = format!("(mode {mode:04o})");
        daemon.signal(Signal::SIGHUP);
        let line = daemon.await_log("configuration not changed");
        assert!(line.contains("auth.password") && line.contains(&octal), "{line}");
        let start = |argument: &[&str]| {
            let mut command = Command::new(binary());
            command.args(argument).arg("--config").arg(launch.config_file()).env_clear().output().unwrap()
        };
        for arguments in [&[][..], &["--check-config"]] {
            let name = launch.config_file();
            refused(&start(arguments), 78, &[name.to_str().unwrap(), "auth.password", &octal, "chmod 640", "es-iot"]);
        }
    }
    set_mode(&launch.config_file(), 0o640);
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
}

#[test]
fn a_configuration_file_without_a_password_may_be_read_by_all() {
    let launch = Launch::new().set("auth.password", Value::Null);
    launch.write_config();
    set_mode(&launch.config_file(), 0o644);
    let mut command = Command::new(binary());
    let output = command.arg("--check-config").arg("--config").arg(launch.config_file()).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// It advised to create the password file, which was there.
#[test]
fn the_check_of_an_ordinary_user_blamed_the_password_file() {
    if !nix::unistd::geteuid().is_root() {
        return skip("this needs root, to become an ordinary user");
    }
    let launch = Launch::new().set("auth.password", Value::Null).arg("--check-config");
    fs::create_dir(launch.state_dir()).unwrap();
    fs::write(launch.state_dir().join("auth_password"), "sesame\n").unwrap();
    set_mode(&launch.state_dir(), 0o750);
    let check = |launch: &Launch, file: &str| {
        let mut command = launch.command();
        set_mode(&launch.config_file(), 0o644);
        let output = command.uid(ORDINARY_USER).gid(ORDINARY_USER).output().unwrap();
        refused(&output, 78, &[file, "Permission denied", "as root", "user that runs the server"]);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("create"));
    };
    check(&launch, "auth_password");
    // The same of the camera settings, when the password is elsewhere.
    let password = launch.dir.join("password");
    fs::write(&password, "sesame\n").unwrap();
    set_mode(&password, 0o600);
    chown(&password, Some(ORDINARY_USER), None).unwrap();
    let launch = launch.set("auth.password_file", password.to_str().unwrap());
    fs::write(launch.settings_file(), "{}").unwrap();
    check(&launch, "camera_settings.json");
}

/// They are in UTC, and looked like local time.
#[test]
fn time_stamps_did_not_show_that_they_are_in_utc() {
    let mut daemon = Launch::new().start();
    daemon.stop();
    for line in daemon.log().lines() {
        let stamp = line.split(' ').nth(1).unwrap();
        assert!(stamp.ends_with('Z') && stamp.len() == "02:12:11.123Z".len(), "{line}");
    }
}

/// `port` is two edits from `host`, as far as it is long.
#[test]
fn a_short_unknown_key_was_taken_for_another_short_one() {
    let output = Launch::new().set("server.port", 5000).arg("--check-config").run();
    refused(&output, 78, &["unknown key server.port; allowed here: host, data_port,"]);
    let output = Launch::new().set("server.hst", "localhost").arg("--check-config").run();
    refused(&output, 78, &["unknown key server.hst; did you mean host?"]);
}
