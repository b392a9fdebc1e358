//! What other processes may find out from the daemon's memory.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, chown, geteuid};
use serde_json::json;

use crate::support::{Client, Daemon, Launch, binary, dies_with_test, packet, skip};

/// A user without rights: nobody.
const NOBODY: u32 = 65534;

/// As root, it needs a daemon that is not: root may read everything.
#[test]
fn a_child_could_read_the_memory_of_the_daemon() {
    let read = "if head -c 1 /proc/$PPID/environ >/dev/null 2>&1; then echo memory open; else echo memory closed; fi";
    let launch = Launch::new()
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", format!("{{ {read}; }} >&2; exit 3")]))
        .publisher(json!(["cat"]));
    let mut command = launch.command();
    if geteuid().is_root() {
        let program = launch.dir.join("es-iot-server");
        // By another process: what other tests are about to start would have it open for writing for a moment.
        assert!(Command::new("cp").arg(binary()).arg(&program).status().unwrap().success());
        fs::set_permissions(launch.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for path in [launch.dir.path().to_owned(), launch.dir.join("server.json")] {
            chown(&path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY))).unwrap();
        }
        let mut other = Command::new(program);
        other.args(command.get_args()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        other.stdin(Stdio::null()).stderr(Stdio::piped()).uid(NOBODY).gid(NOBODY);
        dies_with_test(&mut other);
        command = other;
    }
    // A child that another test forks at this moment holds the copy open for writing until it executes its program.
    let started = loop {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            started => break started.unwrap(),
        }
    };
    let mut daemon = Daemon::adopt(started, Arc::clone(&launch.dir));
    daemon.await_ports();
    let line = daemon.await_log("memory ");
    assert!(line.contains("memory closed"), "{line}");
    daemon.stop();
}

/// How often the end of `secret` is in the memory of a daemon, `None` if that can't be read. The beginning of what is freed
/// is overwritten by the allocator.
fn found(daemon: &Daemon, secret: &str) -> Option<usize> {
    let secret = &secret[secret.len() - 20..];
    let memory = File::open(daemon.proc("mem")).ok()?;
    let mut count = 0;
    for line in BufReader::new(File::open(daemon.proc("maps")).unwrap()).lines().map(Result::unwrap) {
        let Some((range, _)) = line.split_once(' ').filter(|(_, rest)| rest.starts_with("rw")) else { continue };
        let (begin, end) = range.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
        if memory.read_exact_at(&mut bytes, begin).is_ok() {
            count += bytes.windows(secret.len()).filter(|window| *window == secret.as_bytes()).count();
        }
    }
    Some(count)
}

/// Has the daemon read its password from a file, which the function returned writes.
fn password_file(launch: &mut Launch) -> impl Fn(&str) + use<> {
    let file = launch.dir.join("password");
    launch.change("auth.password", json!(null));
    launch.change("auth.password_file", json!(file));
    move |password| {
        fs::write(&file, format!("{password}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn guesses_and_former_passwords_stayed_in_the_memory_of_the_daemon() {
    const FIRST: &str = "the first password, of which the end is looked for: sesame";
    const SECOND: &str = "the second password, of which the end is looked for: barley";
    const GUESS: &str = "what someone guesses, of which the end is looked for: millet";
    let mut launch = Launch::new();
    let choose = password_file(&mut launch);
    choose(FIRST);
    let mut daemon = launch.start();
    let Some(kept) = found(&daemon, FIRST) else {
        return skip("only root may look into the daemon's memory");
    };
    assert!(kept > 0, "the test would find it");
    for password in [GUESS, FIRST, GUESS] {
        daemon.try_password("127.0.0.1", password);
        // In two parts, with something behind.
        let mut client = Client::connect(daemon.auth_port());
        let bytes = [packet(0, 1, password.as_bytes()), vec![7; 300]].concat();
        client.send(&bytes[..20]);
        client.send(&bytes[20..]);
        client.packet();
    }
    assert_eq!(found(&daemon, GUESS), Some(0));
    choose(SECOND);
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    daemon.settings().read();
    assert_eq!(found(&daemon, FIRST), Some(0));
    assert!(found(&daemon, SECOND) > Some(0));
}

#[test]
fn an_answer_to_a_viewers_challenge_left_a_copy_of_the_password_in_memory() {
    const FIRST: &str = "the first password, of which the end is looked for: sesame";
    const SECOND: &str = "the second password, of which the end is looked for: barley";
    let mut launch = Launch::new().set("auth.trust_loopback", false);
    let choose = password_file(&mut launch);
    choose(FIRST);
    let mut daemon = launch.start();
    if found(&daemon, FIRST).is_none() {
        return skip("only root may look into the daemon's memory");
    }
    for algorithm in ["MD5", "SHA-256"] {
        let mut viewer = Client::connect(daemon.rtsp_port());
        let url = "rtsp://127.0.0.1/ES_MTX";
        viewer.send(
            format!(
                "DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Digest username=\"es-iot\", \
                 realm=\"es-iot-server\", nonce=\"1\", uri=\"{url}\", response=\"1\", algorithm={algorithm}\r\n\r\n"
            )
            .as_bytes(),
        );
        let mut answer = String::new();
        viewer.stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("RTSP/1.0 401 "), "{answer}");
    }
    assert_eq!(daemon.counter("auth_rejected"), 2, "the password was looked at");
    choose(SECOND);
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(daemon.counter("reloads"), 1);
    assert_eq!(found(&daemon, FIRST), Some(0));
}
