"""Assembles QEMU's image with the files of the Buildroot tree, boots it with the command in docs/FIRMWARE.md, and checks it.

From the tree: the install steps of both packages, the root file system overlay, post-build.sh, post-image.sh and the layout of the
disk. Stand-ins for what Buildroot builds: Debian's kernel, with an initramfs for its modules, BusyBox, e2fsprogs and util-linux, and
a skeleton of our own (skeleton.py). What the files do with all kinds of cards is in card.py.
"""

import re
import shlex
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import checks
import root
import skeleton
from machine import REPOSITORY, Machine, free_ports

TREE = REPOSITORY / "buildroot-package"
BOARD = TREE / "board/es-iot"
MODULES = ["virtio_mmio", "virtio_blk", "virtio_net", "ext4", "crc32c_generic", "vfat", "nls_cp437", "nls_ascii", "nls_utf8"]
SECTOR = 512

# Boot without a network interface may take this much longer than with one.
SLACK_S = 8

# What Buildroot's kernel has built in.
INIT = """\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /new
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
for module in $(/bin/busybox cat /lib/modules/order); do /bin/busybox insmod /lib/modules/$module.ko; done
for word in $(/bin/busybox cat /proc/cmdline); do
	case $word in root=PARTUUID=*) name=${word#root=PARTUUID=};; esac
done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
signature=$(/bin/busybox dd if=/dev/vda bs=4 skip=110 count=1 2>/dev/null | /bin/busybox hexdump -e '"%08x"')
[ "$signature" = "${name%-*}" ] || echo "the disk's signature is $signature, not ${name%-*}"
/bin/busybox mount -t ext4 -o ro /dev/vda$((10#${name#*-})) /new
/bin/busybox mount -o move /dev /new/dev
/bin/busybox umount /proc /sys
exec /bin/busybox switch_root /new /sbin/init
"""


def option(name):
    """Returns the value of an option in the defconfig."""
    text = (TREE / "configs/es_iot_qemu_aarch64_defconfig").read_text()
    return re.search(rf'^{name}="(.*)"$', text, re.M).group(1)


def quietly(command, environment=None):
    """Runs a command and returns its output, which is printed only if it fails."""
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{command[0]}: exit code {done.returncode}:\n{done.stdout}"
    return done.stdout


def tools(work):
    """Returns the environment in which genimage and the programs that it runs are found."""
    unpacked = work / "genimage"
    folders = [f"{unpacked}/{name}" for name in ["usr/bin", "usr/sbin", "sbin"]]
    libraries = [f"{unpacked}/{name}/x86_64-linux-gnu" for name in ["usr/lib", "lib"]]
    return {
        "PATH": ":".join([*folders, f"{work}/mtools/usr/bin", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]),
        "LD_LIBRARY_PATH": ":".join(libraries),
    }


def package(work, folder, name, *steps):
    """Runs install steps of a package."""
    config = folder / "config"
    config.write_text((TREE / "configs/es_iot_qemu_aarch64_defconfig").read_text())
    prefix = name.upper().replace("-", "_")
    # The programs are built already.
    built = work / "build/aarch64-unknown-linux-gnu/release"
    for step in steps:
        quietly(
            ["make", "-f", REPOSITORY / "tests/project/packaging/buildroot.mk", f"{REPOSITORY}/check",
             f"BUILD_DIR={REPOSITORY}", f"TARGET_DIR={folder}/target", f"BR2_CONFIG={config}",
             f"BR2_EXTERNAL_ES_IOT_PATH={TREE}", f"PACKAGE={name}", f"STEP={prefix}_{step}",
             f"ES_IOT_SERVER_BUILT_DIR={built}", "ES_IOT_SERVER_CAMERA_SOURCE=test"]
        )


def fill(work, folder, kind, environment):
    """Makes the target directory of an image: skeleton, packages, overlay. Returns it."""
    shutil.rmtree(folder, ignore_errors=True)
    target = folder / "target"
    skeleton.make(work, target)
    package(work, folder, "es-iot-server", "INSTALL_TARGET_CMDS", "INSTALL_INIT_SYSV")
    package(work, folder, "es-iot-base", "INSTALL_TARGET_CMDS", "INSTALL_INIT_SYSV")
    shutil.copytree(BOARD / "rootfs-overlay", target, symlinks=True, dirs_exist_ok=True)
    quietly([BOARD / "post-build.sh", target, kind], environment)
    return target


