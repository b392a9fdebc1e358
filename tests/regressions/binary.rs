//! Bugs of the whole program, found over real sockets.

use std::fs;
use std::net::{Ipv6Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use crate::golden;
use crate::support::{Client, Daemon, Launch, NO_NAMESPACE, in_mount_namespace, packet, skip, until};
use nix::sys::signal::{SigHandler, SigSet, Signal};
use nix::sys::stat::Mode;
use serde_json::json;

#[test]
fn lines_that_a_log_target_lost_were_not_among_the_counters() {
    let mut daemon = Launch::new().set("logging.file", "/dev/full").start();
    assert!(daemon.counter("lines_lost") > 0);
}

#[test]
fn a_reload_undid_an_update_that_was_not_stored_yet_and_its_reader_waited_for_ever() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let (mut client, mut other) = (daemon.settings(), daemon.settings());
    for step in [3, 4, 1] {
        client.update([step; 6]);
        assert_eq!(client.read(), [step; 6]);
    }
    other.read();
    // The fourth write may begin only 2 s after the first: time for a reload in between.
    client.send(&[packet(2, 1, &[2; 6]), packet(2, 1, &[])].concat());
    // An answer to another says that the update has been taken.
    other.send(&golden::DAMAGED_READ);
    other.expect_error(2, 1);
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(client.settings(), [2; 6]);
    daemon.kill();
    assert_eq!(launch.start().settings().read(), [2; 6]);
}

#[test]
fn a_reload_undid_an_update_that_could_not_be_stored() {
    let launch = Launch::new();
    let (disk, away) = (launch.dir.join("disk"), launch.dir.join("away"));
    fs::create_dir(&disk).unwrap();
    let launch = launch.set("paths.camera_settings", disk.join("camera.json").to_str().unwrap());
    let mut daemon = launch.start();
    let mut client = daemon.settings();
    client.update([1, 1, 1, 1, 1, 1]);
    assert_eq!(client.read(), [1; 6]);
    fs::rename(&disk, &away).unwrap();
    client.update([2, 2, 2, 2, 2, 2]);
    client.expect_error(2, 7);
    fs::rename(&away, &disk).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    assert_eq!(client.read(), [2; 6]);
}

/// Some of the numbers that the wire's bytes become were other ones, by a last digit, when read from the file.
#[test]
fn a_reload_restarted_the_camera_although_the_settings_were_the_same() {
    let mut daemon = Launch::new().start();
    let mut client = daemon.settings();
    for byte in [1, 3, 7, 100, 201, 255] {
        client.update([byte; 6]);
        assert_eq!(client.read(), [byte; 6]);
        daemon.await_log("camera settings are now");
        daemon.signal(Signal::SIGHUP);
        daemon.await_log("configuration reread");
    }
    assert_eq!(daemon.log().matches("camera settings are now").count(), 6);
}

#[test]
fn a_reload_with_more_clients_did_not_raise_the_limit_on_descriptors() {
    const CLIENTS: usize = 300;
    let mut launch = Launch::new().set("server.max_clients", 1).descriptors(64, 4096);
    let mut daemon = launch.start();
    launch.change("server.max_clients", CLIENTS);
    launch.write_config();
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| daemon.data()).collect();
    for client in &mut clients {
        client.data();
    }
    assert!(!daemon.log().contains("cannot take connections"));
}

#[test]
fn clients_that_are_refused_used_up_the_spare_descriptors() {
    let mut daemon = Launch::new().set("server.max_clients", 10).descriptors(16, 4096).start();
    let mut clients: Vec<Client> = (0..10).map(|_| daemon.settings()).collect();
    for client in &mut clients {
        client.read();
    }
    let _more: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(daemon.settings_port()).unwrap()).collect();
    clients[0].read();
    assert_eq!(daemon.counter("accept_rested"), 0);
    assert!(!daemon.log().contains("cannot take connections"));
}

/// From hardly any descriptors to enough: below 4 the dynamic linker gives up.
#[test]
fn too_few_descriptors_were_blamed_on_the_address_or_to_be_reported_as_a_bug() {
    let mut refused = 0;
    for limit in 4..20 {
        let mut daemon = Launch::new().descriptors(limit, limit).spawn();
        // The last line of a start that succeeds.
        if daemon.await_end_or("clients on the network need the password") {
            daemon.stop();
            continue;
        }
        refused += 1;
        let status = daemon.wait();
        let log = daemon.log();
        let last = log.lines().last().unwrap_or_default();
        assert!(last.contains("raise the limit on open files"), "with {limit}: {status}\n{log}");
        assert!(matches!(status.code(), Some(69 | 70)), "with {limit}: {status}\n{log}");
    }
    assert!(refused > 0);
}

/// A pipe where the temporary file goes has the write hang, as a disk would. Standard error ends only when its last
/// holder has; the log is complete only then.
#[test]
fn a_killed_daemon_left_a_writer_behind_that_could_tear_the_file_of_the_next() {
    let launch = Launch::new();
    let mut daemon = launch.start();
    let pipe = launch.state_dir().join(".camera_settings.json.tmp");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let mut client = daemon.settings();
    client.send(&[packet(2, 1, &[2; 6]), packet(2, 1, &[])].concat());
    let children = daemon.proc(&format!("task/{}/children", daemon.pid()));
    until(|| !fs::read_to_string(&children).unwrap().is_empty());
    daemon.kill();
    daemon.await_end_of_log();
}

#[test]
fn an_ipv4_peer_of_an_ipv6_listener_was_logged_as_an_ipv6_address() {
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skip("there is no IPv6");
    }
    let mut daemon = Launch::new().set("server.host", "::").start();
    daemon.try_password("127.0.0.1", "1111");
    assert!(daemon.await_log("gave the right password").contains(" 127.0.0.1 gave"));
}

