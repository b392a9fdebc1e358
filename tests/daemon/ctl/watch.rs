//! `watch`.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;

use es_iot_server::wire::{ErrorCode, Id, data};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::peer::{Peer, talk, talk_to};
use super::{assert_ended, assert_told};
use crate::golden::{DATA, DATA_UNIX_MS as UNIX_MS, READY};

const WATCH: [&str; 5] = ["--host", "127.0.0.1", "--data-port", "PORT", "watch"];

fn endless(mut peer: Peer) {
    peer.send_endlessly(&DATA);
}

#[test]
fn lines_of_text() {
    let output = talk(&[&WATCH[..], &["--count", "3"]].concat(), |mut peer| {
        peer.send(&DATA);
        peer.send_split(data::packet(10, UNIX_MS + 42).as_bytes());
        endless(peer);
    });
    assert_told(&output, 0, None);
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["2023-10-12T09:43:52.969Z", "5", "-"]);
    assert_eq!(words[1][..2], ["2023-10-12T09:43:53.011Z", "10"]);
    assert_eq!(words.len(), 3);
}

#[test]
fn lines_of_json() {
    let output = talk(&[&WATCH[..], &["--json", "--count=60"]].concat(), endless);
    assert_told(&output, 0, None);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 60);
    for line in text.lines() {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(json["time"], "2023-10-12T09:43:52.969Z");
        assert_eq!(json["unix_ms"], UNIX_MS);
        assert_eq!(json["value"], 5);
        assert!(json["rate_hz"].is_null() || json["rate_hz"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn a_refused_subscriber_is_told() {
    for (code, text) in [
        (ErrorCode::BadLength, "bad length"),
        (ErrorCode::NotAuthenticated, "not authenticated; run es-iot-ctl auth first"),
        (ErrorCode::TooManyClients, "too many clients"),
    ] {
        let output = talk(&WATCH, |mut peer| {
            peer.refuse(Id::Data, code);
            peer.wait_for_end();
        });
        assert_ended(&output, 1, "", Some(text));
    }
}

#[test]
fn a_stream_that_ends_is_told_as_such() {
    // Between two packets, and within one.
    for rest in [0, 7] {
        let output = talk(&WATCH, |mut peer| {
            peer.send(&DATA);
            peer.send(&DATA[..rest]);
        });
        assert_told(&output, 1, Some("ended the stream: was es-iot-server stopped"));
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    }
}

#[test]
fn a_stream_of_something_else_is_told() {
    let mut wrong_sum = DATA;
    wrong_sum[15] ^= 1;
    for bytes in [&wrong_sum[..], &READY, &[b'x'; 64]] {
        let output = talk(&WATCH, |mut peer| peer.send_endlessly(bytes));
        assert_ended(&output, 1, "", Some("check --data-port"));
    }
}

/// Reads the first line, which comes at once.
fn first_line(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("2023-10-12T09:43:52.969Z   5 "), "{line}");
    stdout
}

#[test]
fn nobody_reads() {
    let output = talk_to(&WATCH, endless, |mut child| {
        drop(first_line(&mut child));
        child.wait_with_output().unwrap()
    });
    assert_ended(&output, 0, "", None);
}

#[test]
fn ctrl_c() {
    // Once while it waits for the server, once while it waits for its reader.
    let once = |mut peer: Peer| {
        peer.send(&DATA);
        peer.wait_for_end();
    };
    for script in [&once as &(dyn Fn(Peer) + Sync), &endless] {
        let (output, rest) = talk_to(&WATCH, script, |mut child| {
            let mut stdout = first_line(&mut child);
            kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
            let output = child.wait_with_output().unwrap();
            let mut rest = String::new();
            stdout.read_to_string(&mut rest).unwrap();
            (output, rest)
        });
        assert_ended(&output, 0, "", None);
        assert!(rest.is_empty() || rest.ends_with('\n'), "lines are whole");
    }
}
