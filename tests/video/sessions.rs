//! Sessions: how they change, whom they belong to, how they end.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::camera::test_camera;
use crate::support::Daemon;
use crate::udp::UdpPair;
use crate::viewer::{Viewer, Way};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Many pictures' time.
const A_WHILE: Duration = Duration::from_millis(500);

#[test]
fn a_session_is_set_up_played_paused_and_torn_down() {
    let mut daemon = test_camera().start();
    for watch in [Viewer::watch_tcp, Viewer::watch_udp] {
        let mut viewer = watch(daemon.rtsp_port());
        viewer.pictures(5);
        let pause = viewer.request("PAUSE").expect(200);
        assert_eq!(pause.session(), *viewer.session.as_ref().unwrap());
        viewer.request("PAUSE").expect(455);
        if matches!(viewer.way, Way::Udp(_)) {
            viewer.expect_silence(A_WHILE);
        } else {
            // What was sent before the PAUSE was read is in the buffer of frames; nothing comes behind it.
            viewer.pass_over_frames();
            viewer.request("GET_PARAMETER").expect(200);
            assert_eq!(viewer.pass_over_frames(), 0);
        }
        viewer.play();
        viewer.pictures(5);
        viewer.request("TEARDOWN").expect(200);
        viewer.request("PLAY").expect(454);
        viewer.request("TEARDOWN").expect(454);
        // The connection is as good as a new one.
        viewer.session = None;
        viewer.set_up_tcp();
        viewer.play();
    }
    daemon.await_log("no longer watches the video");
    daemon.await_log("no longer watches the video");
    assert_eq!(daemon.counter("rtsp_sessions"), 4);
}

#[test]
fn a_pause_and_another_transport_is_how_ffmpeg_falls_back() {
    let daemon = test_camera().start();
    for names_session in [true, false] {
        let mut viewer = Viewer::watch_udp(daemon.rtsp_port());
        viewer.request("PAUSE").expect(200);
        if !names_session {
            viewer.session = None;
        }
        viewer.set_up_tcp();
        viewer.play();
        viewer.pictures(5);
        // And back, while it plays: only without a Session header, which begins another session.
        let pair = UdpPair::bind(LOCALHOST);
        viewer.set_up(&pair.transport()).expect(455);
        let url = format!("{}/trackID=0", viewer.url);
        viewer.session = None;
        let reply = viewer.ask("SETUP", &url, &[("Transport", &pair.transport())]).expect(200);
        viewer.pass_over_frames();
        viewer.session = Some(reply.session());
        viewer.way = Way::Udp(pair);
        viewer.play();
        viewer.pictures(5);
    }
}

#[test]
fn a_session_belongs_to_its_connection() {
    let mut daemon = test_camera().start();
    let mut owner = Viewer::watch_udp(daemon.rtsp_port());
    for source in ["127.0.0.1", "127.0.0.9"] {
        let mut other = Viewer::connect_from(source, daemon.rtsp_port());
        other.session = owner.session.clone();
        for method in ["PAUSE", "PLAY", "TEARDOWN", "GET_PARAMETER"] {
            other.request(method).expect(454);
        }
        other.set_up("RTP/AVP/TCP").expect(454);
    }
    owner.pictures(10);
    assert!(daemon.counter("rtsp_wrong_state") >= 10);
}

#[test]
fn a_udp_session_ends_with_its_connection() {
    let mut daemon = test_camera().start();
    let (mut closes, mut resets) = (Viewer::watch_udp(daemon.rtsp_port()), Viewer::watch_udp(daemon.rtsp_port()));
    closes.finish();
    closes.expect_end();
    nix::sys::socket::setsockopt(
        &resets.stream,
        nix::sys::socket::sockopt::Linger,
        &libc::linger { l_onoff: 1, l_linger: 0 },
    )
    .unwrap();
    let gone = std::mem::replace(&mut resets.stream, Viewer::connect(daemon.rtsp_port()).stream);
    drop(gone);
    for viewer in [&mut closes, &mut resets] {
        daemon.await_log("no longer watches the video");
        viewer.expect_silence(A_WHILE);
    }
    assert_eq!(daemon.counter("viewers"), 0);
}

