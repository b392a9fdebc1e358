//! The real binary against real sockets: starting it, talking to it, reading what it logs, ending it.
//!
//! Nothing here sleeps to be right. What is waited for is an event (a line in the log, a packet, an end), with a
//! deadline that only a failure meets. Every daemon has a directory of its own and ports that the kernel chose.

#![allow(dead_code, unused_imports, reason = "each test program uses another part of it")]
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, a panic is the report")]
#![allow(clippy::disallowed_methods, reason = "a test has deadlines, and threads that read for it")]

mod client;
mod deaf_port;
mod launch;
mod skip;
mod stand_in;
mod test_camera;
mod ticks;
mod waiting;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;
use std::{fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub use client::{Client, due, follows, packet};
pub use deaf_port::deaf_port;
pub use launch::{Launch, NO_NAMESPACE, binary, dies_with_test, in_mount_namespace};
pub use skip::skip;
pub use stand_in::stand_in;
pub use test_camera::{kill_test_camera, with_test_camera};
pub use ticks::{Over, turn, while_data_flows};
pub use waiting::{DEADLINE, pass, until};

/// Runs each case in a thread of its own: cases that wait for time to pass wait together.
pub fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Sync) {
    let run = &run;
    thread::scope(|scope| cases.into_iter().for_each(|case| drop(scope.spawn(move || run(case)))));
}

/// A directory that goes with the test.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("es-iot-test-{}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    /// Its directory, which goes when neither this nor the [`Launch`] needs it.
    pub dir: Arc<TempDir>,
    pid: Pid,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
    /// Its standard error, line by line, unless that went elsewhere.
    stderr: Option<Receiver<String>>,
    lines: Vec<String>,
    /// Lines before this one were waited for, or passed over.
    seen: usize,
    /// Data, settings and authentication, once the log has told.
    ports: [u16; 3],
    /// The RTSP port, once the log has told.
    rtsp: Option<SocketAddr>,
    /// The HTTP port, once the log has told.
    http: Option<SocketAddr>,
}

impl Daemon {
    /// Takes care of a process whose standard error is a pipe, or is somebody else's.
    pub fn adopt(mut child: Child, dir: Arc<TempDir>) -> Self {
        let pid = Pid::from_raw(child.id().cast_signed());
        let stderr = child.stderr.take().map(lines_of);
        let (tell, ended) = channel();
        thread::spawn(move || tell.send(child.wait().unwrap()));
        Self {
            dir,
            pid,
            ended,
            status: None,
            stderr,
            lines: Vec::new(),
            seen: 0,
            ports: [0; 3],
            rtsp: None,
            http: None,
        }
    }

    /// Waits until the three ports are bound.
    pub fn await_ports(&mut self) {
        for (at, name) in ["data", "settings", "auth"].into_iter().enumerate() {
            let line = self.await_log(&format!("{name} port is "));
            self.ports[at] = line.rsplit(':').next().unwrap().parse().unwrap();
        }
    }

    /// Waits until the RTSP port is bound.
    pub fn await_rtsp_port(&mut self) {
        let line = self.await_log("rtsp port is ");
        self.rtsp = Some(line.rsplit(' ').next().unwrap().parse().unwrap());
    }

    /// Waits until the HTTP port is bound.
    pub fn await_http_port(&mut self) {
        let line = self.await_log("http port is ");
        self.http = Some(line.rsplit(' ').next().unwrap().parse().unwrap());
    }

    pub fn set_ports(&mut self, ports: [u16; 3]) {
        self.ports = ports;
    }

