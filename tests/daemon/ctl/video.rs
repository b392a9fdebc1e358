//! `video`, with the real daemon and with servers that follow a script.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::peer::{Peer, talk};
use super::status::{Server, with};
use super::{assert_ended, assert_told, ctl};
use crate::support::Launch;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n";

fn filming() -> Server {
    let mut server = Server::start(Launch::new().set("camera.source", "test"));
    server.daemon.await_log("the video is 640x480");
    server
}

/// The words of the line that the client prints after a second.
fn first_line(child: &mut Child) -> (BufReader<ChildStdout>, Vec<String>) {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    (stdout, line.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn so_many_pictures() {
    let server = filming();
    for place in [&server.socket[..], &server.port] {
        let output = ctl(&with(place, &["video", "--count", "30"])).output().unwrap();
        assert_told(&output, 0, None);
        let text = String::from_utf8(output.stdout).unwrap();
        let summary = text.lines().last().unwrap();
        assert!(summary.starts_with("30 pictures in ") && summary.contains(": 640x480 avc1.42C01E "), "{text}");
        assert!(summary.contains("/s, key every 24") && summary.contains(", longest gap 0."), "{text}");
    }
}

#[test]
fn lines_of_json() {
    let server = filming();
    let output = server.ctl_tcp(&["video", "--json", "--count", "60"]);
    assert_told(&output, 0, None);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, seconds) = lines.split_last().unwrap();
    assert_eq!((&summary["summary"], &summary["pictures"]), (&true.into(), &60.into()));
    assert!(!seconds.is_empty(), "60 pictures take more than a second");
    for line in &lines {
        assert_eq!(
            (&line["width"], &line["height"], &line["codec"]),
            (&640.into(), &480.into(), &"avc1.42C01E".into())
        );
        let rate = line["pictures_per_second"].as_f64().unwrap();
        assert!(rate > 0.0 && rate < 100.0, "{line}");
        assert!(line["bits_per_second"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["longest_gap"].as_f64().unwrap() > 0.0, "{line}");
    }
    assert_eq!(summary["key_interval_pictures"], 24);
}

#[test]
fn ctrl_c() {
    let server = filming();
    let mut child = ctl(&with(&server.socket, &["video"])).spawn().unwrap();
    let (mut stdout, words) = first_line(&mut child);
    assert_eq!(words[1], "640x480");
    assert!(words[2].ends_with("/s"), "{words:?}");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_ended(&output, 0, "", None);
    assert!(rest.lines().last().unwrap().contains(" pictures in ") && rest.ends_with('\n'), "{rest}");
}

#[test]
fn nobody_reads() {
    let server = filming();
    let mut child = ctl(&with(&server.port, &["video"])).spawn().unwrap();
    drop(first_line(&mut child));
    assert_ended(&child.wait_with_output().unwrap(), 0, "", None);
}

#[test]
fn a_server_that_stops_is_told_after_the_summary() {
    let mut server = filming();
    let mut child = ctl(&with(&server.socket, &["video"])).spawn().unwrap();
    let (mut stdout, _) = first_line(&mut child);
    server.daemon.stop();
    assert_told(&child.wait_with_output().unwrap(), 1, Some("ended the stream: was es-iot-server stopped"));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.lines().last().unwrap().contains(" pictures in "), "{rest}");
}

#[test]
fn damaged_video() {
    let ftyp = b"\0\0\0\x18ftypiso6\0\0\0\x01iso6avc1";
    for (body, told) in [
        (b"{\"error\":\"?\"}".to_vec(), "sent damaged video: it is not MP4"),
        (b"\0\0\0\x07ftyp".to_vec(), "sent damaged video: a box ftyp of 7 bytes"),
        ([&ftyp[..], b"\xFF\xFF\xFF\xFFmoov"].concat(), "sent damaged video: a box moov of 4294967287 bytes"),
        ([&ftyp[..], b"\0\0\0\x08moov"].concat(), "sent damaged video: the box trak is missing"),
        ([&ftyp[..], b"\0\0\0\x08moof"].concat(), "sent damaged video: the box moof is in the wrong place"),
        ([&ftyp[..], b"\0\0\0\x08mdat"].concat(), "sent damaged video: the box mdat is in the wrong place"),
        ([&ftyp[..], b"\0\0\0\x40moov"].concat(), "ended the stream"),
        (Vec::new(), "ended the stream"),
    ] {
        let output = talk(&["--host", "127.0.0.1", "--http-port", "PORT", "video"], |mut peer| {
            peer.request();
            peer.send(&[HEAD, &body].concat());
        });
        assert_ended(&output, 1, "", Some(told));
    }
}

#[test]
fn bytes_without_a_picture_are_no_sign_of_life() {
    let script = |mut peer: Peer| {
        peer.send(HEAD);
        peer.send(b"\0\0\0\x18ftypiso6\0\0\0\x01iso6avc1");
        peer.send_endlessly(b"\0\0\0\x08free");
    };
    let arguments = ["--host", "127.0.0.1", "--http-port", "PORT", "--timeout", "0.2", "video"];
    assert_ended(&talk(&arguments, script), 1, "", Some("sent no picture for 0.2 s"));
}
