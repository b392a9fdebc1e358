//! The text of every kind of error: one line with the source, the key, the value and the allowed values.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::super::{Sources, load};
use super::{Directory, load_layers, refusal};

/// The error for one key's value, without the file's name.
fn value(section: &str, key: &str, value: &str) -> String {
    let text = refusal(format!(r#"{{"{section}": {{"{key}": {value}}}}}"#), &[]);
    text.strip_prefix("FILE: ").unwrap().to_owned()
}

/// The error for one variable.
fn variable(name: &str, value: &str) -> String {
    load_layers(None, &[(name, value)], None).unwrap_err().to_string()
}

#[test]
fn a_named_file_that_is_missing() {
    let directory = Directory::new();
    let path = directory.path("gone.json");
    assert_eq!(
        load_layers(Some(&path), &[], None).unwrap_err().to_string(),
        format!("{}: no such file; correct the path given with --config", path.display())
    );
}

#[test]
fn a_file_that_is_not_a_regular_file() {
    let directory = Directory::new();
    let fifo = directory.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for path in [&directory.0, &fifo, &"/dev/zero".into()] {
        assert_eq!(
            load_layers(Some(path), &[], None).unwrap_err().to_string(),
            format!("{}: is not a regular file; give the path of a JSON file", path.display())
        );
    }
}

#[test]
fn a_file_that_can_not_be_opened() {
    let directory = Directory::new();
    let path = directory.file("file", "").join("server.json");
    for text in [
        load_layers(Some(&path), &[], None).unwrap_err().to_string(),
        load(&Sources {
            config_file: None,
            overlays: Vec::new(),
            log_level: None,
            env: &|_| None,
            default_file: path.clone(),
        })
        .unwrap_err()
        .to_string(),
    ] {
        assert!(text.contains(": can't be read: Not a directory"), "{text}");
        assert!(text.ends_with("; check its permissions and the user that runs the server"), "{text}");
    }
}

#[test]
fn a_file_that_is_too_large() {
    let just_fits = format!("{{{}}}", " ".repeat(64 * 1024 - 2));
    assert!(super::load_text(&just_fits, &[]).is_ok());
    assert_eq!(
        refusal(format!("{just_fits} "), &[]),
        "FILE: is larger than 65536 bytes; check that it is the right file"
    );
}

#[test]
fn a_file_that_is_not_utf8() {
    let text = refusal(b"{\"server\": {\"host\": \"caf\xe9\"}}", &[]);
    assert_eq!(text, "FILE: invalid UTF-8 at offset 24; save the file as UTF-8");
}

#[test]
fn malformed_json() {
    assert_eq!(
        refusal("{\n  \"server\": {\n    \"host\" \"x\"\n}}", &[]),
        "FILE: line 3, column 12: expected `:`; correct the JSON there"
    );
    assert_eq!(refusal("", &[]), "FILE: line 1, column 0: EOF while parsing a value; correct the JSON there");
    assert_eq!(refusal("{} {}", &[]), "FILE: line 1, column 4: trailing characters; correct the JSON there");
    let deep = refusal("[".repeat(10_000), &[]);
    assert!(deep.contains("recursion limit exceeded"), "{deep}");
}

#[test]
fn a_duplicate_key() {
    let text = refusal("{\"server\": {},\n \"server\": {}}", &[]);
    assert_eq!(text, "FILE: line 2, column 9: the key \"server\" appears twice; correct the JSON there");
}

#[test]
fn a_top_level_that_is_not_an_object() {
    let example = r#"it must be a JSON object, such as {"server": {"data_port": 5000}}"#;
    assert_eq!(refusal("[]", &[]), format!("FILE: contains a list; {example}"));
    // The password file given as the configuration.
    assert_eq!(refusal("12345678\n", &[]), format!("FILE: contains a number; {example}"));
}

#[test]
fn an_unknown_key() {
    let sections = "server, data, camera, auth, paths, logging";
    assert_eq!(refusal(r#"{"network": {}}"#, &[]), format!("FILE: unknown key network; allowed here: {sections}"));
    assert_eq!(
        refusal(r#"{"Camera": {}}"#, &[]),
        format!("FILE: unknown key Camera; did you mean camera? allowed here: {sections}")
    );
    assert_eq!(
        value("paths", "stat_dir", "1"),
        "unknown key paths.stat_dir; did you mean state_dir? allowed here: state_dir, camera_settings"
    );
    assert_eq!(value("data", "source", r#"{"path": "/x"}"#), "unknown key data.source.path; allowed here: file");
    assert_eq!(value("data", "a\\nb", "1"), "unknown key data.a\\nb; allowed here: source");
}

#[test]
fn a_wrong_type() {
    for (section, key, wrong, text) in [
        ("server", "data_port", r#""5000""#, r#"is "5000"; it must be a whole number from 0 to 65535"#),
        (
            "server",
            "host",
            "1",
            "is 1; it must be an address or a host name, such as \"0.0.0.0\" or \"::1\", without brackets or port",
        ),
        ("camera", "vflip", "1", "is 1; it must be true or false"),
        ("camera", "rotation", "null", "is null; it must be 0 or 180"),
        ("camera", "extra_args", "null", "is null; it must be a list of strings, which may be empty"),
        ("camera", "source", "[1]", r#"is a list; it must be one of "auto", "rpicam", "test", "command", "none""#),
        (
            "camera",
            "rtsp_url",
            "1",
            "is 1; it must be null, or rtsp:// or rtsps://, a host, and optionally a port and a path, without spaces",
        ),
        (
            "camera",
            "command",
            r#""cam -x""#,
            r#"is "cam -x"; it must be null or a list of strings: a program and its arguments"#,
        ),
        ("auth", "required", "null", "is null; it must be true or false"),
        ("auth", "password_file", "7", "is 7; it must be a non-empty path without NUL"),
        (
            "logging",
            "level",
            "30",
            "is 30; it must be DEBUG, INFO, WARNING, ERROR or CRITICAL (or WARN, TRACE; case-insensitive)",
        ),
        ("data", "source", "null", r#"is null; it must be "random" or {"file": "/path"}"#),
        (
            "logging",
            "target",
            "{}",
            r#"is an object; it must be "auto", "console", "syslog", "journald", or a list of the last three, each once"#,
        ),
    ] {
        assert_eq!(value(section, key, wrong), format!("{section}.{key} {text}"));
    }
    assert_eq!(refusal(r#"{"camera": null}"#, &[]), "FILE: camera is null; it must be an object");
}

#[test]
fn a_number_out_of_range() {
    for (section, key, wrong, allowed) in [
        ("server", "data_port", "65536", "a whole number from 0 to 65535"),
        ("server", "settings_port", "-1", "a whole number from 0 to 65535"),
        ("server", "auth_port", "1e3", "a whole number from 0 to 65535"),
        ("server", "max_clients", "0", "a whole number from 1 to 15300"),
        ("server", "max_clients", "15301", "a whole number from 1 to 15300"),
        ("server", "max_viewers", "251", "a whole number from 1 to 250"),
        ("server", "rtsp_port", "65536", "a whole number from 0 to 65535"),
        ("camera", "width", "62", "an even number from 64 to 4096"),
        ("camera", "width", "641", "an even number from 64 to 4096"),
        ("camera", "width", "4098", "an even number from 64 to 4096"),
        ("camera", "height", "2162", "an even number from 64 to 2160"),
        ("camera", "height", "63", "an even number from 64 to 2160"),
        ("camera", "framerate", "0", "a whole number from 1 to 120"),
        ("camera", "framerate", "121", "a whole number from 1 to 120"),
        ("camera", "framerate", "23.976", "a whole number from 1 to 120"),
        ("camera", "intra", "1001", "a whole number from 1 to 1000"),
        ("camera", "stall_seconds", "0", "a whole number from 1 to 3600"),
        ("camera", "bitrate", "99999", "a whole number from 100000 to 25000000"),
        ("camera", "bitrate", "25000001", "a whole number from 100000 to 25000000"),
        ("camera", "camera", "16", "a whole number from 0 to 15"),
        ("camera", "rotation", "90", "0 or 180"),
        ("camera", "rotation", "-180", "0 or 180"),
        ("auth", "grant_seconds", "86401", "a whole number from 0 to 86400"),
        ("auth", "grant_seconds", "18446744073709551615", "a whole number from 0 to 86400"),
    ] {
        let shown = if wrong == "1e3" { "1000.0" } else { wrong };
        assert_eq!(value(section, key, wrong), format!("{section}.{key} is {shown}; allowed: {allowed}"));
    }
}

#[test]
fn a_text_that_is_not_allowed() {
    let argv = "null or a list of strings: a program and its arguments";
    let targets = r#""auto", "console", "syslog", "journald", or a list of the last three, each once"#;
    for (section, key, wrong, text) in [
        (
            "server",
            "host",
            r#""""#,
            r#" is ""; allowed: an address or a host name, such as "0.0.0.0" or "::1", without brackets or port"#,
        ),
        ("camera", "codec", r#""mjpeg""#, r#" is "mjpeg"; allowed: one of "h264""#),
        ("camera", "source", r#""usb""#, r#" is "usb"; allowed: one of "auto", "rpicam", "test", "command", "none""#),
        ("camera", "command", "[]", &format!(" is an empty list; allowed: {argv}")),
        ("camera", "publisher", r#"["push", ""]"#, r#"[1] is ""; allowed: a non-empty string without NUL"#),
        ("camera", "publisher", r#"["a\u0000b"]"#, r#"[0] is "a\0b"; allowed: a non-empty string without NUL"#),
        ("paths", "state_dir", r#""""#, r#" is ""; allowed: a non-empty path without NUL"#),
        (
            "logging",
            "level",
            r#""loud""#,
            r#" is "loud"; allowed: DEBUG, INFO, WARNING, ERROR or CRITICAL (or WARN, TRACE; case-insensitive)"#,
        ),
        ("logging", "target", r#""file""#, &format!(r#" is "file"; allowed: {targets}"#)),
        ("logging", "target", "[]", &format!(" is an empty list; allowed: {targets}")),
        ("logging", "target", r#"["auto"]"#, r#"[0] is "auto"; allowed: one of "console", "syslog", "journald""#),
        ("logging", "target", r#"["syslog", "syslog"]"#, r#"[1] is "syslog"; allowed: each target once"#),
        ("data", "source", r#""/sys/x""#, r#" is "/sys/x"; allowed: "random" or {"file": "/path"}"#),
        ("data", "source", "{}", r#" is an object; allowed: "random" or {"file": "/path"}"#),
        ("data", "source", r#"{"file": ""}"#, r#".file is ""; allowed: a non-empty path without NUL"#),
    ] {
        assert_eq!(value(section, key, wrong), format!("{section}.{key}{text}"));
    }
}

#[test]
fn an_unknown_placeholder() {
    assert_eq!(
        value("camera", "command", r#"["cam", "{width}x{hight}"]"#),
        "camera.command[1] has the unknown placeholder {hight}; allowed: {shutter} {gain} {awb_red} {awb_blue} \
         {contrast} {brightness} {width} {height} {framerate} {intra} {bitrate}"
    );
    assert_eq!(
        value("camera", "publisher", r#"["push", "{url}"]"#),
        "camera.publisher[1] has the unknown placeholder {url}; allowed: {rtsp_url}"
    );
}

#[test]
fn the_source_command_without_a_command() {
    assert_eq!(
        value("camera", "source", r#""command""#),
        "camera.source is \"command\", but camera.command is null; set it to a list of the program and its arguments"
    );
}

#[test]
fn the_same_port_for_two_services() {
    let advice = "give each service its own port, or 0 to pick a free one";
    assert_eq!(
        refusal(r#"{"server": {"data_port": 6000}}"#, &[("AUTH_PORT", "6000")]),
        format!(
            "server.data_port (FILE) and server.auth_port (environment variable AUTH_PORT) are both 6000; {advice}"
        )
    );
    assert_eq!(
        refusal(r#"{"server": {"auth_port": 5001}}"#, &[]),
        format!("server.settings_port (built-in default) and server.auth_port (FILE) are both 5001; {advice}")
    );
}

#[test]
fn a_variable_that_is_not_allowed() {
    for (name, wrong, text) in [
        ("DATA_PORT", "70000", "server.data_port is 70000; allowed: a whole number from 0 to 65535"),
        ("SETTINGS_PORT", "x", r#"server.settings_port is "x"; it must be a whole number from 0 to 65535"#),
        ("AUTH_PORT", "+1", r#"server.auth_port is "+1"; it must be a whole number from 0 to 65535"#),
        (
            "SERVER_HOST",
            "a b",
            r#"server.host is "a b"; allowed: an address or a host name, such as "0.0.0.0" or "::1", without brackets or port"#,
        ),
        (
            "LOG_LEVEL",
            "all",
            r#"logging.level is "all"; allowed: DEBUG, INFO, WARNING, ERROR or CRITICAL (or WARN, TRACE; case-insensitive)"#,
        ),
    ] {
        assert_eq!(variable(name, wrong), format!("environment variable {name}: {text}"));
    }
}

#[test]
fn a_variable_that_is_not_utf8() {
    for name in ["SERVER_HOST", "DATA_PORT", "SETTINGS_PORT", "AUTH_PORT", "AUTH_PASSWORD", "LOG_LEVEL"] {
        let env = |asked: &str| (asked == name).then(|| OsString::from_vec(b"12\xff".into()));
        let sources = Sources {
            config_file: None,
            overlays: Vec::new(),
            log_level: None,
            env: &env,
            default_file: "/nonexistent/x".into(),
        };
        let text = load(&sources).unwrap_err().to_string();
        assert!(text.starts_with(&format!("environment variable {name}: ")), "{text}");
    }
}

#[test]
fn a_stall_time_too_short_for_three_frames() {
    for (framerate, stall_seconds, least) in [(1, 2, 3), (2, 1, 2)] {
        let camera = |stall: u32| format!(r#"{{"camera": {{"framerate": {framerate}, "stall_seconds": {stall}}}}}"#);
        assert_eq!(
            refusal(camera(stall_seconds), &[]),
            format!(
                "FILE: camera.stall_seconds is {stall_seconds} and camera.framerate is {framerate}, so three frames do \
                 not fit; raise camera.stall_seconds to at least {least}, or raise camera.framerate"
            )
        );
        assert!(super::load_text(camera(least), &[]).is_ok());
    }
    assert!(super::load_text(r#"{"camera": {"framerate": 3, "stall_seconds": 1}}"#, &[]).is_ok());
}
