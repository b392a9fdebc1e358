//! What root's scripts do with hostile or broken content: functions of the scripts, in both shells.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{INIT, between, directory, read, run};
use crate::skip::skip;

const CARD: &str = "config/base/es-iot-card";
const DATA: &str = "config/base/es-iot-data";
const NETWORK: &str = "config/base/es-iot-network";

fn function(script: &str, name: &str) -> String {
    let text = read(script);
    let body = between(&text, &format!("\n{name}() {{\n"), "\n}\n").expect("a function");
    format!("{name}() {{\n{body}\n}}\n")
}

/// Runs a program in each shell that is installed, in a new directory, `$DIR`, that `prepare` fills.
fn in_shells(name: &str, program: &str, prepare: impl Fn(&Path), check: impl Fn(&Path, Output)) {
    let shells: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];
    for shell in shells.iter().filter(|shell| run(shell[0], &[&shell[1..], &["-c", ":"]].concat()).is_some()) {
        let dir = directory("root-scripts", name);
        prepare(&dir);
        let output = Command::new(shell[0]).args(&shell[1..]).args(["-c", program]).env("DIR", &dir).output().unwrap();
        check(&dir, output);
    }
}

/// A hard link in that directory may be one to a file of root's, where the kernel does not forbid it (`fs.protected_hardlinks`).
#[test]
fn the_init_script_takes_over_only_a_directory_of_another_user() {
    let prepare = function(INIT, "prepare");
    for (user, taken_over) in [("$(id -un)", false), ("nobody", true)] {
        let program = format!(
            "{prepare}\nchown() {{ echo \"$*\"; }}\nRUN_AS=\"{user}\" STATE_DIR=\"$DIR/state\" RUN_DIR=\"$DIR/run\" SOCKET=\"$DIR/run/s\"\nprepare"
        );
        in_shells(
            "prepare",
            &program,
            |dir| fs::create_dir(dir.join("state")).unwrap(),
            |dir, output| {
                let printed = String::from_utf8(output.stdout).unwrap();
                let state = dir.join("state").to_str().unwrap().to_owned();
                let line = format!("-hR nobody:nobody {state}");
                assert_eq!(printed.contains(&line), taken_over, "{printed}");
                assert_eq!(printed.is_empty(), !taken_over, "{printed}");
            },
        );
    }
}

const STORE: &str = "chown() { :; }\nsync() { :; }\nRUN_AS=x STATE_DIR=\"$DIR/state\" PASSWORD=\"$DIR/state/card_password\" password=sesame\nstore_password";

/// The password is removed from the card afterwards, so it must be where the daemon looks for it.
#[test]
fn a_password_replaces_whatever_has_its_name() {
    let program = function(CARD, "store_password") + STORE;
    let stored = |dir: &Path, output: Output| {
        assert!(output.status.success(), "{output:?}");
        let file = dir.join("state/card_password");
        assert!(file.symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read_to_string(file).unwrap(), "sesame\n");
        if let Ok(mut entries) = fs::read_dir(dir.join("elsewhere")) {
            assert!(entries.next().is_none(), "something was written elsewhere");
        }
    };
    in_shells("nothing", &program, |_| (), stored);
    in_shells("directory", &program, |dir| fs::create_dir_all(dir.join("state/card_password/x")).unwrap(), stored);
    in_shells(
        "directory-new",
        &program,
        |dir| fs::create_dir_all(dir.join("state/card_password.new")).unwrap(),
        stored,
    );
    let link = |dir: &Path| {
        fs::create_dir(dir.join("state")).unwrap();
        fs::create_dir(dir.join("elsewhere")).unwrap();
        symlink(dir.join("elsewhere"), dir.join("state/card_password")).unwrap();
        symlink(dir.join("elsewhere/new"), dir.join("state/card_password.new")).unwrap();
    };
    in_shells("link", &program, link, stored);
    // The daemon's user is faster.
    let program = format!("{}rm() {{ :; }}\n{STORE}", function(CARD, "store_password"));
    in_shells("race", &program, link, |dir, output| {
        assert!(!output.status.success(), "{output:?}");
        assert!(fs::read_dir(dir.join("elsewhere")).unwrap().next().is_none(), "written through a link");
    });
}

/// A wrong `wpa_supplicant.conf` on the card: thirty polls take a minute on a device, and no time here.
#[test]
fn a_program_that_ends_at_once_is_not_started_at_every_poll() {
    let text = read(NETWORK);
    let functions = between(&text, "\nlog() {\n", "\n# A cable that was plugged in").expect("functions");
    let program = format!(
        "log() {{\n{functions}\nwpa_supplicant() {{ :; }}\nNAME=x RUN_DIR=\"$DIR\" CARD_CONF=/dev/null\nlogger() {{ echo \"$*\"; }}\n\
         for poll in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do start_wpa_supplicant wlan0; wait; done"
    );
    in_shells(
        "polls",
        &program,
        |_| (),
        |_, output| {
            let printed = String::from_utf8(output.stdout).unwrap();
            let starts = printed.matches("wpa_supplicant started").count();
            assert!(
                (1..=3).contains(&starts),
                "{starts} starts: {printed} {}",
                String::from_utf8_lossy(&output.stderr)
            );
        },
    );
}

