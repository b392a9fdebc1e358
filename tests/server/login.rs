//! Logins on the authentication port that keep the password off the wire.

use es_iot_server::limits::{MAX_FAILURES, PACKET_TIMEOUT, SCRAM_ITERATIONS, SCRAM_TURN_EACH, SCRAM_TURN_ITERATIONS};
use es_iot_server::service::scram::{Client, Expected, NONCE_BYTES};
use es_iot_server::wire::packet::encode;
use es_iot_server::wire::{Id, Kind};

use super::*;

const HOST: &str = "192.0.2.1";
const NOT_VALID_HERE: u8 = 3;
const TOO_MANY: u8 = 5;
const NOT_READY: u8 = 8;
const TURN_MS: u64 = 10;
const _: () = assert!(SCRAM_TURN_EACH.as_millis() == TURN_MS as u128);

fn message(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(Id::Auth, Kind::Login, text.as_bytes(), &mut bytes);
    bytes
}

/// The text of a packet of TYPE `03`.
#[track_caller]
fn text(packet: &[u8]) -> &str {
    assert_eq!(packet[..4], [0x00, 0xFF, 0, 3], "{packet:02X?}");
    std::str::from_utf8(&packet[6..packet.len() - 1]).expect("text")
}

impl Bench {
    /// Begins a login: the connection, and what server-first was.
    fn begin(&mut self, address: &str, client: &Client) -> (ConnId, String) {
        let (conn, _) = self.connect_from(Service::Auth, address);
        let (sent, over) = self.ask(conn, &message(&client.first()));
        assert!(!over, "the proof is to come");
        (conn, text(&sent).to_owned())
    }

    /// Begins a login; returns its connection, the proof, and what to expect for it.
    fn prepare(&mut self, address: &str, password: &str) -> (ConnId, Vec<u8>, Expected) {
        let client = Client::new([3; NONCE_BYTES]);
        let (conn, server_first) = self.begin(address, &client);
        let (client_final, expected) = client.answer(password.as_bytes(), server_first.as_bytes()).expect("a salt");
        (conn, message(&client_final), expected)
    }

    /// A whole login; returns the last packet.
    fn log_in(&mut self, address: &str, password: &str) -> Vec<u8> {
        let (conn, proof, expected) = self.prepare(address, password);
        let (sent, over) = self.ask(conn, &proof);
        assert!(over, "one login a connection");
        if sent[3] == 3 {
            expected.check(text(&sent).as_bytes()).expect("the server knows the password");
        }
        sent
    }

    fn is_served(&mut self, address: &str) -> bool {
        let (conn, out) = self.connect_from(Service::Settings, address);
        let is_served = digest(&out) == (Vec::new(), false);
        self.handle(Input::Lost { conn });
        is_served
    }

    fn reload(&mut self, config: Config, password: &str) {
        let (password, needs_restart) = (Secret::new(password), Vec::new());
        self.handle(Input::Signal(Request::Reload));
        self.handle(Input::Reloaded(Ok(Box::new(Reloaded {
            config,
            password,
            settings: None,
            needs_restart,
            is_persistent: true,
        }))));
    }
}

fn count(bench: &Bench, name: &str) -> u64 {
    let counter = es_iot_server::stats::Counter::ALL.iter().find(|counter| counter.name() == name);
    bench.server.stats().count(*counter.expect("a counter"))
}

#[test]
fn a_right_proof_gives_a_grant_and_the_password_is_in_no_packet() {
    let mut bench = Bench::requiring();
    assert!(!bench.is_served(HOST));
    let client = Client::new([3; NONCE_BYTES]);
    let (conn, server_first) = bench.begin(HOST, &client);
    let (client_final, expected) = client.answer(b"1111", server_first.as_bytes()).unwrap();
    assert!(!client_final.contains("1111"));
    let (sent, over) = bench.ask(conn, &message(&client_final));
    assert!(over && text(&sent).starts_with("v="));
    expected.check(text(&sent).as_bytes()).unwrap();
    assert!(bench.is_served(HOST) && !bench.is_served("192.0.2.2"));
    assert_eq!((count(&bench, "auth_accepted"), count(&bench, "logins_refused")), (1, 0));
}

#[test]
fn wrong_proofs_and_wrong_passwords_count_together() {
    let mut bench = Bench::new(config());
    for at in 0..MAX_FAILURES {
        let sent = if at % 2 == 0 { bench.log_in(HOST, "1112") } else { bench.try_password(HOST, &WRONG) };
        assert_eq!(sent, REJECTED);
    }
    assert_eq!(bench.log_in(HOST, "1111"), error(0, TOO_MANY));
    assert_eq!(bench.try_password(HOST, &PASSWORD), error(0, TOO_MANY));
    assert_eq!(bench.log_in("192.0.2.2", "1111")[3], 3);
    assert_eq!((count(&bench, "auth_rejected"), count(&bench, "auth_locked_out")), (5, 2));
}

