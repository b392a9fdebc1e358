//! What real clients need of RTSP, a rule a test. Transports have theirs in `transport`, limits of requests in `request`.

use super::*;
use crate::limits::{RTSP_DESCRIBE_TIMEOUT, RTSP_PLAY_TIMEOUT};

#[test]
fn public_lists_all_methods_and_get_parameter_above_all() {
    // VLC keeps a session alive only if GET_PARAMETER is listed.
    let reply = Rig::new().ask("OPTIONS", URI, &[]);
    assert_eq!(
        reply.header("Public"),
        Some("OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN")
    );
}

#[test]
fn setup_names_session_and_timeout_and_all_replies_of_the_session_repeat_them() {
    let mut rig = Rig::new();
    let reply = rig.ask("SETUP", &format!("{URI}/trackID=0"), &[UDP]);
    let header = reply.header("Session").unwrap().to_owned();
    let (id, timeout) = header.split_once(';').unwrap();
    assert_eq!((id.len(), timeout), (32, "timeout=60"));
    let session = format!("Session: {id}");
    for method in ["PLAY", "GET_PARAMETER", "PAUSE"] {
        assert_eq!(rig.ask(method, URI, &[&session]).header("Session"), Some(header.as_str()), "{method}");
    }
    assert_eq!(rig.ask("TEARDOWN", URI, &[&session]).status(), 200);
}

#[test]
fn describe_has_content_base_with_a_slash_and_the_sdp() {
    for uri in [URI, "rtsp://192.0.2.1:8554/ES_MTX/", "rtsp://es-iot:1111@192.0.2.1:8554/ES_MTX?tcp"] {
        let reply = Rig::new().ask("DESCRIBE", uri, &["Accept: application/sdp"]);
        assert_eq!(reply.header("Content-Base"), Some("rtsp://192.0.2.1:8554/ES_MTX/"), "{uri}");
        assert_eq!(reply.header("Content-Type"), Some("application/sdp"));
        assert_eq!(reply.header("Content-Length"), Some(SDP.len().to_string().as_str()));
        assert_eq!(reply.body(), SDP);
    }
}

#[test]
fn control_uris_made_by_clients_in_their_ways_are_found() {
    let base = Rig::new().ask("DESCRIBE", URI, &[]).header("Content-Base").unwrap().to_owned();
    for control in [
        format!("{base}trackID=0"),
        format!("{URI}/trackID=0"),
        format!("{URI}/trackID=0/"),
        // The control name behind the query of a client that ignores Content-Base.
        format!("{URI}?a=b/trackID=0"),
        // A client that ignores the control name: with one stream it is clear what is meant (RFC 2326 section 14.3).
        base,
    ] {
        assert_eq!(Rig::new().ask("SETUP", &control, &[TCP]).status(), 200, "{control}");
    }
}

#[test]
fn describe_waits_until_the_stream_is_known() {
    let mut rig = Rig::new();
    rig.ready = false;
    assert_eq!(rig.request("DESCRIBE", URI, &[]), [Output::Describe]);
    assert!(rig.exchange.waits());
    rig.after(Duration::from_secs(3));
    assert_eq!(only_reply(&rig.input(Input::Described(SDP))).status(), 200);
    assert!(!rig.exchange.waits());
    assert_eq!(rig.input(Input::Described(SDP)), [], "an answer that nothing waits for");
}

#[test]
fn describe_gives_up_with_503_not_404() {
    let mut rig = Rig::new();
    rig.ready = false;
    rig.request("DESCRIBE", URI, &[]);
    let due = rig.now + RTSP_DESCRIBE_TIMEOUT;
    assert_eq!(rig.exchange.deadline(), Some(due));
    assert_eq!(rig.input(Input::Wakeup), [], "not yet");
    rig.now = due;
    let outputs = rig.input(Input::Wakeup);
    assert_eq!(statuses(&outputs), [503]);
    assert!(outputs.contains(&Output::Refused(Rejection::NoPicture)));
    assert_eq!(rig.input(Input::Described(SDP)), [], "too late");
    assert_eq!(rig.ask("OPTIONS", URI, &[]).status(), 200, "the connection goes on");
}

