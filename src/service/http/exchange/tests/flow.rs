//! Requests behind requests, bodies, and the ends of connections.

use super::*;
use crate::limits::{HTTP_MAX_REQUESTS, HTTP_MAX_WAITING_BYTES, HTTP_REPLIES_BYTES};

#[test]
fn pipelined_requests_are_answered_in_order() {
    let put = request("PUT", "/api/settings", &[JSON], "{\"gain\":2}");
    let bodies =
        [put.as_str(), &request("GET", "/healthz", &[], ""), "\r\n", &put, &request("GET", "/metrics", &[], "")];
    let outputs = Rig::new().send(bodies.concat());
    let found: Vec<String> = replies(&outputs).iter().map(|reply| reply.body().to_owned()).collect();
    assert_eq!(found, ["{\"gain\":2}", "ok\n", "{\"gain\":2}", "es_iot_up 1\n"]);
}

#[test]
fn one_question_is_pending_at_a_time() {
    let mut rig = Rig { ready: false, ..Rig::new() };
    let outputs = rig.send(request("GET", "/healthz", &[], "").repeat(3));
    assert_eq!(outputs, [Output::Ask(Question::Health)]);
    for left in [2, 1, 0] {
        assert!(rig.exchange.waits());
        let outputs = rig.input(Input::Answer(Answer::Content(Content::new(Kind::Text, "ok\n".to_owned()))));
        assert_eq!(statuses(&outputs), [200]);
        assert_eq!(questions(&outputs).len(), usize::from(left > 0));
    }
    assert!(!rig.exchange.waits());
    assert_eq!(rig.input(Input::Answer(Answer::Refused(Rejection::Full))), [], "nothing is asked");
}

#[test]
fn others_refuse_too() {
    let mut rig = Rig { ready: false, ..Rig::new() };
    rig.request("PUT", "/api/settings", &[JSON], "{}");
    let outputs = rig.input(Input::Answer(Answer::Refused(Rejection::Unsigned)));
    assert_eq!((statuses(&outputs), closed(&outputs)), (vec![403], None), "the body was read");
    assert_eq!(outputs[1], Output::Refused(Rejection::Unsigned));
    rig.request("POST", "/api/login", &[JSON], "{}");
    let reply = only_reply(&rig.input(Input::Answer(Answer::Refused(Rejection::LockedOut(Duration::from_secs(9))))));
    assert_eq!((reply.status(), reply.header("Retry-After")), (429, Some("10")));
}

