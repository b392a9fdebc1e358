//! The settings: GET and PUT, the file, and who else sees a change.

use std::fs;

use serde_json::{Value, json};

use crate::client::Http;
use crate::support::{Launch, NO_NAMESPACE, in_mount_namespace, skip};

/// As many as are written without a pause.
const PUTS: u8 = 3;

fn in_file(launch: &Launch) -> Value {
    serde_json::from_slice(&fs::read(launch.settings_file()).unwrap()).unwrap()
}

fn defaults() -> Value {
    json!({"shutter": 10000, "gain": 1.0, "awb_red": 1.0, "awb_blue": 1.0, "contrast": 1.0, "brightness": 0.0})
}

#[test]
fn a_put_changes_what_it_names_and_is_answered_once_that_is_on_the_disk() {
    let launch = Launch::new().http();
    let daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    let mut expected = defaults();
    assert_eq!(http.json("/api/settings"), expected);
    // Not more of them: after three, the next writes wait for the flash's sake.
    for changes in [
        json!({"shutter": 1_000_000, "gain": 255, "awb_red": 25.5}),
        json!({"awb_blue": 0.1, "contrast": 12.345, "brightness": -1, "gain": 1e0}),
    ] {
        for (key, value) in changes.as_object().unwrap() {
            expected[key] = value.clone();
        }
        let reply = http.put(&changes.to_string()).expect(200);
        assert_eq!(numbers(&reply.json()), numbers(&expected), "all six");
        assert_eq!(numbers(&in_file(&launch)), numbers(&expected), "in the file as soon as it is answered");
        assert_eq!(reply.text(), fs::read_to_string(launch.settings_file()).unwrap());
    }
    let all = json!({"shutter": 5, "gain": 4, "awb_red": 3, "awb_blue": 2, "contrast": 1, "brightness": 0.5});
    assert_eq!(numbers(&http.put(&all.to_string()).expect(200).json()), numbers(&all));
    // Nothing is changed, and nothing has to be written.
    let before = http.json("/api/settings");
    assert_eq!(http.put("{}").expect(200).json(), before);
    assert_eq!(http.put(" \n{ } ").expect(200).json(), before);
}

/// Numbers are compared as numbers: 1 is 1.0.
fn numbers(settings: &Value) -> Vec<(String, f64)> {
    settings.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.as_f64().unwrap())).collect()
}

