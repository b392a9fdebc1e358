//! Every status that refuses a request: with one reply, its counter, and its line in the log.

use crate::client::Http;
use crate::support::{Launch, side_by_side};

const COUNTERS: [&str; 5] =
    ["http_bad_request", "http_unauthorized", "http_not_found", "http_misdirected", "http_unavailable"];

/// A request, its status, the counter, and the words in reply and log.
type Case = (String, u16, &'static str, &'static str);

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

fn put(headers: &str) -> String {
    format!("PUT /api/settings HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

fn cases() -> Vec<Case> {
    let json = "Content-Type: application/json\r\nContent-Length: 2\r\n";
    let bad = "http_bad_request";
    vec![
        ("GET /healthz HTTP/1.1\r\n\r\n".into(), 400, bad, "the request has no Host header"),
        ("\x16\x03\x01".into(), 400, bad, "this is not HTTP (https:// is not supported)"),
        (put(&format!("{json}Origin: http://b.example\r\n")), 403, "http_unauthorized", "pages of other origins"),
        (get("/none", ""), 404, "http_not_found", "there is nothing under this path"),
        (get("/api/login", ""), 405, bad, "/api/login takes POST only"),
        (get("/", "Accept-Encoding: br\r\n"), 406, bad, "the client must accept gzip"),
        (put("Content-Type: application/json\r\n"), 411, bad, "PUT and POST need a Content-Length"),
        (put("Transfer-Encoding: chunked\r\n"), 411, bad, "transfer codings are not supported"),
        (put("Content-Length: 4097\r\n"), 413, bad, "the body is longer than 4096 bytes"),
        (get(&"/".repeat(8193), ""), 414, bad, "the request line is longer than 8192 bytes"),
        (put("Content-Length: 2\r\n"), 415, bad, "Content-Type: application/json only"),
        (put(&format!("{json}Expect: tea\r\n")), 417, bad, "100-continue is the only expectation"),
        ("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n".into(), 421, "http_misdirected", "this is not the device's name"),
        (get("/", &format!("X: {}\r\n", "x".repeat(8193))), 431, bad, "8192 bytes"),
        (get("/video.mp4", ""), 503, "http_unavailable", "there is no picture from the camera"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505, bad, "HTTP/1.1"),
        // The rest of it never comes.
        ("GET /healthz HTTP/1.1\r\nHost: local".into(), 408, bad, "the request was not complete within 10 s"),
    ]
}

#[test]
fn every_refusal_has_a_reply_a_counter_and_a_line() {
    side_by_side(cases(), |(request, status, counter, words)| {
        let launch = Launch::new().http().set("camera.slate", false).set("logging.level", "DEBUG");
        check(&launch, (request, status, counter, words));
    });
}

#[test]
fn a_request_without_a_session_has_them_too() {
    let launch = Launch::new().http().set("logging.level", "DEBUG");
    let launch = launch.set("auth.required", true).set("auth.trust_loopback", false);
    check(&launch, (get("/api/status", ""), 401, "http_unauthorized", "log in first: a password is required"));
}

fn check(launch: &Launch, (request, status, counter, words): Case) {
    let mut daemon = launch.start();
    let mut http = Http::connect(daemon.http_port());
    http.send(&request);
    let reply = http.reply().expect(status);
    assert!(reply.text().contains(words), "{}", reply.text());
    let line = daemon.await_log("refused a request of 127.0.0.1");
    let level = if matches!(status, 401 | 404) { "DEBUG" } else { "WARNING" };
    assert!(line.contains(level) && line.contains(words), "{line}");
    assert_eq!(COUNTERS.map(|name| daemon.counter(name)), COUNTERS.map(|name| u64::from(name == counter)), "{status}");
    let lines = daemon.log().matches("refused a request").count();
    assert_eq!(lines, 1, "{status}");
}
