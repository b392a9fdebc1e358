//! Starting the daemon.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};

use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Daemon, TempDir};

/// The daemon's binary.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_es-iot-server"))
}

/// What a daemon is started with, and the directory that it has for itself. It may be started several times.
#[derive(Debug)]
pub struct Launch {
    pub dir: Arc<TempDir>,
    config: Value,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
    descriptors: Option<(u64, u64)>,
    script: Option<String>,
}

impl Launch {
    /// Loopback, free ports, no camera, the password `1111`, and everything on standard error.
    pub fn new() -> Self {
        let dir = Arc::new(TempDir::new());
        let config = json!({
            "server": { "host": "127.0.0.1", "data_port": 0, "settings_port": 0, "auth_port": 0, "rtsp_port": 0,
                "http_port": null, "http_socket": null },
            "camera": { "source": "none" },
            "auth": { "password": "1111" },
            "paths": { "state_dir": dir.join("state") },
            "logging": { "target": "console" },
        });
        Self { dir, config, arguments: Vec::new(), environment: Vec::new(), descriptors: None, script: None }
    }

    /// Sets a key of the configuration, such as `auth.required`.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.change(key, value);
        self
    }

    /// Sets a key of the configuration, for the next start or reload.
    pub fn change(&mut self, key: &str, value: impl Into<Value>) {
        let (section, key) = key.split_once('.').unwrap();
        self.config[section][key] = value.into();
    }

    /// Serves HTTP, on a free port and on a Unix socket in the directory.
    #[must_use]
    pub fn http(self) -> Self {
        let socket = self.http_socket();
        self.set("server.http_port", 0).set("server.http_socket", socket.to_str().unwrap())
    }

    /// The Unix socket of [`Self::http`].
    pub fn http_socket(&self) -> PathBuf {
        self.dir.join("http.sock")
    }

    /// Has a program publish the video, to nowhere.
    #[must_use]
    pub fn publisher(self, argv: impl Into<Value>) -> Self {
        self.set("camera.publisher", argv).set("camera.rtsp_url", "rtsp://127.0.0.1:9/ES_MTX")
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets an environment variable. None but `PATH` is inherited.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Sets soft and hard limit on open descriptors.
    #[must_use]
    pub const fn descriptors(mut self, soft: u64, hard: u64) -> Self {
        self.descriptors = Some((soft, hard));
        self
    }

    /// Runs in a mount namespace of its own, after a shell script that arranges it; `$DIR` is the directory.
    #[must_use]
    pub fn in_namespace(mut self, script: &str) -> Self {
        self.script = Some(script.to_owned());
        self
    }

    /// Puts the file that a key of the configuration names on a disk of its own, `$DIR/disk`: a tmpfs with these mount
    /// options. A shell script then arranges what is on it. The namespace hides the mount from everyone else; for the
    /// daemon's view of it there is [`Daemon::sees`].
    #[must_use]
    pub fn on_disk(self, (key, file): (&str, &str), options: &str, script: &str) -> Self {
        let disk = self.dir.join("disk");
        fs::create_dir(&disk).unwrap();
        self.set(key, disk.join(file).to_str().unwrap())
            .in_namespace(&format!("mount -t tmpfs -o {options} tmpfs $DIR/disk; {script}"))
    }

    pub fn state_dir(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// The camera settings file, if it is where it is by default.
    pub fn settings_file(&self) -> PathBuf {
        self.state_dir().join("camera_settings.json")
    }

    pub fn config_file(&self) -> PathBuf {
        self.dir.join("server.json")
    }

    /// Writes the configuration file, for its owner: it has a password.
    pub fn write_config(&self) {
        fs::write(self.config_file(), serde_json::to_string_pretty(&self.config).unwrap()).unwrap();
        fs::set_permissions(self.config_file(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The command, with standard error piped.
    pub fn command(&self) -> Command {
        self.write_config();
        let mut command = match &self.script {
            None => Command::new(binary()),
            Some(script) => {
                let script = format!("set -e; mount --make-rprivate /; {script}; exec \"$@\"");
                let mut command = Command::new("unshare");
                command.args(["-m", "sh", "-c", &script, "sh"]).arg(binary());
                command
            }
        };
        command.arg("--config").arg(self.config_file()).args(&self.arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("DIR", self.dir.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        dies_with_test(&mut command);
        if let Some((soft, hard)) = self.descriptors {
            // SAFETY: between fork and exec the closure only makes a system call; it neither allocates nor locks.
            unsafe { command.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?)) };
        }
        command
    }

    /// Starts it, and waits until its ports are bound.
    pub fn start(&self) -> Daemon {
        let mut daemon = self.spawn();
        daemon.await_ports();
        if !self.config["server"]["rtsp_port"].is_null() {
            daemon.await_rtsp_port();
        }
        if !self.config["server"]["http_port"].is_null() {
            daemon.await_http_port();
        }
        if !self.config["server"]["http_socket"].is_null() {
            daemon.await_log("http socket is ");
        }
        daemon
    }

    /// Starts it.
    pub fn spawn(&self) -> Daemon {
        Daemon::adopt(self.command().spawn().unwrap(), Arc::clone(&self.dir))
    }

    /// Runs it to its end, which is to come by itself.
    pub fn run(&self) -> Output {
        self.command().stdout(Stdio::piped()).output().unwrap()
    }
}

/// Should the test be killed, the process goes with it.
pub fn dies_with_test(command: &mut Command) {
    // SAFETY: between fork and exec the closure only makes a system call; it neither allocates nor locks.
    unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)) };
}

/// Why a test is skipped without [`in_mount_namespace`].
pub const NO_NAMESPACE: &str = "this needs the right to a mount namespace (unshare -m)";

/// Whether mount namespaces can be had here.
pub fn in_mount_namespace() -> bool {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    *PERMITTED.get_or_init(|| {
        let tried = Command::new("unshare")
            .args(["-m", "sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /tmp"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    })
}
