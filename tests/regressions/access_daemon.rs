//! The same, with a daemon, its descriptors and its processor time.
#![expect(clippy::disallowed_methods, reason = "a flood has an end")]

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use es_iot_server::limits::SPARE_DESCRIPTORS;
use nix::sys::signal::Signal;
use nix::sys::socket::{setsockopt, sockopt};
use serde_json::json;

use crate::support::{Daemon, Launch, pass, until};

/// As many clients as there may be, and more that are refused. The limit is below what the configuration asks for.
#[test]
fn clients_took_the_descriptors_that_camera_settings_and_reload_need() {
    let log = full_house(64);
    let told = "limit on open files is 64, too low for server.max_clients = 1024: raise it to 1736; until then the data \
                port has 9 places, the settings port 3, the auth port 3, the rtsp port 3";
    assert!(log.contains(told), "{log}");
    // One place each: what is kept back is all that there is.
    full_house(u64::from(SPARE_DESCRIPTORS) + 5);
}

/// Returns the log.
fn full_house(descriptors: u64) -> String {
    let mut launch = Launch::new().descriptors(descriptors, descriptors);
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.read();
    let ports = [daemon.data_port(), daemon.settings_port(), daemon.auth_port()];
    let _clients: Vec<TcpStream> =
        ports.iter().cycle().take(90).map(|port| TcpStream::connect(port).expect("a connection")).collect();
    client.read();

    launch.change("camera.source", "command");
    launch.change("camera.command", json!(["sh", "-c", "echo the camera was started >&2; exit 3"]));
    launch.change("camera.publisher", json!(["cat"]));
    launch.change("camera.rtsp_url", "rtsp://127.0.0.1:9/ES_MTX");
    launch.change("server.max_clients", 2000);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    daemon.await_log("too low for server.max_clients = 2000");
    daemon.await_log("the camera was started");
    client.update([9; 6]);
    assert_eq!(client.read(), [9; 6]);
    assert!(launch.settings_file().exists());
    assert_eq!(daemon.counter("accept_rested"), 0);
    daemon.log()
}

/// The share of one processor that a daemon uses while something floods it, in percent.
fn busy(daemon: &Daemon, name: &str, mut flood: impl FnMut()) -> u64 {
    let (begin, before) = (Instant::now(), daemon.cpu_ticks());
    while begin.elapsed() < Duration::from_secs(3) {
        flood();
    }
    let percent = (daemon.cpu_ticks() - before) * 1000 / u64::try_from(begin.elapsed().as_millis()).expect("seconds");
    println!("{name}: {percent} % of a processor");
    percent
}

/// Sends as much as the connection takes, and waits a moment when it takes no more. Whether it still takes something.
fn pour(stream: &mut TcpStream) -> bool {
    match stream.write(&[0xFF; 16 * 1024]) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            pass(Duration::from_millis(1));
            true
        }
        Err(_) => false,
    }
}

fn nonblocking(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nonblocking(true).expect("a mode");
    stream
}

#[test]
fn what_a_subscriber_sent_was_thrown_away_as_fast_as_it_came() {
    let mut daemon = Launch::new().start();
    let mut good = daemon.data();
    let mut bad = nonblocking(daemon.data_port());
    let percent = busy(&daemon, "rubbish on the data port", || assert!(pour(&mut bad)));
    assert!(percent < 15, "{percent} % of a processor for nothing");
    good.data();
    // It is read on, slowly, and a reset is noticed although it is not the next to be read.
    setsockopt(&bad, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 }).expect("an option");
    drop(bad);
    until(|| daemon.counter("peer_lost") > 0);
}

#[test]
fn what_a_refused_client_sent_was_thrown_away_as_fast_as_it_came() {
    let daemon = Launch::new().set("auth.required", true).set("auth.trust_loopback", false).start();
    let mut bad = nonblocking(daemon.settings_port());
    let percent = busy(&daemon, "rubbish of a refused client", || {
        if !pour(&mut bad) {
            bad = nonblocking(daemon.settings_port());
        }
    });
    assert!(percent < 15, "{percent} % of a processor for nothing");
}

#[test]
fn a_childs_flood_of_lines_was_read_as_fast_as_it_came() {
    let mut daemon = Launch::new()
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", "echo begin >&2; exec yes >&2"]))
        .publisher(json!(["cat"]))
        .set("camera.stall_seconds", 60)
        .start();
    let mut client = daemon.data();
    let percent = busy(&daemon, "lines of a child", || {
        client.data();
    });
    assert!(percent < 20, "{percent} % of a processor for lines that nobody reads");
    daemon.stop();
}
