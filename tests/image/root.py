"""Builds the test machine's root file system: BusyBox, and the same files that the images install.

Not here: running the machine (machine.py), and the checks (virt.py, raspi3b.py).
"""

import gzip
import os
import re
import stat
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# The size of the clip that the stand-in for the camera program plays.
CAMERA_SIZE = "160x120"

INITTAB = """\
::sysinit:/etc/init.d/rcS
console::respawn:-/bin/sh
::shutdown:/etc/init.d/rcK
::ctrlaltdel:/sbin/reboot
"""

INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /var/log /usr/bin /usr/sbin /sbin /root
/bin/busybox mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
/bin/busybox --install -s
exec /sbin/init
"""

RCS = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/pts /var/run
mount -t devpts devpts /dev/pts
hostname es-iot-test
for module in $(cat /lib/modules/order); do insmod /lib/modules/$module.ko; done
for script in /etc/init.d/S??*; do $script start; done
echo "boot scripts are done"
"""

RCK = """\
#!/bin/sh
for script in $(ls -r /etc/init.d/S??*); do $script stop; done
umount -a -r 2>/dev/null
"""

SYSLOGD = """\
#!/bin/sh
case "$1" in
start) syslogd -O /var/log/messages;;
stop) killall syslogd;;
esac
"""

DATA_PARTITION = """\
#!/bin/sh
# The data partition, mounted as in the images.
case "$1" in
start) mkdir -p /var/lib/es-iot; mount -t ext4 /dev/vda /var/lib/es-iot || mount -t tmpfs tmpfs /var/lib/es-iot;;
stop) umount /var/lib/es-iot;;
esac
"""

NETWORK = """\
#!/bin/sh
case "$1" in
start)
	ip link set lo up
	for name in eth0 usb0; do
		tries=100
		while [ "$name" = "INTERFACE" ] && [ ! -e /sys/class/net/$name ] && [ $tries -gt 0 ]; do
			tries=$((tries - 1)); sleep 0.1
		done
		[ -e /sys/class/net/$name ] || continue
		ip addr add 10.0.2.15/24 dev $name
		ip link set $name up
	done;;
esac
"""

FIRST_PACKET = """\
#!/bin/sh
# Reports when the first data packet arrived, in seconds since the kernel's start.
[ "$1" = start ] || exit 0
# On a slow machine, the init script finishes just before the ports are bound.
until /usr/bin/es-iot-ctl watch --count 1 >/dev/null 2>&1; do sleep 0.1; done
echo "first packet at $(cut -d' ' -f1 /proc/uptime) s"
"""


def users():
    """Returns passwd and group, with the user of the Buildroot package."""
    text = (REPOSITORY / "buildroot-package/package/es-iot-server/es-iot-server.mk").read_text()
    row = re.search(r"define ES_IOT_SERVER_USERS\n\s*(\S+) (\d+) (\S+) (\d+) \S+ (\S+) (\S+) (\S+)", text)
    name, uid, group, gid, home, shell, extra = row.groups()
    passwd = f"root:x:0:0:root:/root:/bin/sh\n{name}:x:{uid}:{gid}::{home if home != '-' else '/'}:{shell}\n"
    # An administrator in the daemon's group, and another user.
    passwd += "member:x:1001:1001::/:/bin/sh\nstranger:x:1002:1002::/:/bin/sh\n"
    groups = f"root:x:0:\n{group}:x:{gid}:member\nvideo:x:28:{name if 'video' in extra else ''}\n"
    groups += "member:x:1001:\nstranger:x:1002:\n"
    return passwd, groups


