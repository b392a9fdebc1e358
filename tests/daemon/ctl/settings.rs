//! `get` and `set`.

use std::time::Duration;

use es_iot_server::wire::packet::encode;
use es_iot_server::wire::{ErrorCode, Id, Kind, Outgoing};

use super::peer::{Peer, talk};
use super::{assert_ended, assert_told, ctl};
use crate::golden::{DEFAULT_SETTINGS, DEFAULTS, READ};
use crate::support::pass;

const DEFAULT_LINES: &str = "shutter=10000\ngain=1\nawb_red=1.0\nawb_blue=1.0\ncontrast=1.0\nbrightness=-0.0039\n";
const DEFAULT_JSON: &str =
    "{\"shutter\":10000,\"gain\":1,\"awb_red\":1.0,\"awb_blue\":1.0,\"contrast\":1.0,\"brightness\":-0.0039}\n";

const GET: [&str; 5] = ["--host", "127.0.0.1", "--settings-port", "PORT", "get"];
const SET: [&str; 5] = ["--host", "127.0.0.1", "--settings-port", "PORT", "set"];

fn packet(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(Id::Settings, kind, payload, &mut bytes);
    bytes
}

/// Lets the client read the defaults, and takes its update and its second read.
fn updated(peer: &mut Peer, payload: &[u8]) {
    peer.expect(&READ);
    peer.send(&DEFAULTS);
    peer.expect(&packet(Kind::Request, payload));
    peer.expect(&READ);
}

#[test]
fn get_prints_what_set_takes() {
    let reply = |mut peer: Peer| {
        peer.expect(&READ);
        peer.send(&DEFAULTS);
    };
    // Without --host: localhost, by whichever of its addresses takes the connection.
    assert_ended(&talk(&["get", "--settings-port", "PORT"], reply), 0, DEFAULT_LINES, None);
    assert_ended(&talk(&[&GET[..], &["--json"]].concat(), reply), 0, DEFAULT_JSON, None);
}

#[test]
fn packets_may_come_in_pieces_and_after_garbage() {
    let output = talk(&GET, |mut peer| {
        peer.expect(&READ);
        peer.send(b"garbage\x00\x00");
        peer.send_split(&DEFAULTS);
    });
    assert_ended(&output, 0, DEFAULT_LINES, None);
}

#[test]
fn set_changes_the_named_and_leaves_the_others() {
    let arguments = [&SET[..], &["gain=64", "awb_red=1.5", "awb_blue=1.2"]].concat();
    let bytes = [0x64, 64, 15, 12, 10, 0x7F];
    let output = talk(&arguments, |mut peer| {
        updated(&mut peer, &bytes);
        peer.send(&packet(Kind::Response, &[0x64, 64, 15, 12, 10, 0x7F, 0, 0, 0]));
    });
    let lines = "shutter=10000\ngain=64\nawb_red=1.5\nawb_blue=1.2\ncontrast=1.0\nbrightness=-0.0039\n";
    assert_ended(&output, 0, lines, None);
}

#[test]
fn set_with_what_get_prints_changes_nothing() {
    let words: Vec<&str> = DEFAULT_LINES.lines().collect();
    let output = talk(&[&SET[..], &words, &["--json"]].concat(), |mut peer| {
        updated(&mut peer, &DEFAULT_SETTINGS);
        peer.send(&DEFAULTS);
    });
    assert_ended(&output, 0, DEFAULT_JSON, None);
}

#[test]
fn settings_that_could_not_be_stored_are_printed_with_exit_code_1() {
    for (json, printed) in [(&[][..], DEFAULT_LINES), (&["--json"], DEFAULT_JSON)] {
        let output = talk(&[&SET[..], &["gain=1"], json].concat(), |mut peer| {
            updated(&mut peer, &DEFAULT_SETTINGS);
            peer.refuse(Id::Settings, ErrorCode::NotStored);
            peer.send(&DEFAULTS);
        });
        assert_ended(&output, 1, printed, Some("applied, but could not be stored"));
    }
}

#[test]
fn a_server_that_reports_the_same_failure_again_breaks_the_protocol() {
    let twice = |mut peer: Peer| {
        updated(&mut peer, &DEFAULT_SETTINGS);
        peer.refuse(Id::Settings, ErrorCode::NotStored);
        peer.refuse(Id::Settings, ErrorCode::NotStored);
        peer.send(&DEFAULTS);
    };
    let endlessly = |mut peer: Peer| {
        updated(&mut peer, &DEFAULT_SETTINGS);
        peer.send_endlessly(Outgoing::error(Id::Settings, ErrorCode::NotStored).as_bytes());
    };
    for script in [&twice as &(dyn Fn(Peer) + Sync), &endlessly] {
        let output = talk(&[&SET[..], &["gain=1"]].concat(), script);
        assert_ended(&output, 1, "", Some("reported twice that the settings could not be stored"));
    }
}

