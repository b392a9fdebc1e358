//! The two servers as processes, and what `/proc` tells of them.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use es_iot_server::sys::clock;

use super::floor;

/// The daemon's binary, in the release profile.
pub const DAEMON: &str = env!("CARGO_BIN_EXE_es-iot-server");

/// How long a server may take to come up, and a run to begin, before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The daemon.
    Daemon,
    /// The floor.
    Floor,
}

/// A directory of the bench's own, gone with it.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes the directory and the daemon's configuration in it.
    pub fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("es-iot-fanout-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        let state = path.display();
        let config = format!(
            r#"{{ "server": {{ "host": "127.0.0.1", "data_port": 0, "settings_port": 0, "auth_port": 0, "max_clients": 4000 }},
  "camera": {{ "source": "none" }}, "auth": {{ "password": "fanout" }},
  "paths": {{ "state_dir": "{state}" }}, "logging": {{ "target": "console" }} }}"#
        );
        fs::write(path.join("config.json"), config)?;
        // It has a password.
        fs::set_permissions(path.join("config.json"), fs::Permissions::from_mode(0o600))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

/// A server that runs; dropped, it is killed.
pub struct Running {
    child: Child,
    /// The daemon's service manager. Without one that takes its messages, the daemon wakes up every second to send them.
    manager: Option<UnixDatagram>,
    /// Where it streams.
    pub address: String,
    /// From before `fork` to when it said that it serves.
    pub started_within: Duration,
}

impl Running {
    /// Starts a server and waits until it serves.
    pub fn start(scratch: &Scratch, kind: Kind) -> io::Result<Self> {
        match kind {
            Kind::Daemon => Self::daemon(scratch),
            Kind::Floor => Self::floor(),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn daemon(scratch: &Scratch) -> io::Result<Self> {
        let name = format!("es-iot-fanout-{}", std::process::id());
        let notify = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        notify.set_read_timeout(Some(PATIENCE))?;
        let log = scratch.0.join("log");
        let mut command = Command::new(DAEMON);
        command.arg("--config").arg(scratch.0.join("config.json")).env("NOTIFY_SOCKET", format!("@{name}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let before = clock::mono();
        let child = command.spawn()?;
        let mut server = Self { child, manager: None, address: String::new(), started_within: Duration::ZERO };
        let mut told = [0; 256];
        loop {
            let length = notify.recv(&mut told).map_err(|error| {
                let text = fs::read_to_string(&log).unwrap_or_default();
                io::Error::other(format!("the daemon is not ready: {error}; its log: {}", text.trim_end()))
            })?;
            if told[..length].starts_with(b"READY=1") {
                break;
            }
        }
        server.started_within = clock::mono().since(before);
        let text = fs::read_to_string(&log)?;
        let address = text.lines().find_map(|line| line.split_once("data port is ")).map(|(_, address)| address.trim());
        address.ok_or_else(|| io::Error::other("the daemon does not say its port"))?.clone_into(&mut server.address);
        server.manager = Some(notify);
        Ok(server)
    }

    fn floor() -> io::Result<Self> {
        let before = clock::mono();
        let mut child = Command::new(std::env::current_exe()?).arg(floor::ARGUMENT).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        let mut server = Self { child, manager: None, address: String::new(), started_within: Duration::ZERO };
        if let Some(stdout) = stdout {
            BufReader::new(stdout).read_line(&mut server.address)?;
        }
        server.address.truncate(server.address.trim_end().len());
        server.started_within = clock::mono().since(before);
        Ok(server)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits. The bench waits for time to pass; what it measures does not.
#[expect(clippy::disallowed_methods, reason = "nothing else is to happen in this process meanwhile")]
pub fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// CPU time of a process of one thread, in nanoseconds: what its schedstat has, finer than the clock ticks of `stat`.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    text.split_ascii_whitespace().next().and_then(|field| field.parse().ok()).ok_or_else(|| odd("schedstat"))
}

/// How often a process has gone to sleep, and so been woken up.
pub fn voluntary_switches(pid: u32) -> io::Result<u64> {
    field(pid, "status", "voluntary_ctxt_switches:")
}

/// Memory in KiB: all that is resident, and the part of it that belongs to no file. `status` has the same from
/// per-CPU counters that lag behind; this is counted page by page, for root, since the daemon's memory is private.
pub fn memory_kib(pid: u32) -> io::Result<(u64, u64)> {
    let counted = |name, lagging| field(pid, "smaps_rollup", name).or_else(|_| field(pid, "status", lagging));
    Ok((counted("Rss:", "VmRSS:")?, counted("Anonymous:", "RssAnon:")?))
}

fn field(pid: u32, file: &'static str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| odd(file))?;
    line.split_ascii_whitespace().next().and_then(|number| number.parse().ok()).ok_or_else(|| odd(file))
}

fn odd(file: &'static str) -> io::Error {
    io::Error::other(format!("/proc has no such {file}"))
}
