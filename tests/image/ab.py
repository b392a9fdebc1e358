"""Builds cards with two slots, and updates for them, as buildroot-package/board/es-iot/ab has them.

U-Boot, SWUpdate, kernel and BusyBox are Debian's. Not here: what is done with them (update.py).
"""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import card_root
import root
from machine import REPOSITORY

AB = REPOSITORY / "buildroot-package/board/es-iot/ab"
MODULES = ["virtio_mmio", "virtio_pci", "virtio_net", "virtio_blk", "ext4", "crc32c_generic", "vfat", "nls_cp437", "nls_ascii"]
BOARD = "test-board"
SECTOR = 512
BOOT_BYTES, SLOT_BYTES, DATA_BYTES = (mib << 20 for mib in (64, 192, 32))

# Debian's kernel has its disk and file system drivers in modules; a Buildroot image needs no such initramfs.
INITRD_INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /new
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in $(/bin/busybox cat /lib/modules/order); do /bin/busybox insmod /lib/modules/$module.ko; done
number=$(/bin/busybox sed -n 's/.*root=PARTUUID=[0-9a-f]*-0\\([0-9]\\).*/\\1/p' /proc/cmdline)
until [ -b "/dev/vda$number" ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o ro "/dev/vda$number" /new
exec /bin/busybox switch_root /new /sbin/init
"""

INITTAB = """\
::sysinit:/etc/init.d/rcS
ttyAMA0::respawn:-/bin/sh
::shutdown:/etc/init.d/rcK
"""

RCS = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for directory in /run /tmp /var/log; do mount -t tmpfs -o mode=0755 tmpfs $directory; done
mount -t ext4 -o ro /dev/vdb /opt
hostname es-iot-test
for script in /etc/init.d/S??*; do $script start; done
echo "boot scripts are done"
"""


def initrd(work):
    """Returns an initramfs that loads the drivers of the disk and hands over to the root file system."""
    archive = root.Archive()
    archive.file("init", INITRD_INIT, 0o755)
    archive.copy("bin/busybox", work / "arm64/bin/busybox", 0o755)
    root.add_modules(archive, work / "arm64", MODULES)
    path = work / "update-initrd.gz"
    archive.write(path)
    return path


def put(path, content, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    # A link to BusyBox would lead to this machine's own.
    path.unlink(missing_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


def file_system(work, name, certificate, fault=None):
    """Makes the root file system of a version, as the A/B image has it. Returns the path of its image."""
    tree = work / f"update-{name}"
    shutil.rmtree(tree, ignore_errors=True)
    for directory in ["proc", "sys", "dev", "run", "tmp", "var/log", "var/lib", "root", "opt"]:
        (tree / directory).mkdir(parents=True)
    (tree / "var/run").symlink_to("../run")
    arm64 = work / "arm64"
    put(tree / "bin/busybox", (arm64 / "bin/busybox").read_bytes(), 0o755)
    listing = subprocess.run(["busybox", "--list-full"], capture_output=True, text=True, check=True).stdout.split()
    for applet in listing:
        if not (tree / applet).exists():
            (tree / applet).parent.mkdir(parents=True, exist_ok=True)
            (tree / applet).symlink_to("/bin/busybox")
    for program in card_root.PROGRAMS:
        put(tree / program, (arm64 / program).read_bytes(), 0o755)
    programs = [work / "build/aarch64-unknown-linux-gnu/release/es-iot-server", *(arm64 / name for name in card_root.PROGRAMS)]
    for library, path in card_root.needed(arm64, programs).items():
        put(tree / "lib" / library, path.read_bytes(), 0o755)
    # Debian's SWUpdate has many libraries: they are on a disk of their own, which keeps the updates small.
    put(tree / "usr/bin/swupdate", "#!/bin/sh\nLD_LIBRARY_PATH=/opt/lib exec /opt/swupdate \"$@\"\n", 0o755)

    release = work / "build/aarch64-unknown-linux-gnu/release"
    config = REPOSITORY / "config"
    daemon = (release / "es-iot-server").read_bytes() if fault != "daemon" else b"#!/bin/sh\nexit 70\n"
    put(tree / "usr/bin/es-iot-server", daemon, 0o755)
    put(tree / "usr/bin/es-iot-ctl", (release / "es-iot-ctl").read_bytes(), 0o755)
    put(tree / "etc/es-iot/server.json", (config / "server.json").read_bytes())
    put(tree / "etc/init.d/S60es-iot-server", (config / "es-iot-server.init").read_bytes(), 0o755)
    put(tree / "usr/libexec/es-iot-data", (config / "base/es-iot-data").read_bytes(), 0o755)
    put(tree / "etc/init.d/S15es-iot-data", (config / "base/es-iot-data.init").read_bytes(), 0o755)
    put(tree / "etc/init.d/S01syslogd", "#!/bin/sh\n[ \"$1\" = start ] && syslogd -O /var/log/messages\nexit 0\n", 0o755)
    put(tree / "etc/init.d/S02network", "#!/bin/sh\n[ \"$1\" = start ] || exit 0\nip link set lo up\n"
        "ip addr add 10.0.2.15/24 dev eth0\nip link set eth0 up\n", 0o755)
    shutil.copytree(AB / "rootfs-overlay", tree, dirs_exist_ok=True)
    put(tree / "etc/es-iot/update.pem", certificate.read_bytes())
    put(tree / "etc/es-iot/image-release", f"VERSION_ID={name}\n")
    put(tree / "etc/hwrevision", f"es-iot {BOARD}\n")
    put(tree / "etc/default/es-iot-update", "CONFIRM_S=10\n")

    passwd, groups = root.users()
    put(tree / "etc/passwd", passwd)
    put(tree / "etc/group", groups)
    put(tree / "etc/inittab", INITTAB)
    put(tree / "etc/init.d/rcS", RCS, 0o755)
    put(tree / "etc/init.d/rcK", root.RCK, 0o755)
    if fault != "kernel":
        kernel = next((arm64 / "boot").glob("vmlinuz-*cloud*"))
        put(tree / "boot/Image", kernel.read_bytes())
        put(tree / "boot/initrd", initrd(work).read_bytes())

    image = pack(work / f"update-{name}.ext4", 64 << 20, tree)
    shutil.rmtree(tree)
    return image


def pack(image, size, tree=None):
    """Makes an ext4 file system, with the files of a tree."""
    image.unlink(missing_ok=True)
    with open(image, "wb") as file:
        file.truncate(size)
    files = ["-d", tree] if tree else []
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", *files, image], check=True)
    return image


def tools(work, updates):
    """Makes the disk with SWUpdate, its libraries and the updates."""
    tree = work / "update-tools"
    shutil.rmtree(tree, ignore_errors=True)
    unpacked = work / "swupdate"
    folders = [unpacked / "usr/lib/aarch64-linux-gnu", unpacked / "lib/aarch64-linux-gnu", work / "arm64/lib/aarch64-linux-gnu"]
    for folder in folders:
        for library in folder.glob("*.so.*"):
            put(tree / "lib" / library.name, library.read_bytes(), 0o755)
    put(tree / "swupdate", (unpacked / "usr/bin/swupdate").read_bytes(), 0o755)
    for update in updates:
        shutil.copy(update, tree)
    size = sum(path.stat().st_size for path in tree.rglob("*")) + (16 << 20)
    image = pack(work / "update-tools.ext4", size, tree)
    shutil.rmtree(tree)
    return image


def host(work, *command, **options):
    """Runs a program of the machine, or of the unpacked packages."""
    tools = work / "update-host"
    environment = {
        **os.environ,
        "PATH": f"{tools}/usr/bin:{tools}/bin:{tools}/sbin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": f"{tools}/usr/lib/x86_64-linux-gnu",
        "MTOOLS_SKIP_CHECK": "1",
    }
    return subprocess.run(list(map(str, command)), check=True, env=environment, **options)


def disk(work, image):
    """Makes the card: boot partition, slot a with the image, an empty slot b, a blank data partition."""
    path = work / "update.img"
    path.unlink(missing_ok=True)
    mib = 1 << 20
    starts = [mib, mib + BOOT_BYTES, mib + BOOT_BYTES + SLOT_BYTES, mib + BOOT_BYTES + 2 * SLOT_BYTES]
    with open(path, "wb") as file:
        file.truncate(starts[3] + DATA_BYTES)
        # The partition table of an MBR: type, first sector, sectors; https://en.wikipedia.org/wiki/Master_boot_record
        file.seek(440)
        file.write(struct.pack("<IH", 0x45534F54, 0))
        for kind, start, size in zip((0x0C, 0x83, 0x83, 0x83), starts, (BOOT_BYTES, SLOT_BYTES, SLOT_BYTES, DATA_BYTES)):
            active = 0x80 if kind == 0x0C else 0
            file.write(struct.pack("<BBBBBBBBII", active, 0, 2, 0, kind, 0, 2, 0, start // SECTOR, size // SECTOR))
        file.write(b"\x55\xaa")
        file.seek(starts[1])
        with open(image, "rb") as source:
            shutil.copyfileobj(source, file)
    offset = f"{path}@@{mib}"
    host(work, "mformat", "-i", offset, "-F", "-v", "ES-IOT-BOOT", "-T", BOOT_BYTES // SECTOR, "-h", "64", "-s", "32", "::")
    script = work / "update-boot.scr"
    host(work, "mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", AB / "boot.cmd", script, stdout=subprocess.DEVNULL)
    host(work, "mcopy", "-i", offset, script, "::boot.scr")
    return path


def signer(work, name):
    certificate, key = work / f"update-{name}.pem", work / f"update-{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "3650",
         "-subj", f"/CN={name}"],
        check=True, stderr=subprocess.DEVNULL,
    )
    return certificate, key


def make_update(work, name, image, signed_by, board=BOARD):
    path = work / f"{name}.swu"
    host(work, "sh", AB / "make-update", image, board, name, *signed_by, path)
    return path
