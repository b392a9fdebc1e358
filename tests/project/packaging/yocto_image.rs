//! The Yocto image: its layout, and what its shell functions do to files of other packages, run on directories of the tests' own.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{RECIPE, WKS, between, directory, holds, read};

const KAS: &str = "meta-es-iot/kas/es-iot.yml";

#[test]
fn the_root_is_named_by_the_disks_signature() {
    let layout = read(WKS);
    let signature = between(&layout, "--ptable msdos --diskid 0x", "\n").expect("an MBR with a constant signature");
    holds(KAS, &[&format!("CMDLINE_ROOT_PARTITION = \"PARTUUID={signature}-02\"")]);
    let parts: Vec<_> = layout.lines().filter(|line| line.starts_with("part ")).collect();
    assert_eq!(parts.len(), 3, "es-iot-data uses the last, es-iot-card the first");
    assert!(parts[0].contains("--fstype=vfat --label ES-IOT-BOOT "), "{}", parts[0]);
    assert!(parts[1].starts_with("part / "), "{}", parts[1]);
    assert!(parts[2].contains("--label es-iot-data "), "{}", parts[2]);
    for part in parts {
        assert!(part.contains("--align 1024"), "{part}");
    }
}

/// The body of a shell function of the layer, with `BitBake`'s variables for a root file system in `rootfs`.
fn function(file: &str, name: &str, rootfs: &Path) -> String {
    let text = read(file);
    let body = between(&text, &format!("\n{name}() {{\n"), "\n}\n").unwrap_or_else(|| panic!("{file}: {name}"));
    [
        ("${IMAGE_ROOTFS}", rootfs.to_str().unwrap()),
        ("$D$", &format!("{}$", rootfs.display())),
        ("${sysconfdir}", "/etc"),
        ("${datadir}", "/usr/share"),
        ("${ROOT_HOME}", "/root"),
    ]
    .iter()
    .fold(body.to_owned(), |body, (variable, value)| body.replace(variable, value))
}

fn shell(script: &str) {
    let output = Command::new("sh").args(["-e", "-u", "-c", script]).output().expect("sh runs");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_image_joins_no_open_network_and_takes_no_ssh_password() {
    let class = "meta-es-iot/classes-recipe/es_iot_image.bbclass";
    let rootfs = directory("yocto", "rootfs");
    for dir in ["etc/network", "etc/default", "etc/es-iot"] {
        fs::create_dir_all(rootfs.join(dir)).unwrap();
    }
    fs::write(rootfs.join("etc/network/interfaces"), "auto lo\niface lo inet loopback\nauto eth0\n").unwrap();
    fs::write(rootfs.join("etc/wpa_supplicant.conf"), "network={\n key_mgmt=NONE\n}\n").unwrap();
    fs::write(rootfs.join("etc/default/dropbear"), "# Disallow root logins by default\nDROPBEAR_EXTRA_ARGS=\"-w\"\n")
        .unwrap();
    fs::write(rootfs.join("etc/syslog-startup.conf"), "DESTINATION=file\nREMOTE=loghost:514\n").unwrap();
    let functions = between(&read(class), "ROOTFS_POSTPROCESS_COMMAND += \"", "\"").unwrap().to_owned();
    for name in functions.split(' ') {
        shell(&function(class, name, &rootfs));
    }
    let text = |name: &str| fs::read_to_string(rootfs.join(name)).unwrap();
    let link = |name: &str| fs::read_link(rootfs.join(name)).unwrap();
    assert_eq!(text("etc/network/interfaces"), "auto lo\niface lo inet loopback\n");
    assert!(!rootfs.join("etc/wpa_supplicant.conf").exists());
    assert_eq!(text("etc/default/dropbear"), "DROPBEAR_EXTRA_ARGS=\"-s\"\n");
    assert_eq!(link("root/.ssh/authorized_keys"), Path::new("/run/es-iot-card/authorized_keys"));

    // The server that es-iot-card found, in the file that the init script of syslogd sources.
    let found = rootfs.join("syslogd");
    fs::write(&found, "SYSLOG_SERVER=192.0.2.1:514\n").unwrap();
    let conf = text("etc/syslog-startup.conf").replace("/run/es-iot-card/syslogd", found.to_str().unwrap());
    shell(&format!("{conf}\n[ \"$DESTINATION $REMOTE\" = 'file remote 192.0.2.1:514' ]"));
    fs::remove_file(&found).unwrap();
    shell(&format!("{conf}\n[ \"$DESTINATION $REMOTE\" = 'file loghost:514' ]"));

    // What was set at build time.
    fs::write(rootfs.join("etc/es-iot/wpa_supplicant.conf"), "").unwrap();
    fs::write(rootfs.join("etc/es-iot/authorized_keys"), "").unwrap();
    shell(&function(class, "es_iot_network", &rootfs));
    shell(&function(class, "es_iot_ssh", &rootfs));
    assert_eq!(link("etc/wpa_supplicant.conf"), Path::new("es-iot/wpa_supplicant.conf"));
    assert_eq!(link("root/.ssh/authorized_keys"), Path::new("/etc/es-iot/authorized_keys"));
}

#[test]
fn mdev_gets_the_camera_lines_once_and_first() {
    let rootfs = directory("yocto", "mdev");
    fs::create_dir_all(rootfs.join("etc")).unwrap();
    fs::create_dir_all(rootfs.join("usr/share/es-iot")).unwrap();
    let lines = read("config/mdev-camera.conf");
    fs::write(rootfs.join("usr/share/es-iot/mdev-camera.conf"), &lines).unwrap();
    let script = function(RECIPE, "pkg_postinst:es-iot-mdev", &rootfs);
    shell(&script);
    assert!(!rootfs.join("etc/mdev.conf").exists(), "an image with udev has none");
    fs::write(rootfs.join("etc/mdev.conf"), ".* 0:0 660\n").unwrap();
    for _ in 0..2 {
        shell(&script);
        assert_eq!(fs::read_to_string(rootfs.join("etc/mdev.conf")).unwrap(), format!("{lines}.* 0:0 660\n"));
    }
}
