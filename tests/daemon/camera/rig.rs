//! The real daemon with a camera that is not one, and what can be asked of both.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::golden;
use crate::support::{packet, stand_in};

/// Longer than anything takes on a machine that is not broken.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A directory of a test's own, gone with it.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("es-iot-camera-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a scratch directory");
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// The daemon, its log line by line, and its camera's diary.
pub struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    pub seen: Vec<String>,
    pub scratch: Scratch,
    settings: Option<TcpStream>,
}

/// The daemon as it is about to be started.
pub struct Setup {
    pub scratch: Scratch,
    pub config: Value,
    command: Command,
}

impl Setup {
    /// A daemon that finds the stand-in as `rpicam-vid`, with a publisher that only reads.
    pub fn new(faults: &str) -> Self {
        Self::of(Path::new(env!("CARGO_BIN_EXE_es-iot-server")), faults)
    }

    /// The same, with the daemon's program at another path.
    pub fn of(program: &Path, faults: &str) -> Self {
        let scratch = Scratch::new();
        let programs = scratch.file("bin");
        fs::create_dir(&programs).expect("a directory for programs");
        std::os::unix::fs::symlink(stand_in(), programs.join("rpicam-vid")).expect("a link to the stand-in");
        let config = json!({
            "server": { "host": "127.0.0.1", "data_port": 0, "settings_port": 0, "auth_port": 0, "rtsp_port": 0,
                "http_port": null, "http_socket": null },
            "camera": { "source": "rpicam", "publisher": ["cat", "/dev/stdin"],
                        "rtsp_url": "rtsp://127.0.0.1:9/ES_MTX", "stall_seconds": 2 },
            "paths": { "state_dir": scratch.file("state") },
            "logging": { "target": "console", "level": "DEBUG" },
        });
        let mut command = Command::new(program);
        command
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()))
            .env("ES_STANDIN_FILE", scratch.file("faults"))
            .env("ES_STANDIN_LOG", scratch.file("diary"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for name in
            ["SERVER_HOST", "DATA_PORT", "SETTINGS_PORT", "AUTH_PORT", "RTSP_PORT", "AUTH_PASSWORD", "LOG_LEVEL"]
        {
            command.env_remove(name);
        }
        fs::write(scratch.file("faults"), faults).expect("a file of faults");
        Self { scratch, config, command }
    }

    pub fn camera(mut self, key: &str, value: Value) -> Self {
        self.config["camera"][key] = value;
        self
    }

    /// Without any camera program.
    pub fn without_programs(self) -> Self {
        fs::remove_file(self.scratch.file("bin/rpicam-vid")).expect("the link to the stand-in");
        self
    }

    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    pub fn start(mut self) -> Daemon {
        let file = self.scratch.file("server.json");
        fs::write(&file, self.config.to_string()).expect("a configuration file");
        self.command.arg("--config").arg(&file);
        // A test that is killed leaves no daemon behind either.
        // SAFETY: the closure makes one system call.
        unsafe { self.command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?)) };
        let mut child = self.command.spawn().expect("the daemon starts");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        Daemon { child, log, seen: Vec::new(), scratch: self.scratch, settings: None }
    }
}

impl Daemon {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The next log line that contains `part`. What comes before it is in `seen`.
    pub fn wait_for(&mut self, part: &str) -> String {
        loop {
            let line = self.next_line().unwrap_or_else(|| panic!("no {part:?} in the log:\n{}", self.seen.join("\n")));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The next log line, `None` at the end.
    pub fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        wait_readable(self.log.get_ref(), self.log.buffer().is_empty());
        self.log.read_line(&mut line).expect("the log can be read");
        let line = line.trim_end().to_owned();
        (!line.is_empty()).then(|| {
            self.seen.push(line.clone());
            line
        })
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the daemon is there");
    }

    /// Waits for the end; the rest of the log is in `seen`.
    pub fn end(&mut self) -> ExitStatus {
        while self.next_line().is_some() {}
        self.child.wait().expect("the daemon ends")
    }

    /// Has the daemon stop, as an init system does, and makes sure of how it ends.
    pub fn stop(mut self) {
        let children = self.children();
        self.signal(Signal::SIGTERM);
        let status = self.end();
        assert_eq!(status.code(), Some(0), "{}", self.seen.join("\n"));
        for child in children {
            wait_gone(child);
        }
    }

    /// The process ids of its children, zombies and all.
    pub fn children(&self) -> Vec<i32> {
        let pid = self.pid();
        let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        text.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect()
    }

    /// Sends settings packets on one connection and reads the settings back, which are then on the disk.
    pub fn update(&mut self, updates: &[[u8; 6]]) -> [u8; 6] {
        if self.settings.is_none() {
            let line = self.seen.iter().find(|line| line.contains("settings port is")).expect("the port in the log");
            let address = line.rsplit(' ').next().expect("an address");
            let stream = TcpStream::connect(address).expect("the settings port answers");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
            self.settings = Some(stream);
        }
        let stream = self.settings.as_mut().expect("just connected");
        for update in updates {
            stream.write_all(&packet(2, 1, update)).expect("an update is taken");
        }
        stream.write_all(&golden::READ).expect("a read is taken");
        let mut reply = [0; 16];
        stream.read_exact(&mut reply).expect("a reply");
        assert_eq!(reply[..6], golden::DEFAULTS[..6], "a settings reply");
        reply[6..12].try_into().expect("six bytes")
    }

    pub fn set_faults(&self, faults: &str) {
        fs::write(self.scratch.file("faults"), faults).expect("a file of faults");
    }

    /// The camera's diary: `start PID ARGV...` and `stop PID REASON`.
    pub fn diary(&self) -> Vec<String> {
        let text = fs::read_to_string(self.scratch.file("diary")).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The starts of cameras, after making sure that no two ran at once.
    pub fn starts(&self) -> Vec<String> {
        let mut running: Option<String> = None;
        let mut starts = Vec::new();
        for line in self.diary() {
            let mut words = line.split(' ');
            match (words.next(), words.next()) {
                (Some("start"), Some(pid)) => {
                    assert!(running.as_ref().is_none_or(|pid| !alive(pid)), "a second camera: {:?}", self.diary());
                    running = Some(pid.to_owned());
                    starts.push(line.clone());
                }
                (Some("stop"), _) => running = None,
                _ => {}
            }
        }
        starts
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits until `pid` is gone, or at least dead.
pub fn wait_gone(pid: i32) {
    // A pidfd becomes readable at the process's end (pidfd_open(2)).
    // SAFETY: a system call without pointers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return;
    }
    // SAFETY: the kernel just gave this descriptor to nobody else.
    let fd = unsafe {
        <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(i32::try_from(fd).expect("a descriptor"))
    };
    wait_readable(&fd, true);
}

fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

/// Blocks until `fd` can be read, and fails the test when it takes too long.
pub fn wait_readable(fd: &impl std::os::fd::AsFd, wanted: bool) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    if wanted {
        let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(PATIENCE).expect("a time-out");
        assert_ne!(poll(&mut fds, patience).expect("poll works"), 0, "nothing happened for {PATIENCE:?}");
    }
}
