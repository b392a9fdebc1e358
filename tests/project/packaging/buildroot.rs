//! The Buildroot tree: its packages' install steps run by make with stand-ins for Buildroot's own parts, and its board files
//! agree with each other.
//!
//! Not here: a build with Buildroot itself, and the boot of an image (`tests/image/buildroot.py`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BASE_MK, directory, files, holds, passes, read};
use crate::skip::skip;
use crate::source::root;

const BOARD: &str = "buildroot-package/board/es-iot";
const FIRMWARE: &str = "docs/FIRMWARE.md";

const NO_MAKE: &str = "make is not installed";
const STAND_IN: &str = "tests/project/packaging/buildroot.mk";

/// A directory of the test's own, with those of a build.
fn build_directory(name: &str) -> PathBuf {
    let dir = directory("buildroot", name);
    for part in ["build", "target/etc/es-iot", "bin"] {
        fs::create_dir_all(dir.join(part)).unwrap();
    }
    dir
}

/// Runs one step of a package with the options of a `.config`, and returns what was printed; `None` without make.
fn step(dir: &Path, package: &str, step: &str, config: &str) -> Option<String> {
    step_in(dir, &dir.join("build"), package, step, config)
}

/// The same in another build directory, such as this repository.
fn step_in(dir: &Path, build: &Path, package: &str, step: &str, config: &str) -> Option<String> {
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
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("make: {error}"),
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
    let dir = build_directory("password");
    let typed = " two  spaces, a comma and (brackets) ";
    fs::copy(root().join("config/server.json"), dir.join("target/etc/es-iot/server.json")).unwrap();
    let config = format!("BR2_PACKAGE_ES_IOT_SERVER=y\nBR2_PACKAGE_ES_IOT_SERVER_PASSWORD=\"{typed}\"\n");
    let Some(printed) = step(&dir, "es-iot-server", "ES_IOT_SERVER_SET_PASSWORD", &config) else {
        return skip(NO_MAKE);
    };
    assert_eq!(fs::read_to_string(dir.join("target/etc/es-iot/password")).unwrap(), format!("{typed}\n"));
    assert!(!printed.contains("comma"), "the build log has the password: {printed}");

    // Rebuilt without it.
    step(&dir, "es-iot-server", "ES_IOT_SERVER_SET_PASSWORD", "BR2_PACKAGE_ES_IOT_SERVER=y\n");
    assert!(!dir.join("target/etc/es-iot/password").exists());
}

/// The stand-in for cargo: VENDOR is right if it has the lock file that it was made from.
#[test]
fn crates_are_vendored_again_only_after_a_change_of_the_lock_file() {
    let dir = build_directory("vendor");
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
    let Some(calls) = vendor("1") else { return skip(NO_MAKE) };
    assert_eq!(calls, 0);
    assert_eq!(vendor("2"), Some(1), "the lock file changed");
    assert_eq!(vendor("2"), Some(1));
    fs::write(build.join("VENDOR/stale"), "").unwrap();
    assert_eq!(vendor("3"), Some(2));
    assert!(!build.join("VENDOR/stale").exists());
    fs::remove_dir_all(build.join("VENDOR")).unwrap();
    assert_eq!(vendor("3"), Some(3), "no VENDOR");
}

