//! `/api/status` and `/healthz`: what they show is so.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::camera::{guarded, kill_test_camera, no_camera, plug, pluggable, test_camera, unplug};
use crate::client::Http;
use crate::movie::Movie;
use crate::session::log_in;
use crate::stream::Listener;
use crate::support::{Launch, until};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_status_shows_what_is_so() {
    let launch = test_camera();
    let mut daemon = launch.start();
    let began = Instant::now();
    let port = daemon.http_port();
    let mut http = Http::connect(port);
    let status = http.json("/api/status");
    assert_eq!(
        keys(&status),
        [
            "camera",
            "clients",
            "clock",
            "counters",
            "failing_addresses",
            "grants",
            "host",
            "sessions",
            "settings",
            "state",
            "subscribers",
            "uptime",
            "version",
            "video",
            "viewers"
        ]
    );
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(
        (&status["version"], &status["host"]),
        (&Value::from(env!("CARGO_PKG_VERSION")), &Value::from(own.trim()))
    );
    assert_eq!(status["clock"], serde_json::json!({"set": true}));
    assert!(status["state"]["persistent"].is_boolean());
    let mut movie = Movie::watch(port);
    movie.pictures(48);
    let _listener = Listener::connect(port);
    let (mut data, mut settings, _auth) = (daemon.data(), daemon.settings(), daemon.auth());
    data.data();
    settings.read();
    daemon.try_password("127.0.0.3", "wrong");
    daemon.try_password("127.0.0.4", "1111");
    http.put("{\"gain\": 3}").expect(200);
    until(|| http.json("/api/status")["clients"]["auth"] == 1);
    let status = http.json("/api/status");
    let clients = serde_json::json!({"data": 1, "settings": 1, "auth": 1, "rtsp": 0, "http": 3});
    assert_eq!(status["clients"], clients);
    assert_eq!(status["subscribers"], 1);
    assert_eq!(status["viewers"], serde_json::json!({"rtsp": 0, "http": 1}));
    assert_eq!((&status["grants"], &status["failing_addresses"]), (&1.into(), &1.into()));
    assert_eq!(status["settings"], http.json("/api/settings"));
    let uptime = status["uptime"].as_f64().unwrap();
    assert!(uptime > 0.0 && uptime < began.elapsed().as_secs_f64() + 5.0, "{uptime}");
    let video = &status["video"];
    assert_eq!((&video["width"], &video["height"], &video["source"]), (&320.into(), &240.into(), &"camera".into()));
    let format = movie.format.as_ref().unwrap();
    assert_eq!(video["codec"], format!("avc1.{:02X}{:02X}{:02X}", format.sps[1], format.sps[2], format.sps[3]));
    let number = |key: &str| video[key].as_f64().unwrap();
    // 24 and 0.5 s, unless the machine is busy.
    assert!((8.0..30.0).contains(&number("pictures_per_second")), "{video}");
    assert!(number("bits_per_second") > 10_000.0, "{video}");
    assert!((0.3..2.0).contains(&number("key_interval")), "{video}");
    assert!(number("age") < 1.0, "{video}");
    let counter = |status: &Value, name: &str| status["counters"][name].as_u64().unwrap();
    // The first pictures may be a slate.
    until(|| counter(&http.json("/api/status"), "pictures") >= 48);
    assert_eq!(counter(&status, "settings_updated"), 1);
    assert_eq!(counter(&status, "auth_rejected"), daemon.counter("auth_rejected"));
    let before = counter(&http.json("/api/status"), "http_requests");
    assert_eq!(counter(&http.json("/api/status"), "http_requests"), before + 1);
}

#[test]
fn sessions_are_counted() {
    let daemon = guarded().start();
    let mut http = Http::connect(daemon.http_port());
    let (mut first, second) = (log_in(&mut http), log_in(&mut http));
    assert_eq!(second.get(&mut http, "/api/status").json()["sessions"], 2);
    first.call(&mut http, "POST", "/api/logout", "{}").expect(200);
    assert_eq!(second.get(&mut http, "/api/status").json()["sessions"], 1);
}

#[test]
fn health_is_that_video_moves() {
    let mut daemon = test_camera().start();
    let mut http = Http::connect(daemon.http_port());
    assert_eq!(http.get("/healthz").expect(200).text(), "ok\n", "a camera that has just been started");
    Movie::watch(daemon.http_port()).pictures(24);
    assert_eq!(http.get("/healthz").expect(200).text(), "ok\n");
    http.ask("HEAD", "/healthz", &[], None).expect(200);
    // A restart is no illness, as long as it is short.
    kill_test_camera(&mut daemon);
    until(|| http.get("/healthz").status == 200);
}

#[test]
fn without_a_camera_the_daemon_is_ill_if_there_is_to_be_one() {
    let daemon = Launch::new().http().start();
    Http::connect(daemon.http_port()).get("/healthz").expect(200);
    let daemon = no_camera().start();
    let mut http = Http::connect(daemon.http_port());
    until(|| http.get("/healthz").status == 503);
    // A slate is no video of a camera.
    Movie::watch(daemon.http_port()).pictures(9);
    let reply = http.get("/healthz").expect(503);
    let reason = reply.text();
    assert!(reason.ends_with('\n') && reason.lines().count() == 1 && reason.len() > 10, "{reason:?}");
    assert!(!reply.closes());
    assert_eq!(http.json("/api/status")["camera"]["reason"], reason.trim_end());
    http.ask("HEAD", "/healthz", &[], None).expect(503);
}

#[test]
fn a_camera_that_goes_and_comes_is_seen_in_the_health() {
    let launch = pluggable();
    plug(&launch);
    let daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    until(|| http.json("/api/status")["camera"]["state"] == "running");
    unplug(&launch, &daemon);
    until(|| http.get("/healthz").status == 503);
    plug(&launch);
    let began = Instant::now();
    until(|| http.get("/healthz").status == 200);
    println!("well again after {:?}", began.elapsed());
    until(|| http.json("/api/status")["camera"]["reason"].is_null());
    assert!(began.elapsed() < Duration::from_secs(20));
}
