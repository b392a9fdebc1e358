//! Viewers over TCP that do not read for a while: they lose whole pictures, and no one else does.

use std::thread;
use std::time::{Duration, Instant};

use crate::camera::test_camera;
use crate::packets::Picture;
use crate::support::{pass, side_by_side};
use crate::viewer::Viewer;

/// Longer than what fits into all buffers takes to be drawn.
const STALL: Duration = Duration::from_secs(10);
const STALLED: usize = 8;

/// Takes the 10 s that nothing is read.
#[test]
fn a_viewer_that_does_not_read_loses_whole_pictures_and_continues_at_a_key_picture() {
    let launch = test_camera().set("camera.width", 640).set("camera.height", 480).set("camera.bitrate", 100_000);
    let mut daemon = launch.start();
    let port = daemon.rtsp_port();
    let mut others = [Viewer::watch_tcp(port), Viewer::watch_udp(port)];
    let mut stalled: Vec<Viewer> = (0..STALLED)
        .map(|_| {
            let mut viewer = Viewer::connect_small(8 * 1024, port);
            viewer.receiver.forgiving = true;
            viewer.set_up_tcp();
            viewer.play();
            viewer
        })
        .collect();
    let before = daemon.status("VmRSS");
    let seen: Vec<Vec<Picture>> = thread::scope(|scope| {
        // `Receiver` makes sure that these miss nothing.
        let readers =
            others.each_mut().map(|viewer| scope.spawn(|| viewer.pictures_for(STALL + Duration::from_secs(3))));
        pass(STALL);
        let after = daemon.status("VmRSS");
        println!("{STALLED} stalled viewers: RSS {before} kB before, {after} kB with them");
        // The ring fills up meanwhile: 2 MiB at this bit rate.
        assert!(after - before < 3 * 1024, "from {before} kB to {after} kB");
        thread::scope(|scope| {
            for viewer in &mut stalled {
                scope.spawn(|| {
                    // What the buffers hold, then a gap, then the present.
                    while viewer.picture().missing == 0 {}
                    let picture = viewer.picture();
                    let report = viewer.reports.last().unwrap();
                    let late = picture.ended.wall - report.wall_at(picture.time);
                    assert!(late < 2.0, "it is {late} s behind");
                    viewer.receiver.forgiving = false;
                    viewer.pictures(24);
                });
            }
        });
        readers.map(|reader| reader.join().unwrap()).into()
    });
    for pictures in seen {
        assert!(pictures.len() > 10 * 13, "{} pictures in 13 s", pictures.len());
    }
    let lost = daemon.counter("viewer_pictures_lost");
    assert!(lost >= STALLED as u64 * 24, "{lost} pictures lost");
}

/// PAUSE and TEARDOWN while the socket is full: the frame that was begun is still finished, and the reply comes behind it.
#[test]
fn a_request_is_answered_between_frames_when_the_socket_is_full() {
    let daemon = test_camera().set("camera.width", 640).set("camera.height", 480).start();
    let port = daemon.rtsp_port();
    side_by_side(["PAUSE", "TEARDOWN", "GET_PARAMETER"], |method| {
        for stall in [1500, 2500, 3500] {
            let mut viewer = Viewer::connect_small(4096, port);
            viewer.set_up_tcp();
            viewer.play();
            pass(Duration::from_millis(stall));
            let url = viewer.url.clone();
            let text = viewer.compose(method, &url, &[]);
            viewer.send(text.as_bytes());
            pass(Duration::from_millis(200));
            viewer.reply().expect(200);
            match method {
                "PAUSE" => {
                    viewer.receiver.forgiving = true;
                    viewer.pass_over_frames();
                    viewer.play();
                    viewer.pictures(5);
                }
                "TEARDOWN" => {
                    viewer.request("PAUSE").expect(454);
                }
                _ => {
                    viewer.receiver.forgiving = true;
                    viewer.pictures(30);
                }
            }
        }
    });
}

#[test]
fn a_viewer_that_does_not_read_holds_up_no_stop() {
    let launch = test_camera().set("camera.width", 640).set("camera.height", 480);
    let mut daemon = launch.start();
    let mut viewer = Viewer::connect_small(4096, daemon.rtsp_port());
    viewer.set_up_tcp();
    viewer.play();
    pass(Duration::from_secs(4));
    let began = Instant::now();
    daemon.stop();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
