"""Boots the daemon from a disk with the images' partitions: the data partition in every condition, settings on the card, network
and time."""

import shutil
import sys
from pathlib import Path

import card_root
import checks
from card_machine import Card, Udp, has, has_not, password_works, sntp
from card_root import BOOT, DATA, MIB, Disk
from machine import REQUIRED

IN_MEMORY = "SETTINGS AND PASSWORD ARE IN MEMORY ONLY"


def first_boot(work, disk):
    """A blank data partition, on a card that is larger than the image."""
    disk.resize(256)
    with Card(work, disk) as machine:
        printed, _ = machine.boot()
        has(printed, r"/dev/vda3 grown from 16 to 191 MiB", r"/dev/vda3 was formatted", r"/dev/vda3 is mounted at /var/lib")
        has_not(printed, IN_MEMORY)
        # Without a serial number, the name is made of the network interface's address.
        has(printed, r"the host name is es-iot-123456")
        has(machine.run("hostname"), "^es-iot-123456$")
        has(machine.run("grep ' /var/lib ' /proc/mounts"), r"^/dev/vda3 /var/lib ext4 rw,nosuid,nodev,noexec,noatime")
        assert int(machine.run("df -m /var/lib | tail -n 1").split()[1]) > 160
        has(machine.run("ls -ld /var/lib/es-iot /var/lib/from-image"), r"drwxr-x--- .* es-iot +es-iot ")
        has(machine.run("blkid /dev/vda3"), 'LABEL="es-iot-data"')
        has(machine.run("/etc/init.d/S15es-iot-data status"), r"/dev/vda3 \(ext4\)")
        # The lines are in the system's log as well.
        has(machine.log(), r"daemon\.notice es-iot-data: /dev/vda3 was formatted", r"daemon\.info es-iot-card: the host name")
        machine.online()
        checks.settings(machine, checks.READ, checks.DEFAULTS)
        checks.settings(machine, checks.UPDATE + checks.READ, checks.UPDATED)
        network(machine)
        return machine.password


def network(machine):
    """The network's scripts: nothing is started twice, and only what was started is stopped."""
    script = "/etc/init.d/S40es-iot-network"
    has(machine.run(f"{script} status"), r"is running \(pid \d+\)", r"eth0: 10\.0\.2\.15/24")
    machine.run("start-stop-daemon -S -b -m -p /run/foreign.pid -x /bin/sleep -- 1000001")
    foreign = machine.run("cat /run/foreign.pid")
    first = machine.run("pidof udhcpc")
    # Interfaces that appear later are served.
    machine.run("ip link add wlan0 type dummy")
    machine.until("cat /var/log/messages", r"es-iot-network: wlan0: no Wi-Fi, because the card has no wpa_supplicant\.conf")
    machine.run("printf 'network={\\n}\\n' >/run/es-iot-card/wpa_supplicant.conf")
    machine.until("cat /run/wpa_supplicant-calls", r"^-s -i wlan0 -c /run/es-iot-card/wpa_supplicant\.conf$")
    machine.until("pidof udhcpc", r"^\d+ \d+$")
    wpa = machine.run("cat /run/es-iot-network/wpa_supplicant.wlan0.pid")
    assert first in machine.run("pidof udhcpc").split(), "the first udhcpc was replaced"
    machine.run(f"{script} restart")
    machine.until("pidof udhcpc", r"^(?!.*\b%s\b)\d+ \d+$" % first)
    machine.until(f"wc -l </run/wpa_supplicant-calls", "^2$")
    machine.run(f"! test -e /proc/{wpa}")
    machine.online()
    machine.run(f"{script} stop")
    assert machine.run("pidof udhcpc", fails=True) == ""
    machine.run("! grep -l '100000[2]' /proc/[0-9]*/cmdline 2>/dev/null")
    assert foreign in machine.run("pidof sleep").split(), "another program was stopped"
    has(machine.run(f"{script} status", fails=True), "is not running")
    machine.run(f"{script} start; ip link del wlan0")
    machine.online()


