//! The Buildroot tree: its package's install steps, run by make with stand-ins for Buildroot's own parts.
//!
//! Not here: a build with Buildroot itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip::skip;
use crate::source::root;


const STAND_IN: &str = "tests/project/packaging/buildroot.mk";

/// A directory of the test's own, empty.
fn directory(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("buildroot").join(name);
    let _ = fs::remove_dir_all(&dir);
    for part in ["build", "target/etc/es-iot", "bin"] {
        fs::create_dir_all(dir.join(part)).unwrap();
    }
    dir
}

/// Runs one step of a package with the options of a `.config`, and returns what was printed; `None` without make.
fn step(dir: &Path, package: &str, step: &str, config: &str) -> Option<String> {
    let build = dir.join("build");
    fs::write(dir.join(".config"), config).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut make = Command::new("make");
    make.current_dir(dir).env("PATH", format!("{}:{path}", dir.join("bin").display())).args([
        format!("-f{}/{STAND_IN}", root().display()),
        format!("{}/check", build.display()),
        format!("BR2_EXTERNAL_ES_IOT_PATH={}/buildroot-package", root().display()),
        format!("BR2_CONFIG={}/.config", dir.display()),
        format!("BUILD_DIR={}", build.display()),
        format!("TARGET_DIR={}/target", dir.display()),
        format!("PACKAGE={package}"),
        format!("STEP={step}"),
    ]);
    // Those of the make that runs this test, if one does.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"] {
        make.env_remove(name);
    }
    let output = match make.output() {
        Ok(output) => output,
        Err(error) => {
            skip(format_args!("make: {error}"));
            return None;
        }
    };
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{step}: {printed}");
    Some(printed)
}

/// Writes a shell script that the step finds under this name.
fn program(dir: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_password_is_stored_as_it_was_typed() {
    let dir = directory("password");
    let typed = " two  spaces, a comma and (brackets) ";
    fs::copy(root().join("config/server.json"), dir.join("target/etc/es-iot/server.json")).unwrap();
    let config = format!("BR2_PACKAGE_ES_IOT_SERVER=y\nBR2_PACKAGE_ES_IOT_SERVER_PASSWORD=\"{typed}\"\n");
    let Some(printed) = step(&dir, "es-iot-server", "ES_IOT_SERVER_SET_PASSWORD", &config) else { return };
    assert_eq!(fs::read_to_string(dir.join("target/etc/es-iot/password")).unwrap(), format!("{typed}\n"));
    assert!(!printed.contains("comma"), "the build log has the password: {printed}");

    // Rebuilt without it.
    step(&dir, "es-iot-server", "ES_IOT_SERVER_SET_PASSWORD", "BR2_PACKAGE_ES_IOT_SERVER=y\n");
    assert!(!dir.join("target/etc/es-iot/password").exists());
}

/// The stand-in for cargo: VENDOR is right if it has the lock file that it was made from.
#[test]
fn crates_are_vendored_again_only_after_a_change_of_the_lock_file() {
    let dir = directory("vendor");
    program(
        &dir,
        "cargo",
        r#"case "$1" in
vendor) echo vendor >>calls; mkdir -p VENDOR/new && cp Cargo.lock VENDOR/lock;;
metadata) [ -s .cargo/config.toml ] && cmp -s Cargo.lock VENDOR/lock;;
*) exit 64;;
esac"#,
    );
    let build = dir.join("build");
    let vendor = |lock: &str| {
        fs::write(build.join("Cargo.lock"), lock).unwrap();
        step(&dir, "es-iot-server", "ES_IOT_SERVER_VENDOR_CRATES", "")?;
        Some(fs::read_to_string(build.join("calls")).unwrap_or_default().lines().count())
    };
    // A tree that ships VENDOR needs no network.
    fs::create_dir(build.join("VENDOR")).unwrap();
    fs::write(build.join("VENDOR/lock"), "1").unwrap();
    let Some(calls) = vendor("1") else { return };
    assert_eq!(calls, 0);
    assert_eq!(vendor("2"), Some(1), "the lock file changed");
    assert_eq!(vendor("2"), Some(1));
    fs::write(build.join("VENDOR/stale"), "").unwrap();
    assert_eq!(vendor("3"), Some(2));
    assert!(!build.join("VENDOR/stale").exists());
    fs::remove_dir_all(build.join("VENDOR")).unwrap();
    assert_eq!(vendor("3"), Some(3), "no VENDOR");
}
