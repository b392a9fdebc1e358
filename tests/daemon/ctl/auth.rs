//! `auth`, with the password from standard input, a file and a terminal, and with `--plain`.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};

use es_iot_server::wire::{ErrorCode, Id};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use super::peer::{Peer, talk, talk_to};
use super::{assert_ended, ctl};
use crate::golden::{DATA, PASSWORD, READY, REJECTED};

/// The old request, of which the packets are golden. `login.rs` has the login.
const AUTH: [&str; 6] = ["--host", "127.0.0.1", "--auth-port", "PORT", "--plain", "auth"];

/// Runs `auth` with `input` on its standard input.
fn entered(input: &str, more: &[&str], script: impl FnOnce(Peer) + Send) -> Output {
    talk_to(&[&AUTH[..], more].concat(), script, |mut child| {
        // A client that already knows better does not read it.
        let _refused = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    })
}

#[test]
fn the_right_password() {
    let ready = |mut peer: Peer| {
        peer.expect(&PASSWORD);
        peer.send_split(&READY);
    };
    assert_ended(&entered("1111\n", &[], ready), 0, "ready\n", None);
    assert_ended(&entered("1111", &["--password-file", "-"], ready), 0, "ready\n", None);
    assert_ended(&entered("1111\r\nmore\n", &["--json"], ready), 0, "{\"outcome\":\"ready\"}\n", None);
}

#[test]
fn the_wrong_password() {
    let wrong = |mut peer: Peer| {
        peer.expect(&PASSWORD);
        peer.send(&REJECTED);
    };
    assert_ended(&entered("1111\n", &[], wrong), 1, "", Some("wrong password"));
    let output = entered("1111\n", &["--json"], wrong);
    assert_ended(&output, 1, "{\"outcome\":\"wrong password\"}\n", Some("wrong password"));
}

#[test]
fn refusals() {
    for (code, text) in
        [(ErrorCode::TooManyAttempts, "too many attempts"), (ErrorCode::TooManyClients, "too many clients")]
    {
        let refuse = |mut peer: Peer| {
            peer.refuse(Id::Auth, code);
            peer.wait_for_end();
        };
        assert_ended(&entered("1111\n", &[], refuse), 1, "", Some(text));
        let json = format!("{{\"outcome\":\"{text}\"}}\n");
        assert_ended(&entered("1111\n", &["--json"], refuse), 1, &json, Some(text));
    }
}

#[test]
fn a_server_that_takes_no_plain_password() {
    let refuse = |mut peer: Peer| {
        peer.refuse(Id::Auth, ErrorCode::NotValidHere);
        peer.wait_for_end();
    };
    assert_ended(&entered("1111\n", &[], refuse), 1, "", Some("does not take the password itself: leave --plain out"));
}

#[test]
fn strange_replies() {
    let other = |mut peer: Peer| {
        peer.expect(&PASSWORD);
        peer.send(&DATA);
    };
    assert_ended(&entered("1111\n", &[], other), 1, "", Some("check --auth-port"));
}

#[test]
fn a_password_file() {
    let path = std::env::temp_dir().join(format!("es-iot-ctl-password-{}", std::process::id()));
    fs::write(&path, "1111\nanother line\n").unwrap();
    let output = talk(&[&AUTH[..], &["--password-file", path.to_str().unwrap()]].concat(), |mut peer| {
        peer.expect(&PASSWORD);
        peer.send(&READY);
    });
    assert_ended(&output, 0, "ready\n", None);
    fs::remove_file(&path).unwrap();
    let output = ctl(&["auth", "--password-file", path.to_str().unwrap()]).output().unwrap();
    assert_ended(&output, 2, "", Some("can't be read: No such file"));
}

#[test]
fn no_password() {
    let output = ctl(&["auth"]).output().unwrap();
    assert_ended(&output, 2, "", Some("the password is empty"));
    let long = entered(&"1".repeat(257), &[], |mut peer| peer.wait_for_end());
    assert_ended(&long, 2, "", Some("the password is too long; allowed: 1 to 256"));
    let strange = entered("pässword\n", &[], |mut peer| peer.wait_for_end());
    assert_ended(&strange, 2, "", Some("printable ASCII"));
}

/// Reads the prompt, and with it knows that the echo is off.
fn prompt(from: &mut impl Read) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b": ") {
        let mut byte = [0];
        from.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn echoes(terminal: impl AsFd) -> bool {
    tcgetattr(terminal).unwrap().local_flags.contains(LocalFlags::ECHO)
}

#[test]
fn a_terminal_does_not_show_the_password() {
    let pty = openpty(None, None).unwrap();
    // A server that is not there: what is told of it comes after the prompt.
    let port = crate::support::deaf_port();
    let mut child = ctl(&["auth", "--host", "127.0.0.1", "--auth-port", &port.number()])
        .stdin(Stdio::from(pty.slave.try_clone().unwrap()))
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    assert_eq!(prompt(&mut stderr), "Password for 127.0.0.1: ");
    let mut told = String::new();
    let mut master = fs::File::from(pty.master);
    assert!(!echoes(&pty.slave));
    master.write_all(b"1111\n").unwrap();
    stderr.read_to_string(&mut told).unwrap();
    assert!(told.starts_with("es-iot-ctl: nothing listens at"), "{told}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(echoes(&pty.slave));
    let mut shown = [0; 64];
    let count = master.read(&mut shown).unwrap();
    assert_eq!(&shown[..count], b"\r\n", "the end of the line is seen, and nothing else");
}

#[test]
fn a_signal_at_the_prompt_brings_the_echo_back() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let pty = openpty(None, None).unwrap();
        let mut child = ctl(&["auth"]).stdin(Stdio::from(pty.slave.try_clone().unwrap())).spawn().unwrap();
        assert_eq!(prompt(&mut child.stderr.take().unwrap()), "Password for localhost: ");
        assert!(!echoes(&pty.slave));
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal as i32));
        assert!(echoes(&pty.slave));
    }
}