def second_boot(work, disk, password):
    """A power cut after a confirmed update."""
    with Card(work, disk) as machine:
        printed, _ = machine.boot()
        has(printed, r"/dev/vda3 is mounted at /var/lib")
        has_not(printed, "format", "grown", IN_MEMORY)
        assert machine.password == password
        machine.online()
        checks.settings(machine, checks.READ, checks.UPDATED)


def settings_on_the_card(work, disk):
    """Settings on the card apply. The superblock is lost, and what the partition holds is not."""
    log, ntp = Udp(), Udp(sntp)
    disk.data(1024, bytes(1024))
    disk.settings(
        # Byte order mark, Windows' line ends, and a password with spaces.
        conf=f"\ufeff# Settings\r\nHOSTNAME=cam-7\r\nNTP_SERVER=10.0.2.2\r\n\r\nSYSLOG_SERVER=\"10.0.2.2:{log.port}\"\r\nCOLOUR=red\r\n",
        server='\ufeff{"camera": {"source": "test", "width": 320, "height": 240}}\r\n',
        password=b"\xEF\xBB\xBF two  words \r\nsecond line\r\n",
        wpa="country=GB\r\nnetwork={\r\n ssid=\"x\"\r\n}\r\n",
        keys="ssh-ed25519 AAAA me\n",
    )
    with Card(work, disk, append=f"ntp_port={ntp.port}") as machine:
        printed, _ = machine.boot(b" two  words ")
        has(printed, r"superblock is lost and will be restored from its backup", r"/dev/vda3: the file system was repaired")
        has_not(printed, "formatted", IN_MEMORY, "two  words", "=red")
        has(printed, "the host name is cam-7", r"es-iot\.conf:6: unknown name COLOUR, ignored; allowed: HOSTNAME,")
        has(printed, r"server\.json on the card applies", r"password\.txt was removed from the card")
        assert "password.txt" not in disk.listed(), disk.listed()
        has(machine.run("hostname"), "^cam-7$")
        has(machine.run("ls -l /var/lib/es-iot/card_password"), r"^-rw------- .* es-iot +es-iot ")
        has(machine.run("cat /run/es-iot-card/environment"), r"^CONFIG_OVERLAY=/run/es-iot-card/base\.json:/run/es-iot-card/server\.json$")
        has(machine.run("ls -l /run/es-iot-card"), r"-rw------- .* authorized_keys", r"-rw------- .* wpa_supplicant\.conf")
        has(machine.run("ls -l /run/es-iot-card"), r"-rw-r----- .* root +es-iot .* server\.json")
        has_not(machine.run("cat /run/es-iot-card/wpa_supplicant.conf"), "\r")
        machine.run("! grep ' /run/es-iot-card/boot ' /proc/mounts")
        machine.online()
        checks.settings(machine, checks.READ, checks.UPDATED)
        password_works(machine, b" two  words ")
        machine.until("cat /var/log/messages", "camera: video is running")
        log.until(rb"cam-7 es-iot-server\[\d+\]: server: es-iot-server [\d.]+ starts|es-iot-server\[\d+\]: server: es-iot-server")
        # The clock began in 1970.
        machine.until("date +%Y", r"^20\d\d$")
        has(machine.log(), r"es-iot-ntpd: asking for the time: 10\.0\.2\.2")
        has_not(machine.log(), "two  words")
        dhcp_servers(machine)
        # A first partition that the image mounts elsewhere.
        machine.run("mkdir /run/firmware; mount -t vfat -o ro /dev/vda1 /run/firmware")
        has(machine.run("/etc/init.d/S16es-iot-card restart 2>&1"), r"server\.json on the card applies")
        machine.run("! grep ' /run/es-iot-card/boot ' /proc/mounts")


def dhcp_servers(machine):
    """Servers that DHCP names are used, unless the configuration has others. The daemon restarts only when they change."""
    hook = "ntpsrv='10.0.2.2 10.0.2.3' /usr/share/udhcpc/default.script.d/es-iot bound"
    first = machine.run("cat /run/es-iot-ntpd.pid")
    machine.run(hook)
    assert machine.run("cat /run/es-iot-ntpd.pid") == first
    machine.run("rm /run/es-iot-card/ntp /run/es-iot-ntpd/dhcp")
    machine.run(hook)
    second = machine.run("cat /run/es-iot-ntpd.pid")
    assert second != first
    machine.until(f"tr '\\0' ' ' </proc/{second}/cmdline; echo", r"ntpd -n -p 10\.0\.2\.2 -p 10\.0\.2\.3")
    machine.run(hook)
    assert machine.run("cat /run/es-iot-ntpd.pid") == second
    has(machine.run("/etc/init.d/S45es-iot-ntpd status"), r"is running \(pid \d+\): 10\.0\.2\.2 10\.0\.2\.3")


