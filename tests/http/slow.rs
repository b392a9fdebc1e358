//! Clients that do not read for a while: they lose whole pictures and whole values, and no one else does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::camera::test_camera;
use crate::client::Http;
use crate::movie::Movie;
use crate::stream::Listener;
use crate::support::{Launch, Over, pass, until};
use crate::video::is_shown;

const STALLED: usize = 12;
/// Longer than what fits into all buffers takes to be drawn.
const STALL: Duration = Duration::from_secs(6);

/// Expects that two viewers have seen the same pictures, since they began: neither has lost any.
pub fn expect_same(seen: &[Vec<u8>], other: &[Vec<u8>]) {
    // One may have begun a little earlier.
    let begin = &seen[20];
    let from = other.iter().position(|picture| picture == begin).expect("it is in both");
    let common = (seen.len() - 20).min(other.len() - from);
    assert!(common > 20);
    assert!(seen[20..20 + common] == other[from..from + common], "a picture is missing in one of them");
}

#[test]
fn a_viewer_that_does_not_read_loses_whole_pictures_and_others_none() {
    let launch = test_camera()
        .set("camera.width", 640)
        .set("camera.height", 480)
        .set("camera.intra", 2)
        .set("camera.bitrate", 100_000);
    let mut daemon = launch.start();
    let port = daemon.http_port();
    let mut others = [Movie::watch(port), Movie::over(Http::unix(&launch.http_socket()))];
    for other in &mut others {
        other.pictures(2);
    }
    let before = daemon.status("VmRSS");
    let mut stalled: Vec<Movie> = (0..STALLED)
        .map(|at| match at {
            0 => Movie::over(Http::unix(&launch.http_socket())),
            _ => Movie::over(Http::connect_small(8 * 1024, port)),
        })
        .collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&is_over);
        let readers = others.each_mut().map(|other| {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut seen = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    seen.push(other.picture().data);
                }
                seen
            })
        });
        pass(STALL);
        let after = daemon.status("VmRSS");
        println!("{STALLED} stalled viewers: RSS {before} kB before, {after} kB with them");
        assert!(after.saturating_sub(before) < 8 * 1024, "from {before} kB to {after} kB");
        // What the buffers hold, then a gap, then the present: pictures that are waited for.
        for movie in &mut stalled {
            let mut awaited = 0;
            while awaited < 12 {
                let before = Instant::now();
                movie.picture();
                awaited += usize::from(before.elapsed() > Duration::from_millis(10));
            }
        }
        drop(over);
        let [seen, other] = readers.map(|reader| reader.join().unwrap());
        expect_same(&seen, &other);
    });
    // A picture whose reference is lost would be a complaint.
    let movie = &stalled[1];
    let pictures = crate::boxes::parts(&movie.segment).len() - 1;
    is_shown(&movie.segment, pictures, (640, 480));
    assert!(daemon.counter("viewer_pictures_lost") >= STALLED as u64 * 24);
    assert_eq!(daemon.counter("peer_overflow"), 0);
}

#[test]
fn a_listener_that_does_not_read_loses_whole_values_and_gets_the_newest_state() {
    let launch = Launch::new().http();
    let mut daemon = launch.start();
    let port = daemon.http_port();
    // Settings fill its buffers faster than values alone.
    let mut slow = Listener::over(Http::connect_small(2048, port));
    let mut other = Listener::connect(port);
    slow.next_of("settings");
    other.next_of("settings");
    let mut settings = daemon.settings();
    let mut number = 0_u8;
    let began = Instant::now();
    while daemon.counter("events_lost") < 24 {
        assert!(began.elapsed() < Duration::from_mins(1), "it never fills up");
        number = number.wrapping_add(1);
        settings.update([number, 9, 9, 9, 9, 9]);
        pass(Duration::from_millis(20));
    }
    settings.update([number, 17, 9, 9, 9, 9]);
    settings.read();
    until(|| other.next_of("settings")["gain"] == 17.0);
    // Each event is whole; the reader panics if one is not. The newest settings come, and then the values of now.
    until(|| slow.next_of("settings")["gain"] == 17.0);
    let newest = other.value().1;
    until(|| slow.value().1 >= newest);
}

#[test]
fn a_client_that_takes_no_replies_holds_up_itself_alone() {
    let launch = test_camera();
    let mut daemon = launch.start();
    let port = daemon.http_port();
    let mut http = Http::connect_small(4096, port);
    Movie::watch(port).pictures(3);
    let request = http.compose("GET", "/snapshot.h264", &[], None);
    // Requests are not read while replies are unsent, so that the socket fills up in both directions.
    let crate::client::Stream::Tcp(stream) = &http.stream else { panic!() };
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let sent = (0..10_000).take_while(|_| http.try_send(request.repeat(50).as_bytes())).count();
    assert!(sent < 10_000, "{sent}");
    let requests = daemon.counter("http_requests");
    assert!(requests < 10_000, "{requests} are answered unseen");
    Http::connect(port).get("/api/status").expect(200);
    assert!(daemon.status("VmRSS") < 20 * 1024);
    // It reads on: nothing is lost.
    for _ in 0..100 {
        http.reply().expect(200);
    }
    drop(http);
    until(|| Http::connect(port).json("/api/status")["clients"]["http"] == 1);
}
