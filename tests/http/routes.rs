//! Every path with every method, and what the replies have beside their status.

use serde_json::json;

use crate::client::Http;
use crate::support::Launch;

const METHODS: [&str; 7] = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"];
/// Paths with the methods that they have.
const ROUTES: [(&str, &str); 11] = [
    ("/", "GET, HEAD"),
    ("/video.mp4", "GET, HEAD"),
    ("/snapshot.h264", "GET, HEAD"),
    ("/events", "GET, HEAD"),
    ("/api/settings", "GET, HEAD, PUT"),
    ("/api/status", "GET, HEAD"),
    ("/metrics", "GET, HEAD"),
    ("/healthz", "GET, HEAD"),
    ("/api/login", "POST"),
    ("/api/logout", "POST"),
    ("/api/reload", "POST"),
];
const KINDS: [(&str, &str); 9] = [
    ("/", "text/html; charset=utf-8"),
    ("/video.mp4", "video/mp4; codecs=\"avc1.42C01E\""),
    ("/snapshot.h264", "video/h264"),
    ("/events", "text/event-stream"),
    ("/api/settings", "application/json"),
    ("/api/status", "application/json"),
    ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
    ("/healthz", "text/plain; charset=utf-8"),
    ("/api/none", "application/json"),
];

/// The expected status of a request without a body, or with `{}` where there is to be one.
fn status(path: &str, method: &str, allowed: &str) -> u16 {
    match (allowed.split(", ").any(|has| has == method), path) {
        (false, _) => 405,
        // Nothing of a login is in it.
        (true, "/api/login") => 400,
        (true, _) => 200,
    }
}

#[test]
fn each_path_has_its_methods_and_no_others() {
    let daemon = Launch::new().http().start();
    for (path, allowed) in ROUTES {
        let is_stream = matches!(path, "/video.mp4" | "/events");
        for method in METHODS {
            let mut http = Http::connect(daemon.http_port());
            let has_body = matches!(method, "PUT" | "POST" | "PATCH");
            let kind: &[_] = if has_body { &[("Content-Type", "application/json")] } else { &[] };
            let text = http.compose(method, path, kind, has_body.then_some("{}"));
            http.send(&text);
            let expected = status(path, method, allowed);
            let streams = is_stream && method == "GET";
            let reply = if method == "HEAD" || streams { http.head() } else { http.reply() }.expect(expected);
            if expected == 405 {
                assert_eq!(reply.header("Allow"), allowed);
                if method != "HEAD" {
                    let takes = format!("{path} takes {allowed} only");
                    if path.starts_with("/api/") {
                        assert_eq!(reply.error(), takes);
                    } else {
                        assert_eq!(reply.text(), takes + "\n");
                    }
                }
            }
            // A body that is refused is not read.
            assert_eq!(reply.closes(), streams || (expected == 405 && has_body), "{method} {path}: {reply:?}");
            assert!(!streams || reply.find("Content-Length").is_none());
            if reply.closes() {
                continue;
            }
            http.get("/healthz").expect(200);
        }
    }
}

#[test]
fn a_head_has_the_headers_of_a_get_and_nothing_behind_them() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    // The first picture is drawn for a client that wants one.
    http.get("/snapshot.h264").expect(200);
    for (path, kind) in KINDS {
        let head = http.ask("HEAD", path, &[], None).expect(if path == "/api/none" { 404 } else { 200 });
        let is_stream = matches!(path, "/video.mp4" | "/events");
        let mut other = Http::connect(daemon.http_port());
        let text = other.compose("GET", path, &[], None);
        other.send(&text);
        let get = if is_stream { other.head() } else { other.reply() }.expect(head.status);
        assert_eq!(get.header("Content-Type"), kind);
        if path != "/video.mp4" {
            assert_eq!(head.header("Content-Type"), kind);
        }
        // The figures change from one reply to the next.
        let comparable = |reply: &crate::reply::Reply| {
            let mut headers = reply.headers.clone();
            headers.retain(|(name, _)| !matches!(name.as_str(), "Content-Length" | "Content-Type" | "Connection"));
            headers
        };
        assert_eq!(comparable(&head), comparable(&get), "{path}");
        assert_eq!(is_stream, head.find("Accept-Ranges") == Some("none"), "{path}");
    }
    http.get("/healthz").expect(200);
}

