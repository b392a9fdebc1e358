//! The man pages: what the Debian package installs, and what the formatters make of it. That they are current is checked with
//! the other generated files.

use std::collections::BTreeSet;

use super::{files, holds, passes, read, run};
use crate::source::root;

/// The man pages, by their path.
fn pages() -> Vec<String> {
    let found = files(&root().join("docs/man"));
    found.iter().map(|path| path.strip_prefix(root()).expect("below the root").display().to_string()).collect()
}

#[test]
fn the_debian_package_installs_every_man_page_in_its_section() {
    let names: BTreeSet<String> = pages().iter().map(|page| page.replace("docs/man/", "")).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["es-iot-ctl.1", "es-iot-server.8", "server.json.5"]);
    for page in pages() {
        let section = page.rsplit('.').next().expect("a section");
        holds("Cargo.toml", &[&format!("[\"{page}\", \"usr/share/man/man{section}/\", \"644\"]")]);
    }
    holds("Cargo.toml", &["[\"docs/TROUBLESHOOTING.md\", \"usr/share/doc/es-iot-server/\", \"644\"]"]);
    for unit in [super::UNIT, super::SHOW_UNIT] {
        holds(unit, &["\nDocumentation=man:es-iot-server(8)\n"]);
    }
}

#[test]
fn formatters_accept_the_man_pages() {
    for page in &pages() {
        passes("mandoc", &["-Tlint", "-Wwarning", page]);
        if let Some(output) = run("groff", &["-man", "-ww", "-z", "-Tutf8", page]) {
            assert!(output.stderr.is_empty(), "{page}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// What the generator found in its sources, in case it found too little.
#[test]
fn the_man_pages_have_every_line_of_the_tables() {
    let troubleshooting = read("docs/TROUBLESHOOTING.md").lines().filter(|line| line.starts_with("| `")).count();
    let daemon = read("docs/man/es-iot-server.8");
    let (_, diagnostics) = daemon.split_once("\n.SH DIAGNOSTICS\n").expect("the section");
    assert_eq!(diagnostics.matches("\n.TP\n").count(), troubleshooting);
    let configuration = read("docs/man/server.json.5");
    for (section, keys) in super::json().as_object().expect("sections") {
        for key in keys.as_object().expect("keys").keys() {
            let name = format!("\n.TP\n\\fB{section}.{key}\\fR\n");
            assert!(configuration.contains(&name), "server.json.5 does not have {section}.{key}");
        }
    }
}
