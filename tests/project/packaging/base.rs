//! The files around the daemon that both build systems install: data partition, settings on the card, network, time.
//!
//! What they do on a real machine is in `tests/image/card.py`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{PASSWORD_FILE, STATE_DIR, USER, files, holds, passes, read, run};
use crate::skip::skip;
use crate::source::root;

const CARD: &str = "config/base/es-iot-card";
const DATA: &str = "config/base/es-iot-data";
const NAMES: [&str; 5] = ["HOSTNAME", "NTP_SERVER", "SYSLOG_SERVER", "RTSP_URL", "LOG_LEVEL"];

/// Runs a script under a shell; `None`, and part of the test is skipped, where that is not installed.
fn shell(shell: &[&str], arguments: &[&str]) -> Option<Output> {
    run(shell[0], &[&shell[1..], arguments].concat())
}

/// What `es-iot-card parse` prints about a file with this content: values, and complaints.
fn parsed(content: &str) -> Vec<(String, String)> {
    let file =
        std::env::temp_dir().join(format!("es-iot-conf-{}-{:?}", std::process::id(), std::thread::current().id()));
    let file = file.to_str().unwrap().replace(['(', ')'], "");
    fs::write(&file, content).unwrap();
    let shells: [&[&str]; 2] = [&["dash"], &["busybox", "sh"]];
    let printed = shells.iter().filter_map(|name| shell(name, &[CARD, "parse", &file])).map(|output| {
        assert!(output.status.success(), "{output:?}");
        let [values, complaints] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        let name = Path::new(&file).file_name().unwrap().to_str().unwrap();
        (values, complaints.replace(name, "FILE").replace("es-iot-card: ", ""))
    });
    let printed = printed.collect();
    fs::remove_file(&file).unwrap();
    printed
}

fn sets(content: &str, name: &str, value: &str) {
    for (values, complaints) in parsed(content) {
        assert!(values.contains(&format!("{name}={value}\n")), "{content:?}: {values}");
        assert_eq!(complaints, "", "{content:?}");
    }
}

fn refuses(content: &str, complaint: &str) {
    for (values, complaints) in parsed(content) {
        for name in NAMES {
            assert!(values.contains(&format!("{name}=\n")), "{content:?}: {values}");
        }
        assert!(complaints.starts_with(complaint), "{content:?}: {complaints}");
        assert_eq!(complaints.lines().count(), 1, "{complaints}");
    }
}

#[test]
fn lines_of_the_conf_file_are_read_as_people_write_them() {
    sets("HOSTNAME=cam-1", "HOSTNAME", "cam-1");
    sets("\u{feff}HOSTNAME=cam-1\r\n", "HOSTNAME", "cam-1");
    sets("# a comment\n\n  HOSTNAME = \"cam-1\"  \nLOG_LEVEL=debug\n", "HOSTNAME", "cam-1");
    sets("HOSTNAME='cam-1'\nLOG_LEVEL=debug\n", "LOG_LEVEL", "DEBUG");
    sets("HOSTNAME=a\nHOSTNAME=b\n", "HOSTNAME", "b");
    sets("HOSTNAME=\n", "HOSTNAME", "");
    sets("NTP_SERVER=a.example 192.0.2.1 2001:db8::1\n", "NTP_SERVER", "a.example 192.0.2.1 2001:db8::1");
    for server in ["loghost", "192.0.2.1:5514", "2001:db8::1"] {
        sets(&format!("SYSLOG_SERVER={server}\n"), "SYSLOG_SERVER", server);
    }
    sets("RTSP_URL=rtsps://ann:p%20w@h:8554/x?a=b#c\n", "RTSP_URL", "rtsps://ann:p%20w@h:8554/x?a=b#c");
}