#[test]
fn a_path_has_one_spelling_and_a_query_changes_nothing() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    for path in [
        "/favicon.ico",
        "/index.html",
        "//",
        "/healthz/",
        "/HEALTHZ",
        "/%68ealthz",
        "/../healthz",
        "/./healthz",
        "/api/settings/",
        "/video.mp4/",
        "/etc/passwd",
    ] {
        let reply = http.get(path).expect(404);
        assert_eq!(reply.header("Content-Type").starts_with("text/plain"), !path.starts_with("/api/"), "{path}");
    }
    assert_eq!(http.get("/api/").expect(404).error(), "there is nothing under this path");
    for path in ["/healthz?", "/healthz?x=1&y=%00", "/healthz?/api/", &format!("http://{}/healthz", http.host)] {
        http.get(path).expect(200);
    }
    assert_eq!(http.json("/api/settings?gain=9"), http.json("/api/settings"));
}

#[test]
fn the_page_is_sent_compressed_and_again_only_if_it_has_changed() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    let page = http.get("/").expect(200);
    assert_eq!(page.header("Content-Encoding"), "gzip");
    assert_eq!(page.header("Vary"), "Accept-Encoding");
    assert!(page.body.starts_with(&[0x1F, 0x8B]) && page.length() < 40_000, "{} bytes", page.length());
    let policy = page.header("Content-Security-Policy");
    for rule in
        ["script-src 'sha256-", "style-src 'sha256-", "connect-src 'self'", "base-uri 'none'", "form-action 'none'"]
    {
        assert!(policy.contains(rule), "{policy}");
    }
    let etag = page.header("ETag").to_owned();
    for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".into()] {
        let reply = http.ask("GET", "/", &[("If-None-Match", &known)], None).expect(304);
        assert_eq!(
            (reply.header("ETag"), reply.find("Content-Type"), reply.find("Content-Length")),
            (&*etag, None, None)
        );
        assert_eq!(reply.header("Content-Security-Policy"), policy);
    }
    for other in ["\"x\"", "W/\"x\"", &etag[1..]] {
        let reply = http.ask("GET", "/", &[("If-None-Match", other)], None).expect(200);
        assert_eq!(reply.body, page.body);
    }
    for takes in ["gzip", "deflate, gzip;q=0.1", "*", "identity;q=0, x-gzip"] {
        http.ask("GET", "/", &[("Accept-Encoding", takes)], None).expect(200);
    }
    for takes in ["identity", "gzip;q=0", "*;q=0, br", "br"] {
        http.ask("GET", "/", &[("Accept-Encoding", takes)], None).expect(406);
    }
}

#[test]
fn names_of_other_hosts_are_refused() {
    let hosts = json!(["cam.example.com"]);
    let mut daemon = Launch::new().http().set("server.http_hosts", hosts).start();
    let mut http = Http::connect(daemon.http_port());
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let label = own.split('.').next().unwrap();
    for host in [
        "localhost",
        "127.0.0.1:1",
        "[::1]",
        "cam.example.com:443",
        "CAM.example.com.",
        &own,
        &format!("{label}.local"),
    ] {
        http.ask("GET", "/api/status", &[("Host", host)], None).expect(200);
    }
    for host in ["attacker.example", "127.0.0.1.attacker.example", "cam.example.com.attacker.example", "x.localhost"] {
        for path in ["/", "/api/status", "/none"] {
            let reply = http.ask("GET", path, &[("Host", host)], None).expect(421);
            let text = if path.starts_with("/api/") { reply.error() } else { reply.text() };
            assert!(text.contains("add the name to server.http_hosts on the device"), "{text}");
        }
    }
    // The target's authority counts (RFC 9112, section 3.2.2).
    http.get("http://attacker.example/healthz").expect(421);
    http.ask("GET", "http://localhost/healthz", &[("Host", "attacker.example")], None).expect(200);
    http.send("GET /healthz HTTP/1.1\r\n\r\n");
    http.reply().expect(400);
    for host in ["a b", "h:x", "user@localhost", "localhost/", "[::1", "localhost, localhost"] {
        let mut http = Http::connect(daemon.http_port());
        http.ask("GET", "/healthz", &[("Host", host)], None).expect(400);
    }
    assert_eq!(daemon.counter("http_misdirected"), 13);
}

#[test]
fn the_unix_socket_is_asked_under_any_name() {
    let launch = Launch::new().http();
    let _daemon = launch.start();
    let mut http = Http::unix(&launch.http_socket());
    for host in ["attacker.example", "x", "localhost"] {
        http.ask("GET", "/api/status", &[("Host", host)], None).expect(200);
    }
    http.put("{\"gain\": 3}").expect(200);
    // No browser gets here, but a proxy that forwards may.
    let origin = [("Host", "a.example"), ("Origin", "http://b.example"), ("Content-Type", "application/json")];
    http.ask("PUT", "/api/settings", &origin, Some("{}")).expect(403);
}