def pack(target, image, size, environment):
    """Makes the root file system, as Buildroot does."""
    label = option("BR2_TARGET_ROOTFS_EXT2_LABEL")
    quietly(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-d", target, "-L", label, image, size], environment)


def post_image(images, kind, environment):
    """Makes sdcard.img and returns what was printed."""
    build = images.parent / "build"
    build.mkdir(exist_ok=True)
    return quietly(
        [BOARD / "post-image.sh", images, kind], {**environment, "BINARIES_DIR": str(images), "BUILD_DIR": str(build)}
    )


def initramfs(work, path):
    """Writes an initramfs that loads the drivers of the disk and starts the root file system."""
    archive = root.Archive()
    archive.file("init", INIT, 0o755)
    archive.copy("bin/busybox", work / "arm64/bin/busybox", 0o755)
    root.add_modules(archive, work / "arm64", MODULES)
    archive.write(path)


def assemble(work, environment):
    """Returns the directory with Image and sdcard.img."""
    folder = work / "buildroot"
    kind = option("BR2_ROOTFS_POST_SCRIPT_ARGS")
    target, images = fill(work, folder, kind, environment), folder / "images"
    images.mkdir()
    pack(target, images / "rootfs.ext4", option("BR2_TARGET_ROOTFS_EXT2_SIZE"), environment)
    shutil.copy(next((work / "arm64/boot").glob("vmlinuz-*cloud*")), images / "Image")
    print("\n".join(post_image(images, kind, environment).splitlines()[-2:]))
    initramfs(work, images / "initramfs")
    return images


class Image(Machine):
    """A machine that is started as docs/FIRMWARE.md describes, but for the ports of this host."""

    def __init__(self, work, images, network=True):
        text = (REPOSITORY / "docs/FIRMWARE.md").read_text()
        command = shlex.split(re.search(r"(?m)^    (qemu-system-aarch64 (?:.*\\\n)*.*)$", text).group(1).replace("\\\n", " "))
        ports = {}
        for at, word in enumerate(command):
            for theirs in re.findall(r"hostfwd=tcp:127.0.0.1:\d+-:(\d+)", word):
                ports[theirs] = free_ports(1)[0]
                command[at] = re.sub(rf"127.0.0.1:\d+-:{theirs}\b", f"127.0.0.1:{ports[theirs]}-:{theirs}", command[at])
        self.data, self.settings, self.auth = ports["5000"], ports["5001"], ports["5002"]
        if not network:
            at = command.index("-netdev")
            command[at:at + 4] = ["-nic", "none"]
        command = [str(work / command[0]), "-no-reboot", "-initrd", "initramfs", *command[1:]]
        self.console = b""
        self.read_to = 0
        self.password = None
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=images, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def boot(self, name):
        """Waits for the password and the login prompt, and returns the seconds up to the latter."""
        self.expect(rf"\n{name} login: ")
        seconds = time.monotonic() - self.started
        text = self.console.decode(errors="replace")
        if "generated a password" not in text:
            self.expect("generated a password")
            self.expect("-------")
            text = self.console.decode(errors="replace")
        self.password = re.search(r"device:\s+(\S{12})\s", text).group(1).encode()
        return seconds


def partitions(disk):
    """Returns first sector and number of sectors of each partition, and the disk's signature."""
    with open(disk, "rb") as file:
        table = file.read(SECTOR)
    assert table[510:] == b"\x55\xaa"
    entries = [struct.unpack_from("<II", table, 446 + 16 * number + 8) for number in range(4)]
    return [entry for entry in entries if entry[1]], struct.unpack_from("<I", table, 440)[0]


def main(work):
    environment = tools(work)
    images = assemble(work, environment)
    disk = images / "sdcard.img"
    before, signature = partitions(disk)
    assert len(before) == 3 and all(start % 2048 == 0 for start, _ in before), before
    assert f"root=PARTUUID={signature:08x}-02" in (BOARD / "cmdline.txt").read_text(), f"{signature:08x}"

    # A card that is larger than the image, with a setting on its first partition.
    with open(disk, "r+b") as file:
        file.truncate(disk.stat().st_size + (96 << 20))
    (work / "buildroot/es-iot.conf").write_text("HOSTNAME=kitchen\r\n")
    first = f"{disk}@@{before[0][0] * SECTOR}"
    quietly(["mcopy", "-i", first, work / "buildroot/es-iot.conf", "::"], environment)
    listed = quietly(["mdir", "-b", "-i", first, "::"], environment)
    assert "README.txt" in listed, listed

    with Image(work, images) as machine:
        seconds = machine.boot("kitchen")
        password = machine.password
        count = checks.data_rate(machine, 10)
        console = machine.console.decode(errors="replace")
        assert "signature is" not in console, console
    after, _ = partitions(disk)
    start, length = after[2]
    assert after[:2] == before[:2] and start == before[2][0], (before, after)
    assert (start + length) * SECTOR > disk.stat().st_size - (2 << 20), f"the data partition ends early: {after}"
    with open(disk, "r+b") as file:
        file.seek(start * SECTOR + 1024)
        blocks, = struct.unpack_from("<I", file.read(1024), 4)
        assert blocks * 4096 > (length - 2048) * SECTOR, f"the file system has {blocks} blocks"
        # An empty data partition: what a new card, or a lost one, has there.
        file.seek(start * SECTOR)
        for _ in range(length * SECTOR >> 20):
            file.write(bytes(1 << 20))

    with Image(work, images, network=False) as machine:
        alone = machine.boot("kitchen")
        assert machine.password != password, "the old state is still there"
    assert alone < seconds + SLACK_S, f"login after {alone:.1f} s without a network interface, {seconds:.1f} s with one"

    print(f"QEMU's start to the login prompt: {seconds:.1f} s, without a network interface {alone:.1f} s")
    print(f"packets in 10 s: {count}")
    print(f"data partition: {before[2][1] >> 11} MiB in the image, {length >> 11} MiB after the first boot")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