#[test]
fn a_wrong_line_of_the_conf_file_is_one_warning_without_its_value() {
    let long = "x".repeat(64);
    for value in ["-x", "x-", "a.b", "a b", "a_b", "$(id)", "`id`", long.as_str()] {
        refuses(&format!("HOSTNAME={value}"), "FILE:1: the value of HOSTNAME is ignored; allowed: 1 to 63 letters");
    }
    for value in ["a;b", "-p", "a $b", "1 2 3 4 5 6 7 8 9"] {
        refuses(
            &format!("NTP_SERVER={value}"),
            "FILE:1: the value of NTP_SERVER is ignored; allowed: 1 to 8 host names",
        );
    }
    for value in ["h:0", "h:65536", "h:x", ":514", "h ost", "-R", "h;id"] {
        refuses(&format!("SYSLOG_SERVER={value}"), "FILE:1: the value of SYSLOG_SERVER is ignored; allowed: HOST");
    }
    for value in ["http://h/x", "rtsp://", "rtsp://h/ x", "rtsp://h/\"x", "rtsp://h/\\x", "rtsp://h/\u{e4}"] {
        refuses(&format!("\nRTSP_URL={value}"), "FILE:2: the value of RTSP_URL is ignored; allowed: rtsp://");
    }
    refuses("LOG_LEVEL=loud", "FILE:1: the value of LOG_LEVEL is ignored; allowed: TRACE, DEBUG");
    refuses("PASSWORD=sesame", "FILE:1: unknown name PASSWORD, ignored; allowed: HOSTNAME, NTP_SERVER");
    refuses("sesame", "FILE:1: not a line of the form NAME=value, ignored");
    refuses("export HOSTNAME=x", "FILE:1: not a line of the form NAME=value, ignored");
    for (_, complaints) in parsed("PASSWORD=sesame\nsesame\nRTSP_URL=http://ann:sesame@h/\n") {
        assert!(!complaints.contains("sesame"), "{complaints}");
    }
}

#[test]
fn the_examples_are_valid_and_complete() {
    for file in ["config/base/image.conf", "config/card/es-iot.conf.example"] {
        let text = read(file);
        for (values, complaints) in parsed(&text) {
            assert_eq!(values, NAMES.map(|name| format!("{name}=\n")).concat(), "{file} sets something");
            assert_eq!(complaints, "");
        }
        for (values, complaints) in parsed(&text.replace("\n#", "\n").replace("\n ", "\n# ")) {
            for name in NAMES {
                assert!(!values.contains(&format!("{name}=\n")), "{file} has no example of {name}");
            }
            assert_eq!(complaints, "", "{file}");
        }
    }
    let overlay = root().join("config/card/server.json.example");
    let arguments = ["--config", "config/server.json", "--overlay", overlay.to_str().unwrap(), "--check-config"];
    let output =
        Command::new(env!("CARGO_BIN_EXE_es-iot-server")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readme = read("config/card/README.txt");
    for file in ["es-iot.conf", "server.json", "password.txt", "wpa_supplicant.conf", "authorized_keys"] {
        holds(CARD, &[file]);
        holds("docs/FIRMWARE.md", &[&format!("| `{file}` | ")]);
        assert!(readme.contains(&format!("\n{file} ")), "{file}");
    }
    for name in NAMES {
        holds("docs/FIRMWARE.md", &[&format!("| `{name}` | ")]);
    }
}

#[test]
fn paths_and_user_are_those_of_the_daemon() {
    for script in [CARD, DATA] {
        holds(script, &[&format!("\nRUN_AS=\"{USER}\"\n")]);
    }
    holds(CARD, &[&format!("\nSTATE_DIR=\"{STATE_DIR}\"\n"), "\nRUN_DIR=\"${ES_IOT_CARD_RUN:-/run/es-iot-card}\"\n"]);
    holds(DATA, &["\nMOUNT_POINT=\"/var/lib\"\n", "\nSTATE_DIR=\"$MOUNT_POINT/es-iot\"\n"]);
    assert!(!read(CARD).contains(PASSWORD_FILE), "the image's password is not the card's");
    let syslogd = "buildroot-package/board/es-iot/rootfs-overlay/etc/default/syslogd";
    holds(syslogd, &[". /run/es-iot-card/syslogd\n", "-L -R $SYSLOG_SERVER"]);
}

#[test]
fn log_lines_in_the_guide_are_those_of_the_scripts() {
    let guide = read("docs/FIRMWARE.md");
    for (script, heading) in [(CARD, "| line of `es-iot-card` |"), (DATA, "| line of `es-iot-data` |")] {
        // Quotes are escaped and names are variables there.
        let text = read(script);
        let (_, table) = guide.split_once(heading).expect(heading);
        for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
            let (_, lines) = row.split_once('|').unwrap();
            let lines = lines.split(" | ").next().unwrap();
            for line in lines.split('`').skip(1).step_by(2) {
                let plain = line.replace("/dev/mmcblk0p3", "").replace("es-iot.conf:3: ", "").replace("(vfat), ", "");
                for part in
                    plain.split("...").map(|part| part.trim_matches([' ', ':', ';', ','])).filter(|p| p.len() > 3)
                {
                    let words: Vec<_> = part.split_inclusive(' ').collect();
                    // The longest run of words that has no variable in it, at least three.
                    let found = (0..words.len()).any(|from| {
                        let run = words[from..(from + 3).min(words.len())].concat();
                        run.len() > 8 && text.contains(run.trim())
                    });
                    assert!(found || text.contains(part), "{script} has no {part:?}");
                }
            }
        }
    }
}

