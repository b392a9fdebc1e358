//! The slate: what viewers see while the camera delivers nothing.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use crate::camera::{change_settings, scripted};
use crate::packets::{CLOCK, Picture};
use crate::players::Player;
use crate::support::{Daemon, Launch, binary, side_by_side, skip, until};
use crate::viewer::{PATH, Viewer};

/// A camera that works while there is a file `$DIR/plugged`, and is drawn like the test camera.
fn pluggable() -> Launch {
    let program = binary().display();
    scripted(&format!(
        "[ -e $DIR/plugged ] || exit 3; exec {program} --test-camera width=320 height=240 framerate=24 intra=12 \
         shutter=10000 gain=1 awb_red=1 awb_blue=1 contrast=1 brightness={{brightness}}"
    ))
}

fn plug(daemon: &Daemon) {
    fs::write(daemon.dir.join("plugged"), "").unwrap();
}

/// Has the camera restart without its file.
fn unplug(daemon: &mut Daemon) {
    fs::remove_file(daemon.dir.join("plugged")).unwrap();
    change_settings(daemon);
}

fn missing() -> Launch {
    Launch::new()
        .set("camera.source", "command")
        .set("camera.command", json!(["es-iot-no-such-camera"]))
        .set("camera.width", 320)
        .set("camera.height", 240)
}

/// Whether a picture may be the slate's: drawn anew, or the last one once more. The test camera's have a part that moves.
fn is_still(picture: &Picture) -> bool {
    picture.key || picture.bytes() < 100
}

#[test]
fn without_a_camera_program_viewers_see_why_almost_immediately() {
    let mut daemon = missing().start();
    let began = Instant::now();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    viewer.describe();
    viewer.set_up_tcp();
    viewer.play();
    assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
    let line = daemon.await_log("viewers see a slate: ");
    let (_, words) = line.split_once("viewers see a slate: ").unwrap();
    let log = daemon.log();
    let failure =
        log.lines().find(|line| line.contains("camera.process ") && line.contains("es-iot-no-such-camera")).unwrap();
    assert!(failure.contains(words), "{failure:?} has the words of {line:?}");

    // A new one each second, for clock and words, and a few bytes in between.
    let pictures = viewer.pictures_for(Duration::from_secs(4));
    let keys: Vec<u32> = pictures.iter().filter(|picture| picture.key).map(|picture| picture.time).collect();
    for pair in keys.windows(2) {
        let apart = f64::from(pair[1].wrapping_sub(pair[0])) / f64::from(CLOCK);
        assert!((0.9..2.0).contains(&apart), "key pictures {apart} s apart");
    }
    assert!(keys.len() >= 3, "{}", keys.len());
    assert!(pictures.iter().all(is_still));
    assert!(daemon.counter("slates") >= 3);
}

#[test]
fn a_new_viewer_does_not_wait_for_the_next_slate() {
    let daemon = missing().start();
    let _first = Viewer::watch_udp(daemon.rtsp_port());
    for _ in 0..5 {
        let began = Instant::now();
        Viewer::watch_tcp(daemon.rtsp_port());
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    }
}

#[test]
fn no_slate_is_drawn_when_no_one_watches() {
    let mut daemon = missing().start();
    let mut viewer = Viewer::watch_tcp(daemon.rtsp_port());
    viewer.request("TEARDOWN").expect(200);
    let drawn = daemon.counter("slates");
    crate::support::pass(Duration::from_millis(2500));
    assert_eq!(daemon.counter("slates"), drawn);
}

#[test]
fn the_camera_ends_the_slate_and_viewers_stay() {
    let mut daemon = pluggable().start();
    let mut viewers = [Viewer::watch_tcp(daemon.rtsp_port()), Viewer::watch_udp(daemon.rtsp_port())];
    daemon.await_log("viewers see a slate: ");
    plug(&daemon);
    for viewer in &mut viewers {
        while viewer.pictures(5).iter().all(is_still) {}
        let pictures = viewer.pictures_for(Duration::from_secs(2));
        assert!(pictures.len() > 30, "{} pictures in 2 s", pictures.len());
    }
    unplug(&mut daemon);
    daemon.await_log("viewers see a slate: ");
    for viewer in &mut viewers {
        until(|| viewer.pictures(10).iter().all(is_still));
        viewer.request("GET_PARAMETER").expect(200);
    }
    assert_eq!(daemon.counter("accepted"), 3, "the viewers' two connections, and one for the settings");
}

/// Players see the slate and what it says, then the camera, then the slate again.
#[test]
fn players_show_the_slate_and_stay() {
    side_by_side([Player::ffmpeg_tcp, Player::gstreamer_tcp, Player::retina_tcp], |start| {
        let mut daemon = pluggable().start();
        let url = format!("rtsp://{}/{PATH}", daemon.rtsp_port());
        let Some(mut player) = start(&url) else { return skip("the player is not installed") };
        let slate = player.pictures(15);
        if slate.len() > 100 {
            let (least, most) = (slate.iter().min().unwrap(), slate.iter().max().unwrap());
            assert!(most - least > 40, "words on a dark picture: from {least} to {most}");
        }
        plug(&daemon);
        daemon.await_log("video is running");
        player.pictures(48);
        unplug(&mut daemon);
        daemon.await_log("viewers see a slate: ");
        player.pictures(25);
        player.end();
    });
}

#[test]
fn without_the_slate_viewers_wait_for_the_camera() {
    let mut launch = pluggable().set("camera.slate", false);
    launch.change("camera.intra", 12);
    let daemon = launch.start();
    Viewer::connect(daemon.rtsp_port()).request("DESCRIBE").expect(503);
    plug(&daemon);
    let mut tries = 0;
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    // The camera's next start may be some seconds away.
    while viewer.request("DESCRIBE").status == 503 {
        tries += 1;
        assert!(tries < 6, "the camera is back");
    }
    viewer.set_up_tcp();
    viewer.play();
    daemon.signal(Signal::SIGTERM);
}
