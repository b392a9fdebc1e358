//! Every path with every method, and what bad requests get.

use super::*;
use crate::limits::HTTP_MAX_BODY_BYTES;

#[test]
fn each_path_with_each_method() {
    let table = [
        ("/", "200 200 405 405 405 405"),
        ("/video.mp4", "200 200 405 405 405 405"),
        ("/snapshot.h264", "200 200 405 405 405 405"),
        ("/events", "200 200 405 405 405 405"),
        ("/api/settings", "200 200 200 405 405 405"),
        ("/api/status", "200 200 405 405 405 405"),
        ("/metrics", "200 200 405 405 405 405"),
        ("/healthz", "200 200 405 405 405 405"),
        ("/api/login", "405 405 405 200 405 405"),
        ("/api/logout", "405 405 405 200 405 405"),
        ("/api/reload", "405 405 405 200 405 405"),
        ("/favicon.ico", "404 404 404 404 404 404"),
        ("/api/", "404 404 404 404 404 404"),
        ("/api/nothing", "404 404 404 404 404 404"),
        ("/../etc/passwd", "404 404 404 404 404 404"),
        ("*", "404 404 404 404 404 404"),
    ];
    for (path, expected) in table {
        for query in ["", "?", "?a=b&c=/d"] {
            if path == "*" && !query.is_empty() {
                continue;
            }
            let of = |method: &&str| Rig::new().ask(method, &format!("{path}{query}"), &[JSON]).status().to_string();
            let found: Vec<String> = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"].iter().map(of).collect();
            assert_eq!(found.join(" "), expected, "{path}{query}");
        }
    }
}

#[test]
fn each_path_has_its_question() {
    let asked = |method: &str, path: &str| {
        let outputs = Rig::new().request(method, path, &[JSON], if method == "GET" { "" } else { "{}" });
        format!("{:?}", questions(&outputs)[0])
    };
    for (method, path, question) in [
        ("GET", "/", "Page"),
        ("GET", "/video.mp4", "Video"),
        ("GET", "/snapshot.h264", "Snapshot"),
        ("GET", "/events", "Events"),
        ("GET", "/api/settings", "Settings"),
        ("PUT", "/api/settings", "Update(Call(2 bytes))"),
        ("GET", "/api/status", "Status"),
        ("GET", "/metrics", "Metrics"),
        ("GET", "/healthz", "Health"),
        ("POST", "/api/login", "Login(Call(2 bytes))"),
        ("POST", "/api/logout", "Logout(Call(2 bytes))"),
        ("POST", "/api/reload", "Reload(Call(2 bytes))"),
    ] {
        assert_eq!(asked(method, path), question, "{method} {path}");
    }
}

#[test]
fn a_method_that_is_not_there_is_told_which_are() {
    let reply = Rig::new().ask("DELETE", "/api/settings", &[]);
    assert_eq!((reply.status(), reply.header("Allow")), (405, Some("GET, HEAD, PUT")));
    assert_eq!(reply.body(), "{\"error\":\"/api/settings takes GET, HEAD, PUT only\"}\n");
    let reply = Rig::new().ask("get", "/healthz", &[]);
    assert_eq!((reply.status(), reply.header("Allow")), (405, Some("GET, HEAD")));
    assert_eq!(reply.body(), "/healthz takes GET, HEAD only\n");
}

#[test]
fn a_reply_to_head_has_no_body() {
    for path in ["/", "/video.mp4", "/snapshot.h264", "/events", "/api/settings", "/metrics", "/nothing"] {
        let mut rig = Rig::new();
        let reply = rig.ask("HEAD", path, &[]);
        assert_eq!(reply.body(), "", "{path}");
        assert_eq!(rig.ask("HEAD", path, &[]).status(), reply.status(), "the connection goes on after {path}");
    }
    let outputs = Rig::new().request("HEAD", "/video.mp4", &[], "");
    assert_eq!(outputs.len(), 1, "no stream is begun: {outputs:?}");
}

#[test]
fn replies_keep_browsers_from_mischief() {
    for path in ["/", "/video.mp4", "/snapshot.h264", "/events", "/api/settings", "/metrics", "/healthz", "/nothing"] {
        let reply = Rig::new().ask("GET", path, &["Origin: http://attacker.example"]);
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", if path == "/" { "no-cache" } else { "no-store" }),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}: {reply:?}");
        }
        let policy = reply.header("Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!reply.0.contains("Access-Control"), "{path}: no CORS");
    }
}

#[test]
fn bad_requests_get_a_clear_answer() {
    let over = "x".repeat(HTTP_MAX_BODY_BYTES + 1);
    for (text, status, closes) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, false),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".into(), 400, true),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".into(), 400, true),
        (request("GET", "/", &[], "x"), 400, true),
        (request("GET", "/", &["Content-Length: 0"], ""), 200, false),
        (request("DELETE", "/api/settings", &[], "x"), 405, true),
        (request("PUT", "/nothing", &[JSON], "{}"), 404, true),
        (request("PUT", "/nothing", &[JSON], ""), 404, false),
        (format!("PUT /api/settings HTTP/1.1\r\n{HOST}\r\n{JSON}\r\n\r\n"), 411, true),
        (
            format!("POST /api/login HTTP/1.1\r\n{HOST}\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            411,
            true,
        ),
        (request("PUT", "/api/settings", &[JSON], &over[1..]), 200, false),
        (request("PUT", "/api/settings", &[JSON], &over), 413, true),
        (request("PUT", "/api/settings", &["Content-Type: application/json; charset=utf-8"], "{}"), 200, false),
        (request("PUT", "/api/settings", &["Content-Type: APPLICATION/JSON"], "{}"), 200, false),
        (request("PUT", "/api/settings", &["Content-Type: text/plain"], "{}"), 415, true),
        (request("PUT", "/api/settings", &["Content-Type: text/plain, application/json"], "{}"), 415, true),
        (request("PUT", "/api/settings", &["Content-Type: application/x-www-form-urlencoded"], ""), 415, false),
        (request("PUT", "/api/settings", &[], "{}"), 415, true),
        (request("PUT", "/api/settings", &[JSON, "Expect: 200-ok"], "{}"), 417, true),
        (request("GET", "/", &["Accept-Encoding: identity"], ""), 406, false),
        ("GET / HTTP/1.1\nHost: x\n\n".into(), 400, true),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000)), 414, true),
        (request("GET", "/", &[&format!("X: {}", "x".repeat(9000))], ""), 431, true),
        (request("GET", "/", &["X: y"; 64], ""), 431, true),
        ("GET / HTTP/2.0\r\n\r\n".into(), 505, true),
        ("\x16\x03\x01\x02\0\x01".into(), 400, true),
    ] {
        let outputs = Rig::new().send(&text);
        let start: String = text.chars().take(80).collect();
        assert_eq!((statuses(&outputs), closed(&outputs).is_some()), (vec![status], closes), "{start:?}");
        let refused = outputs.iter().any(|output| matches!(output, Output::Refused(_)));
        assert_eq!(refused, status != 200, "{start:?}");
        let says = only_reply(&outputs).header("Connection") == Some("close");
        assert_eq!(says, closes, "{start:?}");
    }
}
