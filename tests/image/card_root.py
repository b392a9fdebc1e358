"""Builds the machine of card.py: a disk with three partitions, as the images have them, and an initramfs that starts its root.

The root file system has the files of both packages, es-iot-server and es-iot-base, and Debian's e2fsprogs and util-linux. It is
read-only. The initramfs fills its partition at the first boot, and otherwise only mounts it.
"""

import os
import re
import struct
import subprocess

import root

MODULES = ["virtio_pci", "virtio_net", "virtio_blk", "ext4", "crc32c_generic", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "dummy"]

MIB = 1 << 20
# Name: (begin, size), in MiB.
BOOT, ROOT, DATA = (1, 16), (17, 48), (65, 16)
DISK_MIB = 81

PROGRAMS = ["sbin/mke2fs", "sbin/e2fsck", "sbin/resize2fs", "sbin/sfdisk", "sbin/blkid", "sbin/blockdev", "usr/bin/partx"]

INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /dev /proc /sys /root
/bin/busybox mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in $(cat /lib/modules/order); do insmod /lib/modules/$module.ko; done
mount -t ext4 -o ro /dev/vda2 /root
if [ ! -e /root/complete ]; then
	mount -o remount,rw /root
	cp -a /bin /etc /lib /sbin /usr /root
	cd /root
	mkdir -p dev proc sys run tmp root var/lib/es-iot var/log var/lib/from-image
	ln -s /run var/run
	chown 95:95 var/lib/es-iot
	chmod 750 var/lib/es-iot
	touch complete
	cd /
	sync
	mount -o remount,ro /root
fi
grep -q read_only_boot /proc/cmdline && blockdev --setro /dev/vda1
umount /proc /sys
mount -o move /dev /root/dev
exec switch_root /root /sbin/init
"""

RCS = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
for script in /etc/init.d/S??*; do $script start; done
echo "boot scripts are done after $(cut -d' ' -f1 /proc/uptime) s"
"""

SYSLOGD = """\
#!/bin/sh
. /etc/default/syslogd
# Debian's BusyBox has no rotation.
SYSLOGD_ARGS="${SYSLOGD_ARGS#-s 512 -b 1}"
case "$1" in
start) start-stop-daemon -S -b -m -p /run/syslogd.pid -x /sbin/syslogd -- -n $SYSLOGD_ARGS;;
stop) start-stop-daemon -K -p /run/syslogd.pid; while [ -S /dev/log ] && kill -0 $(cat /run/syslogd.pid) 2>/dev/null; do sleep 0.1; done;;
restart) $0 stop; $0 start;;
esac
"""

LOOPBACK = """\
#!/bin/sh
[ "$1" = start ] && ip addr add 127.0.0.1/8 dev lo 2>/dev/null; ip link set lo up
"""

# No default route: the guest reaches QEMU's network only.
UDHCPC = """\
#!/bin/sh
case "$1" in
deconfig) ip addr flush dev $interface;;
bound|renew) ip addr flush dev $interface; ip addr add $ip/$mask dev $interface;;
esac
for hook in /usr/share/udhcpc/default.script.d/*; do [ -x $hook ] && $hook "$1"; done
"""

# Logs its arguments and stays, as the real one does.
WPA_SUPPLICANT = """\
#!/bin/sh
echo "$@" >>/run/wpa_supplicant-calls
trap 'kill $!; exit' TERM
sleep 1000002 &
wait
"""


def build(work):
    """Writes the initramfs and returns its path."""
    archive = root.Archive()
    arm64 = work / "arm64"
    config = root.REPOSITORY / "config"
    base = config / "base"
    archive.file("init", INIT, 0o755)
    archive.copy("bin/busybox", arm64 / "bin/busybox", 0o755)
    add_programs(archive, work)
    root.product(archive, work)
    archive.copy("usr/sbin/ntpd", work / "build/aarch64-unknown-linux-gnu/release/examples/ntpd", 0o755)
    archive.file("usr/sbin/wpa_supplicant", WPA_SUPPLICANT, 0o755)
    for name in ["es-iot-data", "es-iot-card", "es-iot-network"]:
        archive.copy(f"usr/libexec/{name}", base / name, 0o755)
    archive.copy("usr/share/udhcpc/default.script.d/es-iot", base / "es-iot-udhcpc", 0o755)
    archive.copy("etc/es-iot/image.conf", base / "image.conf")
    overlay = root.REPOSITORY / "buildroot-package/board/es-iot/rootfs-overlay"
    archive.copy("etc/default/syslogd", overlay / "etc/default/syslogd")
    for script, name in [("S15es-iot-data", "data"), ("S16es-iot-card", "card"), ("S40es-iot-network", "network"), ("S45es-iot-ntpd", "ntpd")]:
        archive.copy(f"etc/init.d/{script}", base / f"es-iot-{name}.init", 0o755)
    archive.copy("etc/init.d/S60es-iot-server", config / "es-iot-server.init", 0o755)
    archive.file("etc/init.d/S01syslogd", SYSLOGD, 0o755)
    archive.file("etc/init.d/S40network", LOOPBACK, 0o755)
    archive.file("etc/init.d/rcS", RCS, 0o755)
    archive.file("etc/init.d/rcK", root.RCK, 0o755)
    archive.file("etc/inittab", root.INITTAB)
    archive.file("etc/udhcpc/default.script", UDHCPC, 0o755)
    passwd, groups = root.users()
    archive.file("etc/passwd", passwd)
    archive.file("etc/group", groups)
    archive.file("etc/hosts", "127.0.0.1 localhost\n")
    root.add_modules(archive, arm64, MODULES)
    path = work / "card.cpio.gz"
    archive.write(path)
    return path


