//! The command line: help, and what is wrong with it.

use super::{assert_ended, assert_told, ctl};

#[test]
fn wrong_usage() {
    for (arguments, told) in [
        (&[][..], "no command given"),
        (&["--json"], "no command given"),
        (&["fetch"], "unknown command \"fetch\""),
        (&["get", "gain"], "get does not take \"gain\""),
        (&["get", "--nonsense"], "--nonsense"),
        (&["get", "--json=yes"], "--json"),
        (&["get", "--host"], "--host"),
        (&["get", "--host", ""], "--host is \"\"; allowed: a name or an address"),
        (&["get", "--host", "camera.local:5001"], "--host is \"camera.local:5001\"; allowed: a name or an address"),
        (&["status", "--host", "http://camera.local/"], "--host is \"http://camera.local/\"; allowed"),
        (&["status", "--host", "[::1]:8080"], "--host is \"[::1]:8080\"; allowed"),
        (&["get", "--settings-port", "0"], "--settings-port is \"0\"; allowed: 1 to 65535"),
        (&["--data-port=65536", "watch"], "--data-port is \"65536\""),
        (&["auth", "--auth-port", "http"], "--auth-port is \"http\""),
        (&["watch", "--count", "0"], "--count is \"0\""),
        (&["watch", "3"], "watch does not take \"3\""),
        (&["get", "--count", "3"], "--count is only for watch and video"),
        (&["get", "--password-file", "f"], "--password-file is only for auth"),
        (&["status", "--count", "3"], "--count is only for watch and video"),
        (&["status", "all"], "status does not take \"all\""),
        (&["video", "3"], "video does not take \"3\""),
        (&["reload", "now"], "reload does not take \"now\""),
        (&["status", "--http-port", "0"], "--http-port is \"0\"; allowed: 1 to 65535"),
        (&["status", "--socket", "/x", "--host", "localhost"], "--socket excludes --host and --http-port"),
        (&["status", "--socket", "/x", "--http-port", "1"], "--socket excludes --host and --http-port"),
        (&["get", "--socket", "/x"], "--socket is only for status, video and reload"),
        (&["auth", "--socket", "/x"], "--socket is only for status, video and reload"),
        (&["set", "gain=1", "--plain"], "--plain is only for auth"),
        (&["auth", "1111"], "auth does not take \"1111\""),
        (&["get", "--timeout", "0"], "--timeout is \"0\"; allowed: 0.01 to 3600 seconds"),
        (&["get", "--timeout", "NaN"], "--timeout is \"NaN\""),
        (&["set"], "set needs KEY=VALUE"),
        (&["set", "gain"], "set needs KEY=VALUE, not \"gain\""),
        (&["set", "iso=100"], "unknown setting \"iso\"; allowed: shutter, gain, awb_red"),
        (&["set", "gain=1", "gain=2"], "gain is set twice"),
    ] {
        let output = ctl(arguments).output().unwrap();
        assert_ended(&output, 2, "", Some(told));
        assert!(String::from_utf8_lossy(&output.stderr).ends_with("; see es-iot-ctl --help\n"));
    }
}

#[test]
fn help_and_version() {
    for arguments in [&["--help"][..], &["-h"], &["watch", "--help"], &["--help", "--nonsense"]] {
        let output = ctl(arguments).output().unwrap();
        assert_told(&output, 0, None);
        let help = String::from_utf8(output.stdout).unwrap();
        let commands = ["watch", "get", "set", "auth", "status", "video", "reload"];
        let ports = ["--host", "--data-port", "--settings-port", "--auth-port", "--http-port", "--socket", "--json"];
        for part in [commands, ports].concat() {
            assert!(help.contains(part), "{part}");
        }
    }
    let version = concat!("es-iot-ctl ", env!("CARGO_PKG_VERSION"), "\n");
    assert_ended(&ctl(&["-V"]).output().unwrap(), 0, version, None);
}
