//! Who needs a session, and for what.

use super::*;
use crate::service::http::answer::SessionCookie;

const COOKIE: &str = "Cookie: other=1; es_iot_session=5e551011";

fn locked() -> Rig {
    Rig { access: Access::Session(&known), ..Rig::new() }
}

#[test]
fn without_a_session_there_are_page_and_login_alone() {
    for (method, path, status) in [
        ("GET", "/", 200),
        ("POST", "/api/login", 200),
        ("GET", "/video.mp4", 401),
        ("HEAD", "/video.mp4", 401),
        ("GET", "/snapshot.h264", 401),
        ("GET", "/events", 401),
        ("GET", "/api/settings", 401),
        ("PUT", "/api/settings", 401),
        ("GET", "/api/status", 401),
        ("GET", "/metrics", 401),
        ("GET", "/healthz", 401),
        ("POST", "/api/logout", 401),
        ("POST", "/api/reload", 401),
        ("GET", "/nothing", 404),
        ("DELETE", "/api/status", 405),
    ] {
        for none in ["X: y", "Cookie: es_iot_session=5e551012", "Cookie: es_iot_session=", "Cookie: session=5e551011"] {
            let outputs = locked().request(method, path, &[JSON, none], "");
            assert_eq!(statuses(&outputs), [status], "{method} {path} {none}");
            let asked = questions(&outputs);
            assert_eq!(asked.is_empty(), status != 200, "nothing is asked before: {asked:?}");
        }
        let reply = locked().ask(method, path, &[JSON, COOKIE]);
        assert_eq!(reply.status(), if status == 401 { 200 } else { status }, "{method} {path}");
    }
    let reply = locked().ask("GET", "/api/status", &[]);
    assert_eq!(reply.body(), "{\"error\":\"log in first: a password is required\"}\n");
    assert_eq!(reply.header("WWW-Authenticate"), Some("Cookie realm=\"es-iot-server\""));
}

#[test]
fn a_session_is_checked_with_every_request() {
    let mut rig = locked();
    assert_eq!(rig.ask("GET", "/api/status", &[COOKIE]).status(), 200);
    assert_eq!(rig.ask("GET", "/api/status", &[]).status(), 401);
    rig.access = Access::Session(&|_| false);
    assert_eq!(rig.ask("GET", "/api/status", &[COOKIE]).status(), 401);
    rig.access = Access::Open;
    assert_eq!(rig.ask("GET", "/api/status", &[]).status(), 200);
}

#[test]
fn a_session_that_ends_while_the_body_comes_changes_nothing() {
    let mut rig = locked();
    let text = request("PUT", "/api/settings", &[JSON, COOKIE], "{}");
    assert_eq!(rig.send(&text[..text.len() - 1]), []);
    rig.access = Access::Session(&|_| false);
    rig.input(Input::AccessChanged);
    let outputs = rig.send("}");
    assert_eq!((statuses(&outputs), questions(&outputs), closed(&outputs)), (vec![401], vec![], None));
}

#[test]
fn those_who_answer_get_cookie_and_signature() {
    let outputs = locked().request("PUT", "/api/settings", &[JSON, COOKIE, "Es-Iot-Signature: 7:abc"], "{}");
    let call = Call { body: b"{}".to_vec(), session: Some(SESSION.into()), signature: Some("7:abc".into()) };
    assert_eq!(questions(&outputs), [Question::Update(call.clone())]);
    assert!(!format!("{:?} {call:?}", questions(&outputs)).contains(SESSION), "no secret gets into a log");
}

#[test]
fn a_login_sets_the_cookie() {
    let mut rig = Rig { ready: false, ..locked() };
    let outputs = rig.request("POST", "/api/login", &[JSON], "{\"client\":\"n,,n=,r=x\"}");
    assert!(matches!(&questions(&outputs)[..], [Question::Login(_)]));
    let session = Some(SessionCookie::Set { value: SESSION.into(), lasts: Duration::from_mins(1) });
    let content = Content { session, ..Content::new(Kind::Json, "{}".to_owned()) };
    let reply = only_reply(&rig.input(Input::Answer(Answer::Content(content))));
    let cookie = reply.header("Set-Cookie").unwrap();
    assert!(cookie.starts_with("es_iot_session=5e551011; Max-Age=60; ") && cookie.contains("HttpOnly"), "{cookie}");
}
