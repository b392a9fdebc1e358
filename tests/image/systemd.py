"""Tests the unit on a real systemd: start, watchdog, sandbox, restart, journal."""

import json
import re
import sys
import time
from pathlib import Path

import checks
import page
import root
import video
from machine import Machine

LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl", "usr/lib/aarch64-linux-gnu/perl",
            "usr/share/info", "usr/share/zoneinfo", "usr/share/lintian", "usr/include", "lib/modules")

INIT = """\
#!/bin/sh
mount -t devtmpfs devtmpfs /dev
for module in $(cat /lib/modules/order); do insmod /lib/modules/$module.ko; done
depmod
exec /lib/systemd/systemd
"""

NETWORK = """\
[Match]
Name=e*
[Network]
Address=10.0.2.15/24
LinkLocalAddressing=no
IPv6AcceptRA=no
"""

# The test's root shell on the console.
SHELL = """\
[Unit]
After=es-iot-server.service systemd-networkd.service
[Service]
ExecStart=-/bin/sh -c "echo boot scripts are done; exec /bin/sh -i"
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
TTYVHangup=no
[Install]
WantedBy=multi-user.target
"""


# A camera program that reports which device nodes it can open. /dev/other is a virtual terminal whose mode allows everyone:
# only the unit's device rules block it.
OPENER = """\
#!/bin/sh
for node in /dev/video0 /dev/media0 /dev/other; do
    (exec 3<>$node) && echo opened $node
done >&2
exit 1
"""


def build(work, target="systemd", modules=("virtio_pci", "virtio_net"), more=lambda archive: None):
    """Writes an initramfs with systemd as init and returns its path. `more` may add files."""
    archive = root.Archive()
    base = work / "systemd"
    archive.tree(base, LEFT_OUT)
    archive.file("init", INIT, 0o755)
    root.product(archive, work)
    units = "usr/lib/systemd/system"
    wants = "etc/systemd/system/multi-user.target.wants"
    for name in ["es-iot-server.service", "es-iot-show-password.service"]:
        archive.copy(f"{units}/{name}", root.REPOSITORY / "config" / name)
        archive.link(f"{wants}/{name}", f"/{units}/{name}")
    archive.file(f"{units}/test-shell.service", SHELL)
    archive.link(f"{wants}/test-shell.service", f"/{units}/test-shell.service")
    archive.link(f"{wants}/systemd-networkd.service", "/lib/systemd/system/systemd-networkd.service")
    archive.link("etc/systemd/system/sockets.target.wants/systemd-networkd.socket",
                 "/lib/systemd/system/systemd-networkd.socket")
    archive.file("etc/systemd/network/10-test.network", NETWORK)
    archive.link("etc/systemd/system/default.target", "/lib/systemd/system/multi-user.target")
    for name in ["getty@tty1.service", "serial-getty@ttyAMA0.service", "console-getty.service", "apt-daily.timer"]:
        archive.link(f"etc/systemd/system/{name}", "/dev/null")
    passwd, groups = root.users()
    masters = base / "usr/share/base-passwd"
    own = lambda text: "".join(line + "\n" for line in text.splitlines() if not line.startswith(("root:", "video:")))
    archive.file("etc/passwd", (masters / "passwd.master").read_text() + own(passwd)
                 + "messagebus:x:100:107::/nonexistent:/usr/sbin/nologin\n"
                 + "systemd-network:x:998:998::/:/usr/sbin/nologin\n")
    group = (masters / "group.master").read_text().replace("video:*:44:", "video:*:44:es-iot")
    archive.file("etc/group", group + own(groups) + "messagebus:x:107:\nsystemd-network:x:998:\nsystemd-journal:x:999:\n")
    archive.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    archive.file("etc/hostname", "es-iot-test\n")
    archive.file("usr/libexec/opener", OPENER, 0o755)
    kernel_root = work / "arm64-full"
    root.add_modules(archive, kernel_root, modules)
    root.add_module_tree(archive, kernel_root, ["vivid"])
    more(archive)
    path = work / f"{target}.cpio.gz"
    archive.write(path)
    return path


def show(machine, *properties):
    """Returns properties of the unit."""
    text = machine.run("systemctl show es-iot-server " + " ".join(f"-p {name}" for name in properties))
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def journal(machine):
    """The journal has the lines' priorities and logger names."""
    machine.run("journalctl --sync")
    text = machine.run("journalctl -u es-iot-server -o json --no-pager _COMM=es-iot-server | head -n 30")
    entries = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    starts = next(entry for entry in entries if " starts, logging to" in entry["MESSAGE"])
    assert starts["PRIORITY"] == "6" and starts["MESSAGE"].startswith("server: "), starts
    warning = next(entry for entry in entries if "no password is configured" in entry["MESSAGE"])
    assert warning["PRIORITY"] == "4" and warning["MESSAGE"].startswith("auth: "), warning


