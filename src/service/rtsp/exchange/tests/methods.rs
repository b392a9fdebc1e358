//! Statuses and state: what each method does in each state, and what bad requests get.

use super::*;

#[test]
fn bad_input_gets_a_clear_answer() {
    for (text, status) in [
        ("OPTIONS * RTSP/1.0\r\nCSeq: x\r\n\r\n", 400),
        ("OPTIONS /ES_MTX RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
        ("SETUP rtsp://h/ES_MTX/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}", 400),
        ("DESCRIBE rtsp://h/other RTSP/1.0\r\nCSeq: 1\r\n\r\n", 404),
        ("DESCRIBE * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 404),
        ("SETUP rtsp://h/ES_MTX/trackID=1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP\r\n\r\n", 404),
        ("ANNOUNCE rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0", 405),
        ("RECORD rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\n\r\n", 405),
        ("DESCRIBE rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\nAccept: application/rtsl\r\n\r\n", 406),
        ("GET_PARAMETER rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 9\r\n\r\nposition\n", 451),
        ("SET_PARAMETER rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\na: b", 451),
        ("PLAY rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\n\r\n", 454),
        ("TEARDOWN rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\nSession: 1\r\n\r\n", 454),
        ("PLAY_NOTIFY rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\n\r\n", 501),
        ("OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505),
        ("SETUP rtsp://h/ES_MTX RTSP/1.0\r\nCSeq: 1\r\nRequire: implicit-play\r\nTransport: RTP/AVP/TCP\r\n\r\n", 551),
    ] {
        let outputs = Rig::new().send(text);
        assert_eq!(statuses(&outputs), [status], "{text:?}");
        let counted = outputs.iter().any(|output| {
            let refused = if let Output::Refused(rejection) = output { Some(rejection.status().code) } else { None };
            refused == Some(status) || *output == Output::Close(Reason::NotRtsp)
        });
        assert!(counted, "{text:?}: {outputs:?}");
    }
}

#[test]
fn refusals_say_what_would_be_accepted() {
    let all = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
    assert_eq!(Rig::new().ask("RECORD", URI, &[]).header("Allow"), Some(all));
    assert_eq!(Rig::new().ask("EXPLAIN", URI, &[]).header("Public"), Some(all));
    let reply = Rig::new().ask("OPTIONS", URI, &["Require: a.b, c.d"]);
    assert_eq!(reply.header("Unsupported"), Some("a.b, c.d"));
    let (mut rig, session) = Rig::playing(TCP);
    let reply = rig.ask("SETUP", URI, &[TCP, &session]);
    let playing = "OPTIONS, DESCRIBE, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
    assert_eq!((reply.status(), reply.header("Allow")), (455, Some(playing)));
}

#[test]
fn a_second_stream_can_not_be_added_to_a_session() {
    let mut rig = Rig::new();
    let session = rig.set_up(TCP);
    let reply = rig.ask("SETUP", &format!("{URI}/trackID=1"), &["Transport: RTP/AVP/TCP;interleaved=2-3", &session]);
    assert_eq!(reply.status(), 459);
    assert_eq!(rig.ask("PLAY", URI, &[&session]).status(), 200, "the session is as it was");
}

#[test]
fn what_is_done_in_each_state() {
    let (mut rig, session) = Rig::playing(UDP);
    let mut done = |method: &str, headers: &[&str]| {
        let mut outputs = rig.request(method, URI, headers);
        let status = only_reply(&outputs).status();
        outputs.retain(|output| !matches!(output, Output::Reply(_)));
        (status, outputs)
    };
    assert_eq!(done("PLAY", &[&session]), (200, vec![]));
    assert_eq!(done("PAUSE", &[&session]), (200, vec![Output::Stop]));
    assert_eq!(done("PAUSE", &[&session]), (455, vec![Output::Refused(Rejection::WrongState)]));
    assert_eq!(done("PLAY", &[&session]), (200, vec![Output::Start, Output::Begin]));
    assert_eq!(done("PLAY", &[]), (454, vec![Output::Refused(Rejection::NoSession)]));
    assert_eq!(done("TEARDOWN", &[]), (454, vec![Output::Refused(Rejection::NoSession)]));
    assert_eq!(done("DESCRIBE", &[]), (200, vec![Output::Describe]));
    assert_eq!(done("TEARDOWN", &[&session]), (200, vec![Output::SessionOver]));
    assert_eq!(done("TEARDOWN", &[&session]), (454, vec![Output::Refused(Rejection::NoSession)]));
    assert_eq!(done("GET_PARAMETER", &[&session]), (454, vec![Output::Refused(Rejection::NoSession)]));
    assert_eq!(done("SETUP", &[UDP]), (200, vec![Output::SetUp(Transport::Udp { rtp: 5000, rtcp: 5001 })]));
}

#[test]
fn a_setup_without_session_while_playing_begins_a_new_one() {
    let (mut rig, old) = Rig::playing(UDP);
    let outputs = rig.request("SETUP", URI, &["Transport: RTP/AVP;unicast;client_port=6000-6001"]);
    assert_eq!(outputs[..2], [Output::SessionOver, Output::SetUp(Transport::Udp { rtp: 6000, rtcp: 6001 })]);
    assert_eq!(rig.ask("PAUSE", URI, &[&old]).status(), 454);
}

#[test]
fn signs_of_life_need_no_session_and_no_path() {
    let mut rig = Rig::new();
    for uri in [URI, "*", "rtsp://192.0.2.1:8554/", "rtsp://192.0.2.1:8554/ES_MTX/trackID=0"] {
        for method in ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER"] {
            assert_eq!(rig.ask(method, uri, &["Content-Length: 0"]).status(), 200, "{method} {uri}");
        }
    }
}

#[test]
fn frames_are_taken_from_the_sessions_rtcp_channel_alone() {
    let (mut rig, _) = Rig::playing("Transport: RTP/AVP/TCP;unicast;interleaved=6-9");
    assert_eq!(rig.send(b"$\x09\x00\x02rr"), [Output::Rtcp(b"rr".to_vec())]);
    assert_eq!(rig.send(b"$\x06\x00\x02rr"), [Output::FrameDropped]);
    assert_eq!(rig.send(b"$\x01\x00\x02rr"), [Output::FrameDropped]);
    assert_eq!(rig.send([b"$\x09\xFF\xFF".to_vec(), vec![0; 65535]].concat()), [Output::FrameDropped]);
    let (mut rig, _) = Rig::playing(UDP);
    assert_eq!(rig.send(b"$\x01\x00\x02rr"), [Output::FrameDropped], "a UDP session has no channels");
}
