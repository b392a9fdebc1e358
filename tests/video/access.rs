//! Who may watch.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::camera::test_camera;
use crate::login::digest;
use crate::players::Player;
use crate::reply::Reply;
use crate::support::{Client, Daemon, Launch, packet, skip};
use crate::viewer::{PATH, Viewer};

const USER: &str = "es-iot";
const RIGHT: (&str, &str) = (USER, "1111");
const TOO_MANY_ATTEMPTS: u8 = 5;

fn guarded() -> Launch {
    test_camera().set("auth.required", true).set("auth.trust_loopback", false)
}

/// A DESCRIBE with an answer to the challenge at this place of the list: SHA-256 first, MD5 last.
fn log_in(viewer: &mut Viewer, login: (&str, &str), which: usize) -> Reply {
    let url = viewer.url.clone();
    let reply = viewer.request("DESCRIBE").expect(401);
    let answer = digest(reply.all("WWW-Authenticate")[which], login, "DESCRIBE", &url);
    viewer.ask("DESCRIBE", &url, &[("Authorization", &answer)])
}

fn watch(viewer: &mut Viewer) {
    viewer.set_up_tcp();
    viewer.play();
    viewer.pictures(5);
}

/// Five wrong passwords from an address.
fn fail_five_times(source: &str, daemon: &Daemon) {
    for _ in 0..5 {
        let mut viewer = Viewer::connect_from(source, daemon.rtsp_port());
        log_in(&mut viewer, (USER, "wrong"), 1).expect(401);
        viewer.expect_end();
    }
}

#[test]
fn everyone_may_watch_unless_a_password_is_required() {
    let daemon = test_camera().start();
    watch(&mut Viewer::connect_from("127.0.0.9", daemon.rtsp_port()));
}

#[test]
fn a_viewer_is_asked_for_the_password_with_both_digests() {
    let mut daemon = guarded().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    viewer.request("OPTIONS").expect(200);
    let url = format!("{}/trackID=0", viewer.url);
    for reply in [
        viewer.request("DESCRIBE"),
        viewer.ask("SETUP", &url, &[("Transport", "RTP/AVP/TCP")]),
        viewer.request("PLAY"),
        viewer.request("TEARDOWN"),
        viewer.request("GET_PARAMETER"),
    ] {
        let reply = reply.expect(401);
        let challenges = reply.all("WWW-Authenticate");
        assert_eq!(challenges.len(), 2, "{challenges:?}");
        assert!(challenges.iter().all(|challenge| challenge.starts_with("Digest realm=\"es-iot-server\", nonce=\"")));
        assert!(challenges[0].contains("SHA-256") && challenges[1].contains("MD5"), "{challenges:?}");
        assert!(!format!("{reply:?}").contains("Basic"), "it would send the password in clear");
    }
    for which in [0, 1] {
        let mut viewer = Viewer::connect(daemon.rtsp_port());
        log_in(&mut viewer, RIGHT, which).expect(200);
        watch(&mut viewer);
    }
    for wrong in [(USER, "1112"), (USER, ""), ("admin", "1111")] {
        let mut viewer = Viewer::connect_from("127.0.0.7", daemon.rtsp_port());
        log_in(&mut viewer, wrong, 0).expect(401);
        viewer.expect_end();
    }
    assert_eq!(daemon.counter("auth_rejected"), 3);
    assert_eq!(daemon.counter("auth_accepted"), 2);
    assert!(daemon.counter("rtsp_unauthorized") >= 10);
    // A video password opens no other port.
    Client::connect_from("127.0.0.1", daemon.settings_port()).expect_error(2, 4);
    assert!(!daemon.log().contains("1112"), "no password is logged");
}

#[test]
fn an_answer_opens_one_connection_only() {
    let daemon = guarded().start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    let url = viewer.url.clone();
    let reply = viewer.request("DESCRIBE").expect(401);
    let answer = digest(reply.all("WWW-Authenticate")[1], RIGHT, "DESCRIBE", &url);
    viewer.ask("DESCRIBE", &url, &[("Authorization", &answer)]).expect(200);
    let mut other = Viewer::connect(daemon.rtsp_port());
    let reply = other.ask("DESCRIBE", &url, &[("Authorization", &answer)]).expect(401);
    assert!(reply.all("WWW-Authenticate").iter().all(|challenge| challenge.contains("stale=true")), "{reply:?}");
}