/// The options as the device reads them: by the parser of es-iot-card.
#[test]
fn options_reach_the_device_as_they_were_typed() {
    let dir = build_directory("options");
    let base = "es-iot-base";
    fs::write(dir.join("overlay.json"), "{}").unwrap();
    fs::write(dir.join("wifi"), "network={}").unwrap();
    let option = |name: &str, value: &str| format!("BR2_PACKAGE_ES_IOT_BASE_{name}=\"{value}\"\n");
    let mut config = "BR2_PACKAGE_ES_IOT_BASE=y\n".to_owned();
    config += &option("HOSTNAME", "camera-1");
    config += &option("NTP_SERVER", "192.0.2.1 ntp.example.org");
    config += &option("RTSP_URL", "rtsp://me:$secret#1@192.0.2.2/x");
    config += &option("SYSLOG_SERVER", "");
    config += &option("OVERLAY", &format!("$(TARGET_DIR)/../{}", "overlay.json"));
    config += &option("WPA_SUPPLICANT_CONF", dir.join("wifi").to_str().unwrap());
    let Some(_) = step_in(&dir, root(), base, "ES_IOT_BASE_INSTALL_TARGET_CMDS", &config) else { return skip(NO_MAKE) };
    step_in(&dir, root(), base, "ES_IOT_BASE_INSTALL_INIT_SYSV", &config);
    let target = dir.join("target");
    let conf = target.join("etc/es-iot/image.conf");
    let card = target.join("usr/libexec/es-iot-card");
    let output = Command::new("sh").arg(card).arg("parse").arg(&conf).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let wanted = "HOSTNAME=camera-1\nNTP_SERVER=192.0.2.1 ntp.example.org\nSYSLOG_SERVER=\n\
                  RTSP_URL=rtsp://me:$secret#1@192.0.2.2/x\nLOG_LEVEL=\n";
    assert_eq!(printed, wanted, "{}", String::from_utf8_lossy(&output.stderr));
    for script in ["S15es-iot-data", "S16es-iot-card", "S40es-iot-network", "S45es-iot-ntpd"] {
        assert!(target.join("etc/init.d").join(script).exists(), "{script}");
    }
    assert!(target.join("etc/es-iot/overlay.json").exists() && target.join("etc/wpa_supplicant.conf").exists());
    assert!(!target.join("root/.ssh").exists(), "no ssh without its option");

    // Rebuilt without the options, and with ssh. The file may also be that of Buildroot, which joins open networks.
    holds(
        BASE_MK,
        &["$(if $(BR2_PACKAGE_WPA_SUPPLICANT),wpa_supplicant)\n", "$(if $(BR2_PACKAGE_DROPBEAR),dropbear) "],
    );
    let config = "BR2_PACKAGE_ES_IOT_BASE=y\nBR2_PACKAGE_ES_IOT_BASE_SSH=y\n";
    step_in(&dir, root(), base, "ES_IOT_BASE_INSTALL_TARGET_CMDS", config);
    assert!(!target.join("etc/es-iot/overlay.json").exists() && !target.join("etc/wpa_supplicant.conf").exists());
    assert!(!fs::read_to_string(conf).unwrap().lines().any(|line| line.starts_with("HOSTNAME=")));
    let link = |name: &str| fs::read_link(target.join(name)).unwrap();
    assert_eq!(link("root/.ssh/authorized_keys"), Path::new("/run/es-iot-card/authorized_keys"));
    assert_eq!(link("etc/dropbear"), Path::new("/var/lib/dropbear"));
    assert!(target.join("var/lib/dropbear").is_dir(), "es-iot-data copies it to the data partition");
    let defaults = fs::read_to_string(target.join("etc/default/dropbear")).unwrap();
    assert_eq!(defaults, "DROPBEAR_ARGS=\"-s\"\n", "-s: no passwords");
}

/// The value of `name = value` in a text.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text.split_once(name).unwrap_or_else(|| panic!("no {name}"));
    rest.split(['\n', ' ', '"']).next().unwrap()
}

#[test]
fn the_root_file_system_is_named_by_the_disks_signature() {
    let layout = read(&format!("{BOARD}/genimage.cfg.in"));
    let signature = value(&layout, "disk-signature = 0x");
    assert_eq!(signature.len(), 8, "{signature}");
    let root_argument = format!("root=PARTUUID={signature}-02 ");
    holds(&format!("{BOARD}/cmdline.txt"), &[&root_argument]);
    holds(FIRMWARE, &[&root_argument]);
    // The order of the partitions is what -02 depends on, and es-iot-data, which takes the last one.
    let order: Vec<_> = layout.lines().filter_map(|line| line.trim().strip_prefix("partition ")).collect();
    assert_eq!(order, ["boot {", "root {", "data {"]);
    assert!(layout.contains("\t\talign = 1M\n") && layout.contains("label = \"ES-IOT-BOOT\""), "{layout}");
    for file in files(&root().join("buildroot-package")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("mmcblk"), "{}: the disk may have another name", file.display());
    }
}

