//! `/video.mp4`: what a viewer gets, through everything that may happen to the camera.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::camera::{kill_test_camera, no_camera, plug, pluggable, test_camera, unplug};
use crate::client::Http;
use crate::ffmpeg;
use crate::movie::Movie;
use crate::slow::expect_same;
use crate::stream::Listener;
use crate::support::{Launch, skip};

/// How many pictures ffmpeg shows, without a complaint; `None` if it is not installed.
fn shown(movie: &[u8], (width, height): (u16, u16)) -> Option<usize> {
    let arguments = "-hide_banner -v warning -xerror -err_detect explode -f mp4 -i - -f rawvideo -pix_fmt yuv420p \
                     -fps_mode passthrough -enc_time_base 1:90000 -";
    let output = ffmpeg::run("ffmpeg", arguments, movie)?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    // On a busy machine, pictures may come in a burst, and so have almost the same time.
    let mut lines = complaints.lines().filter(|line| !line.is_empty() && !line.contains("DTS discontinuity"));
    assert!(output.status.success() && lines.next().is_none(), "{complaints}");
    let size = usize::from(width) * usize::from(height) * 3 / 2;
    assert!(output.stdout.len().is_multiple_of(size));
    Some(output.stdout.len() / size)
}

/// Expects that ffmpeg shows so many pictures, without a complaint. False if it is not installed.
pub fn is_shown(movie: &[u8], pictures: usize, size: (u16, u16)) -> bool {
    let shown = shown(movie, size);
    assert!(shown.is_none_or(|shown| shown == pictures), "{shown:?} of {pictures} pictures");
    shown.is_some()
}

#[test]
fn a_viewer_gets_pictures_that_ffmpeg_shows() {
    let mut daemon = test_camera().start();
    let mut movie = Movie::watch(daemon.http_port());
    let pictures = movie.pictures(50);
    assert_eq!(movie.size(), (320, 240));
    assert!(pictures.iter().filter(|picture| picture.key).count() >= 4, "two key pictures a second");
    assert_eq!(movie.formats, 1);
    if !is_shown(&movie.segment, 50, (320, 240)) {
        skip("ffmpeg is not installed");
    }
    let probe = "-v warning -f mp4 -i - -show_streams -of compact=nk=0";
    if let Some(output) = ffmpeg::run("ffprobe", probe, &movie.segment) {
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.stderr.is_empty() && shown.contains("|has_b_frames=0|"), "{shown}");
    }
    drop(movie);
    daemon.await_log("no longer watches the video");
}

#[test]
fn a_viewer_begins_immediately_at_a_key_picture() {
    // One key picture in 10 s: a viewer does not wait for the next.
    let daemon = test_camera().set("camera.intra", 240).start();
    Movie::watch(daemon.http_port()).pictures(30);
    let before = Instant::now();
    for _ in 0..5 {
        let mut movie = Movie::watch(daemon.http_port());
        assert!(movie.picture().key);
        // What has come since then follows without a pause.
        movie.pictures(20);
    }
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
}

