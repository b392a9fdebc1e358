//! The files that images and packages are made of agree with each other, with `Cargo.lock` and with the configuration.
//!
//! Not here: building an image, or booting one. Checks that need a program of the machine (shellcheck, systemd-analyze,
//! python3) are skipped where it is missing; the texts are compared everywhere.

mod base;
mod buildroot;
mod card;
mod debian;
mod licences;
mod man;
mod page;
mod root_scripts;
mod update_program;
mod updates;
mod video;
mod yocto;
mod yocto_image;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::repository::read;
use crate::skip::skip;
use crate::source::root;

/// What every route must agree on. The numbers are those of the images; Debian takes them if they are free. They are below
/// the ranges from which build systems and systems allocate (100 or 101 to 999, systemd's 61184 to 65519): an account with a
/// number of such a range fails as soon as another package got that number first.
const USER: &str = "es-iot";
const UID: &str = "95";
const STATE_DIR: &str = "/var/lib/es-iot";
const CONFIG: &str = "/etc/es-iot/server.json";
const PASSWORD_FILE: &str = "/etc/es-iot/password";
const DEFAULTS: &str = "/etc/default/es-iot-server";
const DAEMON: &str = "/usr/bin/es-iot-server";
const SHOW_PASSWORD: &str = "/usr/libexec/es-iot-show-password";
const DATA_LABEL: &str = "es-iot-data";

const UNIT: &str = "config/es-iot-server.service";
const SHOW_UNIT: &str = "config/es-iot-show-password.service";
const INIT: &str = "config/es-iot-server.init";
const SHOW: &str = "config/es-iot-show-password";
const DEFAULTS_FILE: &str = "config/es-iot-server.default";
const JSON: &str = "config/server.json";
const MK: &str = "buildroot-package/package/es-iot-server/es-iot-server.mk";
const BASE_MK: &str = "buildroot-package/package/es-iot-base/es-iot-base.mk";
const HASH: &str = "buildroot-package/package/es-iot-server/es-iot-server.hash";
const RECIPE: &str = "meta-es-iot/recipes-connectivity/es-iot-server/es-iot-server_git.bb";
const RECIPE_SOURCE: &str = "meta-es-iot/recipes-connectivity/es-iot-server/es-iot-source.inc";
const CRATES: &str = "meta-es-iot/recipes-connectivity/es-iot-server/es-iot-server-crates.inc";
const WKS: &str = "meta-es-iot/files/wic/es-iot-sdimage.wks";
const UPDATE: &str = "buildroot-package/board/es-iot/ab/rootfs-overlay/usr/sbin/es-iot-update";
const POSTINST: &str = "config/debian/postinst";

/// Asserts that each text is in the file.
fn holds(name: &str, texts: &[&str]) {
    let content = read(name);
    for text in texts {
        assert!(content.contains(text), "{name} does not have {text:?}");
    }
}

/// A directory of a test's own, empty.
fn directory(group: &str, name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(group).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Runs a program of the machine; `None`, and part of the test is skipped, where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(root()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            skip(format_args!("{program}: {error}"));
            None
        }
    }
}