#[test]
fn the_reply_to_setup_has_exactly_one_transport_of_the_kind_asked_for() {
    for (asked, expected) in [
        (TCP, "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=ABCDEF01;mode=\"PLAY\""),
        (UDP, "RTP/AVP;unicast;client_port=5000-5001;server_port=8000-8001;ssrc=ABCDEF01;mode=\"PLAY\""),
    ] {
        let reply = Rig::new().ask("SETUP", URI, &[asked]);
        assert_eq!(reply.headers("Transport"), [expected]);
    }
}

#[test]
fn other_transports_get_461() {
    for transport in ["Transport: RTP/AVP;multicast", "Transport: RTP/SAVP;unicast;client_port=5000-5001"] {
        let outputs = Rig::new().request("SETUP", URI, &[transport]);
        assert_eq!(statuses(&outputs), [461]);
        assert_eq!(outputs.last(), Some(&Output::Refused(Rejection::Transport)));
    }
}

#[test]
fn after_a_pause_and_a_new_setup_another_transport_works() {
    // ffmpeg's fallback from UDP to TCP: PAUSE, then a SETUP without Session.
    let (mut rig, old) = Rig::playing(UDP);
    assert_eq!(rig.request("PAUSE", URI, &[&old])[0], Output::Stop);
    let outputs = rig.request("SETUP", &format!("{URI}/trackID=0"), &[TCP]);
    assert_eq!(outputs[..2], [Output::SessionOver, Output::SetUp(Transport::Tcp { rtp: 0, rtcp: 1 })]);
    let new = format!("Session: {}", only_reply(&outputs).header("Session").unwrap());
    assert!(!new.contains(&old));
    assert!(rig.request("PLAY", URI, &[&new]).contains(&Output::Start));
    assert_eq!(rig.ask("PAUSE", URI, &[&old]).status(), 454, "the old session is gone");

    // With Session, the same session changes its transport.
    let (mut rig, session) = Rig::playing(UDP);
    rig.request("PAUSE", URI, &[&session]);
    let outputs = rig.request("SETUP", URI, &[TCP, &session]);
    assert_eq!(outputs[0], Output::SetUp(Transport::Tcp { rtp: 0, rtcp: 1 }));
    assert!(only_reply(&outputs).header("Session").unwrap().starts_with(&session["Session: ".len()..]));
}

#[test]
fn a_setup_that_is_refused_leaves_the_session_alone() {
    let (mut rig, session) = Rig::playing(UDP);
    assert_eq!(rig.request("SETUP", URI, &["Transport: RTP/AVP;multicast"]).len(), 2, "a reply, and why");
    assert_eq!(rig.ask("PAUSE", URI, &[&session]).status(), 200);
}

#[test]
fn play_names_exactly_the_first_packet_and_only_once_it_is_known() {
    let mut rig = Rig::new();
    let session = rig.set_up(TCP);
    rig.ready = false;
    assert_eq!(rig.request("PLAY", URI, &[&session]), [Output::Start], "nothing is answered, nothing is sent");
    rig.after(Duration::from_millis(900));
    let reply = only_reply(&rig.input(Input::Started(FirstPacket { seq: 65535, rtptime: u32::MAX })));
    // The URI of the SETUP: ffmpeg and retina look for it.
    let info = "url=rtsp://192.0.2.1:8554/ES_MTX/trackID=0;seq=65535;rtptime=4294967295";
    assert_eq!(reply.header("RTP-Info"), Some(info));
    assert_eq!(reply.header("Range"), Some("npt=now-"));
}

#[test]
fn play_gives_up_with_503_and_can_be_tried_again() {
    let mut rig = Rig::new();
    let session = rig.set_up(TCP);
    rig.ready = false;
    rig.request("PLAY", URI, &[&session]);
    assert_eq!(rig.exchange.deadline(), Some(rig.now + RTSP_PLAY_TIMEOUT + KEY_INTERVAL));
    rig.after(RTSP_PLAY_TIMEOUT + KEY_INTERVAL);
    let outputs = rig.input(Input::Wakeup);
    assert_eq!(outputs[0], Output::Stop);
    assert_eq!(statuses(&outputs), [503]);
    assert_eq!(rig.input(Input::Started(FIRST)), [], "too late: nothing plays");
    rig.ready = true;
    assert_eq!(rig.ask("PLAY", URI, &[&session]).status(), 200);
}

