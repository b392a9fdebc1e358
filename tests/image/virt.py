"""Boots the daemon with BusyBox init on QEMU's virt machine and checks everything that an integrator relies on."""

import subprocess
import sys
from pathlib import Path

import checks
import root
import video
from machine import Machine

MODULES = ["virtio_pci", "virtio_net", "virtio_blk", "ext4", "crc32c_generic"]


def power_on(work, initramfs, disk):
    kernel = next((work / "arm64/boot").glob("vmlinuz-*cloud*"))
    arguments = [
        "-M", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "256", "-serial", "stdio",
        "-kernel", str(kernel), "-initrd", str(initramfs),
        "-drive", f"file={disk},format=raw,if=virtio,cache=writethrough",
    ]
    return Machine(work, arguments, "virtio-net-pci,netdev=n0,romfile=", "console=ttyAMA0 quiet panic=-1")


def main(work):
    initramfs = root.build(work, "virt", MODULES, "eth0")
    disk = work / "state.img"
    disk.write_bytes(b"")
    subprocess.run(["truncate", "-s", "16M", disk], check=True)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", disk], check=True)

    with power_on(work, initramfs, disk) as machine:
        seconds = machine.expect(r"first packet at ([\d.]+) s").group(1)
        machine.boot()
        password = machine.run("cat /var/lib/es-iot/auth_password").encode()
        assert len(password) == 12, password
        machine.until("cat /var/lib/es-iot/password_shown && echo shown", "shown")
        assert password in machine.console.split(b"auth_password")[0], "the password is missing on the console"
        checks.log(machine)
        checks.process(machine)
        checks.authentication(machine, password)
        checks.settings(machine, checks.READ, checks.DEFAULTS)
        count = checks.data_rate(machine)
        sizes = {clients: checks.rss_kb(machine, clients) for clients in (0, 1, 50)}
        checks.camera(machine)
        # The configuration is still the installed one: a fresh image serves the camera's pictures.
        video.camera(machine, root.CAMERA_SIZE)
        packets = video.udp(machine)
        rate = video.slate(machine)
        checks.script(machine)
        checks.log_in(machine, password)
        checks.settings(machine, checks.UPDATE + checks.READ, checks.UPDATED)
        # Power is cut here: a confirmed update must survive that.

    with power_on(work, initramfs, disk) as machine:
        machine.boot()
        checks.log_in(machine, password)
        checks.settings(machine, checks.READ, checks.UPDATED)
        assert machine.run("cat /var/lib/es-iot/auth_password").encode() == password
        assert password not in machine.console.split(b"boot scripts are done")[0], "the password was shown a second time"
        machine.type("poweroff")
        off = machine.end()
        assert off < 5, f"power-off took {off:.1f} s"

    print(f"kernel start to first data packet: {seconds} s")
    print(f"packets in 20 s: {count}")
    print(f"test camera: {rate:.1f} pictures a second; {packets} RTP packets over UDP in 5 s, none missing")
    print(f"RSS of the daemon: {', '.join(f'{kb} kB with {clients} clients' for clients, kb in sizes.items())}")
    print(f"package size in an image: {root.package_bytes(work)} bytes")
    print(f"power-off: {off:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