#[test]
fn ffmpeg_gives_the_password_of_the_url() {
    let mut daemon = guarded().start();
    let url = |password: &str| format!("rtsp://{USER}:{password}@{}/{PATH}", daemon.rtsp_port());
    for transport in ["tcp", "udp"] {
        let Some(mut player) = Player::ffmpeg(Some(transport), &url("1111")) else {
            return skip("ffmpeg is not installed");
        };
        player.pictures(24);
        player.end();
    }
    let mut ffprobe = Command::new("ffprobe");
    let output = ffprobe.args(["-v", "error"]).arg(url("2222")).stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success());
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.contains("401 Unauthorized"), "{complaints}");
    daemon.await_log("127.0.0.1 gave a wrong password");
}

#[test]
fn wrong_passwords_lock_an_address_out_of_both_ports() {
    let mut daemon = guarded().start();
    fail_five_times("127.0.0.2", &daemon);
    daemon.await_log("127.0.0.2 is locked out for 30 s");
    let mut viewer = Viewer::connect_from("127.0.0.2", daemon.rtsp_port());
    viewer.request("OPTIONS").expect(200);
    let reply = viewer.request("DESCRIBE").expect(403);
    let wait: u64 = reply.header("Retry-After").parse().unwrap();
    assert!((20..=31).contains(&wait), "{reply:?}");
    viewer.expect_end();
    assert_eq!(daemon.try_password("127.0.0.2", "1111"), packet(0, 2, &[TOO_MANY_ATTEMPTS]));

    // And the other way round; no other address is concerned.
    for _ in 0..5 {
        daemon.try_password("127.0.0.3", "wrong");
    }
    Viewer::connect_from("127.0.0.3", daemon.rtsp_port()).request("DESCRIBE").expect(403);
    log_in(&mut Viewer::connect_from("127.0.0.4", daemon.rtsp_port()), RIGHT, 1).expect(200);
}

#[test]
fn an_address_with_a_grant_watches_immediately() {
    let daemon = guarded().start();
    Viewer::connect_from("127.0.0.2", daemon.rtsp_port()).request("DESCRIBE").expect(401);
    daemon.try_password("127.0.0.2", "1111");
    watch(&mut Viewer::connect_from("127.0.0.2", daemon.rtsp_port()));
    Viewer::connect_from("127.0.0.3", daemon.rtsp_port()).request("DESCRIBE").expect(401);
}

#[test]
fn this_machine_is_trusted_if_configured() {
    let daemon = test_camera().set("auth.required", true).start();
    watch(&mut Viewer::connect(daemon.rtsp_port()));
    watch(&mut Viewer::connect_from("127.0.0.9", daemon.rtsp_port()));
}

fn reload(daemon: &mut Daemon, launch: &mut Launch, key: &str, value: impl Into<serde_json::Value>) {
    launch.change(key, value);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
}

fn expect_goodbye(viewer: &mut Viewer) {
    while !viewer.reports.last().unwrap().goodbye {
        viewer.receive();
    }
    viewer.expect_end();
}

#[test]
fn a_new_password_ends_the_sessions_that_the_old_one_opened() {
    let mut launch = guarded();
    let mut daemon = launch.start();
    daemon.try_password("127.0.0.2", "1111");
    let mut granted = Viewer::connect_from("127.0.0.2", daemon.rtsp_port());
    let mut proved = Viewer::connect(daemon.rtsp_port());
    log_in(&mut proved, RIGHT, 0).expect(200);
    for viewer in [&mut granted, &mut proved] {
        watch(viewer);
    }
    launch.change("auth.password", "2222");
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("it may no longer watch after a reload");
    for viewer in [&mut granted, &mut proved] {
        expect_goodbye(viewer);
    }
    log_in(&mut Viewer::connect(daemon.rtsp_port()), RIGHT, 0).expect(401);
    log_in(&mut Viewer::connect(daemon.rtsp_port()), (USER, "2222"), 0).expect(200);
}

#[test]
fn a_password_that_is_required_from_now_on_ends_open_sessions() {
    let mut launch = test_camera();
    let mut daemon = launch.start();
    let mut viewer = Viewer::watch_udp(daemon.rtsp_port());
    launch.change("auth.trust_loopback", false);
    reload(&mut daemon, &mut launch, "auth.required", true);
    expect_goodbye(&mut viewer);
    assert_eq!(viewer.stream.local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
}

#[test]
fn a_reload_that_leaves_access_as_it_is_ends_no_session() {
    let mut launch = guarded();
    let mut daemon = launch.start();
    let mut viewer = Viewer::connect(daemon.rtsp_port());
    log_in(&mut viewer, RIGHT, 1).expect(200);
    watch(&mut viewer);
    reload(&mut daemon, &mut launch, "logging.level", "DEBUG");
    viewer.pictures(24);
    viewer.request("GET_PARAMETER").expect(200);
    viewer.pictures(5);
}
