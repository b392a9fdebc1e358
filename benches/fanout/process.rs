//! The two server processes.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use es_iot_server::sys::clock;

use super::floor;
use super::support::daemon::{Daemon, Scratch};
use super::support::proc::{self, Process};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The daemon.
    Daemon,
    /// The floor.
    Floor,
}

/// The daemon's directory and configuration.
pub fn scratch() -> io::Result<Scratch> {
    Scratch::new("fanout", |path| {
        let state = path.display();
        format!(
            r#"{{ "server": {{ "host": "127.0.0.1", "data_port": 0, "settings_port": 0, "auth_port": 0, "rtsp_port": 0,
    "http_port": null, "http_socket": null,
    "max_clients": 4000 }},
  "camera": {{ "source": "none" }}, "auth": {{ "password": "fanout" }},
  "paths": {{ "state_dir": "{state}" }}, "logging": {{ "target": "console" }} }}"#
        )
    })
}

/// A running server, which is killed on drop.
pub struct Running {
    _server: Server,
    /// Its process id.
    pub pid: u32,
    /// The address of its data stream.
    pub address: String,
    /// The time from before `fork` until it was ready.
    pub started_within: Duration,
}

#[expect(dead_code, reason = "held to be killed on drop")]
enum Server {
    Daemon(Daemon),
    Floor(Process),
}

impl Running {
    /// Starts a server and waits until it is ready.
    pub fn start(scratch: &Scratch, kind: Kind) -> io::Result<Self> {
        match kind {
            Kind::Daemon => Self::daemon(scratch),
            Kind::Floor => Self::floor(),
        }
    }

    fn daemon(scratch: &Scratch) -> io::Result<Self> {
        let (daemon, started_within) = Daemon::start(scratch)?;
        let (pid, address) = (daemon.pid(), daemon.address("data")?);
        Ok(Self { _server: Server::Daemon(daemon), pid, address, started_within })
    }

    fn floor() -> io::Result<Self> {
        let before = clock::mono();
        let child = Command::new(std::env::current_exe()?).arg(floor::ARGUMENT).stdout(Stdio::piped()).spawn()?;
        let mut process = Process(child);
        let mut address = String::new();
        if let Some(stdout) = process.0.stdout.take() {
            BufReader::new(stdout).read_line(&mut address)?;
        }
        address.truncate(address.trim_end().len());
        let (pid, started_within) = (process.pid(), clock::mono().since(before));
        Ok(Self { _server: Server::Floor(process), pid, address, started_within })
    }
}

/// The number of times that a process has gone to sleep, and so been woken up.
pub fn voluntary_switches(pid: u32) -> io::Result<u64> {
    proc::field(pid, "status", "voluntary_ctxt_switches:")
}