/// Asserts that a program, where it is installed, is content.
fn passes(program: &str, arguments: &[&str]) {
    if let Some(output) = run(program, arguments) {
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The first word that a checksum program prints of a file.
fn checksum(program: &str, name: &str) -> Option<String> {
    let output = run(program, &[name])?;
    String::from_utf8(output.stdout).ok()?.split_whitespace().next().map(str::to_owned)
}

/// What stands between `before` and `after` the first time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

fn json() -> serde_json::Value {
    serde_json::from_str(&read(JSON)).expect("config/server.json is JSON")
}

#[test]
fn crates_of_the_recipe_are_those_of_cargo_lock() {
    let lock = read("Cargo.lock");
    let mut wanted = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| between(package, &format!("\n{key} = \""), "\"").map(str::to_owned);
        if let Some(checksum) = value("checksum") {
            wanted.insert((value("name").unwrap(), value("version").unwrap()), checksum);
        }
    }

    let list = read(CRATES);
    let mut found = BTreeMap::new();
    for line in list.lines() {
        if let Some(name) = between(line, "crate://crates.io/", " \\") {
            let (name, version) = name.split_once('/').unwrap();
            let key = format!("SRC_URI[{name}-{version}.sha256sum] = \"");
            let checksum = between(&list, &key, "\"").unwrap_or_else(|| panic!("no checksum of {name} {version}"));
            found.insert((name.to_owned(), version.to_owned()), checksum.to_owned());
        }
    }
    assert_eq!(found, wanted, "run meta-es-iot/scripts/update-crates");
    assert_eq!(list.matches(".sha256sum]").count(), wanted.len(), "a checksum without its crate");
}

#[test]
fn generated_files_are_what_their_generators_make() {
    // The byte-for-byte form, which the test above does not look at.
    passes("python3", &["meta-es-iot/scripts/update-crates", "--check"]);
    passes("sh", &["buildroot-package/board/es-iot/make-defconfigs", "--check"]);
    passes("python3", &["docs/scripts/update-man", "--check"]);
}

#[test]
fn files_that_recipes_name_exist() {
    for recipe in files(&root().join("meta-es-iot")) {
        if !recipe.extension().is_some_and(|ext| ext == "bb" || ext == "inc" || ext == "bbappend") {
            continue;
        }
        let text = fs::read_to_string(&recipe).unwrap();
        let dir = recipe.parent().unwrap();
        for line in text.lines().filter(|line| !line.starts_with("LIC_FILES_CHKSUM")) {
            for name in line.split("file://").skip(1) {
                let name = name.split([' ', ';', '"', '\\']).next().unwrap();
                let there = ["files", "es-iot-server"].iter().any(|sub| dir.join(sub).join(name).exists());
                assert!(there, "{}: file://{name} does not exist", recipe.display());
            }
        }
        for line in text.lines() {
            // What is installed from the source, which is this repository.
            for name in line.split("${S}/").skip(1) {
                let name = name.split([' ', '"']).next().unwrap();
                assert!(root().join(name).exists(), "{}: ${{S}}/{name} does not exist", recipe.display());
            }
        }
    }
    for name in read(MK).split("$(@D)/config/").skip(1) {
        let name = name.split_whitespace().next().unwrap();
        assert!(root().join("config").join(name).exists(), "{MK}: config/{name} does not exist");
    }
    for line in read("Cargo.toml").lines().filter(|line| line.starts_with("    [\"config/")) {
        let name = between(line, "[\"", "\"").unwrap();
        assert!(root().join(name).exists(), "Cargo.toml: the asset {name} does not exist");
    }
}

#[test]
fn licence_checksums_are_those_of_the_licence() {
    if let Some(md5) = checksum("md5sum", "LICENSE") {
        holds(RECIPE_SOURCE, &[&format!("LIC_FILES_CHKSUM = \"file://LICENSE;md5={md5}\"")]);
    }
    if let Some(sha256) = checksum("sha256sum", "LICENSE") {
        holds(HASH, &[&format!("sha256  {sha256}  LICENSE")]);
        holds("buildroot-package/package/es-iot-base/es-iot-base.hash", &[&format!("sha256  {sha256}  LICENSE")]);
    }
    // Of the crates; `legal-info` copies it, and refuses another one.
    holds(MK, &["\nES_IOT_SERVER_LICENSE_FILES = LICENSE docs/THIRD-PARTY-LICENSES.txt\n"]);
    if let Some(sha256) = checksum("sha256sum", "docs/THIRD-PARTY-LICENSES.txt") {
        holds(HASH, &[&format!("sha256  {sha256}  docs/THIRD-PARTY-LICENSES.txt")]);
    }
    assert_eq!(read("LICENSE"), read("meta-es-iot/COPYING.MIT"));
}

#[test]
fn versions_agree() {
    let version = env!("CARGO_PKG_VERSION");
    holds(MK, &[&format!("ES_IOT_SERVER_VERSION = {version}\n")]);
    holds(BASE_MK, &[&format!("ES_IOT_BASE_VERSION = {version}\n")]);
    holds(RECIPE_SOURCE, &[&format!("PV = \"{version}+git\"")]);
    let latest = format!("es-iot-server ({version}-1) ");
    assert!(read("config/debian/changelog").starts_with(&latest), "config/debian/changelog begins with {latest}");
    let rust = between(&read("Cargo.toml"), "rust-version = \"1.", "\"").unwrap().parse::<u32>().unwrap();
    assert!(rust <= 94, "Yocto wrynose has Rust 1.94");
}

#[test]
fn user_and_numbers_agree() {
    assert!(UID.parse::<u32>().unwrap() < 100, "allocated dynamically by Buildroot, OpenEmbedded and Debian");
    holds(UNIT, &[&format!("\nUser={USER}\n"), &format!("\nGroup={USER}\n"), "\nSupplementaryGroups=video\n"]);
    holds(SHOW_UNIT, &[&format!("\nUser={USER}\n"), &format!("\nGroup={USER}\n")]);
    holds(INIT, &[&format!("\nRUN_AS=\"{USER}\"\n")]);
    holds(MK, &[&format!("\t{USER} {UID} {USER} {UID} * - - video "), &format!("{STATE_DIR} d 750 {UID} {UID} ")]);
    holds(MK, &[&format!("{PASSWORD_FILE} f 640 0 {UID} ")]);
    holds(
        RECIPE,
        &[
            &format!("--system --gid {UID} {USER}\""),
            &format!("--system --uid {UID} --gid {USER} --groups video "),
            &format!("-m 0750 -o {USER} -g {USER} ${{D}}${{localstatedir}}/lib/es-iot"),
            &format!("chown root:{USER} "),
        ],
    );
    holds(POSTINST, &[&format!("\nUSER_NAME=\"{USER}\"\n"), &format!("\nNUMBER={UID}\n"), "--groups video"]);
    holds(POSTINST, &[&format!("\nSTATE_DIR=\"{STATE_DIR}\"\n")]);
}

#[test]
fn paths_agree() {
    let json = json();
    assert_eq!(json["paths"]["state_dir"], STATE_DIR);
    assert_eq!(json["paths"]["camera_settings"], serde_json::Value::Null);
    holds(UNIT, &["\nStateDirectory=es-iot\n", "\nConfigurationDirectory=es-iot\n"]);
    holds(UNIT, &[&format!("\nExecStart={DAEMON} "), &format!("\nEnvironmentFile=-{DEFAULTS}\n")]);
    holds(SHOW_UNIT, &[&format!("{STATE_DIR}/auth_password\n"), &format!("!{STATE_DIR}/password_shown\n")]);
    holds(SHOW_UNIT, &[&format!("\nExecStart={SHOW_PASSWORD}\n"), &format!("\nReadWritePaths=-{STATE_DIR}\n")]);
    holds(SHOW, &[&format!("\nSTATE_DIR=\"{STATE_DIR}\"\n"), "$STATE_DIR/auth_password", "$STATE_DIR/password_shown"]);
    holds(INIT, &["\nDAEMON=\"es-iot-server\"\n", "\nDAEMON_PATH=\"/usr/bin/$DAEMON\"\n", "/etc/default/$DAEMON"]);
    holds(INIT, &[&format!("\nSTATE_DIR=\"{STATE_DIR}\"\n"), &format!("\nSHOW_PASSWORD=\"{SHOW_PASSWORD}\"\n")]);
    holds(MK, &["$(TARGET_DIR)/usr/bin/$(bin)", "$(TARGET_DIR)/etc/init.d/S60es-iot-server"]);
    for target in [CONFIG, PASSWORD_FILE, DEFAULTS, SHOW_PASSWORD, STATE_DIR] {
        holds(MK, &[&format!("$(TARGET_DIR){target}")]);
    }
    holds(RECIPE, &["${sysconfdir}/es-iot/server.json", "${sysconfdir}/es-iot/password", "${libexecdir}/"]);
    holds(RECIPE, &["${sysconfdir}/default/es-iot-server", "INITSCRIPT_NAME = \"es-iot-server\""]);
    holds("Cargo.toml", &["\"etc/default/es-iot-server\"", "\"etc/es-iot/\"", "\"usr/libexec/\"", "\"usr/bin/\""]);
}

#[test]
fn ports_of_the_defaults_file_are_those_of_the_configuration() {
    let json = json();
    let server = &json["server"];
    for (variable, key) in [
        ("DATA_PORT", "data_port"),
        ("SETTINGS_PORT", "settings_port"),
        ("AUTH_PORT", "auth_port"),
        ("RTSP_PORT", "rtsp_port"),
        ("HTTP_PORT", "http_port"),
    ] {
        holds(DEFAULTS_FILE, &[&format!("\n#{variable}={}\n", server[key])]);
    }
    holds(DEFAULTS_FILE, &[&format!("\n#SERVER_HOST={}\n", server["host"].as_str().unwrap())]);
    holds(DEFAULTS_FILE, &[&format!("\n#LOG_LEVEL={}\n", json["logging"]["level"].as_str().unwrap())]);
    // Both an init script and systemd read it: nothing but comments, empty lines and NAME=value.
    for line in read(DEFAULTS_FILE).lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.split_once('=').expect("NAME=value");
        assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{name}");
        assert_eq!(value, "", "the file as shipped changes nothing");
    }
}

