//! A service manager that is too busy to read what it is told.
#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::support::{DEADLINE, Launch};
use nix::sys::signal::Signal;

/// Its socket, and its queue filled up with messages of others.
struct Busy {
    name: String,
    socket: UnixDatagram,
}

impl Busy {
    fn new() -> Self {
        let name = format!("es-iot-busy-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { name, socket }
    }

    fn fill(&self) {
        let other = UnixDatagram::unbound().unwrap();
        other.set_nonblocking(true).unwrap();
        while other.send_to_addr(b"other", &self.socket.local_addr().unwrap()).is_ok() {}
    }

    /// The next message of the daemon.
    fn next(&self) -> String {
        loop {
            let mut bytes = [0; 256];
            let length = self.socket.recv(&mut bytes).expect("a message to the service manager");
            if bytes[..length] != *b"other" {
                return String::from_utf8_lossy(&bytes[..length]).into_owned();
            }
        }
    }
}

#[test]
fn a_service_manager_whose_queue_was_full_never_heard_that_the_daemon_was_ready() {
    let manager = Busy::new();
    manager.fill();
    let launch = Launch::new().env("NOTIFY_SOCKET", format!("@{}", manager.name));
    let mut daemon = launch.start();
    daemon.await_log("server WARNING the service manager");
    assert_eq!(manager.next(), "READY=1");
    assert!(manager.next().starts_with("STATUS="));
    manager.fill();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert!(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(manager.next(), "READY=1");
    assert_eq!(daemon.counter("notify_delayed"), 2);
    daemon.stop();
    assert_eq!(manager.next(), "STOPPING=1");
}
