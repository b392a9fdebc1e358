//! Syslog: a syslogd that is there, late, restarted or busy.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use es_iot_server::config::{Level, LogSink};
use es_iot_server::limits::{LOG_LOSS_NOTICE, LOG_RECONNECT};
use es_iot_server::sys::log::{Handle, open};

use super::{Clock, TempDir, config, dev_null, info};

/// A log to a syslogd at `path`.
fn to_syslog(path: &Path) -> (Handle, Clock) {
    let clock = Clock::default();
    let log = open(&config(&[LogSink::Syslog], None), clock.around(dev_null(), path)).unwrap();
    (log, clock)
}

pub fn syslogd(path: &Path) -> UnixDatagram {
    let _ = fs::remove_file(path);
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// What arrived and was not read yet.
fn received(syslogd: &UnixDatagram) -> Vec<String> {
    let mut bytes = [0; 8192];
    std::iter::from_fn(|| syslogd.recv(&mut bytes).ok().map(|n| String::from_utf8(bytes[..n].to_vec()).unwrap()))
        .collect()
}

/// What follows the tag, of what arrived and was not read yet.
pub fn texts(syslogd: &UnixDatagram) -> Vec<String> {
    received(syslogd).iter().map(|line| line.split_once("]: ").unwrap().1.to_owned()).collect()
}

#[test]
fn syslog_gets_facility_severity_and_tag() {
    let dir = TempDir::new();
    let socket = syslogd(&dir.join("log"));
    let (log, _) = to_syslog(&dir.join("log"));
    log.set_level(Level::Trace);
    for level in [Level::Trace, Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Critical] {
        log.write(level, "camera.process", format_args!("of {level}\nand more"));
    }
    let seen = received(&socket);
    let priorities: Vec<&str> = seen.iter().map(|line| line.split_once('>').unwrap().0).collect();
    assert_eq!(priorities, ["<31", "<31", "<30", "<28", "<27", "<26"]);
    // No time stamp and no host name: syslogd has both, and its stamps are in the zone of all the others.
    let expected = format!("<26>es-iot-server[{}]: camera.process: of CRITICAL\\nand more", std::process::id());
    assert_eq!(seen[5], expected);
    assert_eq!(log.lines_lost(), 0);
}

#[test]
fn the_level_is_a_threshold() {
    let dir = TempDir::new();
    let socket = syslogd(&dir.join("log"));
    let (log, _) = to_syslog(&dir.join("log"));
    log.set_level(Level::Critical);
    log.write(Level::Error, "test", format_args!("no"));
    log.write(Level::Critical, "test", format_args!("yes"));
    log.answer(Level::Info, "test", format_args!("as you asked"));
    assert_eq!(texts(&socket), ["test: yes", "test: as you asked"]);
}

#[test]
fn a_syslogd_that_comes_late_is_found() {
    let dir = TempDir::new();
    let (log, clock) = to_syslog(&dir.join("log"));
    info(&log, "a");
    info(&log, "b");
    let socket = syslogd(&dir.join("log"));
    info(&log, "c");
    assert_eq!(texts(&socket), [""; 0], "not tried again at once");
    assert_eq!(log.lines_lost(), 3);
    clock.advance(LOG_RECONNECT);
    info(&log, "d");
    assert_eq!(texts(&socket), ["log: 3 log lines were lost while syslog was away", "test: d"]);
    assert_eq!(log.lines_lost(), 3);
}

#[test]
fn a_syslogd_that_restarts_loses_nothing_that_came_after() {
    let dir = TempDir::new();
    let first = syslogd(&dir.join("log"));
    let (log, clock) = to_syslog(&dir.join("log"));
    info(&log, "a");
    assert_eq!(texts(&first), ["test: a"]);
    clock.advance(LOG_RECONNECT);
    drop(first);
    let second = syslogd(&dir.join("log"));
    info(&log, "b");
    assert_eq!(texts(&second), ["test: b"]);
    clock.advance(LOG_RECONNECT);
    drop(second);
    info(&log, "c");
    fs::remove_file(dir.join("log")).unwrap();
    clock.advance(LOG_RECONNECT);
    info(&log, "d");
    clock.advance(LOG_RECONNECT);
    let third = syslogd(&dir.join("log"));
    info(&log, "e");
    assert_eq!(texts(&third), ["log: 2 log lines were lost while syslog was away", "test: e"]);
}

#[test]
fn a_syslogd_that_does_not_read_costs_lines_but_no_time() {
    let dir = TempDir::new();
    let socket = syslogd(&dir.join("log"));
    let (log, clock) = to_syslog(&dir.join("log"));
    let mut arrived = 0;
    while log.lines_lost() == 0 {
        info(&log, "x");
        arrived += 1;
    }
    info(&log, "x");
    assert_eq!(log.lines_lost(), 2);
    assert_eq!(texts(&socket).len(), arrived - 1);
    info(&log, "y");
    assert_eq!(texts(&socket), ["log: 2 log lines were lost while syslog was blocked", "test: y"]);
    // One line of room at a time: not each of them for a notice.
    while log.lines_lost() == 2 {
        info(&log, "x");
    }
    assert_eq!(received(&socket).len(), arrived - 1);
    info(&log, "z");
    assert_eq!(texts(&socket), ["test: z"]);
    clock.advance(LOG_LOSS_NOTICE);
    info(&log, "z");
    assert_eq!(texts(&socket), ["log: 1 log line was lost while syslog was blocked", "test: z"]);
}

/// What a log with these targets prints on standard error as it is opened, and then with two lines.
fn on_standard_error(sinks: &[LogSink], dev_log: &Path) -> Vec<String> {
    let dir = TempDir::new();
    let stderr = dir.join("stderr");
    let clock = Clock::default();
    let log = open(&config(sinks, None), clock.around(fs::File::create(&stderr).unwrap(), dev_log)).unwrap();
    info(&log, "one");
    clock.advance(LOG_RECONNECT);
    info(&log, "two");
    super::lines(&stderr)
}

/// Neither the log nor standard error showed anything.
#[test]
fn a_log_without_a_syslogd_is_not_silent() {
    let dir = TempDir::new();
    let path = dir.join("log");
    let missing = format!("log WARNING no syslogd at {}: No such file or directory", path.display());
    let shown = on_standard_error(&[LogSink::Syslog], &path);
    assert!(shown.len() == 1 && shown[0].contains(&missing), "{shown:?}");
    // Where standard error has the log anyway, as one of its lines.
    let shown = on_standard_error(&[LogSink::Syslog, LogSink::Console], &path);
    assert!(shown.len() == 3 && shown[0].contains(&missing), "{shown:?}");
    drop(syslogd(&path));
    let shown = on_standard_error(&[LogSink::Syslog], &path);
    assert!(shown.len() == 1 && shown[0].contains("Connection refused"), "{shown:?}");
    let _socket = syslogd(&path);
    assert_eq!(on_standard_error(&[LogSink::Syslog], &path), [""; 0]);
}
