//! Under which names, and by whose pages. `host.rs` has the tables of names.

use super::*;

const OWN: &str = "es-iot-7.local:8080";

fn get(host: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[test]
fn another_name_is_misdirected() {
    let listed = ["cam.example".to_owned()];
    for (host, status) in [
        (OWN, 200),
        ("192.0.2.7:8080", 200),
        ("[2001:db8::7]:8080", 200),
        ("LOCALHOST", 200),
        ("cam.example.:443", 200),
        ("attacker.example", 421),
        ("attacker.example:8080", 421),
        ("user@localhost", 400),
        ("localhost/", 400),
        ("localhost, attacker.example", 400),
        ("", 400),
    ] {
        let mut rig = Rig::new();
        let context =
            Context { now: rig.now, access: Access::Open, hosts: Hosts::Named { own: "es-iot-7", listed: &listed } };
        let mut outputs = Vec::new();
        rig.exchange.handle(&context, Input::Bytes(get(host).as_bytes()), &mut outputs);
        let asked = questions(&outputs) == [Question::Health];
        assert_eq!((asked, statuses(&outputs)), (status == 200, if asked { vec![] } else { vec![status] }), "{host}");
    }
    let reply = only_reply(&Rig::new().send(get("attacker.example")));
    assert!(reply.body().contains("server.http_hosts"), "{reply:?}");
}

#[test]
fn a_name_that_is_not_the_devices_opens_nothing() {
    for path in ["/", "/video.mp4", "/events", "/api/settings", "/nothing"] {
        let outputs = Rig::new().send(format!("GET {path} HTTP/1.1\r\nHost: attacker.example\r\n\r\n"));
        assert_eq!(statuses(&outputs), [421], "{path}");
    }
}

#[test]
fn any_name_will_do_on_a_unix_socket() {
    let mut rig = Rig { hosts: Hosts::Any, ..Rig::new() };
    assert_eq!(statuses(&rig.send(get("anything.example"))), [200]);
    assert_eq!(statuses(&rig.send("GET /healthz HTTP/1.1\r\n\r\n")), [400], "but a name it has to be");
}

#[test]
fn the_authority_of_the_target_counts() {
    let asked =
        |target: &str, host: &str| statuses(&Rig::new().send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")));
    assert_eq!(asked("http://localhost/healthz", "attacker.example"), [200]);
    assert_eq!(asked("http://attacker.example/healthz", "localhost"), [421]);
    assert_eq!(asked("http:///healthz", "localhost"), [400]);
    assert_eq!(asked("http://user@localhost/healthz", "localhost"), [400]);
}

#[test]
fn pages_of_other_origins_change_nothing() {
    for (origin, status) in [
        (None, 200),
        (Some("http://es-iot-7.local:8080"), 200),
        (Some("http://ES-IOT-7.local:8080"), 200),
        (Some("https://es-iot-7.local:8080"), 200),
        (Some("http://es-iot-7.local"), 403),
        (Some("http://es-iot-7:8080"), 403),
        (Some("http://attacker.example"), 403),
        (Some("http://localhost:8080"), 403),
        (Some("null"), 403),
        (Some(""), 403),
    ] {
        let origin = origin.map(|origin| format!("Origin: {origin}"));
        let headers: Vec<&str> = [JSON].into_iter().chain(origin.as_deref()).collect();
        for (method, path) in [("PUT", "/api/settings"), ("POST", "/api/login"), ("POST", "/api/logout")] {
            let outputs = Rig::new().request(method, path, &headers, "{}");
            assert_eq!(statuses(&outputs), [status], "{method} {path} {origin:?}");
            assert_eq!(questions(&outputs).len(), usize::from(status == 200));
        }
    }
    let hostless =
        format!("PUT /api/settings HTTP/1.0\r\n{JSON}\r\nContent-Length: 2\r\nOrigin: http://localhost\r\n\r\n{{}}");
    assert_eq!(statuses(&Rig::new().send(hostless)), [403]);
}
