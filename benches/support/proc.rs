//! Processes, and their figures from `/proc`.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::Child;
use std::time::Duration;

/// A process that is killed on drop.
pub struct Process(pub Child);

impl Process {
    /// Its id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The first line that a process prints to its piped output.
pub fn first_line(child: &mut Child) -> io::Result<String> {
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    line.truncate(line.trim_end().len());
    if line.is_empty() { Err(io::Error::other("a process printed nothing")) } else { Ok(line) }
}

/// Sleeps while the server under test runs.
#[expect(clippy::disallowed_methods, reason = "this process must stay idle meanwhile")]
pub fn rest(time: Duration) {
    std::thread::sleep(time);
}

/// CPU time of a process's threads, in nanoseconds, from schedstat, which is finer than the clock ticks of `stat`.
pub fn cpu_ns(pid: u32) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let first = text.split_ascii_whitespace().next().and_then(|field| field.parse::<u64>().ok());
        sum += first.ok_or_else(|| odd("schedstat"))?;
    }
    Ok(sum)
}

/// Resident memory in KiB, total and anonymous. `smaps_rollup` counts page by page, but only root may read that of the
/// daemon. Otherwise falls back to `status`, whose per-CPU counters lag behind.
pub fn memory_kib(pid: u32) -> io::Result<(u64, u64)> {
    let counted = |name, lagging| field(pid, "smaps_rollup", name).or_else(|_| field(pid, "status", lagging));
    Ok((counted("Rss:", "VmRSS:")?, counted("Anonymous:", "RssAnon:")?))
}

/// The number in a process's file behind `name`, at the beginning of a line.
pub fn field(pid: u32, file: &'static str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| odd(file))?;
    line.split_ascii_whitespace().next().and_then(|number| number.parse().ok()).ok_or_else(|| odd(file))
}

fn odd(file: &'static str) -> io::Error {
    io::Error::other(format!("/proc has no valid {file}"))
}