#[test]
fn a_wrong_put_is_explained_and_changes_nothing() {
    let launch = Launch::new().http();
    let mut daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    for (body, text) in [
        (r#"{"gain": 300}"#, "gain is 300; allowed: 0 to 255"),
        (r#"{"gain": -0.5}"#, "gain is -0.5; allowed: 0 to 255"),
        (r#"{"shutter": 1000001}"#, "shutter is 1000001; allowed: 0 to 1000000"),
        (r#"{"brightness": 1.5}"#, "brightness is 1.5; allowed: -1 to 1"),
        (r#"{"contrast": 25.6, "gain": 2}"#, "contrast is 25.6; allowed: 0 to 25.5"),
        (r#"{"gian": 1}"#, "\"gian\" is not a setting"),
        (r#"{"gain": "1"}"#, "gain is \"1\", not a number"),
        (r#"{"gain": null}"#, "gain is null, not a number"),
        (r#"{"gain": true}"#, "gain is true, not a number"),
        (r#"{"gain": [1]}"#, "gain is [1], not a number"),
        (r#"{"gain": {}}"#, "gain is {}, not a number"),
        (r#"{"shutter": 1.5}"#, "shutter is 1.5, not a whole number, 0 or more"),
        (r#"{"shutter": -1}"#, "shutter is -1, not a whole number, 0 or more"),
        (r#"{"gain": 1e999}"#, "number out of range"),
        (r#"{"gain": NaN}"#, "expected"),
        (r#"{"gain": 1,}"#, "trailing comma"),
        (r#"{"gain": 1} {}"#, "trailing characters"),
        ("[1,2,3,4,5,6]", "invalid type"),
        ("null", "invalid type"),
        ("17", "invalid type"),
        ("", "EOF"),
        ("{", "EOF"),
        ("gain=1", "expected value"),
        ("\u{feff}{}", "expected value"),
    ] {
        let reply = http.put(body).expect(400);
        let error = reply.error();
        assert!(error.contains(text), "{body}: {error}");
        assert!(!reply.closes());
    }
    // Deep, and not UTF-8.
    http.put(&("{\"gain\":".to_owned() + &"[".repeat(2000))).expect(400);
    let head =
        http.compose("PUT", "/api/settings", &[("Content-Type", "application/json"), ("Content-Length", "4")], None);
    http.send([head.as_bytes(), b"\"\xFF\xFE\""].concat());
    http.reply().expect(400);
    assert_eq!(http.json("/api/settings"), defaults());
    assert!(!launch.settings_file().exists() || in_file(&launch) == defaults());
    assert_eq!(daemon.counter("settings_updated"), 0);
    // The last one of two equal keys counts, as in a file.
    assert_eq!(http.put(r#"{"gain": 5, "gain": 6}"#).expect(200).json()["gain"], 6.0);
}

#[test]
fn a_change_needs_json_and_no_other_origin() {
    let daemon = Launch::new().http().start();
    let port = daemon.http_port();
    let json = ("Content-Type", "application/json");
    let own = format!("http://{port}");
    for origin in
        ["http://attacker.example", "null", "http://127.0.0.1", &format!("http://localhost:{}", port.port()), "", "x"]
    {
        for (method, path) in
            [("PUT", "/api/settings"), ("POST", "/api/reload"), ("POST", "/api/login"), ("POST", "/api/logout")]
        {
            let mut http = Http::connect(port);
            let text = format!(
                "{method} {path} HTTP/1.1\r\nHost: {port}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
            );
            http.send(&text);
            let reply = http.reply().expect(403);
            assert_eq!(reply.error(), "pages of other origins may change nothing here", "{origin}");
        }
    }
    let mut http = Http::connect(port);
    http.ask("PUT", "/api/settings", &[json, ("Origin", &own)], Some("{}")).expect(200);
    http.ask("GET", "/api/settings", &[("Origin", "http://attacker.example")], None).expect(200);
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx", "json"]
    {
        let mut http = Http::connect(port);
        let reply = http.ask("PUT", "/api/settings", &[("Content-Type", kind)], Some("{\"gain\": 9}")).expect(415);
        assert!(reply.closes() && reply.error().contains("application/json"), "{reply:?}");
    }
    for kind in ["APPLICATION/JSON", "application/json; charset=utf-8", "application/json ;x=y"] {
        http.ask("PUT", "/api/settings", &[("Content-Type", kind)], Some("{}")).expect(200);
    }
    assert_eq!(http.json("/api/settings"), defaults());
}

#[test]
fn a_change_is_seen_on_the_other_port_and_the_other_way_round() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    let mut settings = daemon.settings();
    http.put(r#"{"gain": 7, "contrast": 2.5, "brightness": -1}"#).expect(200);
    assert_eq!(settings.read(), [100, 7, 10, 10, 25, 0]);
    settings.update([2, 8, 10, 10, 25, 0]);
    assert_eq!(settings.read(), [2, 8, 10, 10, 25, 0]);
    let seen = http.json("/api/settings");
    assert_eq!((seen["shutter"].as_u64(), seen["gain"].as_f64()), (Some(200), Some(8.0)));
}

#[test]
fn a_burst_of_puts_is_answered_in_order_and_written_seldom() {
    let launch = Launch::new().http();
    let mut daemon = launch.start();
    let port = daemon.http_port();
    let mut http = Http::connect(port);
    let text: String = (1..=PUTS)
        .map(|gain| {
            http.compose(
                "PUT",
                "/api/settings",
                &[("Content-Type", "application/json")],
                Some(&format!("{{\"gain\":{gain}}}")),
            )
        })
        .collect();
    http.send(&text);
    for gain in 1..=PUTS {
        assert_eq!(http.reply().expect(200).json()["gain"], f64::from(gain));
    }
    assert_eq!(in_file(&launch)["gain"], f64::from(PUTS));
    // Many clients together: one write may do for several.
    let stored = daemon.counter("settings_stored");
    let mut clients: Vec<Http> = (0..10).map(|_| Http::connect(port)).collect();
    for (number, client) in (0..).zip(&mut clients) {
        let body = format!("{{\"shutter\":{number}}}");
        let text = client.compose("PUT", "/api/settings", &[("Content-Type", "application/json")], Some(&body));
        client.send(&text);
    }
    for client in &mut clients {
        client.reply().expect(200);
    }
    assert_eq!(in_file(&launch), http.json("/api/settings"));
    let writes = daemon.counter("settings_stored") - stored;
    assert!((1..=10).contains(&writes), "{writes} writes");
    assert_eq!(daemon.counter("settings_updated"), u64::from(PUTS) + 10);
}

#[test]
fn settings_that_cannot_be_written_are_in_force_all_the_same() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let launch = Launch::new().http().on_disk(("paths.camera_settings", "camera.json"), "ro", ":");
    let daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    let reply = http.put("{\"gain\": 9}").expect(503);
    assert_eq!(reply.error(), "the settings are in force, but could not be written to their file: see the log");
    assert!(!reply.closes());
    assert_eq!(http.json("/api/settings")["gain"], 9.0);
    http.put("{\"gain\": 10}").expect(503);
    http.put("{}").expect(503);
}
