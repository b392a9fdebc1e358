//! Clients that are broken, hostile or too many.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{A_WHILE, turn, unharmed};
use crate::camera::test_camera;
use crate::support::{pass, skip};
use crate::udp::UdpPair;
use crate::viewer::{Viewer, Way};

/// Connections that ask for nothing.
const MANY: usize = 3000;

/// A generator that needs no crate (Marsaglia, Xorshift RNGs).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

#[test]
fn broken_requests_of_all_kinds_harm_no_one() {
    let _turn = turn();
    let mut daemon = test_camera().start();
    let port = daemon.rtsp_port();
    let url = Viewer::connect(port).url;
    unharmed(&mut daemon, |_| {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let end = Instant::now() + A_WHILE;
        while Instant::now() < end {
            let mut text = format!(
                "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\nDESCRIBE {url} RTSP/1.0\r\nCSeq: 2\r\n\r\n$\u{1}\0\u{4}abcdSETUP \
                 {url}/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
            )
            .into_bytes();
            for _ in 0..=random.next(8) {
                let at = random.next(text.len().max(1));
                if text.len() <= at {
                    break;
                }
                match random.next(3) {
                    0 => text[at] = u8::try_from(random.next(256)).unwrap(),
                    1 => drop(text.remove(at)),
                    _ => text.truncate(at + 1),
                }
            }
            let mut stream = TcpStream::connect(port).unwrap();
            let _closed_early = stream.write_all(&text);
            let _half = stream.shutdown(std::net::Shutdown::Write);
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut reply = Vec::new();
            let ended = stream.read_to_end(&mut reply);
            let text = String::from_utf8_lossy(&text);
            assert!(
                ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset),
                "{text:?}"
            );
            assert!(reply.is_empty() || reply.starts_with(b"RTSP/1.0 ") || reply.starts_with(b"HTTP/1.1 "), "{text:?}");
        }
    });
    assert!(daemon.counter("rtsp_bad_request") > 10);
    let lines = daemon.log().lines().count();
    assert!(lines < 120, "the log is bounded: {lines} lines");
}

fn rtcp_port(viewer: &mut Viewer) -> u16 {
    let pair = UdpPair::bind(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let reply = viewer.set_up(&pair.transport()).expect(200);
    reply.server_port().unwrap() + 1
}

#[test]
fn a_flood_of_reports_from_strangers_and_of_rubbish_from_a_viewer_harms_no_one() {
    let _turn = turn();
    let mut daemon = test_camera().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let port = SocketAddr::from((Ipv4Addr::LOCALHOST, rtcp_port(&mut viewer)));
    unharmed(&mut daemon, |daemon| {
        // Each viewer's own reports are heard in between.
        let mut friend = Viewer::watch_udp(daemon.rtsp_port());
        let end = Instant::now() + A_WHILE;
        thread::scope(|scope| {
            for source in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
                scope.spawn(move || {
                    let socket = UdpSocket::bind((source, 0)).unwrap();
                    let report = [0x80, 201, 0, 1, 1, 2, 3, 4];
                    while Instant::now() < end {
                        for _ in 0..64 {
                            let _full = socket.send_to(&report, port);
                            let _full = socket.send_to(&[0xFF; 1400], port);
                        }
                        pass(Duration::from_millis(1));
                    }
                });
            }
            let Way::Udp(pair) = &friend.way else { panic!("UDP") };
            while Instant::now() < end {
                pair.rtcp.send_to(&[0x8F, 201, 0xFF], port).unwrap();
                pass(Duration::from_millis(100));
            }
        });
        friend.pictures(10);
    });
    assert!(daemon.counter("rtcp_strangers") > 100);
    assert!(daemon.log().lines().count() < 60, "strangers are counted, not logged");
}

