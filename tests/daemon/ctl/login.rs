//! `auth` as it is by default: the password is not sent, whatever the server answers.

use std::io::Write;
use std::process::Output;

use es_iot_server::service::scram::{Derivation, Exchange, Keys, NONCE_BYTES, SALT_BYTES};
use es_iot_server::time::Mono;
use es_iot_server::wire::{ErrorCode, Id};

use super::peer::{Peer, talk_to};
use super::{assert_ended, ctl};
use crate::golden::{DATA, READY, REJECTED};
use crate::support::{Client, Launch, packet};

const AUTH: [&str; 5] = ["--host", "127.0.0.1", "--auth-port", "PORT", "auth"];
const NOW: Mono = Mono::from_nanos(1);

/// Runs `auth` with the password `sesame`; what it sends is shown by the script's `peer`.
fn entered(more: &[&str], script: impl FnOnce(Peer) + Send) -> Output {
    talk_to(&[&AUTH[..], more].concat(), script, |mut child| {
        child.stdin.take().unwrap().write_all(b"sesame\n").unwrap();
        child.wait_with_output().unwrap()
    })
}

fn keys(password: &[u8]) -> Keys {
    Derivation::new(password, [1; SALT_BYTES]).unwrap().keys()
}

fn login(message: &str) -> Vec<u8> {
    packet(0, 3, message.as_bytes())
}

/// Takes client-first, and answers it.
fn begin(peer: &mut Peer, keys: &Keys) -> Exchange {
    let client_first = peer.login();
    let (exchange, server_first) = Exchange::begin(NOW, keys, &client_first, [2; NONCE_BYTES]).unwrap();
    peer.send_split(&login(&server_first));
    exchange
}

#[test]
fn both_sides_know_the_password() {
    let serve = |mut peer: Peer| {
        let keys = keys(b"sesame");
        let exchange = begin(&mut peer, &keys);
        let client_final = peer.login();
        peer.send_split(&login(&exchange.finish(NOW, &keys, &client_final).unwrap().message));
    };
    assert_ended(&entered(&[], serve), 0, "ready\n", None);
    assert_ended(&entered(&["--json"], serve), 0, "{\"outcome\":\"ready\"}\n", None);
}

#[test]
fn a_server_that_does_not_know_the_password_learns_nothing() {
    let serve = |mut peer: Peer| {
        let keys = keys(b"a guess");
        let exchange = begin(&mut peer, &keys);
        let client_final = peer.login();
        assert!(exchange.finish(NOW, &keys, &client_final).is_err());
        peer.send(&login("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    };
    assert_ended(&entered(&[], serve), 1, "", Some("the server does not know the password: check its address"));
    let ready = |mut peer: Peer| {
        begin(&mut peer, &keys(b"a guess"));
        peer.login();
        peer.send(&READY);
    };
    assert_ended(&entered(&[], ready), 1, "", Some("check --auth-port"));
}

#[test]
fn the_wrong_password_and_refusals() {
    let wrong = |mut peer: Peer| {
        begin(&mut peer, &keys(b"other"));
        peer.login();
        peer.send(&REJECTED);
    };
    assert_ended(&entered(&[], wrong), 1, "", Some("wrong password"));
    assert_ended(&entered(&["--json"], wrong), 1, "{\"outcome\":\"wrong password\"}\n", Some("wrong password"));
    for (code, text) in [
        (ErrorCode::TooManyAttempts, "too many attempts"),
        (ErrorCode::NotReady, "its password has just changed: run es-iot-ctl auth again"),
    ] {
        let refuse = |mut peer: Peer| {
            peer.login();
            peer.refuse(Id::Auth, code);
            peer.wait_for_end();
        };
        assert_ended(&entered(&[], refuse), 1, "", Some(text));
    }
}

/// Everything that a client sends to a server that answers client-first with this.
fn sent_after(answer: &[u8]) -> (Vec<u8>, Output) {
    let mut sent = Vec::new();
    let output = entered(&[], |mut peer| {
        peer.login();
        peer.send(answer);
        sent = peer.rest();
    });
    (sent, output)
}

#[test]
fn the_password_is_not_sent_instead() {
    let error = packet(0, 2, &[3]);
    let (sent, output) = sent_after(&error);
    assert_ended(&output, 1, "", Some("only knows the old login, which sends the password itself"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("use --plain if you trust the network"));
    assert_eq!(sent, b"");
    for (answer, told) in [
        (login("r=abc,s=AAAA,i=4096"), "the server's answer is for another login"),
        (login("hello"), "the server's answer is not valid SCRAM"),
        (login("e=unknown-user"), "the server refuses the login: unknown-user"),
        (READY.to_vec(), "check --auth-port"),
        (DATA.to_vec(), "check --auth-port"),
    ] {
        let (sent, output) = sent_after(&answer);
        assert_ended(&output, 1, "", Some(told));
        assert_eq!(sent, b"", "{told}");
    }
}

#[test]
fn a_false_server_gets_no_proof_that_is_easy_to_guess_and_no_hours_of_work() {
    for (count, told) in [
        ("1", "asks for 1 iterations, not 4096 to 100000"),
        ("4095", "asks for 4095 iterations"),
        // Hours of work.
        ("100001", "asks for 100001 iterations"),
        ("2147483648", "asks for 2147483648 iterations"),
        ("4294967296", "the server's answer is not valid SCRAM"),
        ("-4096", "the server's answer is not valid SCRAM"),
    ] {
        let output = entered(&[], |mut peer| {
            let nonce = String::from_utf8(peer.login()).unwrap().replace("n,,n=es-iot,r=", "");
            peer.send(&login(&format!("r={nonce}x,s=AAAA,i={count}")));
            assert_eq!(peer.rest(), b"");
        });
        assert_ended(&output, 1, "", Some(told));
    }
}

#[test]
fn the_daemon_gives_a_grant_for_it() {
    let launch = Launch::new().set("auth.required", true).set("auth.trust_loopback", false).set("auth.plain", false);
    let mut daemon = launch.start();
    let port = daemon.auth_port().port().to_string();
    let run = |password: &str, more: &[&str]| {
        let arguments = [&["auth", "--host", "127.0.0.1", "--auth-port", &port], more].concat();
        let mut child = ctl(&arguments).stdin(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert_ended(&run("1112", &[]), 1, "", Some("wrong password"));
    assert_ended(&run("1111", &["--plain"]), 1, "", Some("does not take the password itself"));
    daemon.await_log("refused 127.0.0.1 on the auth port: it sent the password itself, and auth.plain is off");
    Client::connect(daemon.settings_port()).expect_error(2, 4);
    assert_ended(&run("1111", &[]), 0, "ready\n", None);
    Client::connect(daemon.settings_port()).read();
    assert_eq!((daemon.counter("auth_accepted"), daemon.counter("auth_rejected")), (1, 1));
}
