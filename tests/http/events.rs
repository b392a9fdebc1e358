//! The events.

use serde_json::{Value, json};

use crate::camera::{kill_test_camera, no_camera, test_camera};
use crate::client::Http;
use crate::stream::{Event, Listener};
use crate::support::{Launch, due, until};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn state_and_settings_come_first_and_then_the_values() {
    let launch = test_camera();
    let daemon = launch.start();
    let mut listener = Listener::connect(daemon.http_port());
    let (first, second) = (listener.next(), listener.next());
    assert_eq!((&*first.kind, &*second.kind), ("status", "settings"));
    let status = first.data;
    assert_eq!(keys(&status), ["camera", "host", "rtsp_path", "rtsp_port", "version", "video", "viewers"]);
    assert_eq!(keys(&status["camera"]), ["reason", "since", "state"]);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["rtsp_path"], "ES_MTX");
    assert_eq!(status["viewers"], json!({"rtsp": 0, "http": 0}));
    assert_eq!(second.data, Http::connect(daemon.http_port()).json("/api/settings"));
    let mut last = listener.value();
    for _ in 0..24 {
        let value = listener.value();
        assert!(value.0 <= 10 && value.1 >= last.1, "{value:?} after {last:?}");
        last = value;
    }
}

#[test]
fn the_values_are_those_of_the_data_port_and_as_many() {
    let mut daemon = Launch::new().http().start();
    let (mut data, mut listener) = (daemon.data(), Listener::connect(daemon.http_port()));
    let skipped = daemon.counter("ticks_skipped");
    let mut other = Listener::connect(daemon.http_port());
    // From a tick on that all three have seen.
    let first = loop {
        let (a, b) = (listener.value(), other.value());
        let later = a.1.max(b.1);
        let at = |stream: &mut Listener, mut seen: (u8, u64)| {
            while seen.1 < later {
                seen = stream.value();
            }
            seen
        };
        let (a, b) = (at(&mut listener, a), at(&mut other, b));
        let mut packet = data.data();
        while packet.1 < a.1 {
            packet = data.data();
        }
        if (a, b) == (packet, packet) {
            break packet;
        }
    };
    let mut stamps = vec![first.1];
    for _ in 0..72 {
        let packet = data.data();
        assert_eq!(listener.value(), packet);
        assert_eq!(other.value(), packet);
        stamps.push(packet.1);
    }
    // 24 a second: none is missing on both, but those that the machine was too busy for.
    let (early, late) = (due(&stamps[..24]), due(&stamps[49..]));
    let skipped = daemon.counter("ticks_skipped") - skipped;
    assert!((49..=49 + skipped).contains(&((late - early + 500) / 1000)), "{stamps:?}");
}

#[test]
fn a_change_of_the_settings_is_one_event_wherever_it_was_made() {
    let daemon = Launch::new().http().start();
    let mut listener = Listener::connect(daemon.http_port());
    let mut http = Http::connect(daemon.http_port());
    assert_eq!(listener.next_of("settings")["gain"], 1.0);
    let mut settings = daemon.settings();
    let now = settings.read();
    settings.update([now[0], 7, now[2], now[3], now[4], now[5]]);
    assert_eq!(listener.next_of("settings")["gain"], 7.0);
    // What follows is no change.
    http.put("{}").expect(200);
    http.put("{\"gain\": 7}").expect(200);
    http.put("{\"gain\": 300}").expect(400);
    http.put("{\"gain\": 9}").expect(200);
    assert_eq!(listener.next_of("settings")["gain"], 9.0);
    // Nothing but values for some time.
    for _ in 0..24 {
        assert_eq!(listener.next().kind, "value");
    }
}

#[test]
fn a_change_of_the_state_is_an_event() {
    let launch = test_camera();
    let mut daemon = launch.start();
    let mut listener = Listener::connect(daemon.http_port());
    let next_state = |listener: &mut Listener, is_it: &dyn Fn(&Value) -> bool| {
        let is_it = |event: &Event| event.kind == "status" && is_it(&event.data);
        listener.until(is_it).pop().unwrap().data
    };
    let running = next_state(&mut listener, &|status| status["video"]["source"] == "camera");
    assert_eq!(
        keys(&running["video"]),
        ["bits_per_second", "codec", "height", "key_interval", "pictures_per_second", "source", "width"]
    );
    assert_eq!((&running["video"]["width"], &running["video"]["height"]), (&json!(320), &json!(240)));
    assert_eq!((&running["camera"]["state"], &running["camera"]["reason"]), (&json!("running"), &Value::Null));
    assert_eq!(running["rtsp_port"], 0, "as configured");
    // A viewer comes, and goes.
    let movie = crate::movie::Movie::watch(daemon.http_port());
    next_state(&mut listener, &|status| status["viewers"]["http"] == 1);
    drop(movie);
    next_state(&mut listener, &|status| status["viewers"]["http"] == 0);
    kill_test_camera(&mut daemon);
    let down = next_state(&mut listener, &|status| status["camera"]["state"] != "running");
    assert!(!down["camera"]["reason"].as_str().unwrap().is_empty(), "{down}");
    let up = next_state(&mut listener, &|status| status["camera"]["reason"].is_null());
    assert_eq!(up["camera"]["state"], "running");
}

#[test]
fn without_a_camera_the_state_has_a_reason_and_no_video() {
    let daemon = no_camera().start();
    let mut listener = Listener::connect(daemon.http_port());
    let reason = loop {
        let status = listener.next_of("status");
        assert_eq!(status["video"], Value::Null);
        if status["camera"]["state"] == "backing-off" {
            break status["camera"]["reason"].as_str().unwrap().to_owned();
        }
    };
    let mut http = Http::connect(daemon.http_port());
    until(|| http.get("/healthz").status == 503);
    assert!(!reason.is_empty());
}

#[test]
fn a_daemon_without_rtsp_reports_none() {
    let daemon = Launch::new().http().set("server.rtsp_port", Value::Null).start();
    let status = Listener::connect(daemon.http_port()).next_of("status");
    assert_eq!((&status["rtsp_port"], &status["rtsp_path"]), (&Value::Null, &Value::Null));
}

#[test]
fn what_a_listener_sends_is_dropped() {
    let mut daemon = Launch::new().http().start();
    let mut listener = Listener::connect(daemon.http_port());
    listener.next_of("settings");
    let requests = daemon.counter("http_requests");
    for _ in 0..10 {
        listener.0.send("PUT /api/settings HTTP/1.1\r\nHost: x\r\n\r\n\0\0rubbish");
        listener.value();
    }
    assert_eq!(daemon.counter("http_requests"), requests);
    assert_eq!(daemon.counter("http_bad_request"), 0);
}