#[test]
fn viewers_get_the_same_pictures() {
    let launch = test_camera();
    let daemon = launch.start();
    let unix = Http::unix(&launch.http_socket());
    let movies = [Movie::watch(daemon.http_port()), Movie::watch(daemon.http_port()), Movie::over(unix)];
    let seen: Vec<Vec<Vec<u8>>> = thread::scope(|scope| {
        let readers = movies.map(|mut movie| {
            scope.spawn(move || movie.pictures(60).into_iter().map(|picture| picture.data).collect::<Vec<_>>())
        });
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    for other in &seen[1..] {
        expect_same(&seen[0], other);
    }
}

#[test]
fn a_viewer_stays_when_the_camera_crashes() {
    let mut daemon = test_camera().start();
    let mut movie = Movie::watch(daemon.http_port());
    movie.pictures(24);
    kill_test_camera(&mut daemon);
    movie.pictures(48);
    assert_eq!(movie.formats, 1, "it is back before a slate is due, in the same format");
    if !is_shown(&movie.segment, 72, (320, 240)) {
        skip("ffmpeg is not installed");
    }
}

#[test]
fn a_viewer_sees_a_slate_while_there_is_no_camera() {
    let launch = pluggable();
    plug(&launch);
    let daemon = launch.start();
    let mut movie = Movie::watch(daemon.http_port());
    while movie.picture().data.len() < 1000 {}
    movie.pictures(12);
    unplug(&launch, &daemon);
    // Its key pictures come once a second, and those between them are the same picture again.
    let mut still = 0;
    while still < 8 {
        let picture = movie.picture();
        still = if picture.data.len() < 100 { still + 1 } else { 0 };
    }
    plug(&launch);
    // The camera's pictures have a part that moves.
    let mut moving = 0;
    while moving < 10 {
        moving = if movie.picture().data.len() < 100 { 0 } else { moving + 1 };
    }
    let size = movie.size();
    if let Some(pictures) = shown(&movie.segment, size) {
        assert!(pictures >= 10);
    } else {
        skip("ffmpeg is not installed");
    }
}

#[test]
fn a_viewer_stays_while_settings_change() {
    let mut daemon = test_camera().start();
    let mut movie = Movie::watch(daemon.http_port());
    movie.pictures(24);
    Http::connect(daemon.http_port()).put("{\"brightness\": 0.5}").expect(200);
    daemon.await_log("restarting the camera for new settings");
    movie.pictures(60);
    assert_eq!(movie.formats, 1, "the camera has the same format again");
    if !is_shown(&movie.segment, 84, (320, 240)) {
        skip("ffmpeg is not installed");
    }
}

#[test]
fn a_new_size_is_a_new_segment_in_the_same_response() {
    let mut launch = test_camera();
    let mut daemon = launch.start();
    let mut movie = Movie::watch(daemon.http_port());
    movie.pictures(12);
    launch.change("camera.width", 640);
    launch.change("camera.height", 480);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    while movie.size() != (640, 480) {
        movie.until_new_format();
    }
    movie.pictures(24);
    if !is_shown(&movie.segment, 25, (640, 480)) {
        skip("ffmpeg is not installed");
    }
    let mut listener = Listener::connect(daemon.http_port());
    assert_eq!(listener.next_of("status")["video"]["width"], 640);
    daemon.stop();
    while movie.try_picture().is_some() {}
}

#[test]
fn without_a_camera_there_is_a_slate() {
    for launch in [no_camera(), Launch::new().http()] {
        let mut daemon = launch.start();
        assert_eq!(daemon.counter("slates"), 0, "none is drawn for no one");
        let mut movie = Movie::watch(daemon.http_port());
        let pictures = movie.pictures(17);
        // Eight a second, and one of them anew.
        assert!(pictures[0].key);
        let size = movie.size();
        if !is_shown(&movie.segment, 17, size) {
            skip("ffmpeg is not installed");
        }
        assert!(daemon.counter("slates") >= 2);
    }
}

#[test]
fn one_place_is_one_viewer() {
    let mut daemon = test_camera().set("server.max_viewers", 2).start();
    let port = daemon.http_port();
    let mut movies = [Movie::watch(port), Movie::watch(port)];
    let mut http = Http::connect(port);
    let reply = http.get("/video.mp4").expect(503);
    assert_eq!((reply.header("Retry-After"), reply.text().as_str()), ("5", "all places for viewers are taken\n"));
    // The connection goes on, and everything else is served.
    http.get("/snapshot.h264").expect(200);
    Listener::connect(port).value();
    for movie in &mut movies {
        movie.pictures(10);
    }
    assert_eq!(http.json("/api/status")["viewers"]["http"], 2);
    let [first, _second] = movies;
    drop(first);
    daemon.await_log("no longer watches the video");
    Movie::watch(port).pictures(3);
    assert_eq!(daemon.counter("http_unavailable"), 1);
}

#[test]
fn requests_behind_the_video_are_not_read() {
    let mut daemon = test_camera().start();
    let mut movie = Movie::watch(daemon.http_port());
    movie.pictures(3);
    let requests = daemon.counter("http_requests");
    movie.http.send("PUT /api/settings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".repeat(100));
    movie.pictures(24);
    movie.http.finish();
    movie.pictures(24);
    assert_eq!(daemon.counter("http_requests"), requests);
}
