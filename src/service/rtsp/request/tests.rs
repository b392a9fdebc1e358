use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::cuts::cut;
use crate::limits::RTSP_MAX_URI_BYTES;
use crate::service::rtsp::Rejection;

/// All that comes out of a parser that is fed these pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Item>, Option<Fault>, Parser) {
    let mut parser = Parser::default();
    let mut items = Vec::new();
    let mut fault = None;
    for piece in pieces {
        parser.push(piece);
        loop {
            match parser.next() {
                Ok(None) => break,
                Ok(Some(item)) => items.push(item),
                Err(found) => {
                    fault = Some(found);
                    break;
                }
            }
        }
    }
    (items, fault, parser)
}

fn one(text: &str) -> Request {
    match &read([text.as_bytes()]).0[..] {
        [Item::Request(request)] => (**request).clone(),
        other => panic!("{text:?}: {other:?}"),
    }
}

fn bad(text: &str) -> (Option<u32>, u16) {
    match &read([text.as_bytes()]).0[..] {
        [Item::Bad(bad)] => (bad.cseq, bad.rejection.status().code),
        other => panic!("{text:?}: {other:?}"),
    }
}

fn fault(bytes: &[u8]) -> Option<Fault> {
    read([bytes]).1
}

#[test]
fn a_request_is_read_with_its_headers() {
    let request =
        one("SETUP rtsp://h/s/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nCSeq: 3\r\n\
        User-Agent: Lavf61.7.100\r\nSession: abc;timeout=60\r\n\r\n");
    assert_eq!(request.verb, Verb::Known(Method::Setup));
    assert_eq!(request.uri, "rtsp://h/s/trackID=0");
    assert_eq!(request.cseq, 3);
    assert_eq!(request.transport.as_deref(), Some("RTP/AVP/TCP;unicast;interleaved=0-1"));
    assert_eq!(request.session.as_deref(), Some("abc"));
    assert!(!request.has_body);
}

#[test]
fn names_of_headers_come_in_any_case_and_lines_may_end_with_lf_alone() {
    let request = one("PLAY rtsp://h/s RTSP/1.0\ncseq:7\nRANGE:  \tnpt=0-  \n\n");
    assert_eq!((request.cseq, request.range.as_deref()), (7, Some("npt=0-")));
}

#[test]
fn of_a_repeated_header_the_first_counts() {
    assert_eq!(one("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nCSeq: 2\r\n\r\n").cseq, 1);
}

#[test]
fn empty_lines_before_a_request_are_passed_over() {
    let (items, fault, parser) = read([&b"\r\n\r\n\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n\r\n"[..]]);
    assert_eq!((items.len(), fault, parser.mid_item()), (1, None, false));
    assert_eq!(parser.memory_bytes(), 0, "between requests a connection holds no memory");
}

#[test]
fn a_body_is_counted_off() {
    let text = "GET_PARAMETER rtsp://h/s RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 10\r\n\r\nposition\r\n\
        OPTIONS * RTSP/1.0\r\nCSeq: 2\r\n\r\n";
    let (items, ..) = read(text.as_bytes().chunks(1));
    let bodies: Vec<bool> =
        items.iter().map(|item| matches!(item, Item::Request(request) if request.has_body)).collect();
    assert_eq!(bodies, [true, false]);
    assert!(!one("GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\n\r\n").has_body, "white space only");
}

#[test]
fn frames_stand_between_requests() {
    let text = b"$\x01\x00\x04RTCPOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x00\x00\x00$\x05\x00\x01x";
    for size in 1..text.len() {
        let (items, fault, parser) = read(text.chunks(size));
        assert_eq!(items.len(), 4);
        assert_eq!(items[0], Item::Frame { channel: 1, payload: b"RTCP".to_vec() });
        assert!(matches!(items[1], Item::Request(_)));
        assert_eq!(items[2], Item::Frame { channel: 0, payload: Vec::new() });
        assert_eq!(items[3], Item::Frame { channel: 5, payload: b"x".to_vec() });
        assert_eq!((fault, parser.mid_item()), (None, false));
    }
}

