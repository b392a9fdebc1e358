//! Requests as they come over the wire: cut, joined, half closed, damaged.

use std::time::Duration;

use crate::client::Http;
use crate::support::{Launch, pass};

const GET: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn a_request_is_read_however_it_is_cut() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    let put = http.compose("PUT", "/api/settings", &[("Content-Type", "application/json")], Some("{\"gain\": 3}"));
    for text in [GET, &put] {
        for byte in text.bytes() {
            http.send([byte]);
        }
        http.reply().expect(200);
    }
    for cut in [1, 3, 20, put.len() - 12, put.len() - 1] {
        let (before, after) = put.split_at(cut);
        http.send(before);
        pass(Duration::from_millis(2));
        http.send(after);
        http.reply().expect(200);
    }
    // Empty lines before a request are passed over.
    http.send(["\r\n\r\n", GET].concat());
    http.reply().expect(200);
}

#[test]
fn requests_in_one_segment_are_answered_in_order() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    let json = [("Content-Type", "application/json")];
    let many = [
        http.compose("GET", "/healthz", &[], None),
        http.compose("PUT", "/api/settings", &json, Some("{\"gain\": 3}")),
        http.compose("GET", "/api/settings", &[], None),
        http.compose("GET", "/none", &[], None),
        http.compose("PUT", "/api/settings", &json, Some("{\"gain\": 4}")),
        http.compose("GET", "/api/settings", &[], None),
        http.compose("GET", "/snapshot.h264", &[], None),
        http.compose("PUT", "/api/settings", &json, Some("{\"gain\": 300}")),
        http.compose("GET", "/", &[], None),
        http.compose("GET", "/api/status", &[("Connection", "close")], None),
        http.compose("GET", "/api/status", &[], None),
    ];
    http.send(many.concat());
    http.reply().expect(200);
    assert_eq!(http.reply().expect(200).json()["gain"], 3.0);
    assert_eq!(http.reply().expect(200).json()["gain"], 3.0);
    http.reply().expect(404);
    assert_eq!(http.reply().expect(200).json()["gain"], 4.0);
    assert_eq!(http.reply().expect(200).json()["gain"], 4.0);
    assert_eq!(http.reply().expect(200).header("Content-Type"), "video/h264");
    http.reply().expect(400);
    assert_eq!(http.reply().expect(200).header("Content-Encoding"), "gzip");
    assert!(http.reply().expect(200).closes());
    http.expect_end();
}

#[test]
fn a_connection_gets_a_thousand_replies() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    for batch in 0..20 {
        http.send(GET.repeat(50));
        for number in 0..50 {
            let reply = http.reply().expect(200);
            assert_eq!(reply.closes(), batch == 19 && number == 49, "request {batch} * 50 + {number}");
        }
    }
    http.expect_end();
    // Refused requests count too. The replies to a flood are all there, though it was sent before any was read.
    let mut http = Http::connect(daemon.http_port());
    let flood = "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1001);
    http.send(&flood);
    for number in 1..=1000 {
        assert_eq!(http.reply().expect(404).closes(), number == 1000);
    }
    http.expect_end();
}

#[test]
fn old_clients_get_one_reply() {
    let daemon = Launch::new().http().start();
    for request in [
        "GET /healthz HTTP/1.0\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, close\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nconnection: CLOSE\r\n\r\n",
    ] {
        let mut http = Http::connect(daemon.http_port());
        http.send([request, GET].concat());
        assert!(http.reply().expect(200).closes());
        http.expect_end();
    }
    let mut http = Http::connect(daemon.http_port());
    http.send("GET /healthz HTTP/1.0\r\nHost: attacker.example\r\n\r\n");
    http.reply().expect(421);
    for (version, status) in
        [("HTTP/2.0", 505), ("HTTP/1.2", 505), ("HTTP/0.9", 505), ("HTTP/11", 400), ("HTTQ/1.1", 400), ("", 400)]
    {
        let mut http = Http::connect(daemon.http_port());
        http.send(format!("GET /healthz {version}\r\nHost: localhost\r\n\r\n"));
        assert!(http.reply().expect(status).closes(), "{version}");
        http.expect_end();
    }
    // The preface of HTTP/2 (RFC 9113, section 3.4).
    let mut http = Http::connect(daemon.http_port());
    http.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    http.reply().expect(505);
}