def power_cuts(work, disk):
    """The password is on the card or on the data partition, at whatever moment the power is cut."""
    for moment in [r"is mounted at /var/lib", r"the password in password\.txt applies", r"password\.txt was removed"]:
        password = f"cut at {moment[:12]}"
        disk.settings(password=password)
        with Card(work, disk) as machine:
            machine.expect(moment)
        with Card(work, disk) as machine:
            machine.boot(password.encode())
            machine.online()
            password_works(machine, password.encode())
        assert "password.txt" not in disk.listed()


def first_partition_in_trouble(work, disk):
    """Neither a partition that was not unmounted cleanly nor one that can't be written is in the password's way."""
    disk.settings(password="cleaned up\n")
    # The state byte of FAT16: 1 is dirty.
    disk.write(BOOT[0] * MIB + 37, b"\x01")
    with Card(work, disk) as machine:
        printed, _ = machine.boot(b"cleaned up")
        has(printed, r"the card's first partition was not unmounted cleanly: check it", r"password\.txt was removed from the card")
    disk.settings(password=" two  words \r\n")
    with Card(work, disk, append="read_only_boot") as machine:
        printed, _ = machine.boot(b" two  words ")
        has(printed, r"password\.txt stays on the card: its partition can't be written")
        machine.online()
        password_works(machine, b" two  words ")
    assert "password.txt" in disk.listed()


def invalid_settings(work, disk):
    """What is wrong on the card is refused, with the reason, and the rest applies. The stored password stays."""
    disk.settings(server='{"camera": {"widht": 320}}', password="pass\u00e4ge\n", conf="HOSTNAME=-x\nLOG_LEVEL=debug\n")
    with Card(work, disk) as machine:
        printed, _ = machine.boot(b" two  words ")
        has(printed, r"server\.json on the card is ignored: server\.json: unknown key camera\.widht; did you mean width\?")
        has(printed, r"es-iot\.conf:1: the value of HOSTNAME is ignored; allowed: 1 to 63 letters", "the host name is es-iot-123456")
        has(printed, r"password\.txt on the card is refused: its first line has characters that are not printable ASCII")
        has_not(printed, "pass\u00e4ge", "pass.ge")
        assert "password.txt" in disk.listed()
        has(machine.run("cat /run/es-iot-card/environment"), r"^CONFIG_OVERLAY=/run/es-iot-card/base\.json$")
        machine.online()
        password_works(machine, b" two  words ")
        checks.settings(machine, checks.READ, checks.UPDATED)
        machine.until("cat /var/log/messages", r"daemon\.debug es-iot-server")


def garbage(work, disk):
    """A data partition without a file system, and no network: neither delays the boot."""
    disk.settings(conf="RTSP_URL=rtsp://h/x\n")
    # Nothing is left of the backup superblocks.
    disk.resize(DATA[0])
    disk.resize(256)
    disk.data(0, b"\xA5" * (DATA[1] * MIB))
    with Card(work, disk, network=False) as machine:
        printed, seconds = machine.boot()
        has(printed, "/dev/vda3 was formatted", "the host name is es-iot$")
        assert seconds < 15, f"the boot scripts took {seconds} s"
        machine.run("es-iot-ctl watch --count 24")
        has(machine.run("/etc/init.d/S40es-iot-network status"), "is running")
        has(printed, "the video is published to the RTSP_URL")
        has(machine.run("es-iot-server --overlay /run/es-iot-card/base.json --print-config"), '"rtsp_url": "rtsp://h/x"')
    # Power is cut while the partition is formatted.
    disk.data(0, bytes(DATA[1] * MIB))
    disk.resize(DATA[0])
    disk.resize(256)
    with Card(work, disk, network=False) as machine:
        machine.expect("/dev/vda3 holds no file system and will be formatted")
    with Card(work, disk, network=False) as machine:
        printed, _ = machine.boot()
        has(printed, "/dev/vda3 is mounted at /var/lib")
    return seconds


