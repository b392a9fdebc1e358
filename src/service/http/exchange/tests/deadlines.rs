//! Who has how much time.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Lets time pass, and wakes the exchange if it is due.
fn pass(rig: &mut Rig, span: Duration) -> Vec<Output> {
    rig.after(span);
    let due = rig.exchange.deadline().is_some_and(|due| due <= rig.now);
    if due { rig.input(Input::Wakeup) } else { Vec::new() }
}

#[test]
fn a_request_has_10_s_to_be_complete() {
    let text = request("GET", "/healthz", &[], "");
    let mut rig = Rig::new();
    assert_eq!(statuses(&rig.send(&text)), [200]);
    for byte in &text.as_bytes()[..10] {
        assert_eq!(rig.send([*byte]), [], "each byte is in time, but that is not enough");
        assert_eq!(pass(&mut rig, Duration::from_nanos(999_999_999)), []);
    }
    let outputs = pass(&mut rig, Duration::from_nanos(10));
    assert_eq!((statuses(&outputs), closed(&outputs)), (vec![408], Some(Reason::Refused(Rejection::TooSlow))));
    assert_eq!(rig.exchange.deadline(), None);
}

#[test]
fn the_body_is_part_of_it() {
    let text = request("PUT", "/api/settings", &[JSON], "{}");
    let mut rig = Rig::new();
    pass(&mut rig, SECOND * 3);
    rig.send(&text[..9]);
    assert_eq!(pass(&mut rig, SECOND * 3), []);
    rig.send(&text[9..text.len() - 1]);
    assert_eq!(rig.exchange.deadline(), Some(rig.now + SECOND * 4), "the first one counts from the connection's begin");
    let reply = only_reply(&pass(&mut rig, SECOND * 4));
    assert_eq!((reply.status(), reply.body()), (408, "{\"error\":\"the request was not complete within 10 s\"}\n"));
}

#[test]
fn each_request_has_its_own_10_s() {
    let mut rig = Rig::new();
    let text = request("GET", "/healthz", &[], "");
    rig.send(&text[..5]);
    for _ in 0..5 {
        assert_eq!(pass(&mut rig, SECOND * 9), []);
        // Its end, and the beginning of the next.
        assert_eq!(statuses(&rig.send(format!("{}{}", &text[5..], &text[..5]))), [200]);
    }
}

#[test]
fn a_connection_without_requests_is_closed() {
    for nothing in ["", "\r\n\r\n"] {
        let mut rig = Rig::new();
        rig.send(nothing);
        assert_eq!(rig.exchange.deadline(), Some(rig.now + SECOND * 10));
        assert_eq!(pass(&mut rig, SECOND * 10), [Output::Close(Reason::Silent)]);
    }
    for path in ["/healthz", "/nothing"] {
        let mut rig = Rig::new();
        pass(&mut rig, SECOND * 9);
        rig.ask("GET", path, &[]);
        assert_eq!(pass(&mut rig, SECOND * 29), []);
        rig.ask("GET", path, &[]);
        assert_eq!(rig.send("\r\n"), [], "an empty line is nothing");
        assert_eq!(pass(&mut rig, SECOND * 29), []);
        assert_eq!(pass(&mut rig, SECOND), [Output::Close(Reason::Idle)]);
    }
}

#[test]
fn an_answer_has_15_s_and_the_next_request_waits_without_a_clock() {
    let mut rig = Rig { ready: false, ..Rig::new() };
    rig.send(request("GET", "/api/settings", &[], "") + "GET /");
    assert_eq!(pass(&mut rig, SECOND * 14), []);
    rig.input(Input::Answer(answer(&Question::Settings, &Shared::new(vec![]))));
    assert_eq!(rig.exchange.deadline(), Some(rig.now + SECOND * 10));
    rig.send("healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let outputs = pass(&mut rig, SECOND * 15);
    assert_eq!((statuses(&outputs), closed(&outputs)), (vec![503], Some(Reason::Refused(Rejection::NoAnswer))));
    let late = Input::Answer(answer(&Question::Settings, &Shared::new(vec![])));
    assert_eq!(rig.input(late), [], "a late answer is for nobody");
}

#[test]
fn an_early_wakeup_does_nothing() {
    for begun in ["", "GET /", &request("PUT", "/api/settings", &[JSON], "{}").replace("{}", "{")] {
        let mut rig = Rig::new();
        rig.send(begun);
        let due = rig.exchange.deadline();
        assert_eq!(rig.input(Input::Wakeup), []);
        assert_eq!(rig.exchange.deadline(), due);
    }
}
