//! Reload, stop, and the Unix socket's file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use serde_json::json;

use crate::camera::test_camera;
use crate::client::Http;
use crate::movie::Movie;
use crate::places::in_network_namespace;
use crate::stream::Listener;
use crate::support::{Launch, skip};

fn reload(http: &mut Http) -> crate::reply::Reply {
    http.call("POST", "/api/reload", "{}")
}

#[test]
fn a_reload_is_answered_when_it_is_in_force() {
    let mut launch = Launch::new().http();
    let mut daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    assert_eq!(reload(&mut http).expect(200).json(), json!({"needs_restart": []}));
    launch.change("server.http_hosts", json!(["cam.example"]));
    launch.write_config();
    http.ask("GET", "/api/status", &[("Host", "cam.example")], None).expect(421);
    reload(&mut http).expect(200);
    http.ask("GET", "/api/status", &[("Host", "cam.example")], None).expect(200);
    launch.change("server.data_port", 1);
    launch.change("server.rtsp_port", 2);
    launch.write_config();
    let mut unix = Http::unix(&launch.http_socket());
    assert_eq!(
        reload(&mut unix).expect(200).json(),
        json!({"needs_restart": ["server.data_port", "server.rtsp_port"]})
    );
    // The settings file is read too, and what it holds is an event.
    let mut listener = Listener::connect(daemon.http_port());
    listener.next_of("settings");
    let mut settings = http.json("/api/settings");
    settings["gain"] = json!(42.0);
    fs::write(launch.settings_file(), settings.to_string()).unwrap();
    reload(&mut unix).expect(200);
    assert_eq!(http.json("/api/settings"), settings);
    assert_eq!(listener.next_of("settings"), settings);
    assert_eq!(daemon.counter("reloads"), 4);
}