#[test]
fn scripts_please_shellcheck_and_both_shells() {
    let mut scripts = Vec::new();
    for file in files(&root().join("config/base")) {
        if fs::read(&file).unwrap().starts_with(b"#!/bin/sh") {
            scripts.push(file.to_str().unwrap().to_owned());
        }
    }
    assert_eq!(scripts.len(), 8, "{scripts:?}");
    let arguments: Vec<&str> = scripts.iter().map(String::as_str).collect();
    passes("shellcheck", &arguments);
    for script in &arguments {
        passes("dash", &["-n", script]);
        passes("busybox", &["sh", "-n", script]);
    }
}

/// The scripts stay in an image from which the program was removed.
#[test]
fn init_scripts_without_their_program_are_silent() {
    for name in ["data", "card", "network"] {
        let script = format!("config/base/es-iot-{name}.init");
        holds(&script, &["### BEGIN INIT INFO\n", &format!("\nDAEMON=\"es-iot-{name}\"\n")]);
        if Path::new(&format!("/usr/libexec/es-iot-{name}")).exists() {
            return skip(format_args!("es-iot-{name} is installed"));
        }
        let output = run("sh", &[&script, "start"]).expect("a shell");
        assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    }
    holds("config/base/es-iot-ntpd.init", &["PROGRAM_PATH=\"$(command -v \"$PROGRAM\")\" || exit 0\n"]);
}

#[test]
fn units_of_the_base_are_valid_and_ordered() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("units-of-the-base");
    fs::create_dir_all(&dir).unwrap();
    let mut copies = Vec::new();
    for name in ["es-iot-data.service", "es-iot-card.service", "es-iot-wifi.service"] {
        let text = read(&format!("config/base/{name}"));
        let copy = dir.join(name);
        fs::write(
            &copy,
            text.replace("=/usr/libexec/es-iot-data ", "=/bin/true ")
                .replace("=/usr/libexec/es-iot-card ", "=/bin/true "),
        )
        .unwrap();
        copies.push(copy.to_str().unwrap().to_owned());
    }
    let mut arguments = vec!["verify", "--recursive-errors=one", "--man=no"];
    arguments.extend(copies.iter().map(String::as_str));
    passes("systemd-analyze", &arguments);
    holds("config/base/es-iot-data.service", &["\nDefaultDependencies=no\n", "\nBefore=local-fs.target "]);
    let card = read("config/base/es-iot-card.service");
    let before: Vec<_> =
        card.lines().filter_map(|line| line.strip_prefix("Before=")).flat_map(|l| l.split(' ')).collect();
    for unit in ["es-iot-server", "systemd-networkd", "systemd-timesyncd", "avahi-daemon", "es-iot-wifi"] {
        assert!(before.contains(&format!("{unit}.service").as_str()), "{unit}");
    }
    assert!(before.contains(&"network-pre.target"));
    holds("config/base/es-iot-card.service", &["\nAfter=es-iot-data.service "]);
}
