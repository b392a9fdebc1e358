//! `/snapshot.h264`.

use crate::camera::{no_camera, test_camera};
use crate::client::Http;
use crate::ffmpeg;
use crate::movie::Movie;
use crate::support::{Launch, skip, until};

/// How many pictures ffmpeg shows, without a complaint; `None` if it is not installed.
fn shown(picture: &[u8], size: usize) -> Option<usize> {
    let arguments = "-hide_banner -v warning -xerror -err_detect explode -f h264 -i - -f rawvideo -pix_fmt yuv420p -";
    let output = ffmpeg::run("ffmpeg", arguments, picture)?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    assert!(output.stdout.len().is_multiple_of(size));
    Some(output.stdout.len() / size)
}

#[test]
fn a_snapshot_is_one_picture() {
    for (launch, size) in [(test_camera(), 320 * 240), (no_camera(), 320 * 240), (Launch::new().http(), 640 * 480)] {
        let daemon = launch.start();
        let mut http = Http::connect(daemon.http_port());
        let mut last = Vec::new();
        for _ in 0..3 {
            let reply = http.get("/snapshot.h264").expect(200);
            assert_eq!(reply.header("Content-Type"), "video/h264");
            assert!(reply.body.starts_with(&[0, 0, 0, 1, 0x67]), "an SPS first");
            last = reply.body;
        }
        match shown(&last, size * 3 / 2) {
            Some(pictures) => assert_eq!(pictures, 1),
            None => skip("ffmpeg is not installed"),
        }
        drop(Http::unix(&launch.http_socket()).get("/snapshot.h264").expect(200));
    }
}

#[test]
fn the_newest_key_picture_is_sent() {
    let daemon = test_camera().start();
    let mut movie = Movie::watch(daemon.http_port());
    movie.pictures(3);
    let mut http = Http::connect(daemon.http_port());
    // The camera's key pictures differ: there is a clock in them.
    let mut before = http.get("/snapshot.h264").expect(200).body;
    for _ in 0..2 {
        until(|| http.get("/snapshot.h264").expect(200).body != before);
        before = http.get("/snapshot.h264").expect(200).body;
    }
    // What a viewer gets is the same picture.
    let key = loop {
        let picture = movie.picture();
        if picture.key {
            break picture.data;
        }
    };
    let slice = key[4..].to_vec();
    until(|| {
        let snapshot = http.get("/snapshot.h264").expect(200).body;
        snapshot.ends_with(&slice) || {
            let picture = movie.picture();
            picture.key && snapshot.ends_with(&picture.data[4..])
        }
    });
}