#[test]
fn a_long_frame_is_counted_off() {
    let mut bytes = b"$\x01\xFF\xFF".to_vec();
    bytes.extend(vec![b'$'; 65535]);
    bytes.extend(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    let (items, fault, parser) = read(bytes.chunks(1000));
    assert_eq!((items.len(), fault), (2, None));
    assert_eq!(items[0], Item::LongFrame { channel: 1 });
    assert!(matches!(items[1], Item::Request(_)));
    assert_eq!(parser.memory_bytes(), 0);
    let longest = u16::try_from(RTSP_MAX_FRAME_BYTES).unwrap();
    let mut bytes = [&b"$\x01"[..], &longest.to_be_bytes()].concat();
    bytes.extend(vec![0; RTSP_MAX_FRAME_BYTES]);
    assert!(
        matches!(&read([&bytes[..]]).0[..], [Item::Frame { payload, .. }] if payload.len() == RTSP_MAX_FRAME_BYTES)
    );
}

#[test]
fn requests_that_are_whole_but_wrong_are_refused_and_the_next_is_read() {
    for (text, expected) in [
        ("OPTIONS * RTSP/1.0\r\n\r\n", (None, 400)),
        ("OPTIONS * RTSP/1.0\r\nCSeq: \r\n\r\n", (None, 400)),
        ("OPTIONS * RTSP/1.0\r\nCSeq: -1\r\n\r\n", (None, 400)),
        ("OPTIONS * RTSP/1.0\r\nCSeq: +1\r\n\r\n", (None, 400)),
        ("OPTIONS * RTSP/1.0\r\nCSeq: one\r\n\r\n", (None, 400)),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 4294967296\r\n\r\n", (None, 400)),
        ("OPTIONS * RTSP/2.0\r\nCSeq: 4294967295\r\n\r\n", (Some(u32::MAX), 505)),
        ("OPTIONS * RTSP/1.1\r\nCSeq: 1\r\n\r\n", (Some(1), 505)),
        ("OPTIONS rtsp://h/\"s\" RTSP/1.0\r\nCSeq: 1\r\n\r\n", (Some(1), 400)),
        ("OPTIONS rtsp://h/\u{e9} RTSP/1.0\r\nCSeq: 1\r\n\r\n", (Some(1), 400)),
        ("OPTIONS rtsp://h/a\rb RTSP/1.0\r\nCSeq: 1\r\n\r\n", (Some(1), 400)),
    ] {
        assert_eq!(bad(text), expected, "{text:?}");
        let (items, fault, _) = read([text.as_bytes(), text.as_bytes()]);
        assert_eq!((items.len(), fault), (2, None), "{text:?}");
    }
    let long = format!("OPTIONS rtsp://h/{} RTSP/1.0\r\nCSeq: 1\r\n\r\n", "a".repeat(RTSP_MAX_URI_BYTES));
    assert_eq!(bad(&long), (Some(1), Rejection::UriTooLong.status().code));
}

#[test]
fn methods_are_known_not_allowed_or_unknown() {
    let verb = |name: &str| one(&format!("{name} * RTSP/1.0\r\nCSeq: 1\r\n\r\n")).verb;
    for method in Method::ALL {
        assert_eq!(verb(method.name()), Verb::Known(method));
    }
    for name in ["ANNOUNCE", "RECORD", "REDIRECT"] {
        assert_eq!(verb(name), Verb::NotAllowed);
    }
    for name in ["options", "PLAY_NOTIFY", "GET", "*"] {
        assert_eq!(verb(name), Verb::Unknown);
    }
}

#[test]
fn what_can_not_be_read_on_is_a_fault() {
    for (text, expected) in [
        ("OPTIONS *\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS\r\n\r\n", Fault::Malformed(None)),
        ("OPTIONS * RTSP/1.0 x\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * SIP/2.0\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nno header\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n folded\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nCSeq : 1\r\n\r\n", Fault::Malformed(None)),
        ("OPTIONS * RTSP/1.0\r\nContent-Length: x\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nContent-Length: -1\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nContent-Length: 99999999999999999999\r\nCSeq: 1\r\n\r\n", Fault::Malformed(Some(1))),
        ("OPTIONS * RTSP/1.0\r\nContent-Length: 4097\r\nCSeq: 1\r\n\r\n", Fault::BodyTooLong(Some(1))),
        ("GET /s HTTP/1.1\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n", Fault::Http),
        ("POST /s HTTP/1.0\r\nContent-Length: 32767\r\n\r\n", Fault::Http),
        ("\u{16}\u{3}\u{1}", Fault::NotRtsp),
        (" OPTIONS", Fault::NotRtsp),
    ] {
        assert_eq!(fault(text.as_bytes()), Some(expected), "{text:?}");
        let (_, cut, mut parser) = read(text.as_bytes().chunks(1));
        assert_eq!(cut, Some(expected), "{text:?} byte by byte");
        parser.push(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n");
        assert_eq!(parser.next(), Err(expected), "nothing comes after it");
        assert_eq!(parser.memory_bytes(), 0);
    }
    assert_eq!(fault(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: \xFF\r\n\r\n"), Some(Fault::Malformed(Some(1))));
}

#[test]
fn a_head_has_8_kib_and_a_body_4() {
    let start = "OPTIONS * RTSP/1.0\r\nCSeq: 5\r\nX: ";
    let head = |bytes: usize| format!("{start}{}\r\n\r\n", "x".repeat(bytes - start.len() - 4));
    assert_eq!(one(&head(RTSP_MAX_HEAD_BYTES)).cseq, 5);
    assert_eq!(fault(head(RTSP_MAX_HEAD_BYTES + 1).as_bytes()), Some(Fault::HeadTooLong(Some(5))));
    let endless = format!("{start}{}", "x".repeat(RTSP_MAX_HEAD_BYTES));
    for size in [1, 100, 10_000] {
        let (items, fault, parser) = read(endless.as_bytes().chunks(size));
        assert_eq!((items.len(), fault), (0, Some(Fault::HeadTooLong(Some(5)))));
        assert_eq!(parser.memory_bytes(), 0);
    }
    let body = format!("SET_PARAMETER * RTSP/1.0\r\nCSeq: 5\r\nContent-Length: 4096\r\n\r\n{}", "x".repeat(4096));
    assert!(one(&body).has_body);
}

/// Pieces of dialogue, good and bad.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let request = (
        select(vec!["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN", "RECORD", "X"]),
        select(vec!["*", "rtsp://h/s", "rtsp://h/s/trackID=0", "/s"]),
        any::<u16>(),
        vec(any::<u8>(), 0..40),
        select(vec!["\r\n", "\n"]),
    );
    prop_oneof![
        6 => request.prop_map(|(method, uri, cseq, body, end)| {
            let head = format!("{method} {uri} RTSP/1.0{end}CSeq: {cseq}{end}Content-Length: {}{end}{end}", body.len());
            [head.as_bytes(), &body].concat()
        }),
        3 => (any::<u8>(), vec(any::<u8>(), 0..100)).prop_map(|(channel, payload)| {
            [&[b'$', channel, 0, u8::try_from(payload.len()).unwrap()][..], &payload].concat()
        }),
        1 => (any::<u8>(), 2000..3000_u16).prop_map(|(channel, length)| {
            [&[b'$', channel][..], &length.to_be_bytes(), &vec![0; usize::from(length)]].concat()
        }),
        1 => select(vec![&b"\r\n"[..], b"OPTIONS *", b"$", b"$\x01", b"\r\n\r\n", b"CSeq: 1\r\n"]).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #[test]
    fn however_it_is_cut_the_same_is_read(pieces in vec(piece(), 0..10), cuts in vec(any::<Index>(), 0..20)) {
        let bytes = pieces.concat();
        let (whole, whole_fault, _) = read([&bytes[..]]);
        let (items, fault, _) = read(cut(&bytes, &cuts));
        prop_assert_eq!(items, whole);
        prop_assert_eq!(fault, whole_fault);
    }

    #[test]
    fn memory_is_bounded_whatever_comes(pieces in vec(vec(any::<u8>(), 0..700), 0..40), start in select(vec![&b""[..], b"$\x01", b"A"])) {
        let mut parser = Parser::default();
        parser.push(start);
        for piece in &pieces {
            parser.push(piece);
            while let Ok(Some(_)) = parser.next() {}
            // A Vec that grows doubles.
            prop_assert!(parser.memory_bytes() <= 2 * (RTSP_MAX_HEAD_BYTES + piece.len()));
            prop_assert!(parser.waiting_bytes() <= RTSP_MAX_HEAD_BYTES);
        }
    }
}
