"""Builds a card with two slots, and updates for it, with the files of buildroot-package/board/es-iot/ab.

U-Boot, SWUpdate, kernel and BusyBox are Debian's. Not here: what is done with them (update.py).
"""

import shutil
import subprocess

import buildroot
from machine import REPOSITORY

AB = REPOSITORY / "buildroot-package/board/es-iot/ab"
BOARD = "raspberrypi4_64_ab"
SLOT = "64M"

# Debian's SWUpdate has many libraries: they are on a second disk, which keeps the updates small.
SWUPDATE = """\
#!/bin/sh
mount -t ext4 -o ro /dev/vdb /mnt 2>/dev/null
LD_LIBRARY_PATH=/mnt/lib exec /mnt/swupdate "$@"
"""


def environment(work):
    found = buildroot.tools(work)
    unpacked = work / "update-host"
    found["PATH"] = f"{unpacked}/usr/bin:{unpacked}/bin:{found['PATH']}"
    return found


def put(path, content, mode=0o644):
    # A link to BusyBox would lead to this machine's own.
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


def file_system(work, name, certificate, fault=None):
    """Makes the root file system of a version. Returns the path of its image."""
    settings = {"ES_IOT_UPDATE_CERTIFICATE": str(certificate), "ES_IOT_IMAGE_VERSION": name}
    folder = work / f"update-{name}"
    target = buildroot.fill(work, folder, "pi-ab", {**environment(work), **settings})
    (target / "mnt").mkdir()
    put(target / "usr/bin/swupdate", SWUPDATE, 0o755)
    put(target / "etc/default/es-iot-update", "CONFIRM_S=10\nSTEADY_S=5\n")
    # Debian's BusyBox has none, unlike Buildroot's.
    put(target / "usr/bin/flock", (work / "arm64/usr/bin/flock").read_bytes(), 0o755)
    # A shell for the test.
    inittab = (target / "etc/inittab").read_text()
    put(target / "etc/inittab", inittab.replace("/sbin/getty -L console 0 vt100", "-/bin/sh"))
    put(target / "etc/init.d/S99test", "#!/bin/sh\n[ \"$1\" = start ] && echo 'boot scripts are done'\n", 0o755)
    if fault == "daemon":
        put(target / "usr/bin/es-iot-server", "#!/bin/sh\nexit 70\n", 0o755)
    if fault != "kernel":
        put(target / "boot/Image", next((work / "arm64/boot").glob("vmlinuz-*cloud*")).read_bytes())
        # Debian's kernel has its drivers in modules; a Buildroot image needs no such initramfs.
        buildroot.initramfs(work, target / "boot/initrd")
    image = work / f"update-{name}.ext4"
    image.unlink(missing_ok=True)
    buildroot.pack(target, image, SLOT, environment(work))
    shutil.rmtree(folder)
    return image


def extra_disk(work, updates):
    """Makes the disk with SWUpdate, its libraries and the updates."""
    tree = work / "update-extra"
    shutil.rmtree(tree, ignore_errors=True)
    unpacked = work / "swupdate"
    folders = [unpacked / "usr/lib/aarch64-linux-gnu", unpacked / "lib/aarch64-linux-gnu", work / "arm64/lib/aarch64-linux-gnu"]
    for folder in folders:
        for library in folder.glob("*.so.*"):
            put(tree / "lib" / library.name, library.read_bytes(), 0o755)
    put(tree / "swupdate", (unpacked / "usr/bin/swupdate").read_bytes(), 0o755)
    for update in updates:
        shutil.copy(update, tree)
    size = sum(path.stat().st_size for path in tree.rglob("*")) // 1024 + (16 << 10)
    image = work / "update-extra.ext4"
    image.unlink(missing_ok=True)
    buildroot.pack(tree, image, f"{size}k", environment(work))
    shutil.rmtree(tree)
    return image


def card(work, image):
    """Makes the card: boot partition, slot a with the image, an empty slot b, data. Returns its path."""
    images = work / "update-card/images"
    shutil.rmtree(images.parent, ignore_errors=True)
    images.mkdir(parents=True)
    shutil.copy(image, images / "rootfs.ext4")
    shutil.copy(work / "update-host/usr/lib/u-boot/qemu_arm64/u-boot.bin", images)
    script = ["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", AB / "boot.cmd", images / "boot.scr"]
    buildroot.quietly(script, environment(work))
    buildroot.post_image(images, "pi-ab", environment(work))
    return images / "sdcard.img"


def signer(work, name):
    """Makes a certificate and its key."""
    certificate, key = work / f"update-{name}.pem", work / f"update-{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "3650",
         "-subj", f"/CN={name}"],
        check=True, stderr=subprocess.DEVNULL,
    )
    return certificate, key


def make_update(work, name, image, signed_by, board=BOARD):
    path = work / f"{name}.swu"
    buildroot.quietly(["sh", AB / "make-update", image, board, name, *signed_by, path], environment(work))
    return path