#[test]
fn a_client_that_expects_a_word_gets_it() {
    let daemon = Launch::new().http().start();
    let mut http = Http::connect(daemon.http_port());
    let put = |expect: &str, length: usize| {
        format!(
            "PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: {expect}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    http.send(put("100-continue", 11));
    let _go_on = http.reply().expect(100);
    http.send("{\"gain\": 2}");
    assert_eq!(http.reply().expect(200).json()["gain"], 2.0);
    // A client that does not wait gets it as well: RFC 9110, section 10.1.1, lets it be left out, and no client minds.
    http.send(put("100-Continue", 2) + "{}");
    let _go_on = http.reply().expect(100);
    http.reply().expect(200);
    http.send(put("100-continue", 0));
    http.reply().expect(400);
    http.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n");
    http.reply().expect(200);
    // No body is asked for that would be refused.
    http.send(put("100-continue", 5000));
    assert!(http.reply().expect(413).closes());
    let mut http = Http::connect(daemon.http_port());
    http.send(put("tea", 2));
    assert!(http.reply().expect(417).closes());
}

#[test]
fn a_half_closed_connection_is_answered_to_its_end() {
    let launch = Launch::new().http();
    let daemon = launch.start();
    for mut http in [Http::connect(daemon.http_port()), Http::unix(&launch.http_socket())] {
        let put = http.compose("PUT", "/api/settings", &[("Content-Type", "application/json")], Some("{\"gain\": 5}"));
        http.send([GET, &put, GET].concat());
        http.finish();
        http.reply().expect(200);
        http.reply().expect(200);
        http.reply().expect(200);
        http.expect_end();
    }
    // Within a head, within a body, and before anything.
    for text in ["", "GET / HT", "PUT /api/settings HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"] {
        let mut http = Http::connect(daemon.http_port());
        http.send(text);
        http.finish();
        while http.read_more() {}
    }
    // A stream goes on.
    let mut http = Http::connect(daemon.http_port());
    let text = http.compose("GET", "/events", &[], None);
    http.send(&text);
    http.finish();
    http.head().expect(200);
    http.fill(4096);
    drop(http);
    crate::support::until(|| Http::connect(daemon.http_port()).json("/api/status")["clients"]["http"] == 1);
}

#[test]
fn lengths_are_read_strictly() {
    let mut daemon = Launch::new().http().start();
    let put = "PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
    for (head, headers, status) in [
        (put, "", 411),
        (put, "Transfer-Encoding: chunked\r\n", 411),
        (put, "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", 400),
        (put, "Content-Length: 2\r\nContent-Length: 2\r\n", 400),
        (put, "Content-Length: 2, 2\r\n", 400),
        (put, "Content-Length: +2\r\n", 400),
        (put, "Content-Length: -2\r\n", 400),
        (put, "Content-Length: 0x2\r\n", 400),
        (put, "Content-Length: \r\n", 400),
        (put, "Content-Length : 2\r\n", 400),
        (put, "Content-Length: 4097\r\n", 413),
        (put, "Content-Length: 99999999999999999999999999\r\n", 413),
        (get, "Content-Length: 2\r\n", 400),
        (get, "Transfer-Encoding: chunked\r\n", 411),
        (get, "Folded: a\r\n b\r\n", 400),
        (get, "No colon\r\n", 400),
        (get, ": empty\r\n", 400),
        (get, "Host: localhost\r\n", 400),
    ] {
        let mut http = Http::connect(daemon.http_port());
        http.send([head, headers, "\r\n"].concat());
        assert!(http.reply().expect(status).closes(), "{headers}");
        http.expect_end();
    }
    let mut http = Http::connect(daemon.http_port());
    http.send([get, "Content-Length: 0\r\n\r\n", put, "Content-Length: 000\r\n\r\n", GET].concat());
    http.reply().expect(200);
    http.reply().expect(400);
    http.reply().expect(200);
    assert_eq!(daemon.counter("http_bad_request"), 18);
}

#[test]
fn long_heads_and_bodies_are_refused() {
    let daemon = Launch::new().http().start();
    let longest = |path: &str, most: usize| {
        let before = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX: ");
        format!("{before}{}\r\n\r\n", "x".repeat(most - before.len() - 4))
    };
    let mut http = Http::connect(daemon.http_port());
    http.send(longest("/healthz", 8192));
    http.reply().expect(200);
    http.send(longest("/healthz", 8193));
    assert!(http.reply().expect(431).closes());
    http.expect_end();
    let mut http = Http::connect(daemon.http_port());
    http.send(format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(9000)));
    assert!(http.reply().expect(414).closes());
    // Without an end.
    for (begin, status) in [("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", 431), ("GET /", 414), ("", 414)] {
        let mut http = Http::connect(daemon.http_port());
        http.send(begin);
        http.try_send(&vec![b'x'; 100_000]);
        assert!(http.reply().expect(status).closes());
    }
    for (count, status) in [(63, 200), (64, 431)] {
        let mut http = Http::connect(daemon.http_port());
        let headers = "X: y\r\n".repeat(count);
        http.send(format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
        http.reply().expect(status);
    }
    // The largest body.
    let mut http = Http::connect(daemon.http_port());
    http.put(&format!("{{{}}}", " ".repeat(4094))).expect(200);
    http.put(&format!("{{{}}}", " ".repeat(4095))).expect(413);
}

#[test]
fn what_is_no_request_is_refused_with_a_reply() {
    let mut daemon = Launch::new().http().start();
    let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0xAA; 200]].concat();
    let packet = crate::support::packet(2, 1, &[1; 6]);
    let mut count = 0;
    let mut refused = |bytes: &[u8], text: &str| {
        let mut http = Http::connect(daemon.http_port());
        http.try_send(bytes);
        let reply = http.reply().expect(400);
        assert!(reply.closes() && reply.text().contains(text), "{}", reply.text());
        http.expect_end();
        count += 1;
    };
    refused(&tls, "this is not HTTP (https:// is not supported)");
    refused(&packet, "this is not HTTP");
    refused(&[0; 100], "this is not HTTP");
    refused(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "form");
    refused(b"GET\r\n\r\n", "form");
    refused(b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "form");
    refused(b"GET /healthz HTTP/1.1\nHost: localhost\n\n", "form");
    refused(b"GET /healthz HTTP/1.1\r\nHost: local\0host\r\n\r\n", "form");
    refused(b"GET /he\x80lthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "form");
    refused(b"GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "form");
    refused(b"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "form");
    refused(b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "form");
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    // Every byte: as the first one of a request, and within its parts.
    for byte in (0..=255_u8).filter(|&byte| !token(byte) && !matches!(byte, b'\r' | b'\n')) {
        refused(&[byte], "this is not HTTP");
    }
    assert_eq!(daemon.counter("http_bad_request"), count);
    // The log has a few of them, and then how many were left out.
    let lines = daemon.log().lines().filter(|line| line.contains("refused a request of")).count();
    assert!((1..=20).contains(&lines), "{lines} lines");
}