#[test]
fn nothing_but_a_login_can_be_in_a_login() {
    let first = Client::new([3; NONCE_BYTES]).first();
    for (what, wrong) in [
        ("the password", PASSWORD.to_vec()),
        ("a second beginning", message(&first)),
        ("an empty message", message("")),
        ("a read of the settings", READ.to_vec()),
        ("a proof of nothing", message("c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
    ] {
        let mut bench = Bench::new(config());
        let (conn, _, _) = bench.prepare(HOST, "1111");
        assert_eq!(bench.ask(conn, &wrong), (error(0, NOT_VALID_HERE), true), "{what}");
        assert_eq!(count(&bench, "auth_rejected"), 0, "{what}");
    }
    let mut bench = Bench::new(config());
    for wrong in ["", "1111", "n,,n=root,r=abc", "c=biws,r=abc,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="] {
        let conn = bench.connect(Service::Auth);
        assert_eq!(bench.ask(conn, &message(wrong)), (error(0, NOT_VALID_HERE), true), "{wrong:?}");
    }
    assert_eq!((count(&bench, "logins_refused"), count(&bench, "auth_rejected")), (4, 0));
    let settings = bench.connect(Service::Settings);
    let mut login = message(&first);
    assert_eq!(bench.ask(settings, &login), (error(2, NOT_VALID_HERE), false), "it is the authentication port's");
    *login.last_mut().unwrap() ^= 1;
    let conn = bench.connect(Service::Auth);
    assert_eq!(bench.ask(conn, &login), (error(0, 1), true), "a wrong checksum");
}

#[test]
fn a_proof_is_good_for_its_own_connection() {
    let mut bench = Bench::new(config());
    let (conn, proof, _) = bench.prepare(HOST, "1111");
    let (other, _, _) = bench.prepare(HOST, "1111");
    assert_eq!(bench.ask(other, &proof), (error(0, NOT_VALID_HERE), true), "it has another nonce");
    assert_eq!(bench.ask(conn, &proof).0[3], 3);
    let fresh = bench.connect(Service::Auth);
    assert_eq!(bench.ask(fresh, &proof), (error(0, NOT_VALID_HERE), true), "sent again");
}

#[test]
fn each_message_has_its_time() {
    let most = PACKET_TIMEOUT.as_secs() * 1000 - 1;
    let mut bench = Bench::new(config());
    let conn = bench.connect(Service::Auth);
    assert_eq!(bench.pass(most), []);
    let client = Client::new([3; NONCE_BYTES]);
    let (sent, _) = bench.ask(conn, &message(&client.first()));
    let (client_final, _) = client.answer(b"1111", text(&sent).as_bytes()).unwrap();
    assert_eq!(bench.pass(most), []);
    assert_eq!(bench.ask(conn, &message(&client_final)).0[3], 3);
    bench.handle(Input::Lost { conn });

    let (late, _, _) = bench.prepare(HOST, "1111");
    assert_eq!(bench.pass(most + 1), [Output::Close(late)]);
    assert_eq!(count(&bench, "peer_too_slow"), 1);

    // A client that takes nothing for a while has its time afterwards.
    let (slow, _, _) = bench.prepare(HOST, "1111");
    bench.handle(Input::Blocked { conn: slow });
    assert_eq!(bench.pass(most + 1), []);
    bench.handle(Input::Unblocked { conn: slow });
    assert_eq!(bench.pass(most), []);
    assert_eq!(bench.pass(1), [Output::Close(slow)]);
}

#[test]
fn the_password_itself_can_be_refused() {
    let mut bench = Bench::requiring();
    let mut strict = config();
    (strict.auth.required, strict.auth.plain) = (true, false);
    bench.reload(strict.clone(), "1111");
    let (conn, _) = bench.connect_from(Service::Auth, HOST);
    let mut out = Vec::new();
    bench.server.handle(bench.now, Input::Received { conn, bytes: &PASSWORD }, &mut out);
    assert_eq!(digest(&out), (error(0, NOT_VALID_HERE), true));
    let mut lines = Vec::new();
    for output in &out {
        if let Output::Report(report) = output {
            lines.push(report.to_string());
        }
    }
    let why = "refused 192.0.2.1 on the auth port: it sent the password itself, and auth.plain is off: use es-iot-ctl \
               auth, or update the client";
    assert_eq!(lines, [why]);
    assert!(!bench.is_served(HOST));
    for _ in 0..=MAX_FAILURES {
        assert_eq!(bench.try_password(HOST, &WRONG), error(0, NOT_VALID_HERE), "no password is looked at");
    }
    assert_eq!(bench.log_in(HOST, "1111")[3], 3);
    assert!(bench.is_served(HOST));
    strict.auth.plain = true;
    bench.reload(strict, "1111");
    assert_eq!(bench.try_password(HOST, &PASSWORD), READY);
}

#[test]
fn a_new_password_is_ready_after_a_moment() {
    let mut bench = Bench::new(config());
    let (begun, proof, _) = bench.prepare(HOST, "1111");
    bench.reload(config(), "2222");
    let conn = bench.connect(Service::Auth);
    let first = message(&Client::new([3; NONCE_BYTES]).first());
    assert_eq!(bench.ask(conn, &first), (error(0, NOT_READY), true));
    assert_eq!(bench.ask(begun, &proof), (error(0, NOT_READY), true));
    // The old request needs no keys.
    assert_eq!(bench.try_password("192.0.2.2", &PASSWORD), REJECTED);
    let mut turns = 0;
    while bench.server.next_wakeup() <= Some(bench.now.mono + SCRAM_TURN_EACH) {
        assert_eq!(bench.pass(TURN_MS), []);
        turns += 1;
    }
    assert_eq!(turns, SCRAM_ITERATIONS / SCRAM_TURN_ITERATIONS);
    assert_eq!(bench.log_in(HOST, "2222")[3], 3);
    assert_eq!(bench.log_in(HOST, "1111"), REJECTED);
    bench.reload(config(), "2222");
    assert_eq!(bench.log_in(HOST, "2222")[3], 3, "the same password has the same keys");
}