def add_programs(archive, work):
    """Adds the programs that es-iot-data runs, and the libraries of these and of the daemon."""
    arm64 = work / "arm64"
    for name in PROGRAMS:
        archive.copy(name, arm64 / name, 0o755)
    daemon = work / "build/aarch64-unknown-linux-gnu/release/es-iot-server"
    for name, path in needed(arm64, [daemon, *(arm64 / name for name in PROGRAMS)]).items():
        archive.copy(f"lib/{name}", path, 0o755)


def library(arm64, name):
    """Returns a library's path, or None for names that are not libraries here."""
    folders = [arm64 / "lib/aarch64-linux-gnu", arm64 / "usr/lib/aarch64-linux-gnu"]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def needed(arm64, paths):
    """Returns the libraries that programs load, by name, from the strings of their dynamic sections."""
    found = {}
    left = list(paths)
    while left:
        for name in re.findall(rb"\0((?:lib|ld-)[a-z0-9_+.-]+\.so\.[0-9]+)(?=\0)", left.pop().read_bytes()):
            path = library(arm64, name.decode())
            if path and name.decode() not in found:
                found[name.decode()] = path
                left.append(path)
    return found


class Disk:
    """A disk image with an MBR as the images have it: FAT for the settings, root, data. The data partition is blank."""

    def __init__(self, work, name="card.img"):
        self.work = work
        self.path = work / name
        self.path.unlink(missing_ok=True)
        os.truncate(os.open(self.path, os.O_CREAT | os.O_WRONLY), DISK_MIB * MIB)
        entries = b""
        for kind, (begin, size) in [(0x0C, BOOT), (0x83, ROOT), (0x83, DATA)]:
            entries += struct.pack("<B3sB3sII", 0, b"\xFE\xFF\xFF", kind, b"\xFE\xFF\xFF", begin * 2048, size * 2048)
        self.write(440, struct.pack("<I", 0xE5107000))
        self.write(446, entries.ljust(64, b"\0") + b"\x55\xAA")
        self.format_fat(BOOT, "ES-IOT-BOOT")
        subprocess.run(
            ["/sbin/mkfs.ext4", "-q", "-F", "-E", f"offset={ROOT[0] * MIB}", self.path, f"{ROOT[1]}M"],
            check=True, stderr=subprocess.DEVNULL,
        )

    def write(self, offset, data):
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def read(self, offset, count):
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(count)

    def data(self, offset, data):
        """Overwrites a part of the data partition."""
        self.write(DATA[0] * MIB + offset, data)

    def resize(self, mib):
        os.truncate(self.path, mib * MIB)

    def mtools(self, program, *arguments, partition=BOOT, **options):
        command = [self.work / f"mtools/usr/bin/{program}", "-i", f"{self.path}@@{partition[0]}M", *arguments]
        return subprocess.run(command, check=True, capture_output=True, env={"MTOOLS_SKIP_CHECK": "1"}, **options).stdout

    def format_fat(self, partition, label):
        self.mtools("mformat", "-T", str(partition[1] * 2048), "-v", label, "::", partition=partition)

    def settings(self, **files):
        """Replaces the settings on the card. Underscores stand for dots."""
        for name in self.listed():
            self.mtools("mdel", f"::{name}")
        for name, content in files.items():
            self.mtools("mcopy", "-", f"::{NAMES[name]}", input=content.encode() if isinstance(content, str) else content)

    def listed(self):
        return self.mtools("mdir", "-b", "::").decode().replace("::/", "").split()


NAMES = {
    "conf": "es-iot.conf", "server": "server.json", "password": "password.txt", "wpa": "wpa_supplicant.conf",
    "keys": "authorized_keys",
}
