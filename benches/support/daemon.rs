//! The daemon under test.

use std::fs;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use es_iot_server::sys::clock;

use super::proc::Process;

/// The time-out for the start.
const PATIENCE: Duration = Duration::from_secs(10);

/// The daemon's binary, in the release profile, unless `ES_IOT_BENCH_DAEMON` names another build.
pub fn binary() -> PathBuf {
    std::env::var_os("ES_IOT_BENCH_DAEMON").map_or_else(|| env!("CARGO_BIN_EXE_es-iot-server").into(), PathBuf::from)
}

/// A temporary directory for a bench.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates the directory, with the daemon's configuration, which depends on its path.
    pub fn new(name: &str, config: impl FnOnce(&Path) -> String) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("es-iot-{name}-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        let file = path.join("config.json");
        fs::write(&file, config(&path))?;
        // The configuration contains a password.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

/// A running daemon, which is killed on drop.
pub struct Daemon {
    process: Process,
    /// Its service manager. Without one, the daemon would wake up every second to retry its notifications.
    _manager: UnixDatagram,
    log: PathBuf,
}

impl Daemon {
    /// Starts a daemon and waits until it is ready: also returns the time from before `fork` until then.
    pub fn start(scratch: &Scratch) -> io::Result<(Self, Duration)> {
        let name = format!("es-iot-bench-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let log = scratch.0.join("log");
        let mut command = Command::new(binary());
        command.arg("--config").arg(scratch.0.join("config.json")).env("NOTIFY_SOCKET", format!("@{name}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let before = clock::mono();
        let process = Process(command.spawn()?);
        let mut message = [0; 256];
        loop {
            let length = manager.recv(&mut message).map_err(|error| {
                let text = fs::read_to_string(&log).unwrap_or_default();
                io::Error::other(format!("the daemon is not ready: {error}; its log: {}", text.trim_end()))
            })?;
            if message[..length].starts_with(b"READY=1") {
                break;
            }
        }
        let started_within = clock::mono().since(before);
        Ok((Self { process, _manager: manager, log }, started_within))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The address of a service, by the service's name in the log.
    pub fn address(&self, service: &str) -> io::Result<String> {
        let text = fs::read_to_string(&self.log)?;
        let wanted = format!("{service} port is ");
        let address = text.lines().find_map(|line| line.split_once(&wanted)).map(|(_, address)| address.trim());
        let odd =
            || io::Error::other(format!("the daemon did not log its {service} port; its log: {}", text.trim_end()));
        address.map(str::to_owned).ok_or_else(odd)
    }
}
