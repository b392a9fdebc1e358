//! What has no end.

use super::*;

#[test]
fn a_stream_follows_its_head_and_lasts() {
    for (path, stream, kind) in [
        ("/video.mp4", Stream::Video, "video/mp4; codecs=\"avc1.64001F\""),
        ("/events", Stream::Events, "text/event-stream"),
    ] {
        let mut rig = Rig::new();
        let outputs = rig.request("GET", path, &["Range: bytes=0-"], "");
        let reply = only_reply(&outputs);
        assert_eq!((reply.status(), reply.header("Content-Type")), (200, Some(kind)));
        assert_eq!(reply.header("Connection"), Some("close"), "its end is the connection's");
        assert_eq!((reply.header("Content-Length"), reply.header("Transfer-Encoding")), (None, None));
        assert_eq!(outputs.last(), Some(&Output::Stream(stream)), "{path}");
        assert_eq!((rig.exchange.waits(), rig.exchange.deadline()), (false, None));
        rig.after(Duration::from_hours(1));
        for input in [Input::Bytes(b"GET / HTTP/1.1\r\n\r\n"), Input::Wakeup, Input::Finished, Input::Sent] {
            assert_eq!(rig.input(input), [], "a stream goes on");
        }
        assert_eq!(rig.input(Input::Answer(Answer::Stream(Kind::Events))), []);
        assert_eq!(rig.exchange.memory_bytes(), 0);
    }
}

#[test]
fn a_stream_that_can_not_begin_is_refused_and_the_connection_goes_on() {
    for rejection in [Rejection::Full, Rejection::NoPicture] {
        let mut rig = Rig { ready: false, ..Rig::new() };
        assert_eq!(rig.request("GET", "/video.mp4", &[], ""), [Output::Ask(Question::Video)]);
        let outputs = rig.input(Input::Answer(Answer::Refused(rejection)));
        let reply = only_reply(&outputs);
        assert_eq!((reply.status(), reply.header("Retry-After")), (503, Some("5")));
        assert_eq!(closed(&outputs), None);
        assert_eq!(rig.request("GET", "/healthz", &[], ""), [Output::Ask(Question::Health)]);
        assert_eq!(rig.input(Input::Answer(Answer::Stream(Kind::Events))), [], "that is no stream");
    }
}

#[test]
fn a_stream_ends_with_the_session_it_was_opened_in() {
    let cookie = format!("Cookie: es_iot_session={SESSION}");
    for ready in [true, false] {
        let mut rig = Rig { access: Access::Session(&known), ready, ..Rig::new() };
        rig.request("GET", "/video.mp4", &[&cookie], "");
        assert_eq!(rig.input(Input::AccessChanged), [], "another session has ended");
        rig.access = Access::Session(&|_| false);
        assert_eq!(rig.input(Input::AccessChanged), [Output::Close(Reason::NotAllowed)], "{ready}");
    }
    let mut rig = Rig::new();
    rig.request("GET", "/events", &[], "");
    assert_eq!(rig.input(Input::AccessChanged), []);
    rig.access = Access::Session(&known);
    assert_eq!(rig.input(Input::AccessChanged), [Output::Close(Reason::NotAllowed)], "a password is required now");
}