#[test]
fn a_storm_of_setups_leaves_nothing_behind() {
    let _turn = turn();
    let mut daemon = test_camera().start();
    let port = daemon.rtsp_port();
    unharmed(&mut daemon, |_| {
        let end = Instant::now() + A_WHILE;
        thread::scope(|scope| {
            for nth in 0..4 {
                scope.spawn(move || {
                    let mut viewer = Viewer::connect(port);
                    let pair = UdpPair::bind(IpAddr::V4(Ipv4Addr::LOCALHOST));
                    let mut count = 0;
                    while Instant::now() < end {
                        // Each begins a session in place of the last one, over another transport.
                        let udp = pair.transport();
                        let list = if count % 2 == 0 { "RTP/AVP/TCP;interleaved=0-1" } else { &udp };
                        viewer.session = Some(viewer.set_up(list).expect(200).session());
                        if nth == 0 && count % 50 == 0 {
                            viewer.request("PLAY").expect(200);
                        }
                        if nth == 1 {
                            viewer.request("TEARDOWN").expect(200);
                        }
                        viewer.session = None;
                        viewer.pass_over_frames();
                        count += 1;
                    }
                    assert!(count > 20, "{count} sessions");
                });
            }
        });
    });
    assert_eq!(daemon.counter("peer_overflow"), 0);
    assert!(daemon.counter("rtsp_sessions") > 200);
}

#[test]
fn all_places_taken_is_a_503_and_a_place_that_is_free_again_is_given() {
    let _turn = turn();
    let mut daemon = test_camera().set("server.max_viewers", 3).start();
    let port = daemon.rtsp_port();
    unharmed(&mut daemon, |_| {
        let mut third = Viewer::connect(port);
        third.set_up_tcp();
        let mut fourth = Viewer::connect(port);
        // It may look, but not watch.
        fourth.describe();
        fourth.set_up("RTP/AVP/TCP").expect(503);
        third.request("TEARDOWN").expect(200);
        fourth.set_up_tcp();
        fourth.play();
        third.session = None;
        third.set_up("RTP/AVP/TCP").expect(503);
        drop(fourth);
        let found = (0..100).any(|_| {
            pass(Duration::from_millis(20));
            third.set_up("RTP/AVP/TCP").status == 200
        });
        assert!(found, "a viewer that is gone leaves its place");
        pass(A_WHILE);
    });
    assert!(daemon.counter("rtsp_unavailable") >= 2);
}

/// Raises the test's own limit on descriptors, as far as it goes.
fn may_open(descriptors: u64) -> bool {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if soft < descriptors && setrlimit(Resource::RLIMIT_NOFILE, descriptors.min(hard), hard).is_err() {
        return false;
    }
    hard >= descriptors
}

#[test]
fn thousands_of_connections_that_ask_for_nothing_are_refused_or_closed() {
    let _turn = turn();
    if !may_open(16 * 1024) {
        return skip("the limit on open descriptors is too low");
    }
    let mut daemon = test_camera().start();
    let port = daemon.rtsp_port();
    let refused = unharmed(&mut daemon, |daemon| {
        let idle: Vec<TcpStream> = (0..MANY)
            .map(|nth| {
                let mut stream = TcpStream::connect(port).unwrap();
                if nth % 2 == 0 {
                    let _refused = stream.write_all(b"DESCRIBE rtsp://");
                }
                stream
            })
            .collect();
        pass(Duration::from_secs(1));
        assert!(daemon.counter("clients") < 200, "its places are bounded");
        // Those that were refused were told so, as far as they could be.
        let mut told = 0;
        for mut stream in idle {
            stream.set_nonblocking(true).unwrap();
            let mut text = [0; 64];
            if let Ok(length @ 1..) = stream.read(&mut text) {
                assert!(text[..length].starts_with(b"RTSP/1.0 503 "), "{}", String::from_utf8_lossy(&text[..length]));
                told += 1;
            }
        }
        told
    });
    assert!(refused > 0, "some are told why");
    let [full, silently] = ["refused_full", "refused_silently"].map(|name| daemon.counter(name));
    assert!(full > 0 && full + silently >= MANY as u64 / 2, "{full} and {silently}");
    // As soon as they are gone, there is room again.
    Viewer::watch_tcp(port).pictures(5);
    let lines = daemon.log().lines().count();
    assert!(lines < 100, "the log is bounded: {lines} lines");
}
