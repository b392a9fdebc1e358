//! The stream packet by packet, over both transports. Most rules are checked by `packets::Receiver` itself.

use std::net::SocketAddr;
use std::time::Duration;

use crate::camera::{change_settings, kill_test_camera, test_camera};
use crate::packets::{CLOCK, Picture, Report, follow_the_clock};
use crate::support::{Daemon, side_by_side};
use crate::viewer::{Viewer, Way};

/// How late a packet may be on a busy machine.
const BUSY: Duration = Duration::from_millis(1500);

type Watch = fn(SocketAddr) -> Viewer;
const BOTH: [(&str, Watch); 2] = [("TCP", Viewer::watch_tcp), ("UDP", Viewer::watch_udp)];

/// Checks the last sender report against the clocks and against pictures that came with it.
fn report_fits(viewer: &Viewer, pictures: &[Picture]) {
    let report = viewer.reports.last().unwrap();
    let late = report.arrived.wall - report.wall;
    assert!((-0.01..BUSY.as_secs_f64()).contains(&late), "the report's clock is {late} s off");
    for picture in pictures {
        let late = picture.ended.wall - report.wall_at(picture.time);
        assert!((-0.01..BUSY.as_secs_f64()).contains(&late), "a picture came {late} s after the report's time for it");
    }
}

/// Takes the 5 s between two reports.
#[test]
fn every_packet_is_well_formed_and_on_time() {
    let daemon = test_camera().start();
    let port = daemon.rtsp_port();
    side_by_side(BOTH, |(name, watch)| {
        let mut viewer = watch(port);
        let pictures = viewer.pictures_for(Duration::from_secs(7));
        follow_the_clock(&pictures, BUSY);
        report_fits(&viewer, &pictures);

        let keys: Vec<u32> = pictures.iter().filter(|picture| picture.key).map(|picture| picture.time).collect();
        assert!(keys.len() >= 5, "{name}: {} key pictures in 7 s, of up to two a second", keys.len());
        assert!(pictures.iter().any(|picture| picture.bytes() > 1400), "{name}: some are of several packets");
        let mut apart: Vec<u32> = pictures.windows(2).map(|pair| pair[1].time.wrapping_sub(pair[0].time)).collect();
        apart.sort_unstable();
        let median = apart[apart.len() / 2];
        assert!(median.abs_diff(CLOCK / 24) < CLOCK / 96, "{name}: {median} ticks from picture to picture");

        let [first, second] = viewer.reports[..] else { panic!("{name}: a report at once and after 5 s") };
        let between = second.arrived.mono.duration_since(first.arrived.mono);
        assert!((4.0..6.5).contains(&between.as_secs_f64()), "{name}: reports {between:?} apart");
        assert!(!first.goodbye && !second.goodbye);
        assert_eq!(first.ssrc, second.ssrc);
        let ssrc = viewer.receiver.ssrc().unwrap();
        assert_eq!(first.ssrc, ssrc, "{name}: the report is about the stream");
        // All viewers share the counts; between the reports they grow by what this one got, but for what was on its way.
        let (packets, octets) = (second.packets - first.packets, second.octets - first.octets);
        assert!(packets <= viewer.receiver.packets + 16 && packets > viewer.receiver.packets / 2, "{name}: {packets}");
        assert!(octets > packets, "{name}: {octets}");
    });
}

#[test]
fn all_viewers_share_one_stream() {
    let daemon = test_camera().start();
    let mut viewers = [Viewer::watch_tcp(daemon.rtsp_port()), Viewer::watch_udp(daemon.rtsp_port())];
    let [tcp, udp] = &mut viewers;
    let (one, other) = (tcp.pictures(30), udp.pictures(30));
    let same = one.iter().filter(|one| {
        other.iter().any(|other| (one.time, one.first_seq, &one.units) == (other.time, other.first_seq, &other.units))
    });
    assert!(same.count() >= 10, "the same pictures under the same numbers");
}

/// Watches over a restart of the camera.
fn goes_on(watch: Watch, restart: impl Fn(&mut Daemon)) {
    let mut daemon = test_camera().start();
    let mut viewer = watch(daemon.rtsp_port());
    let before = viewer.pictures(30);
    let reports = viewer.reports.len();
    restart(&mut daemon);
    // The restart takes a moment, and the slate may be seen before the camera is back.
    let after = viewer.pictures_for(Duration::from_secs(4));
    // `Receiver` has checked that neither source nor sequence have changed.
    let all: Vec<Picture> = before.into_iter().chain(after).collect();
    follow_the_clock(&all, BUSY);
    // A report comes at once, and the picture behind it begins anew. Over UDP, it may come before the last one is read.
    let begins_anew = |report: &Report| {
        let behind = all.iter().filter(|picture| picture.began.mono >= report.arrived.mono).take(2);
        let soon = |picture: &Picture| picture.began.mono.duration_since(report.arrived.mono) < BUSY;
        behind.into_iter().any(|picture| picture.key && soon(picture))
    };
    assert!(viewer.reports[reports..].iter().any(begins_anew), "a report and a key picture: {:?}", viewer.reports);
    report_fits(&viewer, &all[all.len() - 20..]);
}

#[test]
fn a_restart_of_the_camera_goes_on_in_the_same_stream() {
    let cases = BOTH.into_iter().flat_map(|(_, watch)| [(watch, true), (watch, false)]);
    side_by_side(cases, |(watch, killed)| goes_on(watch, if killed { kill_test_camera } else { change_settings }));
}

#[test]
fn large_pictures_arrive_whole() {
    // A key picture of a large test card is far larger than a socket's buffer.
    let launch = test_camera().set("camera.width", 1920).set("camera.height", 1080).set("camera.framerate", 6);
    let daemon = launch.set("camera.intra", 2).start();
    let port = daemon.rtsp_port();
    side_by_side([0, 1, 2], |kind| {
        let mut viewer = match kind {
            0 => Viewer::watch_tcp(port),
            1 => Viewer::watch_udp(port),
            _ => {
                let mut viewer = Viewer::connect_small(4096, port);
                viewer.describe();
                viewer.set_up_tcp();
                // So small a window may be too small for the stream, but not for a picture.
                viewer.receiver.forgiving = true;
                viewer.play();
                viewer
            }
        };
        let pictures = viewer.pictures(12);
        assert!(pictures.iter().any(|picture| picture.bytes() > 20_000), "{kind}: large ones");
    });
}

#[test]
fn the_stream_ends_with_a_goodbye_and_the_connection_when_the_daemon_stops() {
    let mut daemon = test_camera().start();
    let (mut tcp, mut udp) = (Viewer::watch_tcp(daemon.rtsp_port()), Viewer::watch_udp(daemon.rtsp_port()));
    daemon.stop();
    for viewer in [&mut tcp, &mut udp] {
        while !viewer.reports.last().unwrap().goodbye {
            viewer.receive();
        }
    }
    assert!(matches!(udp.way, Way::Udp(_)));
    udp.expect_end();
}
