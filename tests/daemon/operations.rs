//! What an integrator sees: options, configuration layers, exit codes, the password's files, start and stop.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Launch, NO_NAMESPACE, binary, in_mount_namespace, skip};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const READY_BYTES: usize = 12;

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Expects this exit code and one line, whose parts say what is wrong and what to do. Lines of the log that tell of
/// the start may come before.
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.contains(" INFO ") && !line.contains(" WARNING ")).collect();
    let [line] = lines[..] else { panic!("one line, not {lines:#?}") };
    assert!(parts.iter().all(|part| line.contains(part)), "{line:?} has not all of {parts:?}");
}

fn bare(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).env_clear().output().unwrap()
}

#[test]
fn help_and_version_are_told_on_standard_output() {
    let help = bare(&["--help"]);
    assert_eq!((help.status.code(), stderr(&help)), (Some(0), String::new()));
    let text = String::from_utf8(help.stdout).unwrap();
    for word in [
        "--config",
        "--overlay",
        "CONFIG_OVERLAY",
        "--check-config",
        "--print-config",
        "--log-level",
        "SIGHUP",
        "AUTH_PASSWORD",
        "78",
    ] {
        assert!(text.contains(word), "{word}");
    }
    let version = bare(&["-V"]);
    assert_eq!(String::from_utf8(version.stdout).unwrap(), concat!("es-iot-server ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_usage_is_64() {
    refused(&bare(&["--nonsense"]), 64, &["--nonsense", "--help"]);
    refused(&bare(&["server.json"]), 64, &["server.json", "--help"]);
    refused(&bare(&["--config"]), 64, &["--config", "--help"]);
}

#[test]
fn a_port_in_use_is_69_and_named_with_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for key in ["server.data_port", "server.settings_port", "server.auth_port", "server.rtsp_port", "server.http_port"]
    {
        let output = Launch::new().set(key, port).run();
        refused(&output, 69, &[key, &port.to_string(), "in use", "another program"]);
    }
    refused(&Launch::new().set("server.host", "192.0.2.1").run(), 69, &["192.0.2.1", "server.host"]);
}

#[test]
fn a_state_directory_that_can_not_be_used_is_73() {
    let launch = Launch::new().set("paths.state_dir", "/proc/es-iot");
    refused(&launch.run(), 73, &["cannot use the state directory /proc/es-iot: ", "create", "paths.state_dir"]);
    let launch = Launch::new();
    fs::write(launch.state_dir(), "a file").unwrap();
    let directory = format!("the state directory {}: ", launch.state_dir().display());
    refused(&launch.run(), 73, &[&directory, "move the file of this name away"]);
}

#[test]
fn a_state_directory_on_a_disk_that_takes_nothing_is_73_with_its_advice() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    for (options, advice) in [
        ("ro", "Read-only file system (os error 30); check its disk, and mount it writable"),
        ("nr_inodes=2", "No space left on device (os error 28); free space on its disk"),
    ] {
        let launch = Launch::new().on_disk(("paths.state_dir", "state"), options, "true");
        refused(
            &launch.run(),
            73,
            &["cannot use the state directory ", "disk/state: ", advice, "or change paths.state_dir"],
        );
    }
    // Writable, but without room for the generated password.
    let filler = "mkdir $DIR/disk/state; head -c 1M /dev/zero > $DIR/disk/filler 2>/dev/null || :";
    let launch = Launch::new().set("auth.password", Value::Null);
    let launch = launch.on_disk(("paths.state_dir", "state"), "size=8k", filler);
    refused(&launch.run(), 73, &["cannot use the state directory ", "disk/state: ", "free space on its disk"]);
}