/// Whoever restarts the service or upgrades the package has a shell of their own, perhaps with a `LOG_LEVEL` in it.
#[test]
fn the_init_script_takes_no_setting_from_the_shell_that_runs_it() {
    let script = read(INIT);
    let dropped: Vec<_> = between(&script, "\nunset ", "\n").expect("a line with unset").split(' ').collect();
    let defaults = read(DEFAULTS_FILE);
    let settings: Vec<_> = defaults
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && *name != "ES_IOT_SERVER_ARGS")
        .collect();
    assert_eq!(dropped, settings);
}

/// What follows the first line is taken for the long description, and package lists show the first alone.
#[test]
fn the_description_fits_the_line_that_debian_has_for_it() {
    let description = env!("CARGO_PKG_DESCRIPTION");
    assert!(description.len() < 80 - "Description: ".len(), "{} characters", description.len());
}

#[test]
fn what_image_builds_replace_in_the_configuration_is_there_once() {
    let text = read(JSON);
    for pattern in ["\"source\": \"auto\"", "\"password_file\": null"] {
        assert_eq!(text.matches(pattern).count(), 1, "{pattern}");
        holds(MK, &[pattern]);
        holds(RECIPE, &[pattern]);
    }
    assert_eq!(json()["auth"]["password"], serde_json::Value::Null, "no image has a default password");
}

