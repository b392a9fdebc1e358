//! Web pages in a browser on the network can have it send what they like to any port, behind the head of an HTTP request.

use std::net::IpAddr;

use super::*;
use es_iot_server::stats::Counter;

const PEER: &str = "192.0.2.1";

/// What `fetch("http://DEVICE:5001", {method: "POST", mode: "no-cors", body})` sends, with this body.
fn posted(body: &[u8]) -> Vec<u8> {
    let head = "POST / HTTP/1.1\r\nHost: 192.0.2.9:5001\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\
                Origin: http://attacker.example\r\nReferer: http://attacker.example/\r\n\r\n";
    [head.as_bytes(), body].concat()
}

#[test]
fn a_web_page_could_change_the_settings() {
    for cut in [usize::MAX, 1, 3, 10] {
        let mut bench = Bench::with(config(), &[A]);
        let mut closed = Vec::new();
        for piece in posted(&golden::UPDATE).chunks(cut.min(1000)) {
            closed.extend(bench.handle(Input::Received { conn: A, bytes: piece }));
        }
        assert_eq!(closed, [Output::Close(A)], "in pieces of {cut}");
        assert_eq!(bench.server.stats().count(Counter::SettingsUpdated), 0);
        assert_eq!(bench.server.stats().count(Counter::PeerLostSync), 1);
    }
}

#[test]
fn a_web_page_could_guess_passwords() {
    for hello in [posted(&golden::PASSWORD), [&[0x16, 0x03, 0x01, 0x02], &golden::PASSWORD[..]].concat()] {
        let mut bench = Bench::with(config(), &[]);
        let peer = PEER.parse::<IpAddr>().expect("an address").into();
        bench.handle(Input::Accepted { conn: A, service: Service::Auth, peer });
        assert_eq!(bench.handle(Input::Received { conn: A, bytes: &hello }), [Output::Close(A)]);
        assert_eq!(bench.server.stats().count(Counter::AuthAccepted), 0);
    }
}

/// A page of `http://attacker.example:5001` whose name then leads to the device (DNS rebinding) asks its own origin: its
/// browser sends any method, without a question before.
#[test]
fn a_web_page_could_send_a_method_of_its_own() {
    for (method, target) in [("FOO", "/"), ("a", "/x?y"), ("get", "/"), ("M-SEARCH", "*"), (&"M".repeat(400), "/")] {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: attacker.example:5001\r\nContent-Length: 13\r\n\r\n");
        let request = [head.as_bytes(), &golden::UPDATE].concat();
        for cut in [1000, 1, 7] {
            let mut bench = Bench::with(config(), &[A]);
            let mut closed = Vec::new();
            for piece in request.chunks(cut) {
                closed.extend(bench.handle(Input::Received { conn: A, bytes: piece }));
            }
            assert_eq!(closed, [Output::Close(A)], "{method} in pieces of {cut}");
            assert_eq!(bench.server.stats().count(Counter::SettingsUpdated), 0);
            assert_eq!(bench.server.stats().count(Counter::PeerLostSync), 1);
        }
    }
}

#[test]
fn other_noise_before_a_packet_is_still_skipped() {
    for noise in [
        &b"get "[..],
        b"POS",
        b"\x16\x04\x01\x00",
        b"xGET ",
        b"\0GET ",
        b"FOO / HTTP",
        b"FOO /\0HTTP/1.1 ",
        b" / HTTP/1.1",
        b"FOO  HTTP/1.1",
    ] {
        let mut bench = Bench::with(config(), &[A]);
        bench.handle(Input::Received { conn: A, bytes: &[noise, &golden::UPDATE].concat() });
        assert_eq!(bench.server.stats().count(Counter::SettingsUpdated), 1, "{noise:?}");
    }
}