#[test]
fn a_client_that_waits_for_100_gets_it_or_the_refusal() {
    let head =
        format!("PUT /api/settings HTTP/1.1\r\n{HOST}\r\n{JSON}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let mut rig = Rig::new();
    assert_eq!(rig.send(&head), [Output::Send(CONTINUE.to_owned().into())]);
    assert_eq!(statuses(&rig.send("{}")), [200]);
    assert_eq!(statuses(&rig.send(head.clone() + "{}")), [100, 200], "however it comes");
    let outputs = Rig::new().send(head.replace("Length: 2", "Length: 4097"));
    assert_eq!(closed(&outputs), Some(Reason::Refused(Rejection::BodyTooLong)));
    assert_eq!(statuses(&outputs), [413]);
    assert_eq!(statuses(&Rig::new().send(head.replace("Length: 2", "Length: 0"))), [200]);
    assert_eq!(statuses(&Rig::new().send(head.replace("HTTP/1.1", "HTTP/1.0") + "{}")), [200]);
}

#[test]
fn connections_end_when_asked() {
    for (text, closes) in [
        (request("GET", "/healthz", &[], ""), false),
        (request("GET", "/healthz", &["Connection: keep-alive"], ""), false),
        (request("GET", "/healthz", &["Connection: close"], ""), true),
        (request("GET", "/nothing", &["Connection: close"], ""), true),
        ("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n".into(), true),
        ("GET /healthz HTTP/1.0\r\n\r\n".into(), true),
    ] {
        let outputs = Rig::new().send(text.clone() + &request("GET", "/metrics", &[], ""));
        let replies = replies(&outputs);
        assert_eq!(
            (replies.len(), closed(&outputs)),
            if closes { (1, Some(Reason::Done)) } else { (2, None) },
            "{text}"
        );
        assert_eq!(replies[0].header("Connection"), closes.then_some("close"), "{text}");
    }
}

#[test]
fn the_last_request_of_a_connection_says_so() {
    let mut rig = Rig::new();
    for _ in 1..HTTP_MAX_REQUESTS {
        assert_eq!(rig.ask("GET", "/healthz", &[]).header("Connection"), None);
    }
    let outputs = rig.request("GET", "/healthz", &[], "");
    assert_eq!(only_reply(&outputs).header("Connection"), Some("close"));
    assert_eq!(closed(&outputs), Some(Reason::Done));
    assert_eq!(rig.request("GET", "/healthz", &[], ""), []);
}

#[test]
fn a_client_that_closes_its_side_still_gets_its_replies() {
    let mut rig = Rig { ready: false, ..Rig::new() };
    rig.send(request("GET", "/healthz", &[], "").repeat(2) + "GET /x");
    assert_eq!(rig.input(Input::Finished), []);
    let ok = || Input::Answer(Answer::Content(Content::new(Kind::Text, "ok\n".to_owned())));
    assert_eq!(closed(&rig.input(ok())), None);
    let outputs = rig.input(ok());
    assert_eq!((statuses(&outputs), closed(&outputs)), (vec![200], Some(Reason::Finished)));
    for begun in ["", "GET", &request("PUT", "/api/settings", &[JSON], "{}").replace("{}", "{")] {
        let mut rig = Rig::new();
        rig.send(begun);
        assert_eq!(rig.input(Input::Finished), [Output::Close(Reason::Finished)], "{begun}");
    }
}

#[test]
fn a_client_that_goes_on_sending_is_closed() {
    let mut rig = Rig { ready: false, ..Rig::new() };
    rig.request("GET", "/healthz", &[], "");
    assert_eq!(rig.send(vec![b'x'; HTTP_MAX_WAITING_BYTES]), []);
    assert_eq!(rig.send("x"), [Output::Close(Reason::Flood)]);
}

#[test]
fn large_replies_go_out_before_the_next_request_is_read() {
    let snapshot = Shared::new(vec![1; HTTP_REPLIES_BYTES]);
    let mut rig = Rig { ready: false, snapshot: snapshot.clone(), ..Rig::new() };
    let give = |rig: &mut Rig| rig.input(Input::Answer(answer(&Question::Snapshot, &snapshot)));
    rig.send(request("GET", "/snapshot.h264", &[], "").repeat(2));
    let outputs = give(&mut rig);
    assert_eq!(outputs.last(), Some(&Output::WhenSent));
    assert!(outputs.contains(&Output::Send(snapshot.clone().into())), "the bytes are not copied");
    assert!(rig.exchange.waits() && rig.exchange.deadline().is_none(), "the socket has a deadline of its own");
    assert_eq!(rig.input(Input::Sent), [Output::Ask(Question::Snapshot)]);
    let outputs = give(&mut rig);
    assert_eq!(outputs.last(), Some(&Output::WhenSent), "it is not idle before");
    assert_eq!(rig.input(Input::Sent), []);
    assert!(!rig.exchange.waits() && rig.exchange.deadline().is_some());
    assert_eq!(rig.input(Input::Sent), [], "nothing was asked");
}

#[test]
fn a_large_last_reply_goes_out_before_the_end() {
    let snapshot = Shared::new(vec![1; HTTP_REPLIES_BYTES]);
    let mut rig = Rig { ready: false, snapshot: snapshot.clone(), ..Rig::new() };
    rig.request("GET", "/snapshot.h264", &["Connection: close"], "");
    let outputs = rig.input(Input::Answer(answer(&Question::Snapshot, &snapshot)));
    assert_eq!((outputs.last(), closed(&outputs)), (Some(&Output::WhenSent), None));
    assert!(rig.exchange.waits() && rig.exchange.deadline().is_none(), "the socket has a deadline of its own");
    assert_eq!(rig.request("GET", "/healthz", &[], ""), [], "it was the last request");
    assert_eq!(rig.input(Input::Sent), [Output::Close(Reason::Done)]);
}

#[test]
fn many_small_replies_are_one_large_one() {
    let mut rig = Rig { ready: false, ..Rig::new() };
    let mut outputs = rig.send(request("GET", "/nothing", &[], "").repeat(160));
    let first = replies(&outputs).len();
    assert!(first < 160 && outputs.last() == Some(&Output::WhenSent), "{first}");
    while outputs.last() == Some(&Output::WhenSent) {
        let more = rig.input(Input::Sent);
        outputs.extend(more);
    }
    assert_eq!(replies(&outputs).len(), 160);
}
