//! Log targets that fail under the running daemon: lines may be lost, time may not.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::golden;
use crate::support::{Client, Daemon, Launch, NO_NAMESPACE, in_mount_namespace, skip};

/// Two seconds of stream come in about two seconds: a wait for a log target would be much longer than what a busy
/// machine costs.
fn streams(daemon: &mut Daemon, subscriber: &mut Client) {
    let (_, first) = subscriber.data();
    let mut last = first;
    for _ in 0..48 {
        last = subscriber.data().1;
    }
    let span = last - first;
    assert!(span < 5000, "48 ticks in {span} ms");
    daemon.settings().read();
}

/// Makes the daemon log: each damaged packet is a line, up to the limiter's bound; each right password too.
fn provoke(daemon: &Daemon, rounds: usize) {
    for _ in 0..rounds {
        let mut client = daemon.settings();
        client.send(&golden::DAMAGED_READ);
        client.expect_error(2, 1);
    }
}

#[test]
fn standard_error_that_nobody_reads_does_not_stop_the_stream() {
    let launch = Launch::new().set("logging.level", "TRACE");
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = launch.command();
    command.stderr(writer);
    let child = command.spawn().unwrap();
    // Only its copies keep the pipe's other end open.
    drop(command);
    let mut daemon = Daemon::adopt(child, std::sync::Arc::clone(&launch.dir));
    daemon.set_ports(ports(&mut reader));
    let mut subscriber = daemon.data();
    // 64 KiB are about 800 lines; a reload logs one that nothing limits.
    for _ in 0..200 {
        provoke(&daemon, 1);
        for _ in 0..10 {
            daemon.signal(nix::sys::signal::Signal::SIGUSR1);
            daemon.settings().read();
        }
    }
    streams(&mut daemon, &mut subscriber);
    drop(reader);
    streams(&mut daemon, &mut subscriber);
    daemon.stop();
}

/// Reads lines until all three ports are told, and no further.
fn ports(reader: &mut impl std::io::Read) -> [u16; 3] {
    let mut text = String::new();
    let mut byte = [0];
    while !(text.contains("auth port is") && text.ends_with('\n')) {
        reader.read_exact(&mut byte).unwrap();
        text.push(char::from(byte[0]));
    }
    ["data", "settings", "auth"].map(|name| {
        let line = text.lines().find(|line| line.contains(&format!("{name} port is"))).unwrap();
        line.rsplit(':').next().unwrap().parse().unwrap()
    })
}

#[test]
fn a_full_disk_below_the_log_file_does_not_stop_the_stream() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let filler = "head -c 4096 /dev/zero > $DIR/disk/filler";
    let launch = Launch::new().on_disk(("logging.file", "es-iot.log"), "size=8k", filler);
    let mut daemon = launch.start();
    let mut subscriber = daemon.data();
    // Each line of counters is some 200 bytes of the 4096 that there are.
    for _ in 0..40 {
        daemon.counter("clients");
    }
    streams(&mut daemon, &mut subscriber);
    let lost = daemon.counter("lines_lost");
    assert!(lost > 0, "the lines that found no room are counted");

    let inside = daemon.sees(&launch.dir.join("disk"));
    fs::remove_file(inside.join("filler")).unwrap();
    daemon.counter("clients");
    daemon.counter("clients");
    let text = fs::read_to_string(inside.join("es-iot.log")).unwrap();
    assert!(text.contains("log lines were lost"), "{text}");
}

/// `/dev/log` of the namespace is a link to where the test puts its syslogd's socket.
fn with_syslog(launch: Launch) -> Launch {
    launch
        .set("logging.target", vec!["console", "syslog"])
        .in_namespace("mount -t tmpfs tmpfs /dev; ln -s $DIR/syslog /dev/log; : > /dev/null")
}

fn syslogd(path: &Path) -> UnixDatagram {
    let _gone = fs::remove_file(path);
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(crate::support::DEADLINE)).unwrap();
    socket
}

fn await_line(socket: &UnixDatagram, part: &str) -> String {
    let mut bytes = [0; 8192];
    loop {
        let length = socket.recv(&mut bytes).expect("a line for syslogd");
        let line = String::from_utf8_lossy(&bytes[..length]).into_owned();
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn a_syslogd_that_comes_late_fills_up_and_restarts_does_not_stop_the_stream() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let launch = with_syslog(Launch::new());
    let path = launch.dir.join("syslog");
    let mut daemon = launch.start();
    let mut subscriber = daemon.data();
    streams(&mut daemon, &mut subscriber);

    // Late: found within a second of the next lines.
    let socket = syslogd(&path);
    streams(&mut daemon, &mut subscriber);
    daemon.counter("clients");
    let lost = await_line(&socket, "log lines were lost while syslog");
    assert!(lost.starts_with("<28>"), "a warning of facility daemon: {lost}");
    await_line(&socket, &format!("es-iot-server[{}]: server: clients=", daemon.pid()));

    // Full: a datagram socket takes some ten lines that nobody reads (net.unix.max_dgram_qlen).
    for _ in 0..600 {
        daemon.counter("clients");
    }
    streams(&mut daemon, &mut subscriber);

    // Restarted.
    drop(socket);
    let socket = syslogd(&path);
    streams(&mut daemon, &mut subscriber);
    daemon.counter("clients");
    await_line(&socket, "log lines were lost while syslog");
    assert_eq!(daemon.try_password("127.0.0.1", "1111"), golden::READY);
    await_line(&socket, "gave the right password");
    daemon.stop();
}
