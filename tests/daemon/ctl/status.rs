//! `status` and `reload`, with the real daemon.

use std::io::Write;
use std::process::{Output, Stdio};

use super::{assert_ended, assert_told, ctl};
use crate::support::{Daemon, Launch, until};

/// A daemon that serves HTTP.
pub struct Server {
    pub launch: Launch,
    pub daemon: Daemon,
    /// The arguments for its Unix socket.
    pub socket: [String; 2],
    /// Those for its TCP port.
    pub port: [String; 4],
}

impl Server {
    /// On loopback and with a Unix socket.
    pub fn start(launch: Launch) -> Self {
        let launch = launch.http();
        let path = launch.http_socket().to_str().unwrap().to_owned();
        let daemon = launch.start();
        let port = daemon.http_port().port().to_string();
        let port = ["--host", "127.0.0.1", "--http-port", &port].map(str::to_owned);
        Self { launch, daemon, socket: ["--socket".to_owned(), path], port }
    }

    /// Runs the client, over its socket.
    pub fn ctl(&self, arguments: &[&str]) -> Output {
        ctl(&with(&self.socket, arguments)).output().unwrap()
    }

    /// Runs the client, over TCP.
    pub fn ctl_tcp(&self, arguments: &[&str]) -> Output {
        ctl(&with(&self.port, arguments)).output().unwrap()
    }
}

/// Arguments for a place, and more.
pub fn with<'a>(place: &'a [String], arguments: &[&'a str]) -> Vec<&'a str> {
    place.iter().map(String::as_str).chain(arguments.iter().copied()).collect()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_status_over_both_sockets() {
    let server = Server::start(Launch::new());
    for output in [server.ctl(&["status"]), server.ctl_tcp(&["status"])] {
        assert_told(&output, 0, None);
        let text = text(&output);
        for part in [
            concat!("version   ", env!("CARGO_PKG_VERSION"), "\n"),
            "\nuptime    ",
            "\ncamera    off for ",
            "\nvideo     no picture yet\n",
            "\nviewers   http=0 rtsp=0\n",
            "\nclients   auth=0 data=0 http=1 rtsp=0 settings=0 subscribers=0\n",
            "\nsettings  shutter=10000 gain=1.0 ",
            "\ncounters  accepted=",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(!text.contains("bad_checksum"), "{text}");
    }
    let output = server.ctl_tcp(&["status", "--json"]);
    assert_told(&output, 0, None);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["counters"]["bad_checksum"], 0);
    assert_eq!(json["camera"]["state"], "off");
}

#[test]
fn a_camera_that_fails_is_told_by_the_exit_code() {
    let server = Server::start(
        Launch::new().set("camera.source", "command").set("camera.command", serde_json::json!(["/bin/false"])),
    );
    until(|| server.ctl(&["status"]).status.code() == Some(3));
    let output = server.ctl(&["status"]);
    assert_told(&output, 3, Some("the video does not move: "));
    let reported = text(&output);
    assert!(reported.contains("\ncamera    backing-off for "), "{reported}");
    let output = server.ctl_tcp(&["status", "--json"]);
    assert_told(&output, 3, Some("the video does not move: "));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let reason = json["camera"]["reason"].as_str().unwrap().to_owned();
    assert!(String::from_utf8_lossy(&output.stderr).contains(&reason), "{reason}");
}

#[test]
fn a_grant_opens_http() {
    let launch = Launch::new().set("auth.required", true).set("auth.trust_loopback", false);
    let server = Server::start(launch);
    for command in ["status", "video", "reload"] {
        let output = server.ctl_tcp(&[command]);
        assert_ended(&output, 1, "", Some("requires the password: run es-iot-ctl auth first"));
        let output = server.ctl(&[command]);
        assert_ended(&output, 1, "", Some("and then this command with --host localhost"));
    }
    let port = server.daemon.auth_port().port().to_string();
    let mut auth = ctl(&["--host", "127.0.0.1", "--auth-port", &port, "auth"]).stdin(Stdio::piped()).spawn().unwrap();
    auth.stdin.take().unwrap().write_all(b"1111\n").unwrap();
    assert_told(&auth.wait_with_output().unwrap(), 0, None);
    assert_told(&server.ctl_tcp(&["status"]), 0, None);
    assert_told(&server.ctl_tcp(&["reload"]), 0, None);
}

#[test]
fn the_socket_needs_no_password_where_loopback_is_trusted() {
    let server = Server::start(Launch::new().set("auth.required", true));
    assert_told(&server.ctl(&["status"]), 0, None);
    assert_told(&server.ctl(&["reload"]), 0, None);
}

#[test]
fn a_reload() {
    let mut server = Server::start(Launch::new());
    assert_ended(&server.ctl(&["reload"]), 0, "the configuration is in force\n", None);
    server.launch.change("server.data_port", 21399);
    server.launch.write_config();
    let told = "the configuration is in force, but server.data_port changes at the next start\n";
    assert_ended(&server.ctl_tcp(&["reload"]), 0, told, None);
    assert_ended(&server.ctl(&["reload", "--json"]), 0, "{\"needs_restart\":[\"server.data_port\"]}\n", None);
    server.launch.change("server.rtsp_port", 0);
    server.launch.change("server.host", "localhost");
    server.launch.write_config();
    let told = "the configuration is in force, but these change at the next start: server.host, server.data_port\n";
    assert_ended(&server.ctl(&["reload"]), 0, told, None);
    server.launch.change("camera.framerate", 0);
    server.launch.write_config();
    let output = server.ctl(&["reload"]);
    assert_ended(&output, 1, "", Some("camera.framerate is 0; allowed: a whole number from 1 to 120"));
}
