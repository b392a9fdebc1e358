//! `es-iot-update` on a card of directories: what it decides, when it is called twice, or after a failure.
//!
//! Not here: `SWUpdate`, U-Boot and power cuts (`tests/image/update.py`).

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use super::{UPDATE, directory, holds, read};

/// Stands for `mount`, `umount` and the programs around: a partition is a directory, and a mount is a link to it. Like the kernel,
/// it refuses a second mount.
const STUBS: [(&str, &str); 9] = [
    (
        "mount",
        "for point; do source=\"${last:-}\" last=\"$point\"; done\n[ -d \"$source\" ] && rmdir \"$point\" 2>/dev/null && ln -s \"$source\" \"$point\"\n",
    ),
    ("umount", "[ -h \"$1\" ] && rm \"$1\" && mkdir \"$1\"\n"),
    (
        "es-iot-data",
        "[ \"$1\" = partition ] || exit 64\ncase $2 in 1) echo DEV/card;; 2) echo DEV/a;; 3) echo DEV/b;; esac\n",
    ),
    ("logger", ""),
    ("sync", ""),
    ("reboot", ""),
    ("sleep", "exec /bin/sleep 0.02\n"),
    // The daemon serves, unless a file has what it answers instead.
    (
        "es-iot-ctl",
        "if [ -e RUN/crashing ]; then read -r calls < RUN/crashing; echo $((calls + 1)) > RUN/crashing; [ $((calls % 3)) -eq 0 ] || exit 1; fi\ncat RUN/answer\n[ ! -e RUN/answer ]\n",
    ),
    // An update is a line with the kernel. `wait` installs half of it, and then waits for the file `go`.
    (
        "swupdate",
        "read -r update\necho half > RUN/target/boot/Image\n[ \"$update\" = bad ] && exit 1\nif [ \"$update\" = wait ]; then : > RUN/waits; while [ ! -e RUN/go ]; do sleep 0.02; done; fi\necho \"$update\" > RUN/target/boot/Image\n",
    ),
];

struct Device {
    dir: PathBuf,
}

/// An installation, which is not left behind by a test that fails.
struct Installation {
    child: Child,
    go: PathBuf,
}

impl Installation {
    fn end(mut self) -> (bool, String) {
        fs::write(&self.go, "").unwrap();
        let mut printed = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        (self.child.wait().unwrap().success(), printed)
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = fs::write(&self.go, "");
        let _ = self.child.wait();
    }
}

impl Device {
    /// Runs slot a, which is the one in use unless it is on trial; slot b holds a version too.
    fn new(name: &str, trial: &str) -> Self {
        let dir = directory("update-program", name);
        for part in ["card", "a", "b"] {
            fs::create_dir_all(dir.join("dev").join(part).join("boot")).unwrap();
            fs::write(dir.join("dev").join(part).join("boot/Image"), "kernel").unwrap();
        }
        let in_use = if trial == "yes" { "b" } else { "a" };
        fs::write(dir.join("dev/card/slot"), format!("slot={in_use}\n")).unwrap();
        fs::write(dir.join("cmdline"), format!("console=x es_iot.slot=a es_iot.trial={trial}\n")).unwrap();
        fs::create_dir_all(dir.join("run")).unwrap();
        fs::create_dir_all(dir.join("bin")).unwrap();
        fs::write(dir.join("key"), "").unwrap();
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        for (name, text) in STUBS {
            let stub = dir.join("bin").join(name);
            fs::write(&stub, format!("#!/bin/sh\n{}", text.replace("RUN", &path("run")).replace("DEV", &path("dev"))))
                .unwrap();
            fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut text = read(UPDATE);
        for (old, new) in [
            ("\nKEY=\"/etc/es-iot/update.pem\"", format!("\nKEY=\"{}\"", path("key"))),
            ("\nRUN=\"/run/es-iot-update\"", format!("\nRUN=\"{}\"", path("run"))),
            ("/proc/cmdline", path("cmdline")),
            ("\nCONFIRM_S=120\n", "\nCONFIRM_S=0\n".to_owned()),
            ("\nDATA=\"/usr/libexec/es-iot-data\"", format!("\nDATA=\"{}\"", path("bin/es-iot-data"))),
            ("[ -b ", "[ -d ".to_owned()),
        ] {
            assert!(text.contains(old), "{old}");
            text = text.replace(old, &new);
        }
        fs::write(dir.join("es-iot-update"), text).unwrap();
        Self { dir }
    }

    fn command(&self, argument: &str) -> Command {
        let mut shell = Command::new("sh");
        let programs = format!("{}:{}", self.dir.join("bin").display(), std::env::var("PATH").unwrap());
        shell.arg(self.dir.join("es-iot-update")).arg(argument).env("PATH", programs);
        shell
    }

    fn run(&self, argument: &str) -> Output {
        self.command(argument).stdin(Stdio::null()).output().unwrap()
    }

    fn succeeds(&self, argument: &str) -> String {
        let output = self.run(argument);
        assert!(output.status.success(), "{argument}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refuses(&self, argument: &str, reason: &str) {
        let output = self.run(argument);
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(reason), "{output:?}");
    }

    fn install(&self, update: &str) -> Installation {
        let file = self.dir.join("update");
        fs::write(&file, format!("{update}\n")).unwrap();
        let mut command = self.command("-");
        command.stdin(fs::File::open(file).unwrap()).stdout(Stdio::null()).stderr(Stdio::piped());
        Installation { child: command.spawn().unwrap(), go: self.dir.join("run/go") }
    }

    fn on_card(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.dir.join("dev/card").join(name)).ok()
    }
}