#[test]
fn range_is_answered_as_asked_or_from_now() {
    for (asked, status, answered) in [
        ("Range: npt=0.000-", 200, Some("npt=0.000-")),
        ("Range: npt=0-", 200, Some("npt=0-")),
        ("Range: npt=now-", 200, Some("npt=now-")),
        ("Range: NPT=0:01:02.5-0:02:00;time=19970123T143720Z", 200, Some("npt=0:01:02.5-")),
        ("Range: npt=-20", 457, None),
        ("Range: npt=soon-", 457, None),
        ("Range: npt", 457, None),
        ("Range: npt=00000000000000000000000000000000000000-", 457, None),
        ("Range: clock=19961108T142300Z-", 501, None),
        ("Range: smpte=10:07:00-", 501, None),
    ] {
        let mut rig = Rig::new();
        let session = rig.set_up(TCP);
        let reply = rig.ask("PLAY", URI, &[&session, asked]);
        assert_eq!((reply.status(), reply.header("Range")), (status, answered), "{asked}");
    }
}

#[test]
fn a_play_while_playing_is_confirmed_and_restarts_nothing() {
    let (mut rig, session) = Rig::playing(TCP);
    let outputs = rig.request("PLAY", URI, &[&session, "Scale: 2.0"]);
    let reply = only_reply(&outputs);
    assert_eq!(outputs.len(), 1);
    assert_eq!((reply.status(), reply.header("RTP-Info"), reply.header("Scale")), (200, None, Some("1.0")));
}

#[test]
fn requests_are_read_split_joined_and_mixed_with_frames() {
    let dialogue = format!(
        "OPTIONS {URI} RTSP/1.0\r\nCSeq: 1\r\n\r\nSETUP {URI}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\n{TCP}\r\n\r\n\
         $\x01\x00\x08receiverGET_PARAMETER * RTSP/1.0\r\nCSeq: 3\r\n\r\n"
    );
    let whole = Rig::new().send(&dialogue);
    assert_eq!(statuses(&whole), [200, 200, 200]);
    assert!(whole.contains(&Output::Rtcp(b"receiver".to_vec())));
    let mut rig = Rig::new();
    let split: Vec<Output> = dialogue.as_bytes().chunks(1).flat_map(|byte| rig.send(byte)).collect();
    assert_eq!(split, whole);
}

#[test]
fn requests_behind_a_pending_one_wait_for_their_turn() {
    let mut rig = Rig::new();
    rig.ready = false;
    let both = format!("DESCRIBE {URI} RTSP/1.0\r\nCSeq: 1\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n");
    assert_eq!(rig.send(both), [Output::Describe]);
    let outputs = rig.input(Input::Described(SDP));
    let numbers: Vec<_> = replies(&outputs).iter().map(|reply| reply.header("CSeq").unwrap().to_owned()).collect();
    assert_eq!(numbers, ["1", "2"]);
}

#[test]
fn what_waits_behind_a_pending_request_is_bounded() {
    let mut rig = Rig::new();
    rig.ready = false;
    rig.request("DESCRIBE", URI, &[]);
    assert_eq!(rig.send(vec![b'x'; RTSP_MAX_WAITING_BYTES]), []);
    assert_eq!(rig.send("x"), [Output::Close(Reason::Flood)]);
    assert_eq!(rig.exchange.memory_bytes(), 0);
}

#[test]
fn destination_is_ignored_and_nothing_is_sent_before_play() {
    let mut rig = Rig::new();
    let transport = "Transport: RTP/AVP;unicast;destination=198.51.100.7;client_port=5000-5001";
    let outputs = rig.request("SETUP", URI, &[transport]);
    assert_eq!(outputs[0], Output::SetUp(Transport::Udp { rtp: 5000, rtcp: 5001 }));
    assert!(!only_reply(&outputs).0.contains("198.51.100.7"));
    assert!(!outputs.contains(&Output::Start));
}