#[test]
fn a_state_directory_of_another_user_is_73_with_its_advice() {
    if !nix::unistd::geteuid().is_root() {
        return skip("this needs root, to become an ordinary user");
    }
    let launch = Launch::new();
    fs::create_dir(launch.state_dir()).unwrap();
    fs::set_permissions(launch.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = launch.command();
    std::os::unix::fs::chown(launch.config_file(), Some(65_534), None).unwrap();
    let output = command.uid(65_534).gid(65_534).output().unwrap();
    let advice = format!("mkdir -p {0} && chown USER {0}", launch.state_dir().display());
    refused(&output, 73, &["cannot use the state directory ", "Permission denied (os error 13)", &advice, "as root"]);
}

#[test]
fn a_configuration_that_is_wrong_is_78_for_the_daemon_and_for_the_check() {
    let cases: [(&str, Value, &[&str]); 12] = [
        ("server.data_port", json!(70_000), &["server.data_port", "70000", "65535"]),
        ("server.data_port", json!("5000"), &["server.data_port"]),
        ("server.dataport", json!(1), &["server.dataport", "data_port"]),
        ("server.max_clients", json!(0), &["server.max_clients", "0"]),
        ("camera.framerate", json!(121), &["camera.framerate", "121", "120"]),
        ("camera.width", json!(641), &["camera.width", "641", "even"]),
        ("camera.source", json!("webcam"), &["camera.source", "webcam", "auto"]),
        ("camera.source", json!("command"), &["camera.command"]),
        ("data.source", json!("sensor"), &["data.source", "random"]),
        ("logging.level", json!("LOUD"), &["logging.level", "LOUD", "INFO"]),
        ("logging.target", json!("printer"), &["logging.target", "printer", "syslog"]),
        ("auth.password_file", json!("/nowhere/password"), &["auth.password", "auth.password_file"]),
    ];
    for (key, value, parts) in cases {
        let launch = Launch::new().set(key, value);
        refused(&launch.run(), 78, parts);
        refused(&launch.arg("--check-config").run(), 78, parts);
    }
    let launch = Launch::new().set("auth.password", Value::Null).set("auth.password_file", "/nowhere/password");
    refused(&launch.run(), 78, &["/nowhere/password"]);
    let launch = Launch::new().set("logging.file", "/nowhere/log");
    refused(&launch.run(), 78, &["/nowhere/log", "logging.file"]);
    refused(&launch.arg("--check-config").run(), 78, &["/nowhere/log", "logging.file"]);
    refused(&Launch::new().env("LOG_LEVEL", "LOUD").run(), 78, &["LOG_LEVEL", "LOUD"]);
    refused(&Launch::new().env("DATA_PORT", "x").run(), 78, &["DATA_PORT", "x"]);
    refused(&bare(&["--config", "/nowhere/server.json"]), 78, &["/nowhere/server.json"]);
    let dir = crate::support::TempDir::new();
    for text in ["", "{", "[]", "{} {}", "{\"server\": {\"host\": \"a\", \"host\": \"b\"}}"] {
        fs::write(dir.join("bad.json"), text).unwrap();
        refused(&bare(&["--config", dir.join("bad.json").to_str().unwrap(), "--check-config"]), 78, &["bad.json"]);
    }
}

#[test]
fn the_shipped_files_pass_the_check() {
    for file in ["config/server.json", "config/demo.json"] {
        let output = Command::new(binary())
            .args(["--check-config", "--config", file])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{file}: configuration is valid\n"));
    }
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/camera_settings.json");
    let launch = Launch::new().set("paths.camera_settings", settings.to_str().unwrap()).arg("--check-config");
    assert_eq!(launch.run().status.code(), Some(0));
}

#[test]
fn the_check_binds_nothing_writes_nothing_and_needs_no_state_directory() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let launch =
        Launch::new().set("server.data_port", taken.local_addr().unwrap().port()).set("auth.password", Value::Null);
    let log = launch.dir.join("log");
    let launch = launch.set("logging.file", log.to_str().unwrap()).arg("--check-config");
    let output = launch.run();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let left: Vec<_> = fs::read_dir(launch.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["server.json"]);

    // The settings file is looked at, and left alone.
    fs::create_dir(launch.state_dir()).unwrap();
    fs::write(launch.settings_file(), "{").unwrap();
    refused(&launch.run(), 78, &["camera_settings.json", "shutter"]);
    assert_eq!(fs::read_to_string(launch.settings_file()).unwrap(), "{");
}

