//! The same, with a daemon, its descriptors and its processor time.

use std::net::TcpStream;

use es_iot_server::limits::SPARE_DESCRIPTORS;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::Launch;

/// As many clients as there may be, and more that are refused. The limit is below what the configuration asks for.
#[test]
fn clients_took_the_descriptors_that_camera_settings_and_reload_need() {
    let log = full_house(64);
    let told = "limit on open files is 64, too low for server.max_clients = 1024: raise it to 1640; until then the data \
                port has 10 places, the settings port 4, the auth port 4";
    assert!(log.contains(told), "{log}");
    // One place each: what is kept back is all that there is.
    full_house(u64::from(SPARE_DESCRIPTORS) + 4);
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