/// The file of `--config` has to be there; the default one was taken for one that nobody wrote.
#[test]
fn a_reload_while_the_default_file_was_away_opened_the_ports_to_everyone() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    // Without its arguments, the daemon reads the default file.
    let default_file = "mount -t tmpfs tmpfs /etc; mkdir /etc/es-iot; cp $DIR/server.json /etc/es-iot; set -- \"$1\"";
    let launch = Launch::new().set("auth.required", true).set("auth.trust_loopback", false).in_namespace(default_file);
    let mut daemon = launch.start();
    fs::remove_file(daemon.proc("root/etc/es-iot/server.json")).unwrap();
    daemon.signal(Signal::SIGHUP);
    let line = daemon.await_log("configuration not changed");
    assert!(line.contains("/etc/es-iot/server.json"), "{line}");
    let mut client = daemon.settings();
    client.send(&packet(2, 1, &[]));
    client.expect_error(2, 4);
}

#[test]
fn a_standard_error_that_takes_nothing_turned_each_exit_code_into_an_abort() {
    for (argument, code) in [("--nonsense", 64), ("--config=/nonexistent", 78)] {
        let mut command = Launch::new().arg(argument).command();
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        assert_eq!(command.stderr(full).status().unwrap().code(), Some(code), "{argument}");
    }
}

#[test]
fn a_log_file_on_a_read_only_disk_kept_the_daemon_from_starting() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let launch = Launch::new().on_disk(("logging.file", "log"), "ro", ":");
    let file = launch.dir.join("disk/log");
    let told = launch.start().log();
    assert!(told.contains(&format!("can't open {}: Read-only file system", file.display())), "{told}");
}

#[test]
fn the_check_passed_a_generated_password_that_the_start_refuses() {
    let launch = Launch::new().set("auth.password", serde_json::Value::Null);
    fs::create_dir(launch.state_dir()).unwrap();
    let password = launch.state_dir().join("auth_password");
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    let launch = launch.arg("--check-config");
    let output = launch.run();
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(launch.run().status.code(), Some(0));
}

/// The init script's shell has no reader for standard error.
#[test]
fn syslog_was_not_told_why_the_configuration_is_wrong() {
    if !in_mount_namespace() {
        return skip(NO_NAMESPACE);
    }
    let launch = Launch::new().set("camera.framerate", 0);
    let socket = std::os::unix::net::UnixDatagram::bind(launch.dir.join("syslog")).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    let script = "mount -t tmpfs tmpfs /dev; ln -s $DIR/syslog /dev/log";
    let output = launch.in_namespace(script).run();
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("camera.framerate"), "{output:?}");
    let mut bytes = [0; 2048];
    let length = socket.recv(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..length]);
    assert!(text.starts_with("<26>") && text.contains("camera.framerate"), "{text}");
}

/// The end of a camera was told only once all was read that it had said and made; a process of its that had left its group
/// made more of either for ever.
#[test]
fn a_noisy_orphan_of_a_camera_stopped_the_loop() {
    for stream in [1, 2] {
        let camera = format!("setsid yes >&{stream} & read _ < $DIR/end; exit 3");
        let launch = Launch::new()
            .set("camera.source", "command")
            .set("camera.command", json!(["sh", "-c", camera]))
            .publisher(json!(["sh", "-c", "exec cat > /dev/null"]));
        let end = launch.dir.join("end");
        nix::unistd::mkfifo(&end, Mode::S_IRWXU).unwrap();
        let mut daemon = launch.start();
        let mut subscriber = daemon.data();
        if stream == 1 {
            until(|| daemon.counter("video_bytes") > 0);
        } else {
            daemon.await_log("sh INFO y");
        }
        fs::write(&end, "\n").unwrap();
        daemon.await_log("with status 3");
        for _ in 0..12 {
            subscriber.data();
        }
        daemon.stop();
        daemon.await_end_of_log();
    }
}

/// The kernel reaps the children of a process that ignores SIGCHLD, and says nothing; what a process ignores is ignored by
/// what it executes. The rest of what a start can inherit is in it for good measure.
#[test]
fn a_start_with_signals_ignored_and_blocked_waited_for_children_in_vain() {
    let camera = "grep -e SigBlk -e SigIgn /proc/self/status >&2; exit 3";
    let launch = Launch::new()
        .set("camera.source", "command")
        .set("camera.command", json!(["sh", "-c", camera]))
        .publisher(json!(["cat", "/dev/stdin"]));
    let mut command = launch.command();
    // SAFETY: no handler is set: what can be ignored and blocked is.
    unsafe {
        command.pre_exec(|| {
            for signal in Signal::iterator() {
                let _kill_and_stop_can_not = nix::sys::signal::signal(signal, SigHandler::SigIgn);
            }
            Ok(SigSet::all().thread_set_mask()?)
        })
    };
    let mut daemon = Daemon::adopt(command.spawn().unwrap(), launch.dir.clone());
    daemon.await_ports();
    for name in ["SigBlk", "SigIgn"] {
        let line = daemon.await_log(name);
        // The C library keeps 32 and 33 for itself.
        let signals = u64::from_str_radix(&line[line.len() - 16..], 16).unwrap() & 0x7FFF_FFFF;
        assert_eq!(signals, 0, "{line}");
    }
    daemon.await_log("with status 3");
    let mut client = daemon.settings();
    client.update([2; 6]);
    assert_eq!(client.read(), [2; 6]);
    daemon.signal(Signal::SIGHUP);
    daemon.await_log("configuration reread");
    daemon.stop();
}
