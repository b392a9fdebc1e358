"""Boots the same daemon and root on QEMU's Raspberry Pi 3, with the Pi's device tree: four cores, USB network, no RTC."""

import sys
from pathlib import Path

import checks
import root
import video
from machine import Machine

MODULES = ["phy_generic", "dwc2", "usbnet", "cdc_ether", "bcm2835_wdt", "ext4"]


def main(work):
    kernel_root = work / "arm64-full"
    initramfs = root.build(work, "raspi3b", MODULES, "usb0", kernel_root)
    device_tree = next(kernel_root.rglob("bcm2837-rpi-3-b.dtb"))
    arguments = [
        "-M", "raspi3b", "-m", "1G", "-serial", "null", "-serial", "stdio",
        "-kernel", str(next((kernel_root / "boot").glob("vmlinuz-*"))), "-initrd", str(initramfs),
        "-dtb", str(device_tree),
    ]
    with Machine(work, arguments, "usb-net,netdev=n0", "console=ttyS1,115200 quiet panic=-1") as machine:
        seconds = machine.expect(r"first packet at ([\d.]+) s").group(1)
        machine.boot()
        assert "Raspberry Pi 3" in machine.run("cat /proc/device-tree/model; echo")
        checks.log(machine)
        checks.process(machine)
        checks.authentication(machine, machine.run("cat /var/lib/es-iot/auth_password").encode())
        checks.settings(machine, checks.READ, checks.DEFAULTS)
        count = checks.data_rate(machine)
        checks.camera(machine)
        video.camera(machine, root.CAMERA_SIZE)
        checks.script(machine)
        machine.type("reboot")
        off = machine.end(120)
    print(f"kernel start to first data packet: {seconds} s")
    print(f"packets in 20 s: {count}")
    print(f"reboot: {off:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
