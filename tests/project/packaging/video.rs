//! The video of a fresh image: served and announced without ffmpeg, and not blocked by the service's sandbox.

use super::{JSON, MK, RECIPE, UNIT, between, files, holds, json, passes, read};
use crate::source::root;

const AVAHI: &str = "config/es-iot-server.avahi";
const AVAHI_FILE: &str = "/etc/avahi/services/es-iot-server.service";
const CONFIG_IN: &str = "buildroot-package/package/es-iot-server/Config.in";
const KAS: &str = "meta-es-iot/kas/es-iot.yml";
const KAS_PUBLISHER: &str = "meta-es-iot/kas/publisher-ffmpeg.yml";

/// The port and the path of the default configuration.
fn served() -> (u64, String) {
    let server = &json()["server"];
    (server["rtsp_port"].as_u64().expect("a port"), server["rtsp_path"].as_str().expect("a path").to_owned())
}

#[test]
fn the_announced_video_and_page_are_those_of_the_default_configuration() {
    let (port, stream) = served();
    let page = json()["server"]["http_port"].to_string();
    // Parsed as a document, with exactly one of each.
    let parse = "import sys, xml.etree.ElementTree as tree\n\
        group = tree.parse(sys.argv[1]).getroot()\n\
        found = [[[e.text for e in service.findall(t)] for t in ('type', 'port', 'txt-record')]\n\
                 for service in group.findall('service')]\n\
        wanted = [[['_rtsp._tcp'], [sys.argv[2]], ['path=' + sys.argv[3]]], [['_http._tcp'], [sys.argv[4]], ['path=/']]]\n\
        sys.exit(0 if (group.tag, found) == ('service-group', wanted) else f'{found} is not {wanted}')";
    passes("python3", &["-c", parse, AVAHI, &port.to_string(), &stream, &page]);
    holds(AVAHI, &["<type>_rtsp._tcp</type>", &format!("<port>{port}</port>")]);
    holds(AVAHI, &[&format!("<txt-record>path={stream}</txt-record>")]);
    holds(AVAHI, &["<type>_http._tcp</type>", &format!("<port>{page}</port>")]);
}

#[test]
fn every_route_installs_the_announcement() {
    holds(AVAHI, &[AVAHI_FILE]);
    holds(MK, &["$(@D)/config/es-iot-server.avahi", &format!("$(TARGET_DIR){AVAHI_FILE}\n")]);
    let installed = AVAHI_FILE.replace("/etc", "${sysconfdir}");
    holds(
        RECIPE,
        &[&format!("${{S}}/config/es-iot-server.avahi ${{D}}{installed}\n"), &format!("    {installed} \\\n")],
    );
    holds("Cargo.toml", &[&format!("[\"{AVAHI}\", \"{}\", \"644\"]", &AVAHI_FILE[1..])]);
    // An administrator who changes the port changes this file too, and an upgrade keeps it.
    holds("Cargo.toml", &[&format!("conf-files = [\"{AVAHI_FILE}\", ")]);
}

#[test]
fn no_image_has_ffmpeg_by_default() {
    assert_eq!(json()["camera"]["rtsp_url"], serde_json::Value::Null, "{JSON} publishes nowhere");
    for dir in ["buildroot-package/configs", "buildroot-package/board/es-iot/fragments"] {
        for file in files(&root().join(dir)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for package in ["FFMPEG", "X264"] {
                assert!(!text.contains(package), "{} selects {package}", file.display());
            }
        }
    }
    let config = read(CONFIG_IN);
    let option = between(&config, "config BR2_PACKAGE_ES_IOT_SERVER_FFMPEG\n", "\n\n").expect("the option");
    assert!(!option.contains("\tdefault "), "{option}");
    for line in ["select BR2_PACKAGE_FFMPEG", "select BR2_PACKAGE_FFMPEG_FFMPEG"] {
        assert!(option.lines().any(|l| l.trim() == line), "{line}");
        assert_eq!(config.lines().filter(|l| l.trim() == line).count(), 1, "{line}");
    }

    // Yocto: an option of the recipe, off, and no other way in.
    holds(RECIPE, &["\nPACKAGECONFIG ?= \"\"\n", "\nPACKAGECONFIG[ffmpeg] = \",,,ffmpeg\"\n"]);
    for file in files(&root().join("meta-es-iot")).iter().filter(|file| file.extension().is_some_and(|e| e != "md")) {
        if *file == root().join(RECIPE) || *file == root().join(KAS_PUBLISHER) {
            continue;
        }
        let text = std::fs::read_to_string(file).unwrap();
        for word in ["ffmpeg", "commercial"] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
    assert!(!read(RECIPE).contains("commercial"), "a recipe does not accept licences");
    assert_eq!(between(&read(KAS), "LICENSE_FLAGS_ACCEPTED = \"", "\""), Some("synaptics-killswitch"));
    let publisher = "PACKAGECONFIG:append:pn-es-iot-server = \" ffmpeg\"";
    holds(KAS_PUBLISHER, &[publisher, "LICENSE_FLAGS_ACCEPTED:append = \" commercial_ffmpeg\""]);
    holds("meta-es-iot/README.md", &[publisher, KAS_PUBLISHER]);
    holds("docs/FIRMWARE.md", &[KAS_PUBLISHER]);

    let manifest = read("Cargo.toml");
    let weak = |field: &str| between(&manifest, &format!("\n{field} = \""), "\"").unwrap_or_default();
    assert!(!weak("recommends").contains("ffmpeg") && !weak("depends").contains("ffmpeg"));
    assert!(weak("suggests").contains("ffmpeg"));
}

#[test]
fn documents_and_machines_know_the_video() {
    let (port, stream) = served();
    for document in ["docs/FIRMWARE.md", "meta-es-iot/README.md"] {
        holds(document, &[&format!("`rtsp://DEVICE:{port}/{stream}`")]);
    }
    holds(CONFIG_IN, &[&format!("port {port}")]);
    holds("tests/image/machine.py", &[&format!("(self.video, {port})")]);
    holds("tests/image/video.py", &[&format!("\nPATH = \"{stream}\"\n")]);
    // QEMU's instructions forward every port.
    let server = &json()["server"];
    for key in ["data_port", "settings_port", "auth_port", "rtsp_port", "http_port"] {
        holds("docs/FIRMWARE.md", &[&format!("hostfwd=tcp:127.0.0.1:{0}-:{0}", server[key])]);
    }
}

#[test]
fn the_unit_lets_udp_through() {
    let unit = read(UNIT);
    let families = between(&unit, "\nRestrictAddressFamilies=", "\n").expect("the unit restricts the families");
    for family in ["AF_INET", "AF_INET6"] {
        assert!(families.split(' ').any(|word| word == family), "{families}");
    }
    // sendmmsg and the rest are in @network-io, which is part of it.
    assert!(unit.contains("\nSystemCallFilter=@system-service\n"));
    for line in unit.lines() {
        for option in
            ["IPAddress", "IPIngress", "IPEgress", "SocketBind", "RestrictNetworkInterfaces", "PrivateNetwork"]
        {
            assert!(!line.starts_with(option), "{line}");
        }
    }
}
