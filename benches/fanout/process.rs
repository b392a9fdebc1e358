//! The two server processes, and their figures from `/proc`.

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

/// The time-out for the start of a server.
const PATIENCE: Duration = Duration::from_secs(10);

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The daemon.
    Daemon,
    /// The floor.
    Floor,
}

/// A temporary directory for the bench.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates the directory, with the daemon's configuration.
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
        // The configuration contains a password.
        fs::set_permissions(path.join("config.json"), fs::Permissions::from_mode(0o600))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

/// A running server, which is killed on drop.
pub struct Running {
    child: Child,
    /// The daemon's service manager. Without one, the daemon would wake up every second to retry its notifications.
    manager: Option<UnixDatagram>,
    /// The address of its data stream.
    pub address: String,
    /// The time from before `fork` until it reported ready.
    pub started_within: Duration,
}

impl Running {
    /// Starts a server and waits until it is ready.
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
        let mut message = [0; 256];
        loop {
            let length = notify.recv(&mut message).map_err(|error| {
                let text = fs::read_to_string(&log).unwrap_or_default();
                io::Error::other(format!("the daemon is not ready: {error}; its log: {}", text.trim_end()))
            })?;
            if message[..length].starts_with(b"READY=1") {
                break;
            }
        }
        server.started_within = clock::mono().since(before);
        let text = fs::read_to_string(&log)?;
        let address = text.lines().find_map(|line| line.split_once("data port is ")).map(|(_, address)| address.trim());
        address.ok_or_else(|| io::Error::other("the daemon did not log its port"))?.clone_into(&mut server.address);
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

/// Sleeps while the server under test runs.
#[expect(clippy::disallowed_methods, reason = "this process must stay idle meanwhile")]
pub fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// CPU time of a single-threaded process, in nanoseconds, from its schedstat, which is finer than the clock ticks of `stat`.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat"))?;
    text.split_ascii_whitespace().next().and_then(|field| field.parse().ok()).ok_or_else(|| odd("schedstat"))
}

/// The number of times that a process has gone to sleep, and so been woken up.
pub fn voluntary_switches(pid: u32) -> io::Result<u64> {
    field(pid, "status", "voluntary_ctxt_switches:")
}

/// Resident memory in KiB, total and anonymous. `smaps_rollup` counts page by page, but only root may read that of the
/// daemon. Otherwise falls back to `status`, whose per-CPU counters lag behind.
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
    io::Error::other(format!("/proc has no valid {file}"))
}
