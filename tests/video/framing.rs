//! Requests as bytes: malformed ones, and where they begin and end.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use crate::camera::test_camera;
use crate::reply::Reply;
use crate::support::side_by_side;
use crate::viewer::{Viewer, Way};

/// Sends bytes on a connection of their own; the reply.
fn reply_to(port: SocketAddr, bytes: &[u8]) -> Reply {
    let mut viewer = Viewer::connect(port);
    viewer.send(bytes);
    viewer.reply()
}

#[test]
fn malformed_requests_get_an_answer() {
    let daemon = test_camera().start();
    let url = Viewer::connect(daemon.rtsp_port()).url;
    for (text, status) in [
        ("OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n".to_owned(), 505),
        ("OPTIONS * RTSP/1.0\r\n\r\n".into(), 400),
        ("OPTIONS * RTSP/1.0\r\nCSeq: one\r\n\r\n".into(), 400),
        ("OPTIONS * RTSP/1.0\r\nCSeq: -1\r\n\r\n".into(), 400),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 99999999999\r\n\r\n".into(), 400),
        ("OPTIONS *\r\nCSeq: 1\r\n\r\n".into(), 400),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nno header\r\n\r\n".into(), 400),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: many\r\n\r\n".into(), 400),
        (format!("DESCRIBE {url}<> RTSP/1.0\r\nCSeq: 1\r\n\r\n"), 400),
        (format!("DESCRIBE {url}/{} RTSP/1.0\r\nCSeq: 1\r\n\r\n", "a".repeat(2000)), 414),
        (format!("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: {}\r\n\r\n", "a".repeat(9000)), 431),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 5000\r\n\r\n".into(), 413),
        ("\u{1}\u{2}\u{3}\u{4}\r\n\r\n".into(), 400),
    ] {
        let reply = reply_to(daemon.rtsp_port(), text.as_bytes());
        assert_eq!(reply.status, status, "{text:?}: {reply:?}");
    }
    // What some clients send is understood: empty lines before a request, bare line feeds, other cases and spaces.
    for text in [
        "\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n",
        "OPTIONS * RTSP/1.0\nCSeq: 7\n\n",
        "OPTIONS * RTSP/1.0\r\ncseq:7\r\n\r\n",
        "OPTIONS * RTSP/1.0\r\nCSEQ:   7  \r\nContent-Length: 3\r\n\r\nabc",
    ] {
        assert_eq!(reply_to(daemon.rtsp_port(), text.as_bytes()).expect(200).header("CSeq"), "7", "{text:?}");
    }
}

#[test]
fn http_gets_an_answer_in_http() {
    let daemon = test_camera().start();
    let mut stream = Viewer::connect(daemon.rtsp_port()).stream;
    // VLC's tunnel over HTTP.
    stream
        .write_all(b"GET /ES_MTX HTTP/1.0\r\nx-sessioncookie: 1\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 501 "), "{text}");
}

#[test]
fn requests_may_be_split_joined_and_mixed_with_frames() {
    let mut daemon = test_camera().start();
    // Byte by byte.
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let text = viewer.compose("OPTIONS", "*", &[]);
    for byte in text.as_bytes() {
        viewer.send(&[*byte]);
    }
    viewer.reply().expect(200);

    // A whole conversation in one write, up to the session that the next request has to name.
    let url = viewer.url.clone();
    let text = [
        viewer.compose("OPTIONS", &url, &[]),
        viewer.compose("DESCRIBE", &url, &[]),
        viewer.compose("SETUP", &format!("{url}/trackID=0"), &[("Transport", "RTP/AVP/TCP;interleaved=0-1")]),
    ];
    viewer.send(text.concat().as_bytes());
    let replies = [0; 3].map(|_| viewer.reply().expect(200));
    assert_eq!(replies.each_ref().map(|reply| reply.header("CSeq")), ["2", "3", "4"]);
    viewer.session = Some(replies[2].session());
    viewer.way = Way::Tcp { rtp: 0 };

    // PLAY waits for a key picture, with more behind it.
    let text = viewer.compose("PLAY", &url, &[]) + &viewer.compose("GET_PARAMETER", &url, &[]);
    viewer.send(text.as_bytes());
    let first = viewer.reply().expect(200).first_packet();
    viewer.reply().expect(200);
    let picture = viewer.picture();
    assert_eq!((picture.first_seq, picture.time, picture.key), (first.0, first.1, true));

    // Receiver reports in frames, around requests and in the middle of a write; a frame on another channel is dropped.
    let report = [b'$', 1, 0, 8, 0x80, 201, 0, 1, 1, 2, 3, 4];
    let request = viewer.compose("GET_PARAMETER", &url, &[]);
    let bytes = [&report, request.as_bytes(), &report, &[b'$', 9, 0, 1, 0], &report].concat();
    let (one, other) = bytes.split_at(bytes.len() / 2 + 3);
    viewer.send(one);
    viewer.picture();
    viewer.send(other);
    viewer.reply().expect(200);
    viewer.pictures(5);
    assert_eq!(daemon.counter("rtcp_received"), 3);
    assert_eq!(daemon.counter("rtsp_frames_dropped"), 1);
    assert_eq!(daemon.counter("rtcp_damaged"), 0);
}

/// The daemon does not read while a reply is pending; what comes meanwhile is read afterwards.
#[test]
fn requests_that_come_while_a_play_is_pending_are_answered_after_it() {
    // A key picture each 2 s.
    let mut daemon = test_camera().set("camera.intra", 48).start();
    let mut first = Viewer::watch_tcp(daemon.rtsp_port());
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let url = viewer.url.clone();
    viewer.set_up_tcp();
    first.picture();
    let text = viewer.compose("PLAY", &url, &[]);
    viewer.send(text.as_bytes());
    first.pictures(3);
    let text = viewer.compose("GET_PARAMETER", &url, &[]) + &viewer.compose("OPTIONS", &url, &[]);
    let (one, other) = text.split_at(text.len() / 4);
    viewer.send(one.as_bytes());
    first.pictures(3);
    viewer.send(other.as_bytes());
    viewer.reply().expect(200).first_packet();
    viewer.reply().expect(200);
    viewer.reply().expect(200);

    // More at once than the daemon reads at once, or keeps replies to.
    let text: String = (0..2000).map(|_| viewer.compose("GET_PARAMETER", &url, &[])).collect();
    viewer.send(text.as_bytes());
    for nth in 0..2000 {
        let reply = viewer.reply().expect(200);
        assert_eq!(reply.header("CSeq"), (viewer.cseq - 1999 + nth).to_string());
    }
    viewer.pictures(5);
    assert_eq!(daemon.counter("peer_overflow"), 0);
}

/// Takes the 10 s that a request has.
#[test]
fn a_request_that_is_never_complete_ends_the_connection() {
    let daemon = test_camera().start();
    let port = daemon.rtsp_port();
    side_by_side([false, true], |asks| {
        let mut viewer = Viewer::connect(port);
        let began = Instant::now();
        if asks {
            viewer.send(b"OPTIONS * RTSP/1.0\r\nCSeq: 3\r\n");
            assert_eq!(viewer.reply().expect(408).header("CSeq"), "3");
        }
        viewer.expect_end();
        assert!((9..20).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    });
}
