//! Signs of life, and what happens without them.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(75);

/// Lets time pass, and wakes the exchange if it is due.
fn pass(rig: &mut Rig, span: Duration) -> Vec<Output> {
    rig.after(span);
    let due = rig.exchange.deadline().is_some_and(|due| due <= rig.now);
    if due { rig.input(Input::Wakeup) } else { Vec::new() }
}

#[test]
fn a_session_ends_15_s_after_its_60_without_a_sign_of_life() {
    let (mut rig, _) = Rig::playing(TCP);
    assert_eq!(rig.exchange.deadline(), Some(rig.now + SILENCE));
    assert_eq!(pass(&mut rig, Duration::from_nanos(74_999_999_999)), []);
    assert_eq!(pass(&mut rig, Duration::from_nanos(1)), [Output::Close(Reason::SessionTimeout)]);
    assert_eq!(rig.exchange.deadline(), None);
}

#[test]
fn any_request_rtcp_packet_or_accepted_data_keeps_it() {
    type Sign = fn(&mut Rig, &str);
    let signs: [Sign; 6] = [
        |rig, session| _ = rig.request("GET_PARAMETER", URI, &[session]),
        |rig, _| _ = rig.request("OPTIONS", "*", &[]),
        |rig, session| _ = rig.request("SET_PARAMETER", URI, &[session]),
        |rig, _| _ = rig.request("BOGUS", "*", &[]),
        |rig, _| _ = rig.send(b"$\x01\x00\x02rr"),
        |rig, _| _ = rig.input(Input::Alive),
    ];
    for (number, sign) in signs.into_iter().enumerate() {
        let (mut rig, session) = Rig::playing(TCP);
        for _ in 0..10 {
            assert_eq!(pass(&mut rig, SECOND * 74), [], "sign {number}");
            sign(&mut rig, &session);
        }
        assert_eq!(pass(&mut rig, SILENCE), [Output::Close(Reason::SessionTimeout)], "sign {number}");
    }
}

#[test]
fn rubbish_frames_and_half_requests_keep_nothing() {
    let (mut rig, _) = Rig::playing(TCP);
    pass(&mut rig, SECOND * 74);
    assert_eq!(rig.send(b"$\x07\x00\x02rr"), [Output::FrameDropped]);
    assert_eq!(rig.send("\r\n"), []);
    assert_eq!(pass(&mut rig, SECOND), [Output::Close(Reason::SessionTimeout)]);
}

#[test]
fn a_request_has_10_s_to_be_complete() {
    let (mut rig, _) = Rig::playing(TCP);
    let request = b"OPTIONS * RTSP/1.0\r\nCSeq: 9\r\n";
    for byte in &request[..9] {
        assert_eq!(pass(&mut rig, SECOND), []);
        assert_eq!(rig.send([*byte]), [], "each byte is in time, but that is not enough");
    }
    rig.send(&request[9..]);
    assert_eq!(pass(&mut rig, SECOND), [], "9 s after the first byte");
    let outputs = pass(&mut rig, SECOND);
    let reply = only_reply(&outputs);
    assert_eq!((reply.status(), reply.header("CSeq")), (408, Some("9")));
    assert_eq!(outputs.last(), Some(&Output::Close(Reason::Refused(Rejection::TooSlow))));
}

#[test]
fn each_request_has_its_own_10_s() {
    let mut rig = Rig::new();
    for _ in 0..5 {
        rig.send("OPTIONS * RTSP/1.0\r\n");
        assert_eq!(pass(&mut rig, SECOND * 9), []);
        // Its end, and the beginning of the next.
        assert_eq!(statuses(&rig.send("CSeq: 1\r\n\r\nOPTIONS * RTSP/1.0\r\n")), [200]);
        assert_eq!(pass(&mut rig, SECOND * 9), []);
        assert_eq!(statuses(&rig.send("CSeq: 1\r\n\r\n")), [200]);
    }
}

#[test]
fn half_a_body_or_frame_is_half_a_request() {
    for half in
        [&b"$"[..], b"$\x01\x00\x09rr", b"$\x01\xFF\xFFrr", b"X * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 9\r\n\r\nx"]
    {
        let (mut rig, _) = Rig::playing(TCP);
        rig.send(half);
        assert_eq!(statuses(&pass(&mut rig, SECOND * 10)), [408], "{half:?}");
    }
}

#[test]
fn the_time_of_a_request_does_not_run_while_another_is_pending() {
    let mut rig = Rig::new();
    rig.ready = false;
    rig.request("DESCRIBE", URI, &[]);
    rig.send("OPTIONS * RTSP/1.0\r\n");
    pass(&mut rig, SECOND * 3);
    rig.input(Input::Described(SDP));
    assert_eq!(pass(&mut rig, SECOND * 9), []);
    assert_eq!(statuses(&pass(&mut rig, SECOND)), [408]);
}

#[test]
fn a_connection_that_asks_nothing_is_closed() {
    for nothing in ["", "\r\n\r\n"] {
        let mut rig = Rig::new();
        assert_eq!(rig.exchange.deadline(), Some(rig.now + SECOND * 10));
        rig.send(nothing);
        assert_eq!(pass(&mut rig, SECOND * 10), [Output::Close(Reason::Silent)]);
    }
    let mut rig = Rig::new();
    rig.request("OPTIONS", URI, &[]);
    assert_eq!(pass(&mut rig, SECOND * 74), []);
    assert_eq!(pass(&mut rig, SECOND), [Output::Close(Reason::Idle)]);
}

#[test]
fn an_early_wakeup_does_nothing() {
    let (mut rig, _) = Rig::playing(TCP);
    let due = rig.exchange.deadline();
    assert_eq!(rig.input(Input::Wakeup), []);
    assert_eq!(rig.exchange.deadline(), due);
}

/// OPTIONS needs no password, and is a sign of life.
#[test]
fn a_client_that_never_gives_the_password_does_not_keep_its_place() {
    for (access, ends) in [(Access::Password(b"1111"), true), (Access::Open, false)] {
        let mut rig = Rig::new();
        rig.access = access;
        let mut outputs = Vec::new();
        for _ in 0..20 {
            rig.request("OPTIONS", URI, &[]);
            rig.now = rig.now + SECOND * 5;
            if rig.exchange.deadline().is_some_and(|due| due <= rig.now) {
                outputs.extend(rig.input(Input::Wakeup));
            }
        }
        let expected: &[Output] = if ends { &[Output::Close(Reason::NoPassword)] } else { &[] };
        assert_eq!(outputs, expected);
    }
}
