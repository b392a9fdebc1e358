//! The page and the Unix socket of a fresh image: named where people look for them, and open to those who may use them.

use super::{CONFIG, DEFAULTS_FILE, INIT, MK, RECIPE, UNIT, USER, between, holds, json, read};

/// The directory of the Unix socket.
const RUN_DIR: &str = "/run/es-iot";

#[test]
fn documents_and_machines_know_the_page() {
    let port = &json()["server"]["http_port"];
    for document in ["docs/FIRMWARE.md", "meta-es-iot/README.md"] {
        holds(document, &[&format!("`http://DEVICE:{port}/`")]);
    }
    holds("buildroot-package/package/es-iot-server/Config.in", &[&format!("port {port}")]);
    holds("Cargo.toml", &[&format!("on a page on port {port}")]);
    holds("tests/image/machine.py", &[&format!("(self.http, {port})")]);
    holds(DEFAULTS_FILE, &[&format!("\n#HTTP_PORT={port}\n")]);
}

/// Root and the daemon's group reach the socket: through a directory that others can't enter, under either init.
#[test]
fn the_socket_has_a_directory_for_the_daemons_group() {
    let socket = json()["server"]["http_socket"].as_str().expect("a path").to_owned();
    assert_eq!(socket, format!("{RUN_DIR}/http.sock"), "{CONFIG}");
    let name = RUN_DIR.strip_prefix("/run/").expect("systemd creates it in /run");
    holds(UNIT, &[&format!("\nRuntimeDirectory={name}\n"), "\nRuntimeDirectoryMode=0750\n"]);
    holds(UNIT, &[&format!("\nGroup={USER}\n")]);
    // The socket's mode is for user and group alike, so connecting needs no more than the group.
    holds(INIT, &[&format!("\nRUN_DIR=\"{RUN_DIR}\"\n"), "\nSOCKET=\"$RUN_DIR/http.sock\"\n"]);
    let prepare = between(&read(INIT), "\nprepare() {\n", "\n}\n").expect("a function").to_owned();
    for line in [
        "for directory in \"$STATE_DIR\" \"$RUN_DIR\"; do",
        "chown -hR \"$RUN_AS:$RUN_AS\" \"$directory\"",
        "chmod 0750 \"$directory\"",
    ] {
        assert!(prepare.contains(line), "{INIT}: {line}");
    }
    // It is in memory: no image holds it, and no package owns it.
    for file in [MK, RECIPE, "Cargo.toml"] {
        assert!(!read(file).contains(RUN_DIR), "{file}");
    }
    holds("config/debian/postrm", &[&format!(" {RUN_DIR}\n")]);
}

#[test]
fn the_unit_allows_what_the_service_needs() {
    let unit = read(UNIT);
    let families = between(&unit, "\nRestrictAddressFamilies=", "\n").expect("the unit restricts the families");
    assert!(families.split(' ').any(|word| word == "AF_UNIX"), "{families}");
    assert!(!unit.contains("RuntimeDirectoryPreserve"), "a stopped service leaves no socket behind");
}