#[test]
fn the_time_out_of_set_is_that_of_all_its_replies() {
    // Two thirds of it for each.
    let output = talk(&[&SET[..], &["gain=1", "--timeout", "0.6"]].concat(), |mut peer| {
        peer.expect(&READ);
        pass(Duration::from_millis(400));
        peer.send(&DEFAULTS);
        peer.expect(&packet(Kind::Request, &DEFAULT_SETTINGS));
        peer.expect(&READ);
        pass(Duration::from_millis(400));
        peer.send(&DEFAULTS);
    });
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn another_clients_change_is_told() {
    let output = talk(&[&SET[..], &["gain=2", "shutter=100"]].concat(), |mut peer| {
        updated(&mut peer, &[1, 2, 10, 10, 10, 0x7F]);
        peer.send(&packet(Kind::Response, &[1, 3, 10, 10, 10, 0x7F, 0, 0, 0]));
    });
    assert_told(&output, 1, Some("the server reports a different value of gain than was set"));
}

#[test]
fn an_update_without_confirmation_is_told() {
    let output = talk(&[&SET[..], &["gain=1", "--timeout", "0.2"]].concat(), |mut peer| {
        updated(&mut peer, &DEFAULT_SETTINGS);
        peer.wait_for_end();
    });
    assert_ended(&output, 1, "", Some("did not confirm within 0.2 s that they are stored"));
}

#[test]
fn an_update_on_a_connection_that_ends_is_told() {
    // However it ends: what the server has already read may be in force.
    let before_the_read = |mut peer: Peer| {
        peer.expect(&READ);
        peer.send(&DEFAULTS);
        peer.expect(&packet(Kind::Request, &DEFAULT_SETTINGS));
    };
    let after_it = |mut peer: Peer| updated(&mut peer, &DEFAULT_SETTINGS);
    let within_the_reply = |mut peer: Peer| {
        updated(&mut peer, &DEFAULT_SETTINGS);
        peer.send(&DEFAULTS[..9]);
    };
    for script in [&before_the_read as &(dyn Fn(Peer) + Sync), &after_it, &within_the_reply] {
        let output = talk(&[&SET[..], &["gain=1"]].concat(), script);
        assert_ended(&output, 1, "", Some("the connection ended before it confirmed that they are stored"));
    }
}

#[test]
fn refusals_are_told_in_the_protocols_words() {
    for (code, text) in [
        (ErrorCode::BadChecksum, "bad checksum"),
        (ErrorCode::BadLength, "bad length"),
        (ErrorCode::NotValidHere, "message not valid on this port"),
        (ErrorCode::NotAuthenticated, "not authenticated; run es-iot-ctl auth first"),
        (ErrorCode::TooManyAttempts, "too many attempts"),
        (ErrorCode::TooManyClients, "too many clients"),
    ] {
        // As the server refuses a client that may not speak at all: before its request, and it closes.
        let output = talk(&GET, |mut peer| {
            peer.refuse(Id::Settings, code);
            peer.wait_for_end();
        });
        assert_ended(&output, 1, "", Some(text));
        // And as it refuses an update.
        let output = talk(&[&SET[..], &["gain=1"]].concat(), |mut peer| {
            updated(&mut peer, &DEFAULT_SETTINGS);
            peer.refuse(Id::Settings, code);
            peer.send(&DEFAULTS);
        });
        assert_ended(&output, 1, "", Some(text));
    }
}

#[test]
fn refusals_of_a_later_version_are_told() {
    for (payload, text) in [(&[9][..], "error 09"), (&[], "an error without a code")] {
        let output = talk(&GET, |mut peer| {
            peer.expect(&READ);
            peer.send(&packet(Kind::Error, payload));
        });
        assert_ended(&output, 1, "", Some(text));
    }
}

#[test]
fn another_services_packets_are_told() {
    let strange = [
        es_iot_server::wire::data::packet(5, 0),
        es_iot_server::wire::auth::accepted(),
        Outgoing::error(Id::Data, ErrorCode::TooManyClients),
    ];
    for packet in strange {
        let output = talk(&GET, |mut peer| {
            peer.expect(&READ);
            peer.send(packet.as_bytes());
        });
        assert_ended(&output, 1, "", Some("check --settings-port"));
    }
}

#[test]
fn damaged_replies_are_told() {
    let mut wrong_sum = DEFAULTS.to_vec();
    wrong_sum[15] ^= 1;
    let replies = [
        wrong_sum,
        packet(Kind::Response, &DEFAULT_SETTINGS),
        packet(Kind::Response, &[0; 65]),
        vec![b'x'; es_iot_server::limits::MAX_SKIPPED_BYTES],
    ];
    for reply in replies {
        let output = talk(&GET, |mut peer| {
            peer.expect(&READ);
            peer.send(&reply);
            peer.wait_for_end();
        });
        assert_ended(&output, 1, "", Some("is not the settings port of an es-iot-server"));
    }
}

#[test]
fn what_the_wire_cannot_carry_is_refused_before_anything_is_sent() {
    // Port 9 is not asked: these end with 2, and not with 1.
    for (word, told) in [
        ("shutter=150", "shutter is \"150\"; allowed: a multiple of 100 from 0 to 25500"),
        ("shutter=25600", "the nearest is 25500"),
        ("gain=2.5", "gain is \"2.5\"; allowed: a whole number from 0 to 255; the nearest are 2 and 3"),
        ("gain=-1", "the nearest is 0"),
        ("awb_red=1.23", "awb_red is \"1.23\"; allowed: 0 to 25.5, with one decimal at most"),
        ("awb_blue=25.6", "the nearest is 25.5"),
        ("contrast=much", "contrast is \"much\""),
        ("brightness=-1.1", "allowed: -1 to 1, rounded to the nearest of 256 steps; the nearest is -1.0000"),
        ("brightness=NaN", "brightness is \"NaN\""),
    ] {
        let output = ctl(&["--settings-port", "9", "set", word]).output().unwrap();
        assert_ended(&output, 2, "", Some(told));
    }
}
