//! Conversations as players hold them, in their words. Where a player can be had, `players` runs it; VLC and live555 are
//! here because they are not installed with a few commands, and because their habits are what servers stumble over.

use std::time::Duration;

use crate::camera::test_camera;
use crate::login::digest;
use crate::support::pass;
use crate::udp::UdpPair;
use crate::viewer::{Viewer, Way};

/// A request in a player's own words. `SESSION` is replaced.
fn say(viewer: &mut Viewer, lines: &[&str]) {
    viewer.cseq += 1;
    let number = viewer.cseq.to_string();
    let session = viewer.session.clone().unwrap_or_default();
    let mut text = String::new();
    for line in lines {
        text += &line.replace("NUMBER", &number).replace("SESSION", &session);
        text += "\r\n";
    }
    viewer.send((text + "\r\n").as_bytes());
}

/// VLC 3 (live555 2016 to 2021): OPTIONS first, a request for Content-Base with its slash, and `GET_PARAMETER` for a sign of
/// life because OPTIONS lists it.
fn as_vlc(viewer: &mut Viewer, tcp: bool, authorization: Option<(&str, &str)>) {
    const AGENT: &str = "User-Agent: LibVLC/3.0.21 (LIVE555 Streaming Media v2016.11.28)";
    let url = viewer.url.clone();
    let signed = |challenge: &Option<String>, method: &str, uri: &str| match (challenge, authorization) {
        (Some(challenge), Some(login)) => format!("Authorization: {}", digest(challenge, login, method, uri)),
        _ => "Accept-Language: en".to_owned(),
    };
    say(viewer, &[&format!("OPTIONS {url} RTSP/1.0"), "CSeq: NUMBER", AGENT]);
    let public = viewer.reply().expect(200).header("Public").to_owned();
    assert!(public.split(", ").any(|method| method == "GET_PARAMETER"), "{public}");

    let mut challenge = None;
    let describe = format!("DESCRIBE {url} RTSP/1.0");
    if authorization.is_some() {
        say(viewer, &[&describe, "CSeq: NUMBER", AGENT, "Accept: application/sdp"]);
        // It takes the last challenge.
        challenge = viewer.reply().expect(401).all("WWW-Authenticate").last().map(|&text| text.to_owned());
    }
    let login = signed(&challenge, "DESCRIBE", &url);
    say(viewer, &[&describe, "CSeq: NUMBER", &login, AGENT, "Accept: application/sdp"]);
    let base = viewer.reply().expect(200).header("Content-Base").to_owned();
    assert_eq!(base, format!("{url}/"));

    let pair = UdpPair::bind(viewer.stream.local_addr().unwrap().ip());
    let transport = if tcp { "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned() } else { pair.transport() };
    // It signs Content-Base in the SETUP of the track.
    let login = signed(&challenge, "SETUP", &base);
    say(
        viewer,
        &[
            &format!("SETUP {base}trackID=0 RTSP/1.0"),
            "CSeq: NUMBER",
            &login,
            AGENT,
            &format!("Transport: {transport}"),
        ],
    );
    viewer.session = Some(viewer.reply().expect(200).session());
    viewer.way = if tcp { Way::Tcp { rtp: 0 } } else { Way::Udp(pair) };

    // The whole presentation, by Content-Base.
    let login = signed(&challenge, "PLAY", &base);
    say(
        viewer,
        &[&format!("PLAY {base} RTSP/1.0"), "CSeq: NUMBER", &login, AGENT, "Session: SESSION", "Range: npt=0.000-"],
    );
    let reply = viewer.reply().expect(200);
    assert_eq!(reply.header("Range"), "npt=0.000-");
    let first = viewer.picture();
    assert_eq!((first.first_seq, first.time), reply.first_packet());
    assert_eq!(viewer.reports.len(), 1, "its clock is set by the first report");

    let login = signed(&challenge, "GET_PARAMETER", &base);
    say(viewer, &[&format!("GET_PARAMETER {base} RTSP/1.0"), "CSeq: NUMBER", &login, AGENT, "Session: SESSION"]);
    viewer.reply().expect(200);
    viewer.pictures(10);
    let login = signed(&challenge, "TEARDOWN", &base);
    say(viewer, &[&format!("TEARDOWN {base} RTSP/1.0"), "CSeq: NUMBER", &login, AGENT, "Session: SESSION"]);
    viewer.reply().expect(200);
}

#[test]
fn vlc_watches_over_udp_and_tcp() {
    let daemon = test_camera().start();
    for tcp in [false, true] {
        as_vlc(&mut Viewer::connect(daemon.rtsp_port()), tcp, None);
    }
}

#[test]
fn vlc_gives_the_password_with_md5() {
    let daemon = test_camera().set("auth.required", true).set("auth.trust_loopback", false).start();
    for tcp in [false, true] {
        as_vlc(&mut Viewer::connect(daemon.rtsp_port()), tcp, Some(("es-iot", "1111")));
    }
}

/// live555's openRTSP: it asks for the URL as it was given, here with a slash at its end, sends receiver reports over UDP,
/// and opens the way through a NAT with empty datagrams to the server's ports.
#[test]
fn live555_watches_by_a_url_with_a_slash() {
    const AGENT: &str = "User-Agent: openRTSP (LIVE555 Streaming Media v2022.10.01)";
    let mut daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let url = format!("{}/", viewer.url);
    say(&mut viewer, &[&format!("OPTIONS {url} RTSP/1.0"), "CSeq: NUMBER", AGENT]);
    viewer.reply().expect(200);
    say(&mut viewer, &[&format!("DESCRIBE {url} RTSP/1.0"), "CSeq: NUMBER", AGENT, "Accept: application/sdp"]);
    let base = viewer.reply().expect(200).header("Content-Base").to_owned();
    assert_eq!(base, url);
    let pair = UdpPair::bind(viewer.stream.local_addr().unwrap().ip());
    let transport = format!("Transport: {}", pair.transport());
    say(&mut viewer, &[&format!("SETUP {base}trackID=0 RTSP/1.0"), "CSeq: NUMBER", AGENT, &transport]);
    let reply = viewer.reply().expect(200);
    let port = reply.server_port().unwrap();
    for nth in 0..2 {
        let socket = if nth == 0 { &pair.rtp } else { &pair.rtcp };
        socket.send_to(&[0xCE, 0xFA, 0xED, 0xFE], ("127.0.0.1", port + nth)).unwrap();
    }
    viewer.session = Some(reply.session());
    viewer.way = Way::Udp(pair);
    say(
        &mut viewer,
        &[&format!("PLAY {base} RTSP/1.0"), "CSeq: NUMBER", AGENT, "Session: SESSION", "Range: npt=0.000-"],
    );
    let reply = viewer.reply().expect(200);
    let first = viewer.picture();
    assert_eq!((first.first_seq, first.time), reply.first_packet());
    // A receiver report with one block, and a BYE at the end.
    let Way::Udp(pair) = &viewer.way else { panic!("UDP") };
    let mut report = vec![0x81, 201, 0, 7, 1, 2, 3, 4];
    report.extend_from_slice(&viewer.receiver.ssrc().unwrap().to_be_bytes());
    report.extend_from_slice(&[0; 20]);
    pair.rtcp.send_to(&report, ("127.0.0.1", port + 1)).unwrap();
    viewer.pictures(10);
    // The first datagram to the port of the reports was none.
    assert_eq!(daemon.counter("rtcp_received"), 2);
    assert_eq!(daemon.counter("rtcp_damaged"), 1);
    say(&mut viewer, &[&format!("TEARDOWN {base} RTSP/1.0"), "CSeq: NUMBER", AGENT, "Session: SESSION"]);
    viewer.reply().expect(200);
    viewer.expect_silence(Duration::from_millis(300));
}

/// A viewer that only reads: no receiver reports, and no request after its PLAY.
#[test]
fn a_viewer_over_tcp_may_keep_silent() {
    let daemon = test_camera().start();
    let mut viewer = Viewer::watch_tcp(daemon.rtsp_port());
    pass(Duration::from_millis(100));
    viewer.pictures_for(Duration::from_secs(12));
}
