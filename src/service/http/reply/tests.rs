use std::time::Duration;

use super::*;
use crate::frame::Shared;

const WHOLE: Manner = Manner { head_only: false, last: false };
const LAST: Manner = Manner { last: true, ..WHOLE };
const HEAD: Manner = Manner { head_only: true, ..WHOLE };

fn text(frames: &[Frame]) -> String {
    frames.iter().map(|frame| String::from_utf8_lossy(frame.as_bytes())).collect()
}

fn example() -> Page {
    Page {
        gzip: Shared::new(b"compressed".to_vec()),
        etag: "\"e1\"".into(),
        script: "SCRIPT=".into(),
        style: "STYLE=".into(),
    }
}

#[test]
fn a_reply_in_full() {
    let reply = content(Content::new(Kind::Json, "{}".to_owned()), LAST);
    let expected = "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n\
        Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
        Cross-Origin-Resource-Policy: same-origin\r\nConnection: close\r\n\r\n{}";
    assert_eq!((text(&reply).as_str(), reply.len()), (expected, 1));
}

#[test]
fn a_reply_to_head_lacks_the_body_alone() {
    let content_of = |manner| content(Content::new(Kind::Text, "four".to_owned()), manner);
    for (whole, head) in [
        (content_of(WHOLE), content_of(HEAD)),
        (page(example(), None, WHOLE), page(example(), None, HEAD)),
        (refusal(Rejection::NotFound, true, WHOLE), refusal(Rejection::NotFound, true, HEAD)),
    ] {
        assert_eq!(text(&whole).split_inclusive("\r\n\r\n").next(), Some(text(&head).as_str()));
    }
}

#[test]
fn the_page_is_sent_from_where_it_is() {
    let example = example();
    let frames = page(example.clone(), None, WHOLE);
    let [head, Frame::Shared(body)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(body.as_bytes().as_ptr(), example.gzip.as_bytes().as_ptr());
    let head = text(std::slice::from_ref(head));
    for line in [
        "HTTP/1.1 200 OK",
        "Content-Encoding: gzip",
        "Content-Length: 10",
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-cache",
        "Vary: Accept-Encoding",
        "ETag: \"e1\"",
    ] {
        assert!(head.lines().any(|found| found == line), "{line} in {head}");
    }
    let policy = head.lines().find_map(|line| line.strip_prefix("Content-Security-Policy: ")).unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-SCRIPT='; style-src 'sha256-STYLE='; "));
    assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_client_that_has_the_page_gets_none() {
    for (known, status) in [
        (None, 200),
        (Some("\"e1\""), 304),
        (Some("W/\"e1\""), 304),
        (Some("\"e0\", \"e1\""), 304),
        (Some("\"e0\",W/\"e1\""), 304),
        (Some("*"), 304),
        (Some("e1"), 200),
        (Some("\"e11\""), 200),
        (Some(""), 200),
    ] {
        let reply = text(&page(example(), known, WHOLE));
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{known:?}: {reply}");
        assert!(reply.contains("ETag: \"e1\"\r\n"), "{reply}");
        assert_eq!(reply.contains("Content-Length"), status == 200, "{reply}");
    }
}

#[test]
fn errors_are_json_for_programs_and_text_for_people() {
    let json = text(&refusal(Rejection::Unsigned, true, WHOLE));
    let (head, body) = json.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: application/json\r\n"));
    let error = serde_json::from_str::<serde_json::Value>(body).unwrap()["error"].clone();
    assert_eq!(error, Rejection::Unsigned.to_string());
    let plain = text(&refusal(Rejection::Unsigned, false, WHOLE));
    assert!(plain.contains("Content-Type: text/plain; charset=utf-8\r\n"));
    assert!(plain.ends_with(&format!("\r\n\r\n{error}\n", error = Rejection::Unsigned)));
    let Content { body, .. } = Content::error(Status::BAD_REQUEST, "gain is \"x\"\r\n");
    assert_eq!(body, Body::Text("{\"error\":\"gain is \\\"x\\\"\\r\\n\"}\n".into()));
}

#[test]
fn refusals_have_their_headers() {
    let locked = text(&refusal(Rejection::LockedOut(Duration::from_millis(29_001)), true, WHOLE));
    assert!(locked.contains("Retry-After: 30\r\n") && locked.contains("in 30 s"), "{locked}");
    assert!(text(&refusal(Rejection::NoSession, true, WHOLE)).contains("WWW-Authenticate: Cookie realm="));
}

#[test]
fn sessions_begin_and_end_with_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let with = |session| {
        let content = Content { session: Some(session), ..Content::new(Kind::Json, "{}".to_owned()) };
        text(&super::content(content, WHOLE))
    };
    let set = with(SessionCookie::Set { value: "abc".into(), lasts: Duration::from_hours(1) });
    let line = "Set-Cookie: es_iot_session=abc; Max-Age=3600; Path=/; HttpOnly; SameSite=Strict\r\n";
    assert!(set.contains(line), "{set}");
    let clear = with(SessionCookie::Clear);
    assert!(clear.contains("Set-Cookie: es_iot_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict\r\n"), "{clear}");
}
