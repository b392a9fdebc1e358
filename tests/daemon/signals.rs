//! Signals, reloading, and what the service manager is told.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::ExitStatusExt;

use crate::support::{Client, DEADLINE, Daemon, Launch, until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const READY_BYTES: usize = 12;

#[test]
fn sigterm_and_sigint_stop_it() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut daemon = Launch::new().start();
        let (mut data, mut settings) = (daemon.data(), daemon.settings());
        data.data();
        settings.read();
        daemon.signal(signal);
        daemon.await_log("server INFO stopping");
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(daemon.log().ends_with("server INFO stopped"));
        settings.expect_end();
        until(|| data.try_packet().is_none());
    }
}

/// What is in the log, or the bare start of the process, sets the moment.
#[test]
fn sigterm_at_any_moment_of_the_start_is_a_stop() {
    for round in 0..24 {
        let launch = Launch::new();
        let mut daemon = launch.spawn();
        let moments = ["starts, logging", "data port", "settings port", "auth port", "need the password"];
        if let Some(line) = moments.get(round % (moments.len() + 1)) {
            daemon.await_log(line);
        }
        daemon.signal(Signal::SIGTERM);
        let status = daemon.wait();
        // Before the program's first instruction nothing can be blocked yet.
        let before_main = status.signal() == Some(Signal::SIGTERM as i32) && daemon.log().is_empty();
        assert!(status.code() == Some(0) || before_main, "round {round}: {status}\n{}", daemon.log());
    }
}

#[test]
fn a_broken_pipe_is_no_reason_to_end() {
    let mut daemon = Launch::new().start();
    daemon.signal(Signal::SIGPIPE);
    daemon.settings().read();
    for _ in 0..20 {
        let mut client = daemon.data();
        client.data();
        drop(client);
    }
    daemon.stop();
}