class Archive:
    """Builds an initramfs: newc cpio, then gzip."""

    def __init__(self):
        self.parts = []
        self.known = set()
        self.inode = 0

    def entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        numbers = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
        header = b"070701" + b"".join(b"%08X" % number for number in numbers) + name.encode() + b"\0"
        self.parts += [header, b"\0" * (-len(header) % 4), data, b"\0" * (-len(data) % 4)]

    def directories(self, name):
        for parent in reversed(Path(name).parents):
            if str(parent) != "." and str(parent) not in self.known:
                self.known.add(str(parent))
                self.entry(str(parent), stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.directories(name)
        self.entry(name, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def link(self, name, target):
        self.directories(name)
        self.entry(name, stat.S_IFLNK | 0o777, target.encode())

    def tree(self, folder, leave_out):
        """Adds a folder, except everything below the paths to leave out."""
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if name.startswith(leave_out):
                continue
            if path.is_symlink():
                self.link(name, os.readlink(path))
            elif path.is_file():
                self.copy(name, path, stat.S_IMODE(path.stat().st_mode))
            elif path.is_dir() and name not in self.known:
                self.known.add(name)
                self.entry(name, stat.S_IFDIR | stat.S_IMODE(path.stat().st_mode))

    def copy(self, name, path, mode=0o644):
        self.file(name, Path(path).read_bytes(), mode)

    def write(self, path):
        self.entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        self.entry("TRAILER!!!", 0)
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(b"".join(self.parts))


def modules(kernel_root, wanted):
    """Returns the wanted modules and their dependencies, by path, in load order."""
    tree = next((kernel_root / "lib/modules").iterdir())
    paths = {path.name.removesuffix(".ko").replace("-", "_"): path for path in tree.rglob("*.ko")}
    order = {}

    def load(name, seen):
        path = paths.get(name.replace("-", "_"))
        if path is None or path.stem in order or name in seen:
            return  # built in, or already listed
        data = path.read_bytes()
        needs = []
        for match in re.findall(rb"\0(?:depends|softdep)=([^\0]*)", data):
            needs += [word for word in re.split(r"[ ,]+", match.decode()) if word and not word.endswith(":")]
        for need in needs:
            load(need, seen | {name})
        order[path.stem] = path

    for name in wanted:
        load(name, frozenset())
    return order


def product(archive, work):
    """Adds the product's files, as the packages install them, and a stand-in for the camera program."""
    release = work / "build/aarch64-unknown-linux-gnu/release"
    config = REPOSITORY / "config"
    archive.copy("usr/bin/es-iot-server", release / "es-iot-server", 0o755)
    archive.copy("usr/bin/es-iot-ctl", release / "es-iot-ctl", 0o755)
    archive.copy("etc/default/es-iot-server", config / "es-iot-server.default")
    archive.copy("etc/es-iot/server.json", config / "server.json")
    archive.copy("usr/libexec/es-iot-show-password", config / "es-iot-show-password", 0o755)
    archive.copy("etc/avahi/services/es-iot-server.service", config / "es-iot-server.avahi")
    archive.copy("usr/bin/rpicam-vid", release / "examples/rpicam-vid", 0o755)


def add_modules(archive, kernel_root, wanted):
    """Adds kernel modules, and a file with their load order."""
    order = modules(kernel_root, wanted)
    for name, path in order.items():
        archive.copy(f"lib/modules/{name}.ko", path)
    archive.file("lib/modules/order", "\n".join(order) + "\n")


def add_module_tree(archive, kernel_root, wanted):
    """Adds kernel modules where modprobe finds them, once depmod has run."""
    for path in modules(kernel_root, wanted).values():
        archive.copy(str(path.relative_to(kernel_root)), path)


def build(work, target, wanted_modules, interface, kernel_root=None):
    """Writes an initramfs with BusyBox as init and returns its path."""
    archive = Archive()
    arm64 = work / "arm64"
    archive.file("init", INIT, 0o755)
    archive.copy("bin/busybox", arm64 / "bin/busybox", 0o755)
    for name in ["ld-linux-aarch64.so.1", "libc.so.6", "libgcc_s.so.1", "libm.so.6"]:
        archive.copy(f"lib/{name}", next(path for path in arm64.rglob(name) if path.is_file()), 0o755)
    product(archive, work)
    archive.copy("etc/init.d/S60es-iot-server", REPOSITORY / "config/es-iot-server.init", 0o755)

    passwd, groups = users()
    archive.file("etc/passwd", passwd)
    archive.file("etc/group", groups)
    archive.file("etc/hosts", "127.0.0.1 localhost\n")
    archive.file("etc/inittab", INITTAB)
    archive.file("etc/init.d/rcS", RCS, 0o755)
    archive.file("etc/init.d/rcK", RCK, 0o755)
    archive.file("etc/init.d/S01syslogd", SYSLOGD, 0o755)
    archive.file("etc/init.d/S20data", DATA_PARTITION, 0o755)
    archive.file("etc/init.d/S40network", NETWORK.replace("INTERFACE", interface), 0o755)
    archive.file("etc/init.d/S70first-packet", FIRST_PACKET, 0o755)
    add_modules(archive, kernel_root or arm64, wanted_modules)
    path = work / f"{target}.cpio.gz"
    archive.write(path)
    return path


def package_bytes(work):
    """Returns the size that the package adds to an image: the daemon and its files, without the client."""
    release = work / "build/aarch64-unknown-linux-gnu/release"
    config = REPOSITORY / "config"
    installed = [release / "es-iot-server"] + [
        config / name
        for name in [
            "es-iot-server.avahi", "es-iot-server.default", "es-iot-server.init", "es-iot-show-password", "server.json",
        ]
    ]
    return sum(os.path.getsize(path) for path in installed)