def sandbox(machine, pid):
    """The process is sandboxed as the unit specifies."""
    status = machine.run(f"cat /proc/{pid}/status")
    for expected in [r"CapEff:\s0+\n", r"CapBnd:\s0+\n", r"NoNewPrivs:\s1\n", r"Seccomp:\s2\n", r"Threads:\s1\n",
                     r"Uid:\s([1-9]\d+)\s\1\s\1\s\1\n"]:
        assert re.search(expected, status + "\n"), f"{expected} does not match {status}"
    mounts = machine.run(f"grep -E ' (/|/etc|/usr|/var/lib/es-iot) ' /proc/{pid}/mountinfo | cut -d' ' -f5,6")
    assert re.search(r"^/var/lib/es-iot rw", mounts, re.M), mounts
    assert re.search(r"^/ ro", mounts, re.M), mounts


def devices(machine):
    """A camera program may open a camera that appeared after the daemon's start, but no other node."""
    machine.run("! test -e /dev/video0")
    machine.run("modprobe vivid && udevadm settle && mknod -m 666 /dev/other c 4 63 && (exec 3<>/dev/other)")
    for node in ["/dev/video0", "/dev/media0"]:
        machine.until(f"stat -c '%G %a' {node}", r"^video 660$")
    machine.run("""sed -i 's,"source": "auto","source": "command",; s,"command": null,"command": ["/usr/libexec/opener"],' \\
        /etc/es-iot/server.json && systemctl reload es-iot-server""")
    seen = machine.until("journalctl -u es-iot-server --no-pager | grep -A 20 'opened'", "(.|\n)*/dev/other.*").group(0)
    assert "opened /dev/video0" in seen and "opened /dev/media0" in seen, seen
    assert re.search("/dev/other: Operation not permitted", seen) and "opened /dev/other" not in seen, seen


def power_on(work, initramfs, *arguments):
    kernel = next((work / "arm64-full/boot").glob("vmlinuz-*"))
    arguments = ["-M", "virt", "-cpu", "max,pauth=off", "-smp", "2", "-m", "1024", "-serial", "stdio",
                 "-kernel", str(kernel), "-initrd", str(initramfs), *arguments]
    append = "console=ttyAMA0 quiet panic=-1 systemd.show_status=0 rd.udev.log_level=3"
    return Machine(work, arguments, "virtio-net-pci,netdev=n0,romfile=", append)


def main(work):
    with power_on(work, build(work)) as machine:
        machine.boot()
        booted = time.monotonic() - machine.started
        machine.until("systemctl is-active es-iot-server", r"^active$")
        found = show(machine, "MainPID", "NRestarts", "WatchdogUSec", "StatusText", "Type")
        assert found["Type"] == "notify" and found["NRestarts"] == "0" and found["WatchdogUSec"] != "0", found
        checks.access(machine)
        page.socket(machine, page.UTIL_LINUX_AS)
        checks.settings(machine, checks.READ, checks.DEFAULTS)
        checks.authentication(machine, machine.password)
        checks.data_rate(machine, slack=5)
        sandbox(machine, found["MainPID"])
        journal(machine)

        first = show(machine, "WatchdogTimestampMonotonic")["WatchdogTimestampMonotonic"]
        machine.until("systemctl show es-iot-server -p WatchdogTimestampMonotonic", rf"=(?!{first}$)[1-9]\d*", 60)
        machine.until("systemctl show es-iot-server -p StatusText", r"StatusText=camera running", 90)
        # The sandbox stops neither the connections nor the UDP packets.
        video.camera(machine, root.CAMERA_SIZE)
        page.camera(machine, root.CAMERA_SIZE)
        video.udp(machine)

        machine.run("systemctl reload es-iot-server")
        machine.until("journalctl -u es-iot-server --no-pager", "configuration reread")
        devices(machine)

        pid = show(machine, "MainPID")["MainPID"]
        assert pid == found["MainPID"], "the reload restarted the daemon"
        machine.run(f"kill -9 {pid}")
        machine.until("systemctl show es-iot-server -p NRestarts", "NRestarts=1")
        machine.until("systemctl is-active es-iot-server", r"^active$")
        checks.settings(machine, checks.READ, checks.DEFAULTS)
        page.socket(machine, page.UTIL_LINUX_AS)

        machine.run("systemctl stop es-iot-server")
        machine.run("! test -e /run/es-iot")
        stopped = show(machine, "Result", "ExecMainStatus", "ActiveState")
        assert stopped == {"Result": "success", "ExecMainStatus": "0", "ActiveState": "inactive"}, stopped
        assert machine.run("pidof rpicam-vid", fails=True) == "", "a camera process is left"
    print(f"QEMU start to shell: {booted:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
