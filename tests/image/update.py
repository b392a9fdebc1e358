"""Updates an A/B image in QEMU, with U-Boot and SWUpdate: good updates, bad ones, and power cuts."""

import sys
from pathlib import Path

import ab
import checks
from machine import Machine


def power_on(work, card, extra):
    arguments = [
        "-M", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "256", "-serial", "stdio",
        "-bios", str(work / "update-host/usr/lib/u-boot/qemu_arm64/u-boot.bin"),
        # Devices are named in the reverse order of their appearance on virtio-mmio.
        "-drive", f"file={extra},format=raw,if=none,id=extra,readonly=on", "-device", "virtio-blk-device,drive=extra",
        "-drive", f"file={card},format=raw,if=none,id=card,cache=writethrough", "-device", "virtio-blk-device,drive=card",
    ]
    return Machine(work, arguments, "virtio-net-device,netdev=n0", None)


def status(machine):
    return machine.run("es-iot-update status").splitlines()


def settings(machine, request, reply):
    """Once DHCP has brought the address."""
    machine.until("ip -4 addr show dev eth0", r"inet 10\.0\.2\.15/24")
    checks.settings(machine, request, reply)


def reboot(machine):
    machine.type("reboot")
    machine.end()


def refusals(machine):
    """Updates that must not be installed. The slot in use stays in use."""
    machine.run("mount -t ext4 -o ro /dev/vdb /mnt")
    for name, reason in [
        ("stranger", "Authentication of all signatures failed"),
        ("unsigned", "Image invalid or corrupted"),
        ("other-board", "not compatible with hardware"),
        ("cut", "HASH mismatch"),
        ("no-kernel", "the update has no kernel in /boot"),
    ]:
        printed = machine.run(f"es-iot-update /mnt/{name}.swu 2>&1; [ $? = 1 ]")
        assert reason in printed and "this version stays in use" in printed, f"{name}: {printed}"
        assert status(machine) == ["running: slot a, version one", "next boot: slot a"], name


def main(work):
    ours, stranger = ab.signer(work, "ours"), ab.signer(work, "stranger")
    one = ab.file_system(work, "one", ours[0])
    two = ab.file_system(work, "two", ours[0])
    broken = ab.file_system(work, "broken", ours[0], "daemon")
    empty = ab.file_system(work, "no-kernel", ours[0], "kernel")
    updates = [
        ab.make_update(work, "two", two, ours),
        ab.make_update(work, "stranger", two, stranger),
        ab.make_update(work, "broken", broken, ours),
        ab.make_update(work, "other-board", two, ours, "other-board"),
        ab.make_update(work, "no-kernel", empty, ours),
    ]
    whole = updates[0].read_bytes()
    cut, unsigned = work / "cut.swu", work / "unsigned.swu"
    cut.write_bytes(whole[: len(whole) // 2])
    # The signature's name in the archive is changed, so that the file lacks it.
    unsigned.write_bytes(whole.replace(b"sw-description.sig", b"sw-description.gis", 1))
    card, extra = ab.card(work, one), ab.extra_disk(work, [*updates, cut, unsigned])

    with power_on(work, card, extra) as machine:
        machine.boot()
        password = machine.password
        settings(machine, checks.UPDATE + checks.READ, checks.UPDATED)
        refusals(machine)
        # Power is cut while the other slot is written.
        machine.type("es-iot-update /mnt/two.swu & sleep 4; echo half'way'")
        machine.expect("halfway")

    with power_on(work, card, extra) as machine:
        machine.boot()
        assert status(machine) == ["running: slot a, version one", "next boot: slot a"]
        assert "incomplete update" in machine.run("es-iot-update back 2>&1; [ $? = 1 ]")
        print(machine.run("es-iot-update /mnt/two.swu").splitlines()[-1])
        assert status(machine)[1] == "next boot: slot b on trial"
        reboot(machine)

    with power_on(work, card, extra) as machine:
        machine.boot()
        machine.until("grep es-iot-update: /var/log/messages", "version two is confirmed and in use")
        assert status(machine) == ["running: slot b, version two", "next boot: slot b"]
        assert machine.password == password
        settings(machine, checks.READ, checks.UPDATED)

    with power_on(work, card, extra) as machine:
        machine.boot()
        assert status(machine) == ["running: slot b, version two", "next boot: slot b"]
        machine.run("es-iot-update /mnt/broken.swu")
        reboot(machine)

    with power_on(work, card, extra) as machine:
        machine.expect("boot scripts are done")
        # The daemon does not run: the device restarts on its own, into the former version.
        machine.end(patience_s=120)

    with power_on(work, card, extra) as machine:
        machine.boot()
        assert status(machine) == ["running: slot b, version two", "next boot: slot b"]
        settings(machine, checks.READ, checks.UPDATED)
        machine.run("es-iot-update /mnt/broken.swu")

    with power_on(work, card, extra) as machine:
        # Power is cut during the trial.
        machine.expect("boot scripts are done")

    with power_on(work, card, extra) as machine:
        machine.boot()
        assert status(machine) == ["running: slot b, version two", "next boot: slot b"]
        assert machine.password == password
    print("refused 5 faulty updates; 1 good one confirmed, 1 broken one left twice, settings and password kept")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
