"""The stand-in for Buildroot's skeleton, BusyBox package and runtime packages in the test of its image.

Written for the test, not copied: it has what the product's files need, in the places where Buildroot has it.
"""

import shutil

import card_root
import root

FILES = {
    "etc/hostname": "es-iot\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/issue": "es-iot\n",
    "etc/shadow": "root:*:::::::\nes-iot:*:::::::\n",
    "etc/fstab": """\
proc /proc proc defaults 0 0
devpts /dev/pts devpts defaults 0 0
tmpfs /tmp tmpfs mode=1777 0 0
tmpfs /run tmpfs mode=0755,nosuid,nodev 0 0
sysfs /sys sysfs defaults 0 0
""",
    "etc/inittab": """\
::sysinit:/bin/mount -t proc proc /proc
::sysinit:/bin/mkdir -p /dev/pts
::sysinit:/bin/mount -a
::sysinit:/bin/hostname -F /etc/hostname
::sysinit:/etc/init.d/rcS
console::respawn:/sbin/getty -L console 0 vt100
::shutdown:/etc/init.d/rcK
::shutdown:/bin/umount -a -r
""",
    "etc/mdev.conf": "null root:root 666\n",
}

SCRIPTS = {
    "etc/init.d/rcS": "#!/bin/sh\nfor script in /etc/init.d/S??*; do $script start; done\n",
    "etc/init.d/rcK": "#!/bin/sh\nfor script in $(ls -r /etc/init.d/S??*); do $script stop; done\n",
    "etc/init.d/S01syslogd": card_root.SYSLOGD,
    "etc/init.d/S40network": card_root.LOOPBACK,
    # Where Debian's BusyBox looks for it; Buildroot's is /usr/share/udhcpc/default.script.
    "etc/udhcpc/default.script": card_root.UDHCPC,
}

LINKS = {
    "etc/resolv.conf": "../tmp/resolv.conf", "etc/mtab": "../proc/self/mounts", "var/run": "../run", "var/log": "../tmp",
    "usr/lib64": "lib", "lib64": "lib",
}


def applets(busybox):
    """Returns the names of BusyBox's applets, of which the program has a sorted list."""
    data = busybox.read_bytes()
    first = data.index(b"\0[\0[[\0") + 1
    names = data[first:data.index(b"\0\0", first)].decode().split("\0")
    assert "ash" in names and "switch_root" in names, names
    return names


def make(work, target):
    """Fills the target directory."""
    for name in ["proc", "sys", "dev", "run", "tmp", "root", "var/lib", "bin", "sbin", "usr/bin", "usr/sbin", "lib", "usr/lib"]:
        (target / name).mkdir(parents=True)
    for name, target_name in LINKS.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).symlink_to(target_name)
    passwd, groups = root.users()
    for name, text in {**FILES, "etc/passwd": passwd, "etc/group": groups}.items():
        (target / name).write_text(text)
    for name, text in SCRIPTS.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)
        (target / name).chmod(0o755)

    arm64 = work / "arm64"
    programs = {
        "bin/busybox": arm64 / "bin/busybox",
        "usr/sbin/ntpd": work / "build/aarch64-unknown-linux-gnu/release/examples/ntpd",
        **{name: arm64 / name for name in card_root.PROGRAMS},
    }
    daemon = work / "build/aarch64-unknown-linux-gnu/release/es-iot-server"
    libraries = card_root.needed(arm64, [daemon, *programs.values()])
    for name, path in {**programs, **{f"lib/{name}": path for name, path in libraries.items()}}.items():
        shutil.copy(path, target / name)
    for name in applets(target / "bin/busybox"):
        if not any((target / folder / name).exists() for folder in ["bin", "sbin", "usr/bin", "usr/sbin"]):
            (target / "bin" / name).symlink_to("busybox")
    # Init scripts name these with their directory.
    for name in ["init", "getty", "syslogd"]:
        (target / "sbin" / name).symlink_to("../bin/busybox")