/// On `/boot`, perhaps, or by a program for updates.
#[test]
fn a_first_partition_that_is_mounted_elsewhere_stays_writable() {
    let functions = function(CARD, "mount_boot") + &function(CARD, "remove_from_card");
    for (options, remounts) in [("rw,noatime", 0), ("ro,noatime", 2)] {
        let program = format!(
            "{}\nreport() {{ :; }}\nsync() {{ :; }}\nmount() {{ echo \"mount $*\"; }}\ndata() {{ echo /dev/x1; }}\nDATA=data BOOT=\"$DIR/boot\"\n\
             echo '/dev/x1 /boot vfat {options} 0 0' >\"$DIR/mounts\"\nmount_boot; remove_from_card",
            functions.replace("/proc/mounts", "\"$DIR/mounts\"")
        );
        in_shells(
            "elsewhere",
            &program,
            |_| (),
            |_, output| {
                let printed = String::from_utf8(output.stdout).unwrap();
                assert_eq!(printed.matches("mount -o remount,").count(), remounts, "{options}: {printed}");
            },
        );
    }
}

/// A partition that was formatted twice, with blocks of another size, has backups of both file systems.
#[test]
fn a_repair_uses_no_superblock_of_a_former_file_system() {
    if run("mke2fs", &["-V"]).is_none() {
        return skip("mke2fs is not installed");
    }
    let script = read(DATA);
    let functions = script.split("\ncase \"$1\" in\n").next().unwrap();
    let make = "truncate -s 64M \"$device\"; \"$(program mke2fs)\" -q -F -t ext4 -b 1024 \"$device\"; truncate -s 512M \"$device\"\n\
                \"$(program mke2fs)\" -q -F -t ext4 -b 4096 -E nodiscard \"$device\"";
    let sizes = "sectors() { mkdir -p \"$DIR/part\"; partition=\"$DIR/part\"; echo \"$1\" >\"$DIR/part/size\"; }";
    let program = format!(
        "{functions}\n{sizes}\ndevice=\"$DIR/image\"\n{make}\n\
         program() {{ echo \"$1\"; }}\ncheck() {{ echo \"$*\"; return 1; }}\nreport() {{ :; }}\n\
         sectors 600000\nblock=\"$(kibibyte 1)\"\nrepair_from_backup \"$(uuid)\" || echo refused\n\
         sectors 1048576\nrepair_from_backup"
    );
    in_shells(
        "backups",
        &program,
        |_| (),
        |dir, output| {
            let printed = String::from_utf8(output.stdout).unwrap();
            fs::remove_file(dir.join("image")).unwrap();
            let file = dir.join("image").to_str().unwrap().to_owned();
            let tried = |at: u32| format!("-f -y -b {at} -B 4096 {file}\n");
            assert_eq!(
                printed,
                format!("refused\n{}{}", tried(32768), tried(98304)),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        },
    );
}

/// The boot starts ntpd while DHCP's first answer restarts it.
#[test]
fn ntpd_is_started_once_by_two_callers() {
    if run("flock", &["--version"]).is_none() || run("start-stop-daemon", &["--version"]).is_none() {
        return skip("flock or start-stop-daemon is not installed");
    }
    let dir = directory("root-scripts", "ntpd");
    let script = dir.join("init");
    let text = read("config/base/es-iot-ntpd.init")
        .replace("\"/var/run/$DAEMON.", &format!("\"{}/", dir.display()))
        .replace("\nPATH=\"", &format!("\nPATH=\"{}:", dir.display()));
    fs::write(&script, text).unwrap();
    fs::write(
        dir.join("ntpd"),
        format!("#!/bin/sh\necho $$ >>'{}'\nwhile :; do sleep 0.1; done\n", dir.join("started").display()),
    )
    .unwrap();
    assert!(run("chmod", &["755", dir.join("ntpd").to_str().unwrap()]).unwrap().status.success());
    let call = |verb: &str| Command::new("sh").arg(&script).arg(verb).stdout(Stdio::null()).spawn().unwrap();
    for _ in 0..4 {
        for mut child in [call("restart"), call("restart"), call("start")] {
            child.wait().unwrap();
        }
    }
    assert!(call("stop").wait().unwrap().success());
    let started = fs::read_to_string(dir.join("started")).unwrap_or_default();
    // One that has ended has no command line, even if nobody has waited for it.
    let runs = |pid: &&str| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
    let left: Vec<_> = started.lines().filter(runs).collect();
    for pid in &left {
        run("kill", &["-9", pid]);
    }
    assert!(left.is_empty(), "{} of {} still ran", left.len(), started.lines().count());
}