#[test]
fn sigusr1_tells_the_counters() {
    let mut daemon = Launch::new().start();
    let mut subscriber = daemon.data();
    subscriber.data();
    daemon.settings().read();
    daemon.try_password("127.0.0.2", "wrong");
    daemon.signal(Signal::SIGUSR1);
    let line = daemon.await_log("server INFO clients=");
    for part in ["subscribers=1", "failing_addresses=1", "grants=0", "camera=", "accepted=3", "auth_rejected=1"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

fn reload(daemon: &mut Daemon, launch: &Launch) -> String {
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("server INFO configuration reread")
}

#[test]
fn a_reload_applies_what_can_change_at_run_time() {
    let mut launch = Launch::new();
    let file = launch.dir.join("sensor");
    fs::write(&file, "42\n").unwrap();
    let mut daemon = launch.start();
    let mut subscriber = daemon.data();
    subscriber.data();

    launch.change("auth.password", "new one");
    launch.change("data.source", json!({ "file": file }));
    launch.change("server.max_clients", 2);
    launch.change("logging.level", "DEBUG");
    let line = reload(&mut daemon, &launch);
    assert!(line.ends_with("configuration reread"), "nothing needs a restart: {line}");

    assert_eq!(daemon.try_password("127.0.0.2", "new one").len(), READY_BYTES);
    daemon.await_log("DEBUG 127.0.0.2");
    assert_ne!(daemon.try_password("127.0.0.2", "1111").len(), READY_BYTES);
    until(|| subscriber.data().0 == 42);
    let _clients = [daemon.settings(), daemon.settings()];
    daemon.settings().expect_error(2, 6);

    launch.change("auth.required", true);
    launch.change("auth.trust_loopback", false);
    reload(&mut daemon, &launch);
    until(|| subscriber.packet()[3] == 2);
    subscriber.expect_end();
    Client::connect_from("127.0.0.3", daemon.data_port()).expect_error(1, 4);
}

#[test]
fn a_reload_names_what_needs_a_restart() {
    let mut launch = Launch::new();
    let mut daemon = launch.start();
    launch.change("server.host", "127.0.0.2");
    launch.change("server.data_port", 1);
    launch.change("paths.state_dir", "/nowhere");
    let line = reload(&mut daemon, &launch);
    for key in ["server.host", "server.data_port", "paths.state_dir", "only after a restart"] {
        assert!(line.contains(key), "{key} in {line}");
    }
    daemon.settings().read();
}

#[test]
fn a_reload_of_a_bad_file_changes_nothing() {
    let mut launch = Launch::new();
    let mut daemon = launch.start();
    launch.change("auth.password", "new one");
    launch.change("camera.framerate", 0);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    let line = daemon.await_log("configuration not changed");
    assert!(line.contains("ERROR") && line.contains("camera.framerate"), "{line}");
    assert_eq!(daemon.try_password("127.0.0.1", "1111").len(), READY_BYTES);
    fs::remove_file(launch.config_file()).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration not changed");
    launch.change("camera.framerate", 24);
    reload(&mut daemon, &launch);
    assert_eq!(daemon.try_password("127.0.0.1", "new one").len(), READY_BYTES);
}

#[test]
fn a_reload_reads_the_camera_settings() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.read();
    let settings = json!({
        "shutter": 20_000, "gain": 2.0, "awb_red": 1.5, "awb_blue": 1.25, "contrast": 1.0, "brightness": 0.0
    });
    fs::write(launch.settings_file(), settings.to_string()).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("camera settings are now shutter 20000");
    daemon.await_log("configuration reread");
    assert_eq!(client.read(), [200, 2, 15, 12, 10, 127]);

    fs::write(launch.settings_file(), "{").unwrap();
    daemon.signal(Signal::SIGHUP);
    let line = daemon.await_log("configuration not changed");
    assert!(line.contains("camera_settings.json"), "{line}");
    assert_eq!(client.read(), [200, 2, 15, 12, 10, 127]);
}

#[test]
fn a_rotated_log_file_is_opened_anew() {
    let mut launch = Launch::new();
    let (log, old) = (launch.dir.join("es-iot.log"), launch.dir.join("es-iot.log.1"));
    launch.change("logging.file", log.to_str().unwrap());
    let mut daemon = launch.start();
    fs::rename(&log, &old).unwrap();
    reload(&mut daemon, &launch);
    // Each place gets a line in turn; by the next line, all have the one before.
    daemon.counter("clients");
    assert!(fs::read_to_string(&old).unwrap().contains("auth port is"));
    assert!(fs::read_to_string(&log).unwrap().contains("configuration reread"));
}

/// A service manager's end: what it is told, one message at a time.
struct Manager(UnixDatagram);

impl Manager {
    fn new(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(socket)
    }

    fn next(&self) -> String {
        let mut bytes = [0; 1024];
        let length = self.0.recv(&mut bytes).expect("a message to the service manager");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// Passes over others until this one.
    fn expect(&self, beginning: &str) -> String {
        loop {
            let message = self.next();
            if message.starts_with(beginning) {
                return message;
            }
        }
    }
}

#[test]
fn the_service_manager_is_told_of_start_reload_and_stop() {
    let launch = Launch::new();
    let path = launch.dir.join("notify");
    let manager = Manager::new(&SocketAddr::from_pathname(&path).unwrap());
    let launch = launch.env("NOTIFY_SOCKET", path.as_os_str());
    let mut daemon = launch.spawn();
    assert_eq!(manager.next(), "READY=1");
    // The ports are bound: they can be used at once.
    daemon.await_ports();
    daemon.settings().read();
    manager.expect("STATUS=");
    daemon.signal(Signal::SIGHUP);
    let reloading = manager.expect("RELOADING=1");
    let since: u64 = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!(since > 0);
    manager.expect("READY=1");
    fs::write(launch.config_file(), "{").unwrap();
    daemon.signal(Signal::SIGHUP);
    manager.expect("RELOADING=1");
    manager.expect("READY=1");
    daemon.stop();
    manager.expect("STOPPING=1");
}

#[test]
fn the_watchdog_is_fed_through_an_abstract_socket() {
    let name = format!("es-iot-watchdog-{}", std::process::id());
    let manager = Manager::new(&SocketAddr::from_abstract_name(&name).unwrap());
    let launch = Launch::new().env("NOTIFY_SOCKET", format!("@{name}")).env("WATCHDOG_USEC", "400000");
    let mut daemon = launch.start();
    for _ in 0..3 {
        manager.expect("WATCHDOG=1");
    }
    daemon.stop();
}

#[test]
fn a_password_that_is_taken_away_is_replaced_by_the_generated_one_if_there_is_one() {
    let mut launch = Launch::new().set("auth.password", Value::Null);
    let mut daemon = launch.start();
    let generated = fs::read_to_string(launch.state_dir().join("auth_password")).unwrap();
    launch.change("auth.password", "1111");
    reload(&mut daemon, &launch);
    assert_eq!(daemon.try_password("127.0.0.1", "1111").len(), READY_BYTES);
    launch.change("auth.password", Value::Null);
    reload(&mut daemon, &launch);
    assert_eq!(daemon.try_password("127.0.0.1", generated.trim_end()).len(), READY_BYTES);
}
