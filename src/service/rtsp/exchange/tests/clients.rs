//! The requests of real clients in their own forms and order, with what they look at in the replies.
//!
//! ffmpeg 5.1, `GStreamer` 1.22 and retina 0.4 as recorded; VLC 3 as its source has it (live555).

use super::*;

/// Sends requests one after the other, with the session's identifier put in for `{id}`. Returns the replies, and what was
/// done beside describing.
fn play_back(rig: &mut Rig, requests: &[&str]) -> (Vec<Text>, Vec<Output>) {
    let (mut id, mut all, mut done) = (String::new(), Vec::new(), Vec::new());
    for request in requests {
        let mut outputs = rig.send(request.replace('\n', "\r\n").replace("{id}", &id));
        let reply = only_reply(&outputs);
        if let Some(session) = reply.header("Session") {
            session.split(';').next().unwrap().clone_into(&mut id);
        }
        let number = request.split("CSeq: ").nth(1).unwrap().lines().next();
        assert_eq!(reply.header("CSeq"), number);
        all.push(reply);
        outputs.retain(|output| !matches!(output, Output::Reply(_) | Output::Describe));
        done.extend(outputs);
    }
    (all, done)
}

fn all_ok(replies: &[Text]) -> bool {
    replies.iter().all(|reply| reply.status() == 200)
}

const FFMPEG_BEGINS: [&str; 2] = [
    "OPTIONS rtsp://127.0.0.1:8554/ES_MTX RTSP/1.0\nCSeq: 1\nUser-Agent: Lavf59.27.100\n\n",
    "DESCRIBE rtsp://127.0.0.1:8554/ES_MTX RTSP/1.0\nAccept: application/sdp\nCSeq: 2\nUser-Agent: Lavf59.27.100\n\n",
];

#[test]
fn ffmpeg_over_udp_that_does_not_arrive_and_then_tcp() {
    let requests = [
        "SETUP rtsp://127.0.0.1:8554/ES_MTX/trackID=0 RTSP/1.0\nTransport: RTP/AVP/UDP;unicast;client_port=20584-20585\n\
         CSeq: 3\nUser-Agent: Lavf59.27.100\n\n",
        "PLAY rtsp://127.0.0.1:8554/ES_MTX/ RTSP/1.0\nRange: npt=0.000-\nCSeq: 4\nUser-Agent: Lavf59.27.100\nSession: {id}\n\n",
        "PAUSE rtsp://127.0.0.1:8554/ES_MTX/ RTSP/1.0\nCSeq: 5\nUser-Agent: Lavf59.27.100\nSession: {id}\n\n",
        "SETUP rtsp://127.0.0.1:8554/ES_MTX/trackID=0 RTSP/1.0\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\nCSeq: 6\n\
         User-Agent: Lavf59.27.100\n\n",
        "PLAY rtsp://127.0.0.1:8554/ES_MTX/ RTSP/1.0\nRange: npt=0.000-\nCSeq: 7\nUser-Agent: Lavf59.27.100\nSession: {id}\n\n",
        "GET_PARAMETER rtsp://127.0.0.1:8554/ES_MTX/ RTSP/1.0\nCSeq: 8\nUser-Agent: Lavf59.27.100\nSession: {id}\n\n",
        "TEARDOWN rtsp://127.0.0.1:8554/ES_MTX/ RTSP/1.0\nCSeq: 9\nUser-Agent: Lavf59.27.100\nSession: {id}\n\n",
    ];
    let (replies, done) = play_back(&mut Rig::new(), &[&FFMPEG_BEGINS[..], &requests].concat());
    assert!(all_ok(&replies), "{replies:#?}");
    let expected = [
        Output::SetUp(Transport::Udp { rtp: 20584, rtcp: 20585 }),
        Output::Start,
        Output::Begin,
        Output::Stop,
        Output::SessionOver,
        Output::SetUp(Transport::Tcp { rtp: 0, rtcp: 1 }),
        Output::Start,
        Output::Begin,
        Output::SessionOver,
    ];
    assert_eq!(done, expected);
    // ffmpeg compares the URL with the one of its SETUP, and takes the range of the reply for its time stamps.
    let info = replies[3].header("RTP-Info").unwrap();
    assert!(info.starts_with("url=rtsp://127.0.0.1:8554/ES_MTX/trackID=0;seq="), "{info}");
    assert_eq!(replies[3].header("Range"), Some("npt=0.000-"));
}

