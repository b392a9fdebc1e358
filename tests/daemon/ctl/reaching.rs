//! Servers that are not there, do not answer, or go away.

use super::peer::talk;
use super::{assert_ended, ctl};
use crate::golden::{DEFAULTS, READ};
use crate::support::deaf_port;

#[test]
fn nothing_listens() {
    let port = deaf_port();
    for (command, option) in [("get", "--settings-port"), ("watch", "--data-port")] {
        let output = ctl(&[command, option, &port.number()]).output().unwrap();
        let told = format!("nothing listens at localhost:{}: is es-iot-server running?", port.number());
        assert_ended(&output, 1, "", Some(&told));
    }
    let output = ctl(&["get", "--host", "[::ffff:127.0.0.1]", "--settings-port", &port.number()]).output().unwrap();
    assert_ended(&output, 1, "", Some(&format!("at [::ffff:127.0.0.1]:{}", port.number())));
}

#[test]
fn no_such_host() {
    // A label of 64 characters is none (RFC 1035, section 2.3.4), so no resolver is asked.
    let host = "x".repeat(64);
    let output = ctl(&["get", "--host", &host]).output().unwrap();
    assert_ended(&output, 1, "", Some(&format!("host {host} not found: check --host")));
}

#[test]
fn the_server_closes_early() {
    let arguments = ["get", "--host", "127.0.0.1", "--settings-port", "PORT"];
    let closed = Some("closed the connection without an answer");
    assert_ended(&talk(&arguments, drop), 1, "", closed);
    let output = talk(&arguments, |mut peer| {
        peer.expect(&READ);
        peer.send(&DEFAULTS[..3]);
    });
    assert_ended(&output, 1, "", closed);
    let arguments = ["watch", "--host", "127.0.0.1", "--data-port", "PORT"];
    assert_ended(&talk(&arguments, drop), 1, "", closed);
}

#[test]
fn the_server_is_silent() {
    let silent = Some("sent no packet for 0.1 s");
    for (command, option) in [("get", "--settings-port"), ("watch", "--data-port")] {
        let arguments = [command, "--host", "127.0.0.1", option, "PORT", "--timeout", "0.1"];
        let output = talk(&arguments, |mut peer| peer.wait_for_end());
        assert_ended(&output, 1, "", silent);
        // Garbage is no answer, and a packet that does not end is none either.
        let output = talk(&arguments, |mut peer| {
            peer.send(b"garbage\x00\xFF\x02");
            peer.wait_for_end();
        });
        assert_ended(&output, 1, "", silent);
    }
}
