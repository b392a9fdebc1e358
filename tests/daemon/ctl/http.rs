//! What all HTTP commands have in common: replies of servers that follow a script, and places without a server.

use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};

use super::peer::{Peer, talk};
use super::{assert_ended, ctl};
use crate::support::{TempDir, deaf_port};

/// The commands, and what they ask for.
const COMMANDS: [(&str, &str); 3] = [
    ("status", "GET /api/status HTTP/1.1\r\n"),
    ("video", "GET /video.mp4 HTTP/1.1\r\n"),
    ("reload", "POST /api/reload HTTP/1.1\r\n"),
];

/// Has each command ask a server that sends `reply` and closes.
#[track_caller]
fn assert_told(reply: &[u8], told: &str) {
    for (command, asked) in COMMANDS {
        let output = talk(&["--host", "127.0.0.1", "--http-port", "PORT", command], |mut peer| {
            let head = peer.request();
            assert!(head.starts_with(asked) && head.contains("\r\nConnection: close\r\n"), "{head}");
            assert!(head.contains("\r\nHost: 127.0.0.1:"), "{head}");
            peer.send(reply);
        });
        assert_ended(&output, 1, "", Some(told));
    }
}

#[test]
fn refusals() {
    for (reply, told) in [
        ("401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}", "requires the password: run es-iot-ctl auth first"),
        ("403 Forbidden\r\nContent-Length: 16\r\n\r\n{\"error\":\"this\"}", "answered: this (status 403)"),
        ("503 Service Unavailable\r\n\r\nall places\nare taken", "answered: all places (status 503)"),
        ("500 Internal Server Error\r\n\r\n\x1b[2J", "answered: \u{FFFD}[2J (status 500)"),
        ("500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "answered with status 500"),
        ("302 Found\r\nLocation: /x\r\n\r\n", "answered with status 302"),
    ] {
        assert_told(format!("HTTP/1.1 {reply}").as_bytes(), told);
    }
}

#[test]
fn what_is_not_http_or_damaged() {
    let headers = "X: y\r\n".repeat(40);
    let head = "x".repeat(9000);
    for (reply, told) in [
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "is not the HTTP port of an es-iot-server: check --http-port"),
        ("\0\0".to_owned(), "is not the HTTP port"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}".to_owned(), "is not the HTTP port"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_owned(),
            "is not the HTTP port",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Le".to_owned(), "closed the connection in the middle of its answer"),
        (format!("HTTP/1.1 200 OK\r\n{headers}\r\n"), "sent a longer answer than es-iot-server does"),
        (format!("HTTP/1.1 200 OK\r\nX: {head}"), "sent a longer answer"),
        (String::new(), "closed the connection without an answer"),
    ] {
        assert_told(reply.as_bytes(), told);
    }
}

#[test]
fn bodies_that_are_none_of_the_servers() {
    let long = "x".repeat(70_000);
    for (reply, told) in [
        ("Content-Length: 9\r\n\r\n{}".to_owned(), "closed the connection in the middle of its answer"),
        (format!("Content-Length: {}\r\n\r\n", u64::MAX), "sent a longer answer"),
        (format!("\r\n{long}"), "sent a longer answer"),
        ("\r\n<html>".to_owned(), "sent something other than es-iot-server does"),
        ("\r\n[]".to_owned(), "sent something other"),
        ("Content-Length: 0\r\n\r\n".to_owned(), "sent something other"),
    ] {
        for command in ["status", "reload"] {
            let output = talk(&["--host", "127.0.0.1", "--http-port", "PORT", command], |mut peer| {
                peer.request();
                peer.send(format!("HTTP/1.1 200 OK\r\n{reply}").as_bytes());
            });
            assert_ended(&output, 1, "", Some(told));
        }
    }
}

#[test]
fn endless_replies_end() {
    let headers = |mut peer: Peer| {
        peer.send(b"HTTP/1.1 200 OK\r\n");
        peer.send_endlessly(b"X: y\r\n");
    };
    let body = |mut peer: Peer| {
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n");
        peer.send_endlessly(b"{}");
    };
    for script in [&headers as &(dyn Fn(Peer) + Sync), &body] {
        let output = talk(&["--host", "127.0.0.1", "--http-port", "PORT", "status"], script);
        assert_ended(&output, 1, "", Some("sent a longer answer"));
    }
}

#[test]
fn a_silent_server() {
    for begun in ["", "HTTP/1.1 200 OK\r\nX:"] {
        for (command, _) in COMMANDS {
            let arguments = ["--host", "127.0.0.1", "--http-port", "PORT", "--timeout", "0.1", command];
            let output = talk(&arguments, |mut peer| {
                peer.send(begun.as_bytes());
                peer.wait_for_end();
            });
            assert_ended(&output, 1, "", Some("sent no complete answer within 0.1 s"));
        }
    }
}

#[test]
fn nothing_listens() {
    let port = deaf_port();
    let dir = TempDir::new();
    let path = dir.join("http.sock");
    let path = path.to_str().unwrap();
    drop(UnixListener::bind(path).unwrap());
    let absent = dir.join("absent");
    for (command, _) in COMMANDS {
        let output = ctl(&[command, "--host", "localhost", "--http-port", &port.number()]).output().unwrap();
        let told = format!("nothing listens at localhost:{}: is es-iot-server running?", port.number());
        assert_ended(&output, 1, "", Some(&told));
        for path in [path, absent.to_str().unwrap()] {
            let output = ctl(&[command, "--socket", path]).output().unwrap();
            let told = format!("nothing listens at the socket {path}: is es-iot-server running?");
            assert_ended(&output, 1, "", Some(&told));
        }
        let output = ctl(&[command, "--socket", &"x".repeat(200)]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}

#[test]
fn a_socket_whose_queue_stays_full() {
    let dir = TempDir::new();
    let path = dir.join("http.sock");
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(listener.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    // Linux queues one connection more than the backlog.
    listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let _queued = UnixStream::connect(&path).unwrap();
    let output = ctl(&["status", "--socket", path.to_str().unwrap(), "--timeout", "0.1"]).output().unwrap();
    assert_ended(&output, 1, "", Some("can't be used: is es-iot-server running? (timed out)"));
}
