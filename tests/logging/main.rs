//! The log against real sockets, files and pipes: what arrives, what is lost, and that nobody waits.
//!
//! A program of its own: where another test starts processes, a socket that is closed here lives on in the copy of one that
//! has not executed its program yet.

#![expect(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the report")]

use std::cell::Cell;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use es_iot_server::config::{Level, LogSink, LogTarget, LoggingConfig};
use es_iot_server::limits::{LOG_LOSS_NOTICE, MAX_LOG_LINE_BYTES};
use es_iot_server::sys::log::{Handle, LogError, Surroundings, open};
use es_iot_server::time::{Mono, Now};

mod syslog;

use syslog::{syslogd, texts};

/// A directory that goes with the test.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
        let count = COUNT.replace(COUNT.get() + 1);
        let thread = std::thread::current().id();
        let path = std::env::temp_dir().join(format!("es-iot-log-{}-{thread:?}-{count}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn advance(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn around(&self, stderr: impl Into<OwnedFd>, dev_log: &Path) -> Surroundings {
        let clock = self.clone();
        let now = move || {
            let ms = clock.0.load(Ordering::Relaxed);
            Now { mono: Mono::from_nanos(ms * 1_000_000), unix_ms: 1_795_399_931_123 + ms }
        };
        Surroundings { stderr: stderr.into(), journal_stream: None, dev_log: dev_log.to_owned(), clock: Box::new(now) }
    }
}

fn dev_null() -> fs::File {
    fs::File::options().write(true).open("/dev/null").unwrap()
}

fn config(sinks: &[LogSink], file: Option<PathBuf>) -> LoggingConfig {
    LoggingConfig { level: Level::Info, target: LogTarget::Named(sinks.to_vec()), file }
}

/// A log to `path`.
fn to_file(path: &Path) -> (Handle, Clock) {
    let clock = Clock::default();
    let log = open(&config(&[], Some(path.to_owned())), clock.around(dev_null(), Path::new("/nowhere"))).unwrap();
    (log, clock)
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(ToOwned::to_owned).collect()
}

fn info(log: &Handle, text: &str) {
    log.write(Level::Info, "test", format_args!("{text}"));
}

#[test]
fn a_file_gets_whole_lines_and_is_for_its_group_only() {
    let dir = TempDir::new();
    let path = dir.join("x.log");
    let (log, _) = to_file(&path);
    assert_eq!(log.describe(), path.display().to_string());
    log.write(Level::Warning, "camera.process", format_args!("a\tb\x1b[0m"));
    info(&log, &"long ".repeat(MAX_LOG_LINE_BYTES));
    let seen = lines(&path);
    assert_eq!(seen[0], r"2026-11-23 02:12:11.123Z camera.process WARNING a\tb\x1b[0m");
    assert_eq!((seen[1].len(), seen.len()), (MAX_LOG_LINE_BYTES - 1, 2));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
}

#[test]
fn a_file_moved_away_is_left_at_reopening() {
    let dir = TempDir::new();
    let (path, moved) = (dir.join("x.log"), dir.join("x.log.1"));
    let (log, _) = to_file(&path);
    info(&log, "a");
    fs::rename(&path, &moved).unwrap();
    info(&log, "b");
    log.reopen_file().unwrap();
    info(&log, "c");
    assert_eq!((lines(&moved).len(), lines(&path).len()), (2, 1));

    // A reopening that fails keeps what there was.
    fs::rename(&path, &moved).unwrap();
    fs::create_dir(&path).unwrap();
    let error = log.reopen_file().unwrap_err();
    assert!(matches!(&error, LogError::File { path: named, .. } if *named == path));
    info(&log, "d");
    assert_eq!((lines(&moved).len(), log.lines_lost()), (2, 0));
}

#[test]
fn a_file_that_can_not_be_opened_is_named() {
    let dir = TempDir::new();
    let path = dir.join("missing/x.log");
    let around = Clock::default().around(dev_null(), Path::new("/nowhere"));
    let error = open(&config(&[], Some(path.clone())), around).err().unwrap().to_string();
    assert!(error.contains(&path.display().to_string()) && error.contains("logging.file"), "{error}");
}