#[test]
fn the_same_ports_again_replace_the_older_session() {
    let mut daemon = test_camera().start();
    let mut old = Viewer::watch_udp(daemon.rtsp_port());
    let Way::Udp(pair) = std::mem::replace(&mut old.way, Way::None) else { panic!("UDP") };
    let mut new = Viewer::connect(daemon.rtsp_port());
    new.session = Some(new.set_up(&pair.transport()).expect(200).session());
    old.expect_end();
    daemon.await_log("a newer connection from its address took over its UDP ports");
    // What the old session was sent is passed over: the stream begins where its own PLAY says.
    while pair.receive_from(None, Duration::from_millis(200)).is_some() {}
    new.way = Way::Udp(pair);
    new.play();
    new.pictures(5);
}

#[test]
fn nothing_is_sent_before_play_and_nothing_to_elsewhere() {
    let daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let victim = UdpPair::bind(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 77)));
    let pair = UdpPair::bind(LOCALHOST);
    let transport = format!("{};destination=127.0.0.77;source=127.0.0.77", pair.transport());
    let to_victim =
        format!("RTP/AVP;unicast;destination=127.0.0.77;client_port={0}-{1}", victim.port(), victim.port() + 1);
    Viewer::connect(daemon.rtsp_port()).set_up(&to_victim).expect(200);
    viewer.session = Some(viewer.set_up(&transport).expect(200).session());
    viewer.way = Way::Udp(pair);
    viewer.expect_silence(A_WHILE);
    viewer.play();
    viewer.pictures(10);

    let mut other = Viewer::connect(daemon.rtsp_port());
    other.session = Some(other.set_up(&to_victim).expect(200).session());
    other.request("PLAY").expect(200);
    assert!(victim.receive_from(other.server_port(), A_WHILE).is_none(), "nothing goes to where a header says");
}

/// Sends a PLAY, and does not wait for the reply.
fn ask_to_play(viewer: &mut Viewer) {
    let url = viewer.url.clone();
    let text = viewer.compose("PLAY", &url, &[]);
    viewer.send(text.as_bytes());
}

#[test]
fn a_viewer_that_leaves_while_its_play_is_pending_leaves_nothing() {
    // A key picture each 3.3 s: PLAY has to wait.
    let mut daemon = test_camera().set("camera.intra", 80).start();
    let mut first = Viewer::watch_tcp(daemon.rtsp_port());
    for _ in 0..10 {
        let mut viewer = Viewer::connect(daemon.rtsp_port());
        viewer.set_up_tcp();
        ask_to_play(&mut viewer);
    }
    // They are not read while their PLAY is pending, so it is the key picture that shows that they are gone.
    first.pictures(12);
    assert_eq!(daemon.counter("viewers"), 1);
    first.pictures(100);
    assert_eq!(daemon.counter("viewers"), 1);
    assert_eq!(daemon.counter("clients"), 1);
}

#[test]
fn a_play_waits_for_the_next_key_picture_of_a_stream_with_few() {
    // Key pictures are 7 s apart.
    let daemon = test_camera().set("camera.intra", 168).start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    viewer.set_up_tcp();
    viewer.request("PLAY").expect(200);
    viewer.picture();
    viewer.request("PAUSE").expect(200);
    viewer.request("PLAY").expect(200);
    // Of what it was sent before the PAUSE, some may still be there.
    viewer.receiver.forgiving = true;
    viewer.pictures(5);
}

fn change_size(daemon: &Daemon, launch: &mut crate::support::Launch, width: u32, height: u32) {
    launch.change("camera.width", width);
    launch.change("camera.height", height);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
}

#[test]
fn another_size_of_the_picture_ends_viewers_that_were_told_the_old_one() {
    let mut launch = test_camera();
    let mut daemon = launch.start();
    let mut viewers = [Viewer::watch_tcp(daemon.rtsp_port()), Viewer::watch_udp(daemon.rtsp_port())];
    change_size(&daemon, &mut launch, 640, 480);
    for viewer in &mut viewers {
        while !viewer.reports.last().unwrap().goodbye {
            viewer.receive();
        }
        viewer.expect_end();
    }
    daemon.await_log("the size of the picture changed");
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    assert!(viewer.describe().body.contains("a=framesize:96 640-480"));
    viewer.set_up_udp();
    viewer.play();
}