def foreign(work, disk):
    """A file system that is not ours is left alone, and the device works without it."""
    disk.format_fat(DATA, "HOLIDAY")
    disk.settings(password="in memory\n", conf="RTSP_URL=rtsp://h:99999/x\n")
    before = disk.read(DATA[0] * MIB, DATA[1] * MIB)
    with Card(work, disk) as machine:
        printed, _ = machine.boot(b"in memory")
        has(printed, rf"/dev/vda3 holds something else \(vfat\), which is left untouched\. {IN_MEMORY}")
        has(printed, "RTSP_URL and LOG_LEVEL are ignored: ")
        has(printed, "password.txt applies, and stays on the card: the device's state is in memory only")
        has(machine.run("grep ' /var/lib ' /proc/mounts"), "^tmpfs ")
        machine.online()
        password_works(machine, b"in memory")
        checks.data_rate(machine, 5)
        # A blkid that knows few file systems, as BusyBox's without types.
        machine.run("printf '#!/bin/sh\\n' >/run/blkid; chmod +x /run/blkid; mount -o bind /run/blkid /sbin/blkid")
        machine.run("/etc/init.d/S60es-iot-server stop; umount /var/lib")
        has(machine.run("/etc/init.d/S15es-iot-data start"), r"holds something else \(vfat or a partition table\)", IN_MEMORY)
    assert disk.read(DATA[0] * MIB, DATA[1] * MIB) == before
    assert "password.txt" in disk.listed()


def in_memory(work, disk, *patterns, **options):
    """The data partition can't be used; the device works."""
    with Card(work, disk, **options) as machine:
        printed, _ = machine.boot(b" two  words ")
        has(printed, IN_MEMORY, *patterns)
        has(machine.run("/etc/init.d/S15es-iot-data status", fails=True), "in memory")
        machine.run("es-iot-ctl watch --count 24")


def damaged_password(work, disk):
    """A stored password that the daemon refuses does not stop it."""
    disk.settings()
    disk.resize(320)
    with Card(work, disk) as machine:
        printed, _ = machine.boot(b" two  words ")
        # A file system that exists grows with its partition.
        has(printed, r"/dev/vda3 grown from 191 to 255 MiB", r"the file system on /dev/vda3 was grown from 191 to 255 MiB")
        machine.online()
        password_works(machine, b" two  words ")
        checks.settings(machine, checks.READ, checks.UPDATED)
        machine.run("printf '\\377\\0' >/var/lib/es-iot/card_password; sync")
    with Card(work, disk) as machine:
        printed, _ = machine.boot()
        has(printed, r"the stored password is ignored: .*outside printable ASCII.*\. Put a new password\.txt on the card")
        machine.online()
        password_works(machine, machine.password)
        checks.settings(machine, checks.READ, checks.UPDATED)


def main(work):
    assert REQUIRED
    card_root.build(work)
    disk = Disk(work)
    password = first_boot(work, disk)
    keep = Disk.__new__(Disk)
    keep.work, keep.path = work, work / "card-kept.img"
    second_boot(work, disk, password)
    settings_on_the_card(work, disk)
    power_cuts(work, disk)
    first_partition_in_trouble(work, disk)
    shutil.copyfile(disk.path, keep.path)
    invalid_settings(work, disk)
    seconds = garbage(work, disk)
    foreign(work, disk)
    # A disk that is cut off, then write-protected, and then as it was: nothing was repaired to death.
    with open(keep.path, "rb") as file:
        file.seek(card_root.DISK_MIB * MIB)
        rest = file.read()
    keep.resize(card_root.DISK_MIB)
    in_memory(work, keep, "/dev/vda3 is smaller than its file system")
    keep.write(card_root.DISK_MIB * MIB, rest)
    in_memory(work, keep, "/dev/vda3 is write-protected", read_only=True)
    damaged_password(work, keep)
    print(f"boot scripts without network, with a data partition to format: done {seconds} s after the kernel's start")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