#[test]
fn a_full_disk_costs_lines_and_they_are_told() {
    let dir = TempDir::new();
    let path = dir.join("x.log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let (log, _) = to_file(&path);
    info(&log, "a");
    info(&log, "b");
    assert_eq!(log.lines_lost(), 2);
    fs::remove_file(&path).unwrap();
    log.reopen_file().unwrap();
    info(&log, "c");
    let seen = lines(&path);
    assert_eq!(seen.len(), 2);
    let notice = format!("log WARNING 2 log lines were lost while {} failed: No space left on device", path.display());
    assert!(seen[0].ends_with(&notice), "{}", seen[0]);
    assert!(seen[1].ends_with("test INFO c"));
}

#[test]
fn a_pipe_that_nobody_reads_costs_lines_but_no_time() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let clock = Clock::default();
    let around = clock.around(writer, Path::new("/nowhere"));
    let log = open(&config(&[LogSink::Console], None), around).unwrap();
    assert_eq!(log.describe(), "standard error");
    let text = "x".repeat(2 * MAX_LOG_LINE_BYTES);
    while log.lines_lost() < 3 {
        info(&log, &text);
    }
    let mut seen = vec![0; 32 * 1024];
    reader.read_exact(&mut seen).unwrap();
    clock.advance(LOG_LOSS_NOTICE);
    info(&log, "again");
    let lost = log.lines_lost();
    drop(log);
    reader.read_to_end(&mut seen).unwrap();
    let seen = String::from_utf8(seen).unwrap();
    assert!(seen.ends_with(" test INFO again\n"));
    // A short notice may still have fitted where a long line had not: no line is told twice, and none is left out.
    let told =
        seen.lines().filter_map(|line| line.split_once(" log WARNING ")?.1.split(' ').next()?.parse::<u64>().ok());
    assert_eq!(told.sum::<u64>(), lost);
}

#[test]
fn journald_is_found_by_its_stream() {
    let dir = TempDir::new();
    let (ours, mut journal) = UnixStream::pair().unwrap();
    let stat = nix::sys::stat::fstat(&ours).unwrap();
    let mut around = Clock::default().around(ours, &dir.join("none"));
    around.journal_stream = Some(format!("{}:{}", stat.st_dev, stat.st_ino));
    let log = open(&LoggingConfig::default(), around).unwrap();
    assert_eq!(log.describe(), "journald");
    log.write(Level::Critical, "server", format_args!("a\nb"));
    info(&log, "c");
    drop(log);
    let mut seen = String::new();
    journal.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "<2>server: a\\nb\n<6>test: c\n");
}

#[test]
fn auto_finds_what_there_is() {
    let dir = TempDir::new();
    let describe = |stderr: OwnedFd, journal: &str| {
        let mut around = Clock::default().around(stderr, &dir.join("log"));
        around.journal_stream = Some(journal.into());
        open(&LoggingConfig::default(), around).unwrap().describe()
    };
    assert_eq!(describe(dev_null().into(), "1:1"), "standard error");
    let _socket = syslogd(&dir.join("log"));
    assert_eq!(describe(dev_null().into(), "1:1"), "syslog", "another process's journal stream is not ours");
    let pty = nix::pty::openpty(None, None).unwrap();
    assert_eq!(describe(pty.slave, ""), "standard error");
}

#[test]
fn every_place_gets_every_line() {
    let dir = TempDir::new();
    let socket = syslogd(&dir.join("log"));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let both = config(&[LogSink::Console, LogSink::Syslog], Some(dir.join("x.log")));
    let log = open(&both, Clock::default().around(writer, &dir.join("log"))).unwrap();
    assert_eq!(log.describe(), format!("standard error, syslog and {}", dir.join("x.log").display()));
    info(&log, "a");
    drop(log);
    let mut console = String::new();
    reader.read_to_string(&mut console).unwrap();
    assert_eq!(console, fs::read_to_string(dir.join("x.log")).unwrap());
    assert_eq!(texts(&socket), ["test: a"]);
}

/// The one test of the macros: a process has one logger.
#[test]
fn the_macros_reach_the_installed_log() {
    log::error!("nobody listens yet");
    let dir = TempDir::new();
    let path = dir.join("x.log");
    let handle = es_iot_server::sys::log::init(&config(&[], Some(path.clone()))).unwrap();
    log::warn!(target: "a.b", "one");
    handle.write(Level::Critical, "a.b", format_args!("two {}", 2));
    log::debug!(target: "a.b", "not yet");
    handle.set_level(Level::Debug);
    log::debug!(target: "a.b", "three");
    handle.set_level(Level::Critical);
    log::error!(target: "a.b", "not any more");
    let seen: Vec<String> = lines(&path).iter().map(|line| line["2026-11-23 02:12:11.123Z ".len()..].into()).collect();
    assert_eq!(seen, ["a.b WARNING one", "a.b CRITICAL two 2", "a.b DEBUG three"]);
    assert!(matches!(es_iot_server::sys::log::init(&LoggingConfig::default()), Err(LogError::Installed)));
}
