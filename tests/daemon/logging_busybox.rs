//! The log against the syslogd of `busybox`, which most small images have, in a mount namespace with a `/dev` of its own.
//!
//! Skipped where there is no `busybox`, or no right to such a namespace.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};

use crate::support::skip;
use es_iot_server::config::{Level, LogSink, LogTarget, LoggingConfig};
use es_iot_server::sys::log::init;

const BUSYBOX: &str = "/bin/busybox";
const DIRECTORY: &str = "ES_IOT_TEST_DIRECTORY";

/// Ends with the test, whatever its outcome.
struct Syslogd(Child);

impl Drop for Syslogd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn busybox_syslogd_gets_facility_level_and_tag() {
    let namespace = ["-m", "--propagation", "private"];
    let possible = Command::new("unshare").args(namespace).arg("true").output().is_ok_and(|out| out.status.success());
    if !possible || !Path::new(BUSYBOX).exists() {
        return skip(format_args!("this needs {BUSYBOX} and the right to a mount namespace"));
    }
    let directory = std::env::temp_dir().join(format!("es-iot-log-busybox-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let script = "mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 && \
                  exec \"$0\" --ignored --exact logging_busybox::inside";
    let output = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, &directory)
        .output()
        .unwrap();
    fs::remove_dir_all(&directory).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

#[test]
#[ignore = "run by the test above, in its namespace"]
fn inside() {
    let directory = std::env::var_os(DIRECTORY).expect("the test above sets it");
    let file = Path::new(&directory).join("messages");
    let syslogd = Command::new(BUSYBOX).args(["syslogd", "-n", "-O"]).arg(&file).spawn().unwrap();
    let _syslogd = Syslogd(syslogd);
    eventually(|| UnixDatagram::unbound().unwrap().connect("/dev/log").is_ok());

    let target = LogTarget::Named(vec![LogSink::Syslog]);
    let log = init(&LoggingConfig { target, ..LoggingConfig::default() }).unwrap();
    log::info!(target: "server", "one\ntwo");
    log.write(Level::Critical, "camera.process", format_args!("three é"));
    assert_eq!(log.lines_lost(), 0);

    eventually(|| fs::read_to_string(&file).unwrap_or_default().contains("three"));
    let seen = fs::read_to_string(&file).unwrap();
    let tag = format!("es-iot-server[{}]:", std::process::id());
    assert!(seen.contains(&format!(" daemon.info {tag} server: one\\ntwo\n")), "{seen}");
    assert!(seen.contains(&format!(" daemon.crit {tag} camera.process: three ")), "{seen}");
}

/// Looks until it is so, up to 10 s. Another process has to get there; nothing tells us when.
fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if is_so() {
            return;
        }
        nix::poll::poll(&mut [], 10u8).unwrap();
    }
    panic!("not within 10 s");
}