    /// Waits for a line of the log that contains `part`, after the last one waited for.
    pub fn await_log(&mut self, part: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            while let Some(line) = self.lines.get(self.seen) {
                self.seen += 1;
                if line.contains(part) {
                    return line.clone();
                }
            }
            match self.next_line(deadline) {
                Some(line) => self.lines.push(line),
                None => panic!("no line with {part:?} in the log:\n{}", self.lines.join("\n")),
            }
        }
    }

    /// Everything logged so far; all of it once the daemon has ended.
    pub fn log(&mut self) -> String {
        if let Some(stderr) = &self.stderr {
            if self.status.is_some() {
                self.lines.extend(stderr.iter());
            } else {
                self.lines.extend(stderr.try_iter());
            }
        }
        self.lines.join("\n")
    }

    /// Waits until nobody holds its standard error any more: it has ended, and so has all it has started.
    pub fn await_end_of_log(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        let stderr = self.stderr.as_ref().expect("its standard error is read elsewhere");
        loop {
            match stderr.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("something it started is left"),
            }
        }
    }

    /// Waits for a line that contains `part`, or for the end of the log.
    /// Returns whether the line came.
    pub fn await_end_or(&mut self, part: &str) -> bool {
        let deadline = Instant::now() + DEADLINE;
        while let Some(line) = self.next_line(deadline) {
            self.lines.push(line);
            if self.lines.last().is_some_and(|line| line.contains(part)) {
                return true;
            }
        }
        false
    }

    fn next_line(&self, deadline: Instant) -> Option<String> {
        let stderr = self.stderr.as_ref().expect("its standard error is read elsewhere");
        stderr.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    }

    pub fn data_port(&self) -> SocketAddr {
        self.port(0)
    }

    pub fn settings_port(&self) -> SocketAddr {
        self.port(1)
    }

    pub fn auth_port(&self) -> SocketAddr {
        self.port(2)
    }

    /// The port of the video, unless the configuration has none.
    pub const fn rtsp_port(&self) -> SocketAddr {
        self.rtsp.expect("the log has told the RTSP port")
    }

    /// The port of the page and the API, if the configuration has one.
    pub const fn http_port(&self) -> SocketAddr {
        self.http.expect("the log has told the HTTP port")
    }

    /// The ports in the order data, settings, authentication.
    pub const fn ports(&self) -> [u16; 3] {
        self.ports
    }

    fn port(&self, at: usize) -> SocketAddr {
        assert_ne!(self.ports[at], 0, "the log has not told the ports");
        SocketAddr::from(([127, 0, 0, 1], self.ports[at]))
    }

    /// A new connection to the data port.
    pub fn data(&self) -> Client {
        Client::connect(self.data_port())
    }

    /// A new connection to the settings port.
    pub fn settings(&self) -> Client {
        Client::connect(self.settings_port())
    }

    /// A new connection to the authentication port.
    pub fn auth(&self) -> Client {
        Client::connect(self.auth_port())
    }

    /// Tries a password from `source`; the reply, whole.
    pub fn try_password(&self, source: &str, password: &str) -> Vec<u8> {
        let mut client = Client::connect_from(source, self.auth_port());
        client.send(&packet(0, 1, password.as_bytes()));
        let reply = client.packet();
        client.expect_end();
        reply
    }

    pub fn signal(&self, signal: Signal) {
        assert!(self.status.is_none(), "it has ended");
        kill(self.pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        if let Some(status) = self.status {
            return status;
        }
        self.status = self.ended.recv_timeout(DEADLINE).ok();
        self.status.unwrap_or_else(|| panic!("it did not end; its log:\n{}", self.log()))
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.ended.try_recv().ok();
        }
        self.status.is_some()
    }

    /// Asks it to stop, and expects that it does.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "signal {:?}; its log:\n{}", status.signal(), self.log());
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.wait().signal(), Some(Signal::SIGKILL as i32));
    }

    /// Has it log its counters, and returns one of them.
    pub fn counter(&mut self, name: &str) -> u64 {
        // Earlier counters may be in the log.
        self.log();
        self.seen = self.lines.len();
        self.signal(Signal::SIGUSR1);
        let line = self.await_log("INFO clients=");
        let prefix = format!("{name}=");
        line.split(' ').find_map(|word| word.strip_prefix(&prefix)).map_or(0, |count| count.parse().unwrap())
    }

    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// A file in its `/proc` directory.
    pub fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }

    /// What the daemon has at this path, though its mount namespace has something of its own there.
    pub fn sees(&self, path: &Path) -> PathBuf {
        self.proc("root").join(path.strip_prefix("/").unwrap())
    }

    /// A number in `/proc/PID/status`.
    pub fn status(&self, key: &str) -> u64 {
        let text = fs::read_to_string(self.proc("status")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Its threads.
    pub fn threads(&self) -> usize {
        fs::read_dir(self.proc("task")).unwrap().count()
    }

    /// Its open descriptors. Only root may list them; since Linux 6.2, the directory's size tells their number as well.
    pub fn descriptors(&self) -> usize {
        let fds = self.proc("fd");
        let listed = fs::read_dir(&fds).map(Iterator::count);
        listed.unwrap_or_else(|_| usize::try_from(fs::metadata(&fds).unwrap().len()).unwrap())
    }

    /// Has it open no descriptor from this one on, or as many as its hard limit allows.
    pub fn limit_descriptors(&self, soft: Option<libc::rlim_t>) {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: both pointers are null or to a limit that outlives the call.
        let result = unsafe {
            libc::prlimit(self.pid.as_raw(), libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut limit);
            limit.rlim_cur = soft.unwrap_or(limit.rlim_max);
            libc::prlimit(self.pid.as_raw(), libc::RLIMIT_NOFILE, &raw const limit, std::ptr::null_mut())
        };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    }

    /// The processor time it has used, in clock ticks of 10 ms (proc(5), fields 14 and 15).
    pub fn cpu_ticks(&self) -> u64 {
        let text = fs::read_to_string(self.proc("stat")).unwrap();
        let after_name = text.rsplit(") ").next().unwrap();
        after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.has_ended() {
            if thread::panicking() {
                eprintln!("the daemon has ended: {:?}", self.status);
            }
        } else {
            let _gone = kill(self.pid, Signal::SIGKILL);
            let _reaped = self.ended.recv_timeout(DEADLINE);
        }
        // The test has failed: what the daemon logged may tell why.
        if thread::panicking() && self.stderr.is_some() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
    }
}

fn lines_of(stderr: ChildStderr) -> Receiver<String> {
    let (tell, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            if tell.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}
