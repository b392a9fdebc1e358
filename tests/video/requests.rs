//! Requests and replies: what RTSP 1.0 (RFC 2326) and its clients ask for, row by row.

use std::time::{Duration, Instant};

use crate::camera::test_camera;
use crate::login::hex;
use crate::support::{Launch, side_by_side, skip};
use crate::udp::UdpPair;
use crate::viewer::{Viewer, Way};

const METHODS: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN";

#[test]
fn options_lists_every_method_for_the_server_and_the_stream() {
    let daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    for url in ["*".to_owned(), viewer.url.clone(), format!("{}/", viewer.url)] {
        assert_eq!(viewer.ask("OPTIONS", &url, &[]).expect(200).header("Public"), METHODS);
    }
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert!(text.len().is_multiple_of(4), "{text}");
    let digits: Vec<u32> = text
        .trim_end_matches('=')
        .bytes()
        .map(|byte| u32::try_from(DIGITS.iter().position(|&digit| digit == byte).unwrap()).unwrap())
        .collect();
    let bits = |group: &[u32]| (0..4).fold(0, |bits, at| bits << 6 | group.get(at).copied().unwrap_or(0));
    let groups = digits.chunks(4);
    groups.flat_map(|group| bits(group).to_be_bytes()[1..group.len()].to_vec()).collect()
}

#[test]
fn the_description_has_all_that_clients_need() {
    let daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let reply = viewer.describe();
    assert_eq!(reply.header("Content-Type"), "application/sdp");
    let base = reply.header("Content-Base");
    assert_eq!(base, format!("{}/", viewer.url), "clients append to it");
    let line = |start: &str| {
        let found = reply.body.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no {start} in {}", reply.body)).to_owned()
    };
    assert!(reply.body.starts_with("v=0\r\n"), "{}", reply.body);
    assert!(reply.body.lines().all(|line| line.as_bytes()[1] == b'='), "{}", reply.body);
    assert_eq!(line("m="), "video 0 RTP/AVP 96");
    assert_eq!(line("a=rtpmap:"), "96 H264/90000");
    let format = line("a=fmtp:96 ");
    let parameter = |name| format.split([';', ' ']).find_map(|part| part.strip_prefix(name)).unwrap();
    assert_eq!(parameter("packetization-mode="), "1");
    let sets: Vec<Vec<u8>> = parameter("sprop-parameter-sets=").split(',').map(base64).collect();
    let profile = hex(&sets[0][1..4]);
    assert_eq!(parameter("profile-level-id=").to_lowercase(), profile);

    // The track is set up under Content-Base and its control name, and the stream has the sets that were declared.
    let track = format!("{base}{}", line("a=control:trackID").replacen('=', "trackID=", 1));
    let reply = viewer.ask("SETUP", &track, &[("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")]).expect(200);
    viewer.session = Some(reply.session());
    viewer.way = Way::Tcp { rtp: 0 };
    let first = viewer.play();
    assert_eq!(first.units[..2], sets[..2]);
}

#[test]
fn a_description_waits_for_the_first_picture_and_gives_up_after_a_while() {
    // Without a slate, so that there is nothing to show meanwhile.
    let daemon = test_camera().set("camera.slate", false).start();
    Viewer::connect(daemon.rtsp_port()).describe();

    let mut daemon = Launch::new().set("camera.slate", false).start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let asked = Instant::now();
    // A request behind it waits, and is answered after it.
    let url = viewer.url.clone();
    let text = viewer.compose("DESCRIBE", &url, &[]) + &viewer.compose("OPTIONS", &url, &[]);
    viewer.send(text.as_bytes());
    assert_eq!(viewer.reply().expect(503).header("CSeq"), "1");
    assert!(asked.elapsed() > Duration::from_secs(2), "it waits: {:?}", asked.elapsed());
    assert_eq!(viewer.reply().expect(200).header("CSeq"), "2");
    daemon.await_log("no picture from the camera in time");
    assert_eq!(daemon.counter("rtsp_unavailable"), 1);
}

#[test]
fn a_transport_is_the_first_usable_one_and_the_reply_has_no_other() {
    let daemon = test_camera().start();
    for (list, name, interleaved) in [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", "RTP/AVP/TCP", Some("0-1")),
        ("RTP/AVP/TCP;unicast;interleaved=6-7", "RTP/AVP/TCP", Some("6-7")),
        ("RTP/AVP/TCP;unicast", "RTP/AVP/TCP", Some("0-1")),
        ("RTP/AVP/TCP;unicast;interleaved=254-255;mode=play", "RTP/AVP/TCP", Some("254-255")),
        ("RTP/AVP;multicast,RTP/AVP;unicast;client_port=80-81,RTP/AVP/TCP;interleaved=2-3", "RTP/AVP/TCP", Some("2-3")),
        ("RTP/AVP/UDP;unicast;client_port=45000-45001,RTP/AVP/TCP", "RTP/AVP/UDP", None),
        ("RTP/AVP;unicast;client_port=45002-45003", "RTP/AVP", None),
    ] {
        let mut viewer = Viewer::connect(daemon.rtsp_port());
        let reply = viewer.set_up(list).expect(200);
        let transport: Vec<&str> = reply.header("Transport").split(';').collect();
        assert_eq!(transport[..2], [name, "unicast"], "{transport:?}");
        assert!(!reply.header("Transport").contains(','), "{transport:?}");
        let value = |name| transport.iter().find_map(|part| part.strip_prefix(name));
        assert_eq!(value("interleaved="), interleaved, "{transport:?}");
        if interleaved.is_none() {
            let (first, second) = value("server_port=").unwrap().split_once('-').unwrap();
            let (first, second): (u16, u16) = (first.parse().unwrap(), second.parse().unwrap());
            assert!(first.is_multiple_of(2) && second == first + 1, "{transport:?}");
        }
        assert!(value("ssrc=").is_some(), "{transport:?}");
        assert!(value("destination=").is_none(), "{transport:?}");
    }
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    for list in [
        "RTP/AVP;multicast",
        "RTP/AVP;unicast;client_port=0-1",
        "RTP/AVP;unicast;client_port=1022-1023",
        "RTP/AVP;unicast;client_port=65536-65537",
        "RTP/AVP/TCP;unicast;interleaved=256-257",
        "RTP/SAVP;unicast;client_port=5000-5001",
        "RTP/AVP;unicast;client_port=5000-5001;mode=record",
    ] {
        viewer.set_up(list).expect(461);
    }
    viewer.set_up("").expect(400);
}