#[test]
fn a_session_of_another_connection_is_not_found() {
    let (_one, session) = Rig::playing(UDP);
    let mut other = Rig::new();
    other.exchange = Exchange::new(other.now, [8; 32]);
    for method in ["PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "OPTIONS", "DESCRIBE"] {
        let outputs = other.request(method, URI, &[&session]);
        assert_eq!(statuses(&outputs), [454], "{method}");
        assert_eq!(outputs.len(), 2, "nothing is done");
    }
    assert_eq!(other.ask("SETUP", URI, &[UDP, &session]).status(), 454);
}

#[test]
fn a_new_setup_with_the_same_ports_replaces_the_old_one() {
    // On the same connection.
    let (mut rig, _) = Rig::playing(UDP);
    let outputs = rig.request("SETUP", URI, &[UDP]);
    assert_eq!(outputs[..2], [Output::SessionOver, Output::SetUp(Transport::Udp { rtp: 5000, rtcp: 5001 })]);
    // On another one: the server knows both, by their transports.
    assert_eq!(rig.exchange.transport(), Some(Transport::Udp { rtp: 5000, rtcp: 5001 }));
    assert_eq!(rig.input(Input::End(Reason::Replaced)), [Output::Close(Reason::Replaced)]);
    assert_eq!((rig.exchange.transport(), rig.exchange.deadline()), (None, None));
}

#[test]
fn a_full_server_refuses_new_sessions_but_not_a_change_of_one_that_is() {
    let (mut rig, session) = Rig::playing(UDP);
    rig.room = false;
    assert_eq!(rig.ask("SETUP", URI, &[TCP]).status(), 200, "it has a place");
    assert_eq!(rig.ask("PAUSE", URI, &[&session]).status(), 454);
    let mut other = Rig::new();
    other.room = false;
    let outputs = other.request("SETUP", URI, &[TCP]);
    assert_eq!(statuses(&outputs), [503]);
    assert_eq!(outputs[1], Output::Refused(Rejection::Full));
}

#[test]
fn a_viewer_whose_sdp_is_wrong_now_is_ended_with_a_clear_reason() {
    let (mut rig, _) = Rig::playing(TCP);
    let outputs = rig.input(Input::End(Reason::SizeChanged));
    assert_eq!(outputs, [Output::Close(Reason::SizeChanged)]);
    assert_eq!(Reason::SizeChanged.to_string(), "the size of the picture changed");
    assert_eq!(rig.request("OPTIONS", URI, &[]), [], "it is over");
}

#[test]
fn a_tunnel_over_http_gets_a_clean_error() {
    for request in [
        "GET /ES_MTX HTTP/1.1\r\nCSeq: 1\r\nUser-Agent: LibVLC/3.0.21 (LIVE555 Streaming Media v2016.11.28)\r\n\
         x-sessioncookie: 4eb1eb5b7a0d8a7b1bd3f6d\r\nAccept: application/x-rtsp-tunnelled\r\nPragma: no-cache\r\n\
         Cache-Control: no-cache\r\n\r\n",
        "POST /ES_MTX HTTP/1.1\r\nContent-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\r\nT1BUSU9O",
    ] {
        let outputs = Rig::new().send(request);
        let [Output::Reply(reply), Output::Close(Reason::Http)] = &outputs[..] else { panic!("{outputs:?}") };
        assert!(reply.starts_with("HTTP/1.1 501 Not Implemented\r\n"));
    }
}

#[test]
fn too_much_gets_431_or_413_with_its_number_and_the_end() {
    let head = format!("OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nX: {}", "x".repeat(9000));
    let body = "SET_PARAMETER * RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 4097\r\n\r\n".to_owned();
    for (text, status, rejection) in [(head, 431, Rejection::HeadTooLong), (body, 413, Rejection::BodyTooLong)] {
        let outputs = Rig::new().send(text);
        let reply = only_reply(&outputs);
        assert_eq!((reply.status(), reply.header("CSeq")), (status, Some("7")));
        assert_eq!(outputs[1..], [Output::Refused(rejection), Output::Close(Reason::Refused(rejection))]);
    }
}