#[test]
fn gstreamer_tries_udp_multicast_and_tcp_in_turn() {
    let (ua, date) = ("User-Agent: GStreamer/1.22.0", "Date: Wed, 25 Nov 2026 22:26:24 GMT");
    let mut rig = Rig { udp: None, ..Rig::new() };
    let uri = "rtsp://127.0.0.1:8554/ES_MTX";
    let setup = |cseq: u32, transport: &str| {
        format!("SETUP {uri}/trackID=0 RTSP/1.0\nCSeq: {cseq}\n{ua}\nTransport: {transport}\n{date}\n\n")
    };
    let requests = [
        format!("OPTIONS {uri} RTSP/1.0\nCSeq: 1\n{ua}\n{date}\n\n"),
        format!("DESCRIBE {uri} RTSP/1.0\nCSeq: 2\n{ua}\nAccept: application/sdp\n{date}\n\n"),
        setup(3, "RTP/AVP;unicast;client_port=54712-54713"),
        setup(4, "RTP/AVP;multicast"),
        setup(5, "RTP/AVP/TCP;unicast;interleaved=0-1"),
        format!("PLAY {uri}/ RTSP/1.0\nCSeq: 6\n{ua}\nRange: npt=now-\nSession: {{id}}\n{date}\n\n"),
        format!("PAUSE {uri}/ RTSP/1.0\nCSeq: 7\n{ua}\nSession: {{id}}\n{date}\n\n"),
        format!("TEARDOWN {uri}/ RTSP/1.0\nCSeq: 8\n{ua}\nSession: {{id}}\n{date}\n\n"),
    ];
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    let (replies, done) = play_back(&mut rig, &requests);
    let statuses: Vec<u16> = replies.iter().map(Text::status).collect();
    assert_eq!(statuses, [200, 200, 461, 461, 200, 200, 200, 200]);
    let refused = Output::Refused(Rejection::Transport);
    let set_up = Output::SetUp(Transport::Tcp { rtp: 0, rtcp: 1 });
    assert_eq!(
        done,
        [refused.clone(), refused, set_up, Output::Start, Output::Begin, Output::Stop, Output::SessionOver]
    );
    assert_eq!(replies[5].header("Range"), Some("npt=now-"));
}

#[test]
fn vlc_over_udp() {
    let ua = "User-Agent: LibVLC/3.0.21 (LIVE555 Streaming Media v2016.11.28)";
    let uri = "rtsp://192.0.2.1:8554/ES_MTX";
    let requests = [
        format!("OPTIONS {uri} RTSP/1.0\nCSeq: 2\n{ua}\n\n"),
        format!("DESCRIBE {uri} RTSP/1.0\nCSeq: 3\n{ua}\nAccept: application/sdp\n\n"),
        format!("SETUP {uri}/trackID=0 RTSP/1.0\nCSeq: 4\n{ua}\nTransport: RTP/AVP;unicast;client_port=9332-9333\n\n"),
        format!("PLAY {uri}/ RTSP/1.0\nCSeq: 5\n{ua}\nSession: {{id}}\nRange: npt=0.000-\n\n"),
        format!("GET_PARAMETER {uri}/ RTSP/1.0\nCSeq: 6\n{ua}\nSession: {{id}}\n\n"),
        format!("TEARDOWN {uri}/ RTSP/1.0\nCSeq: 7\n{ua}\nSession: {{id}}\n\n"),
    ];
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    let (replies, done) = play_back(&mut Rig::new(), &requests);
    assert!(all_ok(&replies), "{replies:#?}");
    let set_up = Output::SetUp(Transport::Udp { rtp: 9332, rtcp: 9333 });
    assert_eq!(done, [set_up, Output::Start, Output::Begin, Output::SessionOver]);
    assert!(replies[0].header("Public").unwrap().contains("GET_PARAMETER"));
}

#[test]
fn retina_asks_for_no_methods_and_looks_closely_at_ports_and_rtp_info() {
    let requests = [
        "DESCRIBE rtsp://127.0.0.1:8554/ES_MTX RTSP/1.0\nAccept: application/sdp\nCSeq: 1\nUser-Agent: retina_0.4.21\n\n",
        "SETUP rtsp://127.0.0.1:8554/ES_MTX/trackID=0 RTSP/1.0\nCSeq: 2\n\
         Transport: RTP/AVP/UDP;unicast;client_port=29550-29551\nUser-Agent: retina_0.4.21\n\n",
        "PLAY rtsp://127.0.0.1:8554/ES_MTX/ RTSP/1.0\nCSeq: 3\nRange: npt=0.000-\nSession: {id}\nUser-Agent: retina_0.4.21\n\n",
    ];
    let (replies, done) = play_back(&mut Rig::new(), &requests);
    assert!(all_ok(&replies), "{replies:#?}");
    assert_eq!(done, [Output::SetUp(Transport::Udp { rtp: 29550, rtcp: 29551 }), Output::Start, Output::Begin]);
    // It refuses server ports that are not two in a row.
    assert!(replies[1].header("Transport").unwrap().contains(";server_port=8000-8001;"));
    let info = "url=rtsp://127.0.0.1:8554/ES_MTX/trackID=0;seq=4711;rtptime=90000";
    assert_eq!(replies[2].header("RTP-Info"), Some(info));
}