#[test]
fn the_printed_configuration_is_a_configuration_without_its_password() {
    let secret = "correct horse battery";
    let launch = Launch::new().set("auth.password", secret).env("DATA_PORT", "1234").env("SETTINGS_PORT", "");
    let launch = launch.arg("--print-config").arg("--log-level").arg("debug");
    let output = launch.run();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("horse"));
    let printed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(printed["auth"]["password"], "***");
    assert_eq!(printed["server"]["data_port"], 1234, "the environment wins");
    assert_eq!(printed["server"]["settings_port"], 0, "set but empty counts as unset");
    assert_eq!(printed["logging"]["level"], "DEBUG", "the command line wins");
    assert_eq!(printed["camera"]["framerate"], 24, "a default");

    let again = crate::support::TempDir::new();
    fs::write(again.join("printed.json"), &text).unwrap();
    fs::set_permissions(again.join("printed.json"), fs::Permissions::from_mode(0o600)).unwrap();
    let output = bare(&["--print-config", "--config", again.join("printed.json").to_str().unwrap()]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), text, "it comes out as it went in");
}

#[test]
fn the_environment_overrides_the_file() {
    let daemon = Launch::new().env("AUTH_PASSWORD", "from the environment").env("SERVER_HOST", "").start();
    assert_eq!(daemon.try_password("127.0.0.1", "from the environment").len(), READY_BYTES);
    assert_ne!(daemon.try_password("127.0.0.1", "1111").len(), READY_BYTES);
}

#[test]
fn a_password_is_made_kept_for_its_owner_and_never_told() {
    let launch = Launch::new().set("auth.password", Value::Null).set("logging.level", "TRACE");
    let mut daemon = launch.start();
    let path = launch.state_dir().join("auth_password");
    assert!(daemon.log().contains(path.to_str().unwrap()), "where it is");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let password = fs::read_to_string(&path).unwrap().trim_end().to_owned();
    assert_eq!(password.len(), 12);
    assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(daemon.try_password("127.0.0.1", &password).len(), READY_BYTES);
    daemon.stop();
    assert!(!daemon.log().contains(&password), "what it is");

    let mut again = launch.start();
    assert_eq!(again.try_password("127.0.0.1", &password).len(), READY_BYTES);
    assert!(!again.log().contains("generated one"));
}

#[test]
fn no_password_nor_a_part_of_one_is_ever_logged() {
    let launch = Launch::new().set("auth.password", "Tr0ub4dor&3").set("logging.level", "TRACE");
    let mut daemon = launch.start();
    for attempt in ["Tr0ub4dor&3", "Tr0ub4dor&4", "Tr0ub4dor", "hunter2hunter2"] {
        daemon.try_password("127.0.0.1", attempt);
    }
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    daemon.signal(Signal::SIGUSR1);
    daemon.await_log("clients=");
    daemon.stop();
    let log = daemon.log();
    for part in ["Tr0u", "b4dor", "hunter", "54 72 30", "547230"] {
        assert!(!log.contains(part), "{part} is in the log:\n{log}");
    }
}

#[test]
fn a_password_file_that_others_may_read_is_refused() {
    let launch = Launch::new().set("auth.password", Value::Null);
    let path = launch.dir.join("password");
    fs::write(&path, "from a file\r\nsecond line\n").unwrap();
    let launch = launch.set("auth.password_file", path.to_str().unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&launch.run(), 78, &[path.to_str().unwrap(), "644"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let daemon = launch.start();
    assert_eq!(daemon.try_password("127.0.0.1", "from a file").len(), READY_BYTES);
}
