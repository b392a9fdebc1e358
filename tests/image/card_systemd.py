"""Boots the units of data partition, card and Wi-Fi on a real systemd, with a disk like that of card.py."""

import re
import sys
from pathlib import Path

import card_root
import checks
import root
import systemd
from card_machine import has, has_not, password_works
from card_root import Disk

UNITS = {
    "es-iot-data.service": "local-fs.target",
    "es-iot-card.service": "sysinit.target",
    "es-iot-wifi.service": "sys-subsystem-net-devices-wlan0.device",
}

WPA_SUPPLICANT = """\
#!/bin/sh
exec sleep 1000000
"""


def add(archive, work):
    """Adds the base's files, as a package and `systemctl preset-all` do."""
    base = root.REPOSITORY / "config/base"
    for unit, wanted_by in UNITS.items():
        archive.copy(f"usr/lib/systemd/system/{unit}", base / unit)
        archive.link(f"etc/systemd/system/{wanted_by}.wants/{unit}", f"/usr/lib/systemd/system/{unit}")
    for name in ["es-iot-data", "es-iot-card"]:
        archive.copy(f"usr/libexec/{name}", base / name, 0o755)
    archive.copy("usr/lib/systemd/network/80-es-iot-wlan.network", base / "80-es-iot-wlan.network")
    archive.file("usr/sbin/wpa_supplicant", WPA_SUPPLICANT, 0o755)
    # The root file system is the initramfs.
    archive.file("etc/default/es-iot-data", "DISK=vda\n")
    archive.file("var/lib/from-image/file", "from the image\n")
    card_root.add_programs(archive, work)


def boot(machine):
    """Waits for the shell and the daemon."""
    machine.expect("boot scripts are done")
    machine.type("stty -echo; PS1=; PS2=")
    machine.run("true")
    machine.password = b"under systemd"
    machine.until("systemctl is-active es-iot-server", r"^active$")


def main(work):
    modules = ["virtio_net", *card_root.MODULES]
    initramfs = systemd.build(work, "card_systemd", modules, lambda archive: add(archive, work))
    disk = Disk(work, "card-systemd.img")
    disk.settings(
        password="under systemd\n", conf="HOSTNAME=cam-8\nNTP_SERVER=10.0.2.2\nSYSLOG_SERVER=10.0.2.2\n",
        server='{"camera": {"source": "test"}}', wpa="network={\n}\n",
    )
    drive = f"file={disk.path},format=raw,if=virtio,cache=writethrough"
    with systemd.power_on(work, initramfs, "-drive", drive) as machine:
        boot(machine)
        machine.run("systemctl is-active es-iot-data es-iot-card")
        machine.run("journalctl --sync")
        text = machine.run("journalctl -b --no-pager -o short | grep -v audit")
        has(text, r"es-iot-data\[\d+\]: /dev/vda3 was formatted", r"es-iot-data\[\d+\]: /dev/vda3 is mounted at /var/lib")
        has(text, r"es-iot-card\[\d+\]: server\.json on the card applies", r"password\.txt was removed from the card")
        has(text, "SYSLOG_SERVER has no effect")
        has_not(text, "ordering cycle", "under systemd$")
        warning = machine.run("journalctl -b -u es-iot-card -p warning --no-pager")
        has(warning, "SYSLOG_SERVER has no effect")
        has_not(warning, "applies")
        has(machine.run("hostname"), "^cam-8$")
        has(machine.run("cat /run/systemd/timesyncd.conf.d/es-iot.conf"), r"^NTP=10\.0\.2\.2$")
        has(machine.run("cat /var/lib/from-image/file"), "from the image")
        assert "password.txt" not in disk.listed()
        checks.settings(machine, checks.UPDATE + checks.READ, checks.UPDATED)
        password_works(machine, b"under systemd")
        machine.until("journalctl -u es-iot-server --no-pager", "camera: video is running")

        # Wi-Fi starts with its device, and ends with it.
        has(machine.run("systemctl is-active es-iot-wifi", fails=True), "inactive")
        machine.run("ip link add wlan0 type dummy")
        machine.until("systemctl is-active es-iot-wifi", "^active")
        machine.run("ip link del wlan0")
        machine.until("systemctl is-active es-iot-wifi", "^inactive")

        # The data partition is unmounted, or at least consistent, at the end.
        machine.type("systemctl poweroff")
        machine.end(120)

    with systemd.power_on(work, initramfs, "-drive", drive) as machine:
        boot(machine)
        text = machine.run("journalctl -b -u es-iot-data --no-pager")
        assert not re.search("format|repair|correct", text), text
        checks.settings(machine, checks.READ, checks.UPDATED)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