#[test]
fn every_image_has_what_a_device_needs() {
    let names = files(&root().join("buildroot-package/configs"));
    assert_eq!(names.len(), 5);
    for name in names {
        let text = fs::read_to_string(&name).unwrap();
        let has = |line: &str| assert!(text.lines().any(|l| l == line), "{}: no {line}", name.display());
        has("BR2_PACKAGE_ES_IOT_BASE=y");
        has("BR2_PACKAGE_ES_IOT_BASE_AVAHI=y");
        // Waiting for an interface would delay the boot.
        has("BR2_SYSTEM_DHCP=\"\"");
        // Both images have partition 1.
        has("BR2_PACKAGE_HOST_MTOOLS=y");
        let kind = if text.contains("\nBR2_ROOTFS_POST_SCRIPT_ARGS=\"pi") { "pi" } else { "qemu" };
        let kernel = format!("linux-{kind}.fragment");
        has(&format!("BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES=\"$(BR2_EXTERNAL_ES_IOT_PATH)/board/es-iot/{kernel}\""));
        holds(&format!("{BOARD}/{kernel}"), &["\nCONFIG_VFAT_FS=y\n"]);
        if kind == "pi" {
            has("BR2_PACKAGE_ES_IOT_BASE_WIFI=y");
            has("BR2_PACKAGE_BRCMFMAC_SDIO_FIRMWARE_RPI_WIFI=y");
            has("BR2_PACKAGE_BUSYBOX_WATCHDOG=y");
            holds(&format!("{BOARD}/{kernel}"), &["\nCONFIG_BCM2835_WDT=y\n"]);
        }
    }
    // rpicam-vid is in that package only.
    let rpicam = "\tbool \"rpicam\"\n\tdepends on BR2_PACKAGE_LIBCAMERA_APPS ";
    holds("buildroot-package/package/es-iot-server/Config.in", &[rpicam]);
    holds(&format!("{BOARD}/busybox.fragment"), &["\nCONFIG_NTPD=y\n", "\n# CONFIG_CROND is not set\n"]);
}

#[test]
fn every_option_that_can_be_typed_is_documented() {
    let options = read("buildroot-package/package/es-iot-base/Config.in");
    let names: Vec<_> =
        options.lines().filter_map(|line| line.strip_prefix("config BR2_PACKAGE_ES_IOT_BASE_")).collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        holds(FIRMWARE, &[&format!("`{name}`")]);
    }
}

#[test]
fn a_target_directory_can_be_prepared_twice() {
    let dir = build_directory("post-build");
    let target = dir.join("target");
    fs::create_dir_all(target.join("etc/init.d")).unwrap();
    fs::write(target.join("etc/init.d/S01seedrng"), "").unwrap();
    fs::write(target.join("etc/mdev.conf"), "null root:root 666\n").unwrap();
    fs::write(target.join("etc/fstab"), "/dev/root / auto ro 0 1\n").unwrap();
    let script = format!("{BOARD}/post-build.sh");
    let mut made = Vec::new();
    for _ in 0..2 {
        passes("sh", &[&script, target.to_str().unwrap()]);
        // A rebuild of its package installs the script again.
        assert!(target.join("etc/init.d/S20seedrng").exists() && !target.join("etc/init.d/S01seedrng").exists());
        fs::write(target.join("etc/init.d/S01seedrng"), "").unwrap();
        made.push(fs::read_to_string(target.join("etc/mdev.conf")).unwrap());
        // es-iot-data mounts the data partition: a line here would fail before it could repair anything.
        assert!(!fs::read_to_string(target.join("etc/fstab")).unwrap().contains("es-iot-data"));
    }
    assert!(made[0].contains("root:video 660") && made[0].ends_with("null root:root 666\n"), "{}", made[0]);
    assert_eq!(made[0], made[1]);
}