#[test]
fn a_reload_rereads_the_overlays_and_names_the_one_that_is_wrong() {
    let launch = Launch::new().http();
    let overlay = launch.dir.join("overlay.json");
    fs::write(&overlay, "{}").unwrap();
    let daemon = launch.arg("--overlay").arg(overlay.as_os_str()).start();
    let mut http = Http::connect(daemon.http_port());
    fs::write(&overlay, r#"{"server": {"data_port": 1}}"#).unwrap();
    let reply = reload(&mut http).expect(200);
    assert!(reply.text().contains("server.data_port"), "{}", reply.text());
    fs::write(&overlay, r#"{"server": {"max_viewers": 0}}"#).unwrap();
    let reply = reload(&mut http).expect(500);
    let error = format!("{}: server.max_viewers is 0; allowed:", overlay.display());
    assert!(reply.error().contains(&error), "{}", reply.error());
}

#[test]
fn a_reload_that_fails_is_explained_and_changes_nothing() {
    let mut launch = Launch::new().http();
    let mut daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    launch.change("server.max_viewers", 0);
    launch.change("auth.required", true);
    launch.write_config();
    let reply = reload(&mut http).expect(500);
    assert!(reply.error().contains("server.max_viewers is 0; allowed:"), "{}", reply.error());
    fs::write(launch.config_file(), "{").unwrap();
    let reply = reload(&mut http).expect(500);
    assert!(reply.error().contains("server.json"), "{}", reply.error());
    fs::remove_file(launch.config_file()).unwrap();
    reload(&mut http).expect(500);
    http.get("/api/status").expect(200);
    assert_eq!(daemon.counter("reloads_failed"), 3);
    // Two clients that ask in one moment have one answer each.
    launch.change("server.max_viewers", 3);
    launch.change("auth.required", false);
    launch.write_config();
    let mut clients = [Http::connect(daemon.http_port()), Http::connect(daemon.http_port())];
    for client in &mut clients {
        let text = client.compose("POST", "/api/reload", &[("Content-Type", "application/json")], Some("{}"));
        client.send(text.repeat(3));
    }
    for client in &mut clients {
        for _ in 0..3 {
            client.reply().expect(200);
        }
    }
}

#[test]
fn only_this_host_may_have_it_reload() {
    if !in_network_namespace() {
        return skip("this needs the right to a network namespace");
    }
    let launch = Launch::new().http().set("server.host", "0.0.0.0").set("auth.required", false);
    let mut daemon = launch.start();
    let port = daemon.http_port().port();
    let mut http = Http::connect_from("192.0.2.1", format!("192.0.2.1:{port}").parse().unwrap());
    let reply = reload(&mut http).expect(403);
    assert_eq!(reply.error(), "only programs on the device itself may ask for this");
    http.put("{}").expect(200);
    http.get("/api/status").expect(200);
    reload(&mut Http::connect(format!("127.0.0.1:{port}").parse().unwrap())).expect(200);
    reload(&mut Http::unix(&launch.http_socket())).expect(200);
    assert_eq!(daemon.counter("reloads"), 2);
}

#[test]
fn a_stop_ends_streams_after_a_whole_part() {
    let launch = test_camera();
    let mut daemon = launch.start();
    let mut movies = [Movie::watch(daemon.http_port()), Movie::over(Http::unix(&launch.http_socket()))];
    let mut listeners = [Listener::connect(daemon.http_port()), Listener::over(Http::unix(&launch.http_socket()))];
    let mut idle = Http::connect(daemon.http_port());
    idle.get("/healthz").expect(200);
    for movie in &mut movies {
        movie.pictures(24);
    }
    for listener in &mut listeners {
        listener.value();
    }
    // An update that is not on the disk yet is, at the end.
    let mut put = Http::connect(daemon.http_port());
    let text = put.compose("PUT", "/api/settings", &[("Content-Type", "application/json")], Some("{\"gain\": 77}"));
    put.send(&text);
    put.reply().expect(200);
    daemon.stop();
    for movie in &mut movies {
        while movie.try_picture().is_some() {}
    }
    for listener in &mut listeners {
        while listener.try_next().is_some() {}
        assert!(listener.0.buffer.is_empty());
    }
    idle.expect_end();
}

#[test]
fn the_socket_is_for_owner_and_group_and_outlives_no_daemon() {
    let launch = Launch::new().http();
    let mut daemon = launch.start();
    let file = fs::symlink_metadata(launch.http_socket()).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    // A second daemon does not take it from the first.
    let other = Launch::new().http().set("server.http_socket", launch.http_socket().to_str().unwrap());
    let mut second = other.spawn();
    let line = second.await_log("no http socket ");
    assert!(line.contains("WARNING") && line.contains("Address already in use"), "{line}");
    drop(second);
    Http::unix(&launch.http_socket()).get("/healthz").expect(200);
    // That of a killed one is replaced.
    daemon.kill();
    assert!(launch.http_socket().exists());
    let _daemon = launch.start();
    Http::unix(&launch.http_socket()).get("/healthz").expect(200);
}

#[test]
fn a_socket_that_cannot_be_bound_is_a_warning() {
    let too_long = format!("/tmp/{}", "x".repeat(120));
    let launch = Launch::new();
    let file = launch.dir.join("file");
    fs::write(&file, "precious").unwrap();
    let _taken = UnixListener::bind(launch.dir.join("taken.sock")).unwrap();
    for path in
        [&*file.to_string_lossy(), &too_long, "/proc/http.sock", &launch.dir.join("taken.sock").to_string_lossy()]
    {
        let launch = Launch::new().set("server.http_port", 0).set("server.http_socket", path);
        let mut daemon = launch.spawn();
        daemon.await_ports();
        daemon.await_rtsp_port();
        daemon.await_http_port();
        let line = daemon.await_log("no http socket ");
        assert!(line.contains("WARNING") && line.contains(path), "{line}");
        Http::connect(daemon.http_port()).get("/healthz").expect(200);
        daemon.stop();
        let warnings = daemon.log().lines().filter(|line| line.contains("http socket")).count();
        assert_eq!(warnings, 1);
    }
    assert_eq!(fs::read(&file).unwrap(), b"precious");
}

#[test]
fn http_may_be_on_either_way_alone_or_off() {
    let launch = Launch::new();
    let socket = launch.dir.join("only.sock");
    let launch = launch.set("server.http_socket", socket.to_str().unwrap());
    let _daemon = launch.start();
    Http::unix(&socket).get("/healthz").expect(200);
    let daemon = Launch::new().set("server.http_port", 0).start();
    Http::connect(daemon.http_port()).get("/healthz").expect(200);
    let mut daemon = Launch::new().start();
    daemon.stop();
    assert!(!daemon.log().contains("http"), "{}", daemon.log());
}
