//! What a web page has its visitor's browser send to the packet ports: bytes of the page's choice, behind a beginning that is the
//! browser's.

use crate::golden::{DEFAULT_SETTINGS, PASSWORD, UPDATE};
use crate::support::{Client, Daemon, Launch, packet, side_by_side};

const NOT_AUTHENTICATED: u8 = 4;
const SOURCE: &str = "127.0.0.2";

/// How a browser's connection begins, before the bytes of the page.
fn beginnings() -> Vec<(&'static str, Vec<u8>)> {
    let request = |line: &str| {
        format!(
            "{line}\r\nHost: 192.0.2.9:5001\r\nConnection: keep-alive\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n\
             Accept: */*\r\nOrigin: http://attacker.example\r\nReferer: http://attacker.example/\r\n\r\n"
        )
        .into_bytes()
    };
    // RFC 8446, section 4.1.2: a record, a ClientHello in it, its version, random bytes, and the page's name.
    let hello =
        [&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03][..], &[7; 32], b"attacker.example"];
    vec![
        ("a form or fetch of another origin", request("POST / HTTP/1.1")),
        ("a method of the page's choice, after DNS rebinding", request("UPDATE / HTTP/1.1")),
        ("an image of another origin", request("GET /%00%FF%02%01%00%06 HTTP/1.1")),
        ("HTTP/0.9", b"GET /\r\n".to_vec()),
        ("a WebSocket", request("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket")),
        ("a question before a request", request("OPTIONS / HTTP/1.1")),
        ("TLS", hello.concat()),
    ]
}

/// Sends it to the settings or the authentication port, which answers nothing and closes.
fn post(daemon: &mut Daemon, port: &str, beginning: &[u8], body: &[u8]) {
    let address = if port == "auth" { daemon.auth_port() } else { daemon.settings_port() };
    let mut client = Client::connect_from(SOURCE, address);
    client.send(&[beginning, body].concat());
    client.expect_end();
    daemon.await_log(&format!(
        "{SOURCE} disconnected from the {port} port: it sent HTTP, TLS, or 1024 bytes that are not a packet"
    ));
}

#[test]
fn a_web_page_changes_no_settings() {
    side_by_side(beginnings(), |(name, beginning)| {
        let mut daemon = Launch::new().set("auth.required", false).start();
        post(&mut daemon, "settings", &beginning, &[UPDATE, UPDATE].concat());
        assert_eq!(daemon.counter("peer_lost_sync"), 1, "{name}");
        assert_eq!(daemon.counter("settings_updated"), 0, "{name}");

        // The data port reads nothing. It goes on with its packets, which are no HTTP.
        let mut subscriber = Client::connect_from(SOURCE, daemon.data_port());
        subscriber.send(&[&beginning[..], &UPDATE, &PASSWORD].concat());
        subscriber.data();
        assert_eq!(daemon.settings().read(), DEFAULT_SETTINGS, "{name}");
    });
}

#[test]
fn a_web_page_gets_no_grant_and_no_guess() {
    let guarded = || Launch::new().set("auth.required", true).set("auth.trust_loopback", false).start();
    side_by_side(beginnings(), |(name, beginning)| {
        let mut daemon = guarded();
        let bodies = [PASSWORD.to_vec(), packet(0, 1, b"wrong"), packet(0, 3, b"n,,n=es-iot,r=abc")];
        for body in &bodies {
            post(&mut daemon, "auth", &beginning, body);
        }
        assert_eq!(daemon.counter("peer_lost_sync"), 3, "{name}");
        for counter in ["auth_accepted", "auth_rejected", "auth_locked_out", "logins_refused", "grants"] {
            assert_eq!(daemon.counter(counter), 0, "{name}: {counter}");
        }
        for (id, port) in [(1, daemon.data_port()), (2, daemon.settings_port())] {
            let mut client = Client::connect_from(SOURCE, port);
            client.expect_error(id, NOT_AUTHENTICATED);
            client.send(&[&beginning[..], &UPDATE, &PASSWORD].concat());
            client.finish();
            client.expect_end();
        }
        // The same packet opens the ports without that beginning, so the test would notice.
        assert_eq!(daemon.try_password(SOURCE, "1111"), crate::golden::READY, "{name}");
        assert_eq!(Client::connect_from(SOURCE, daemon.settings_port()).read(), DEFAULT_SETTINGS, "{name}");
    });
}
