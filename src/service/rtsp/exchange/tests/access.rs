//! Who may watch.

use md5::{Digest as _, Md5};

use super::*;
use crate::limits::RTSP_NONCE_LIFETIME;
use crate::service::rtsp::digest::{REALM, USER};
use crate::service::rtsp::token::hex;

const PASSWORD: Access<'static> = Access::Password(b"1111");

fn locked() -> Rig {
    Rig { access: PASSWORD, ..Rig::new() }
}

fn answer(challenge: &str, password: &str, method: &str, uri: &str) -> String {
    let nonce = challenge.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    let hash = |text: String| hex(&Md5::digest(text));
    let (a1, a2) = (hash(format!("{USER}:{REALM}:{password}")), hash(format!("{method}:{uri}")));
    let response = hash(format!("{a1}:{nonce}:{a2}"));
    format!(
        "Authorization: Digest username=\"{USER}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\""
    )
}

fn challenge(reply: &Text) -> String {
    assert_eq!(reply.status(), 401);
    let both = reply.headers("WWW-Authenticate");
    assert!(both.len() == 2 && both[0].contains("SHA-256") && both[1].contains("MD5"), "{both:?}");
    both[1].to_owned()
}

#[test]
fn without_a_password_all_but_options_is_challenged() {
    let mut rig = locked();
    assert_eq!(rig.ask("OPTIONS", URI, &[]).status(), 200, "clients begin with it");
    for method in ["DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN"] {
        let outputs = rig.request(method, URI, &[TCP]);
        challenge(&only_reply(&outputs));
        assert_eq!(outputs[1..], [Output::Refused(Rejection::NotAuthenticated)], "no failure is counted");
    }
    assert_eq!(rig.ask("DESCRIBE", "rtsp://h/other", &[]).status(), 401, "paths can't be tried out");
}

#[test]
fn the_right_answer_opens_the_connection() {
    let mut rig = locked();
    let challenge = challenge(&rig.ask("DESCRIBE", URI, &[]));
    let outputs = rig.request("DESCRIBE", URI, &[&answer(&challenge, "1111", "DESCRIBE", URI)]);
    assert_eq!(outputs[0], Output::AuthSucceeded);
    assert_eq!(only_reply(&outputs).status(), 200);
    // What follows needs no answer that is checked: a keep-alive with an old nonce does not end the picture.
    let session = rig.set_up(TCP);
    rig.after(RTSP_NONCE_LIFETIME);
    let old = answer(&challenge, "1111", "GET_PARAMETER", URI);
    assert_eq!(rig.ask("GET_PARAMETER", URI, &[&session, &old]).status(), 200);
}

#[test]
fn a_wrong_answer_counts_as_a_failure_and_ends_the_connection() {
    let mut rig = locked();
    let challenge = challenge(&rig.ask("DESCRIBE", URI, &[]));
    let guess =
        format!("DESCRIBE {URI} RTSP/1.0\r\nCSeq: 2\r\n{}\r\n\r\n", answer(&challenge, "1112", "DESCRIBE", URI));
    // A thousand guesses at once are one guess.
    let outputs = rig.send(guess.repeat(1000));
    assert_eq!(statuses(&outputs), [401]);
    assert_eq!(outputs[0], Output::AuthFailed);
    let rejection = Rejection::WrongPassword;
    assert_eq!(outputs[2..], [Output::Refused(rejection), Output::Close(Reason::Refused(rejection))]);
}

#[test]
fn an_expired_challenge_is_stale_and_the_next_answer_opens() {
    let mut rig = locked();
    let first = challenge(&rig.ask("DESCRIBE", URI, &[]));
    rig.after(RTSP_NONCE_LIFETIME);
    let outputs = rig.request("DESCRIBE", URI, &[&answer(&first, "1111", "DESCRIBE", URI)]);
    assert!(!outputs.contains(&Output::AuthFailed));
    let second = challenge(&only_reply(&outputs));
    assert!(second.contains("stale=true"));
    assert_eq!(rig.ask("DESCRIBE", URI, &[&answer(&second, "1111", "DESCRIBE", URI)]).status(), 200);
}

#[test]
fn an_answer_that_was_overheard_opens_no_other_connection() {
    let mut rig = locked();
    let overheard = answer(&challenge(&rig.ask("DESCRIBE", URI, &[])), "1111", "DESCRIBE", URI);
    assert_eq!(rig.ask("DESCRIBE", URI, &[&overheard]).status(), 200);
    let mut other = locked();
    other.exchange = Exchange::new(other.now, [8; 32]);
    let reply = other.ask("DESCRIBE", URI, &[&overheard]);
    assert!(challenge(&reply).contains("stale=true"));
}

#[test]
fn basic_opens_nothing() {
    let mut rig = locked();
    let reply = rig.ask("DESCRIBE", URI, &["Authorization: Basic ZXMtaW90OjExMTE="]);
    challenge(&reply);
    assert!(!reply.0.contains("Basic"));
}

#[test]
fn a_locked_out_address_gets_403_and_its_password_is_not_looked_at() {
    let mut rig = locked();
    let right = answer(&challenge(&rig.ask("DESCRIBE", URI, &[])), "1111", "DESCRIBE", URI);
    rig.access = Access::LockedOut(Duration::from_millis(29_500));
    let outputs = rig.request("DESCRIBE", URI, &[&right]);
    let reply = only_reply(&outputs);
    assert_eq!((reply.status(), reply.header("Retry-After")), (403, Some("30")));
    assert_eq!(outputs.last(), Some(&Output::Close(Reason::Refused(Rejection::LockedOut))));
}

#[test]
fn a_viewer_that_was_let_in_stays_when_its_address_is_locked_out() {
    let (mut rig, session) = Rig::playing(TCP);
    rig.access = Access::LockedOut(Duration::from_secs(30));
    assert_eq!(rig.ask("GET_PARAMETER", URI, &[&session]).status(), 200);
}

#[test]
fn a_session_that_may_no_longer_watch_is_ended() {
    let (mut rig, _) = Rig::playing(UDP);
    rig.access = PASSWORD;
    assert_eq!(rig.input(Input::AccessChanged), [Output::Close(Reason::NotAllowed)]);

    let (mut rig, session) = Rig::playing(UDP);
    assert_eq!(rig.input(Input::AccessChanged), [], "it still may");
    assert_eq!(rig.ask("PAUSE", URI, &[&session]).status(), 200);
}

#[test]
fn a_new_password_is_asked_for_where_no_session_is() {
    let mut rig = locked();
    let old = challenge(&rig.ask("DESCRIBE", URI, &[]));
    rig.ask("DESCRIBE", URI, &[&answer(&old, "1111", "DESCRIBE", URI)]);
    let before = challenge(&{
        rig.access = Access::Password(b"2222");
        assert_eq!(rig.input(Input::AccessChanged), []);
        rig.ask("DESCRIBE", URI, &[])
    });
    assert_ne!(before, old, "an old answer opens nothing");
    assert_eq!(rig.ask("DESCRIBE", URI, &[&answer(&before, "2222", "DESCRIBE", URI)]).status(), 200);
}
