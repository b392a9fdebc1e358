//! Cameras that write what is no video, or too much of it.

use std::fs;
use std::thread;

use es_iot_server::camera::settings::CameraSettings;
use es_iot_server::media::draw::{Format, TestCamera};

use super::{A_WHILE, turn, while_data_flows};
use crate::camera::scripted;
use crate::support::{Launch, side_by_side};
use crate::viewer::Viewer;

/// Pictures of the test camera, one after the other.
fn drawn(count: u64) -> Vec<Vec<u8>> {
    let mut camera = TestCamera::new(Format::new(320, 240, 24).unwrap(), 12);
    let draw = |nth| {
        let mut picture = Vec::new();
        camera.picture(nth * 42, 1_795_700_000_000 + nth * 42, &CameraSettings::default(), &mut picture);
        picture
    };
    (0..count).map(draw).collect()
}

/// A camera that writes a file again and again, with a pause between.
fn repeated(bytes: &[u8], pause: &str) -> Launch {
    let launch = scripted(&format!("while cat $DIR/video && {pause}; do :; done"));
    fs::write(launch.dir.join("video"), bytes).unwrap();
    launch
}

/// A viewer of the slate: of what the camera writes nothing can be shown.
fn shows_a_slate(script: &str, counter: &str) {
    let _turn = turn();
    let mut daemon = scripted(script).start();
    let mut viewer = Viewer::watch_tcp(daemon.rtsp_port());
    while_data_flows(&mut daemon, |_| viewer.pictures_for(A_WHILE));
    assert!(daemon.counter(counter) > 0, "{counter}");
}

#[test]
fn rubbish_from_the_camera_is_counted_and_a_slate_is_shown() {
    side_by_side(
        [
            ("exec cat /dev/zero", "video_bytes"),
            ("yes 'this is no video' ", "rubbish_bytes"),
            // A unit that never ends, at full speed.
            (r"printf '\000\000\000\001\145'; tr '\000' 'U' </dev/zero", "units_too_long"),
            // Units without anything in them.
            (r"yes $(printf '\001') | tr '\n' '\000'", "video_bytes"),
        ],
        |(script, counter)| shows_a_slate(script, counter),
    );
}

#[test]
fn random_bytes_from_the_camera_harm_no_one() {
    let _turn = turn();
    let mut daemon = scripted("exec cat /dev/urandom").start();
    let mut viewer = Viewer::watch_tcp(daemon.rtsp_port());
    while_data_flows(&mut daemon, |_| viewer.pictures_for(A_WHILE));
}

#[test]
fn truncated_pictures_are_sent_as_they_are_or_not_at_all() {
    let _turn = turn();
    let pictures = drawn(24);
    let cut: Vec<u8> = (0..)
        .zip(&pictures)
        .flat_map(|(nth, picture)| &picture[..picture.len() * (1 + nth % 3) / 3])
        .copied()
        .collect();
    let mut daemon = repeated(&cut, "sleep 0.2").start();
    let mut viewer = Viewer::watch_udp(daemon.rtsp_port());
    while_data_flows(&mut daemon, |_| viewer.pictures_for(A_WHILE));
}

#[test]
fn pictures_that_are_too_large_are_dropped_and_the_next_key_picture_is_shown() {
    let _turn = turn();
    let pictures = drawn(24);
    let slice = |first: u8, length: usize| [&[0, 0, 0, 1, 0x65, first], &vec![0x55; length][..]].concat();
    // One unit of more than 768 KiB; and two of less, of one picture of more than 1 MiB.
    let long_unit = slice(0x88, 900 * 1024);
    let large_picture = [slice(0x88, 700 * 1024), slice(0x48, 700 * 1024)].concat();
    let sets = &pictures[0][..pictures[0].windows(5).position(|at| at == [0, 0, 0, 1, 0x65]).unwrap()];
    let video = [&pictures.concat()[..], sets, &long_unit, &pictures.concat(), sets, &large_picture].concat();
    let mut daemon = repeated(&video, "sleep 0.3").start();
    let mut viewer = Viewer::watch_tcp(daemon.rtsp_port());
    let shown = while_data_flows(&mut daemon, |_| viewer.pictures_for(A_WHILE));
    assert!(shown.len() > 24, "{} pictures", shown.len());
    // Where the pipe is found empty between two units of a picture, that is taken for its end: the first one is shown.
    assert!(shown.iter().all(|picture| picture.bytes() < 768 * 1024));
    assert!(daemon.counter("units_too_long") > 0);
    assert!(daemon.counter("pictures_too_large") > 0);
}

/// Viewers of a camera that writes faster than a viewer may be served: they lose whole pictures, and the end of one that the
/// next ones have overwritten before it was sent.
fn flood(pause: &str) {
    let _turn = turn();
    let pictures = drawn(240).concat();
    let mut daemon = repeated(&pictures.repeat(625_000_usize.div_ceil(pictures.len())), pause).start();
    let port = daemon.rtsp_port();
    let viewers = [Viewer::connect(port), Viewer::connect(port)];
    let mut viewers = viewers.map(|mut viewer| {
        viewer.describe();
        (viewer.receiver.forgiving, viewer.receiver.overwritten) = (true, true);
        viewer.set_up_tcp();
        viewer.request("PLAY").expect(200);
        viewer
    });
    while_data_flows(&mut daemon, |_| {
        thread::scope(|scope| {
            for viewer in &mut viewers {
                scope.spawn(|| {
                    let pictures = viewer.pictures_for(A_WHILE);
                    assert!(pictures.len() > 24, "{} pictures", pictures.len());
                });
            }
        });
    });
    println!("{} bytes of video", daemon.counter("video_bytes"));
}

#[test]
fn a_camera_that_writes_a_hundred_megabits_a_second_is_shown() {
    flood("sleep 0.05");
}

#[test]
fn a_camera_that_writes_as_fast_as_it_can_holds_up_nothing() {
    flood("true");
}