#[test]
fn state_is_on_a_partition_of_its_own() {
    let layout = "buildroot-package/board/es-iot/genimage.cfg.in";
    holds(layout, &[&format!("label = \"{DATA_LABEL}\""), "mountpoint = \"/var/lib\"", "image sdcard.img"]);
    holds(WKS, &[&format!("--change-directory=var/lib --ondisk mmcblk0 --fstype=ext4 --label {DATA_LABEL} ")]);
    for defconfig in files(&root().join("buildroot-package/configs")) {
        let text = fs::read_to_string(&defconfig).unwrap();
        for line in ["# BR2_TARGET_GENERIC_REMOUNT_ROOTFS_RW is not set", "BR2_DOWNLOAD_FORCE_CHECK_HASHES=y"] {
            assert!(text.lines().any(|l| l == line), "{}: {line}", defconfig.display());
        }
    }
}

#[test]
fn exit_codes_that_end_the_service_agree() {
    holds(UNIT, &["\nRestartPreventExitStatus=64 78\n", "\nRestart=on-failure\n", "\nType=notify\n"]);
    holds(INIT, &["\t\t\t64|78)\n"]);
}

#[test]
fn kas_pins_every_layer() {
    let text = read("meta-es-iot/kas/es-iot.yml");
    let commits: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("    commit: ")).collect();
    assert_eq!(commits.len(), text.matches("    url: ").count());
    for commit in commits {
        assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
    }
}

#[test]
fn shell_scripts_please_shellcheck() {
    let mut scripts = vec![INIT.to_owned(), SHOW.to_owned()];
    for dir in ["config/debian", "buildroot-package", "meta-es-iot"] {
        for file in files(&root().join(dir)) {
            if fs::read(&file).unwrap().starts_with(b"#!/bin/sh") {
                scripts.push(file.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(scripts.len() >= 8, "{scripts:?}");
    let arguments: Vec<&str> = scripts.iter().map(String::as_str).collect();
    passes("shellcheck", &arguments);
}

#[test]
fn units_are_valid_and_sandboxed() {
    // systemd-analyze wants the programs to be there, so they are given another name, and each run its own directory.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("units");
    fs::create_dir_all(&dir).unwrap();
    for (unit, program) in [(UNIT, DAEMON), (SHOW_UNIT, SHOW_PASSWORD)] {
        let text = read(unit);
        assert!(text.contains(&format!("ExecStart={program}")));
        let copy = dir.join(Path::new(unit).file_name().unwrap());
        fs::write(&copy, text.replace(&format!("ExecStart={program}"), "ExecStart=/bin/true")).unwrap();
        let copy = copy.to_str().unwrap();
        // Without --recursive-errors it returns 0 for keys that it does not know.
        passes("systemd-analyze", &["verify", "--recursive-errors=one", "--man=no", copy]);
        // The threshold is ten times the exposure.
        passes("systemd-analyze", &["security", "--offline=yes", "--no-pager", "--threshold=20", copy]);
    }
    // The camera's nodes, which the sandbox must not close.
    for device in ["char-video4linux", "char-media", "char-dma_heap"] {
        holds(UNIT, &[&format!("\nDeviceAllow={device} rw\n")]);
    }
    holds(UNIT, &["\nDevicePolicy=closed\n", "\nKillMode=mixed\n"]);
}
