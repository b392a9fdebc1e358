//! The A/B image: layout, U-Boot's script and the program for updates agree, and an update is what a device accepts.
//!
//! Not here: updating a device (`tests/image/update.py`).

use std::fs;
use std::process::Command;

use super::{UPDATE, between, directory, holds, passes, read};
use crate::skip::skip;
use crate::source::root;

const AB: &str = "buildroot-package/board/es-iot/ab";
const BOARD: &str = "raspberrypi4_64_ab";

#[test]
fn the_slots_are_the_second_and_third_of_four_partitions() {
    let layout = read(&format!("{AB}/genimage.cfg.in"));
    let names: Vec<_> = layout.lines().filter_map(|line| between(line, "\tpartition ", " {")).collect();
    // es-iot-data uses the last one.
    assert_eq!(names, ["boot", "a", "b", "data"]);
    holds(
        &format!("{AB}/boot.cmd"),
        &["setenv partition 2\n\tif test \"${candidate}\" = b; then setenv partition 3; fi"],
    );
    holds(
        UPDATE,
        &["\t\ta) \"$DATA\" partition 2;;\n\t\tb) \"$DATA\" partition 3;;\n", "\"$(\"$DATA\" partition 1)\""],
    );
}

/// Two versions are found by their partitions' numbers, so no argument may name one.
#[test]
fn only_the_script_names_the_root_file_system() {
    assert!(!read(&format!("{AB}/cmdline.txt")).contains("root="));
    holds(&format!("{AB}/boot.cmd"), &["root=PARTUUID=${uuid} ", " es_iot.slot=${candidate} es_iot.trial=${trial}\""]);
    holds(&format!("{AB}/config.txt"), &["\nkernel=u-boot.bin\n"]);
}

#[test]
fn updates_are_signed_and_run_no_scripts() {
    let config = read(&format!("{AB}/swupdate.config"));
    for line in
        ["CONFIG_SIGNED_IMAGES=y", "CONFIG_SIGALG_CMS=y", "CONFIG_HW_COMPATIBILITY=y", "# CONFIG_SCRIPTS is not set"]
    {
        assert!(config.lines().any(|l| l == line), "{line}");
    }
    // The certificate of an image with its clock in 1970 is not valid yet.
    assert!(config.contains("\nCONFIG_CMS_IGNORE_EXPIRED_CERTIFICATE=y\n"));
}

#[test]
fn an_image_has_the_certificate_and_the_version_of_its_build() {
    let target = directory("updates", "post-build");
    fs::create_dir_all(target.join("etc/es-iot")).unwrap();
    let certificate = target.join("typed.pem");
    fs::write(&certificate, "certificate").unwrap();
    let script = root().join("buildroot-package/board/es-iot/post-build.sh");
    let prepare = |settings: &[(&str, &str)]| {
        let mut shell = Command::new("sh");
        shell
            .arg(&script)
            .arg(&target)
            .arg("pi-ab")
            .env_remove("ES_IOT_UPDATE_CERTIFICATE")
            .env_remove("ES_IOT_IMAGE_VERSION");
        let output = shell.envs(settings.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stderr).unwrap()
    };
    let printed =
        prepare(&[("ES_IOT_UPDATE_CERTIFICATE", certificate.to_str().unwrap()), ("ES_IOT_IMAGE_VERSION", "1.5")]);
    assert_eq!(printed, "");
    let installed = target.join("etc/es-iot/update.pem");
    assert_eq!(fs::read_to_string(&installed).unwrap(), "certificate");
    let version = target.join("etc/es-iot/image-release");
    assert_eq!(fs::read_to_string(&version).unwrap(), "VERSION_ID=\"1.5\"\n");
    assert_eq!(fs::read_to_string(target.join("etc/hwrevision")).unwrap(), format!("es-iot {BOARD}\n"));
    assert!(target.join("usr/sbin/es-iot-update").exists());

    // Rebuilt without a certificate, it must not keep the old one.
    assert!(prepare(&[]).contains("accepts no updates"));
    assert!(!installed.exists());
    assert_eq!(fs::read_to_string(&version).unwrap(), format!("VERSION_ID=\"{}\"\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_update_begins_with_its_signed_description() {
    let dir = directory("updates", "make-update");
    let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    fs::write(path("rootfs.ext4"), vec![7; 100_000]).unwrap();
    passes(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "10",
            "-subj",
            "/CN=test",
            "-keyout",
            &path("key"),
            "-out",
            &path("certificate"),
        ],
    );
    let arguments = [&path("rootfs.ext4"), BOARD, "1.5", &path("certificate"), &path("key"), &path("update.swu")];
    if Command::new("cpio").arg("--version").output().is_err() {
        return skip("cpio is not installed");
    }
    passes("sh", &[[&*format!("{AB}/make-update")].as_slice(), &arguments].concat());
    let unpack = format!("cd '{}' && cpio -i --quiet < update.swu && cpio -t --quiet < update.swu", dir.display());
    let output = Command::new("sh").arg("-c").arg(unpack).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "sw-description\nsw-description.sig\nrootfs.ext4.gz\n");
    let description = fs::read_to_string(path("sw-description")).unwrap();
    for line in ["version = \"1.5\";", &format!("= [ \"{BOARD}\" ];"), "device = \"/run/es-iot-update/target\";"] {
        assert!(description.contains(line), "{line}: {description}");
    }
    passes(
        "openssl",
        &[
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            &path("sw-description.sig"),
            "-content",
            &path("sw-description"),
            "-CAfile",
            &path("certificate"),
            "-purpose",
            "any",
            "-out",
            "/dev/null",
        ],
    );
}

#[test]
fn sizes_in_the_documents_are_those_of_the_images() {
    let page = read("docs/UPDATES.md");
    for (fragment, text) in [("pi-single", "160"), ("qemu_aarch64", "64"), ("pi-ab", "256")] {
        holds(
            &format!("buildroot-package/board/es-iot/fragments/{fragment}"),
            &[&format!("\nBR2_TARGET_ROOTFS_EXT2_SIZE=\"{text}M\"\n")],
        );
        assert!(page.contains(&format!("{text} MiB")), "{text}");
    }
    holds("docs/UPDATES.md", &[&format!("images/rootfs.ext4 {BOARD} "), &format!("`es_iot_{BOARD}_defconfig`")]);
}