#[test]
fn any_pair_of_channels_carries_the_stream() {
    let daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    viewer.session = Some(viewer.set_up("RTP/AVP/TCP;unicast;interleaved=6-7").expect(200).session());
    viewer.way = Way::Tcp { rtp: 6 };
    viewer.play();
    viewer.pictures(5);
}

#[test]
fn the_range_that_was_asked_for_is_repeated() {
    let daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    viewer.set_up_tcp();
    let url = viewer.url.clone();
    for (asked, answered) in
        [("", "npt=now-"), ("npt=0.000-", "npt=0.000-"), ("npt=now-", "npt=now-"), ("npt=0-10", "npt=0-")]
    {
        let reply = viewer.ask("PLAY", &url, &[("Range", asked)]).expect(200);
        assert_eq!(reply.header("Range"), answered);
    }
    viewer.ask("PLAY", &url, &[("Range", "npt=-")]).expect(457);
    viewer.ask("PLAY", &url, &[("Range", "clock=19961108T143720.25Z-")]).expect(501);
}

#[test]
fn what_cannot_be_done_has_the_status_of_rfc_2326() {
    let mut daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let stream = viewer.url.clone();
    let (elsewhere, track) = (format!("{stream}2"), format!("{stream}/trackID=0"));
    for (method, url, headers, status) in [
        ("ANNOUNCE", &stream[..], &[][..], 405),
        ("RECORD", &stream, &[], 405),
        ("REDIRECT", &stream, &[], 405),
        ("JUMP", &stream, &[], 501),
        ("DESCRIBE", &elsewhere, &[], 404),
        ("SETUP", &elsewhere, &[("Transport", "RTP/AVP/TCP")], 404),
        ("DESCRIBE", "http://127.0.0.1/ES_MTX", &[], 400),
        ("DESCRIBE", &stream, &[("Accept", "text/html")], 406),
        ("DESCRIBE", &stream, &[("Require", "implicit-play")], 551),
        ("PLAY", &stream, &[], 454),
        ("PAUSE", &stream, &[], 454),
        ("PLAY", &stream, &[("Session", "0123456789abcdef")], 454),
        ("TEARDOWN", &stream, &[("Session", "0123456789abcdef")], 454),
        ("GET_PARAMETER", &stream, &[("Session", "0123456789abcdef")], 454),
        ("SETUP", &track, &[], 400),
    ] {
        let reply = viewer.ask(method, url, headers);
        assert_eq!(reply.status, status, "{method} {url} {headers:?}: {reply:?}");
        if status == 405 {
            assert_eq!(reply.header("Allow"), METHODS);
        }
    }
    // The connection has survived all of that.
    viewer.set_up_tcp();
    let second = viewer.ask("SETUP", &format!("{stream}/trackID=1"), &[("Transport", "RTP/AVP/TCP;interleaved=2-3")]);
    assert_eq!(second.status, 459, "{second:?}");
    viewer.play();
    daemon.await_log("refused a request of 127.0.0.1");
    for counter in ["rtsp_bad_request", "rtsp_not_found", "rtsp_wrong_state"] {
        assert!(daemon.counter(counter) > 0, "{counter}");
    }
}

#[test]
fn the_path_is_configured_and_a_slash_and_a_query_are_passed_over() {
    let daemon = test_camera().set("server.rtsp_path", "live/front").start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    viewer.request("DESCRIBE").expect(404);
    let base = format!("rtsp://{}/live/front", daemon.rtsp_port());
    for url in [base.clone(), format!("{base}/"), format!("{base}?user=a&x=b"), format!("{base}/?x")] {
        let reply = viewer.ask("DESCRIBE", &url, &[]).expect(200);
        assert_eq!(reply.header("Content-Base"), format!("{base}/"));
    }
}

#[test]
fn everything_works_over_ipv6() {
    let Ok(probe) = std::net::TcpListener::bind("[::1]:0") else { return skip("no IPv6 here") };
    drop(probe);
    let daemon = test_camera().set("server.host", "::1").start();
    let port = daemon.rtsp_port();
    side_by_side([Viewer::watch_tcp, Viewer::watch_udp], |watch| {
        let mut viewer = watch(port);
        viewer.pictures(10);
        viewer.request("TEARDOWN").expect(200);
    });
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let reply = viewer.describe();
    assert!(reply.body.contains("IN IP6 "), "{}", reply.body);
    let pair = UdpPair::bind("::1".parse().unwrap());
    viewer.set_up(&pair.transport()).expect(200);
}
