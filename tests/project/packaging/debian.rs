//! The Debian package's script, and who is named as its maintainer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::holds;
use crate::repository::{files, read};
use crate::source::root;

const BUILD: &str = "config/debian/build";

/// The arguments that the script gives to cargo, in this environment.
fn cargo_arguments(name: &str, environment: &[(&str, &str)], arguments: &[&str]) -> String {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian-build").join(name);
    fs::create_dir_all(&dir).unwrap();
    let cargo = dir.join("cargo");
    fs::write(&cargo, "#!/bin/sh\nprintf '[%s]' \"$@\"\n").unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
    let mut script = Command::new("sh");
    script.arg(BUILD).args(arguments).current_dir(root()).env("PATH", path);
    script.env_remove("DEBFULLNAME").env_remove("DEBEMAIL").envs(environment.iter().copied());
    let output = script.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned()
}

#[test]
fn the_maintainer_of_the_package_is_the_person_who_builds_it() {
    let git = [
        ("GIT_CONFIG_COUNT", "2"),
        ("GIT_CONFIG_KEY_0", "user.name"),
        ("GIT_CONFIG_VALUE_0", "Gita Committer"),
        ("GIT_CONFIG_KEY_1", "user.email"),
        ("GIT_CONFIG_VALUE_1", "gita@example.net"),
    ];
    let debian =
        [git[0], git[1], git[2], git[3], git[4], ("DEBFULLNAME", "Deb Builder"), ("DEBEMAIL", "deb@example.org")];
    let both = [("DEBEMAIL", "Deb Builder <deb@example.org>"), ("GIT_CONFIG_GLOBAL", "/dev/null")];
    let asked = |maintainer: &str| format!("[deb][--locked][--maintainer][{maintainer}][--output][a b]");
    let output = ["--output", "a b"];
    assert_eq!(cargo_arguments("debian", &debian, &output), asked("Deb Builder <deb@example.org>"));
    assert!(cargo_arguments("both", &both, &output).ends_with(" <deb@example.org>][--output][a b]"));
    if root().join(".git").exists() && Command::new("git").arg("--version").output().is_ok() {
        assert_eq!(cargo_arguments("git", &git, &output), asked("Gita Committer <gita@example.net>"));
    }
}

/// Mail to an address that ends so can't be delivered (RFC 2606).
#[test]
fn no_text_has_a_placeholder_for_an_address() {
    let others = ["tests", "fuzz"];
    for path in files().iter().filter(|path| !others.iter().any(|other| path.starts_with(other))) {
        let Ok(text) = fs::read_to_string(root().join(path)) else { continue };
        for word in text.split_whitespace().filter(|word| word.contains('@') || word.contains("://")) {
            assert!(!word.contains(".invalid"), "{}: {word}", path.display());
        }
    }
    assert!(!read("Cargo.toml").contains("\nmaintainer ="), "{BUILD} sets it");
}

#[test]
fn documents_build_the_package_with_its_script() {
    for document in ["README.md", "docs/FIRMWARE.md"] {
        holds(document, &[BUILD]);
        assert!(!read(document).contains("cargo deb\n"), "{document} leaves the package without a maintainer");
    }
}