#[test]
fn a_confirmed_version_takes_the_next_update_without_a_restart() {
    let device = Device::new("confirmed", "yes");
    device.refuses("update", "this version is on trial");
    assert!(device.succeeds("status").ends_with(", on trial\nnext boot: slot b\n"));
    device.succeeds("confirm");
    assert!(device.succeeds("status").ends_with("version \nnext boot: slot a\n"));
    assert_eq!(device.install("two").end(), (true, String::new()));
    assert_eq!(device.on_card("try").unwrap(), "slot=b\n");
}

#[test]
fn a_second_program_does_not_disturb_the_first() {
    holds("buildroot-package/board/es-iot/busybox.fragment", &["\nCONFIG_FLOCK=y\n"]);
    let device = Device::new("twice", "no");
    let first = device.install("wait");
    while !device.dir.join("run/waits").exists() {
        std::thread::yield_now();
    }
    let shared = &device;
    std::thread::scope(|scope| {
        for argument in ["status", "back", "update"] {
            scope.spawn(move || shared.refuses(argument, "another es-iot-update is running"));
        }
    });
    assert_eq!(first.end(), (true, String::new()));
    assert_eq!(device.on_card("slot").unwrap(), "slot=a\n");
    // On the card, not below the mount point.
    assert_eq!(device.on_card("try").unwrap(), "slot=b\n");
    assert!(device.succeeds("status").ends_with("next boot: slot b on trial\n"));
}

#[test]
fn there_is_no_way_back_to_half_an_update() {
    let device = Device::new("half", "no");
    let (installed, printed) = device.install("bad").end();
    assert!(!installed && printed.contains("this version stays in use"), "{printed}");
    device.refuses("back", "slot b holds an incomplete update");
    assert_eq!(device.on_card("slot").unwrap(), "slot=a\n");
    assert_eq!(device.install("two").end(), (true, String::new()));
    device.succeeds("back");
    assert_eq!((device.on_card("slot").unwrap().as_str(), device.on_card("try")), ("slot=b\n", None));

    let fresh = Device::new("fresh", "no");
    fs::remove_file(fresh.dir.join("dev/b/boot/Image")).unwrap();
    fresh.refuses("back", "slot b has no kernel in /boot");
    assert_eq!(fresh.on_card("slot").unwrap(), "slot=a\n");
}

#[test]
fn the_way_back_from_a_version_on_trial_is_not_undone_by_its_confirmation() {
    let device = Device::new("back-on-trial", "yes");
    device.succeeds("back");
    device.succeeds("confirm");
    assert_eq!(device.on_card("slot").unwrap(), "slot=b\n");
}

/// `auth.trust_loopback` false: programs on the device get no answer but this one, from a daemon that serves.
#[test]
fn a_daemon_that_wants_the_password_serves() {
    let texts = read("src/bin/es-iot-ctl/http/problem.rs")
        + &read("src/bin/es-iot-ctl/failure.rs").replace("{refusal}", "not authenticated");
    for answer in ["requires the password, because auth.trust_loopback is false", "answered: not authenticated"] {
        let device = Device::new("password", "yes");
        assert!(texts.contains(answer), "{answer}");
        fs::write(device.dir.join("run/answer"), format!("es-iot-ctl: X {answer}; run es-iot-ctl auth\n")).unwrap();
        device.succeeds("confirm");
        assert_eq!(device.on_card("slot").unwrap(), "slot=a\n");
    }
    let device = Device::new("dead", "yes");
    fs::write(device.dir.join("run/answer"), "es-iot-ctl: connection refused\n").unwrap();
    assert!(!device.run("confirm").status.success());
    assert_eq!(device.on_card("slot").unwrap(), "slot=b\n");
}

/// Every check asks twice at most, so every other check fails.
#[test]
fn a_daemon_that_serves_for_moments_is_not_confirmed() {
    let device = Device::new("crashing", "yes");
    fs::write(device.dir.join("run/crashing"), "0\n").unwrap();
    assert!(!device.run("confirm").status.success());
    assert_eq!(device.on_card("slot").unwrap(), "slot=b\n");
}
