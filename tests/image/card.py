"""Boots the daemon from a disk with the images' partitions: the data partition in every condition, settings on the card, network
and time."""

import re
import shutil
import socket
import struct
import sys
import threading
import time
from pathlib import Path

import card_root
import checks
from card_root import DATA, MIB, Disk
from machine import REQUIRED, Machine, auth_request, exactly

IN_MEMORY = "SETTINGS AND PASSWORD ARE IN MEMORY ONLY"


class Card(Machine):
    """A machine with a disk."""

    def __init__(self, work, disk, network=True, append="", read_only=False):
        kernel = next((work / "arm64/boot").glob("vmlinuz-*cloud*"))
        drive = f"file={disk.path},format=raw,if=virtio,cache=writethrough"
        arguments = [
            "-M", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "256", "-serial", "stdio", "-rtc", "base=1970-01-01",
            "-kernel", str(kernel), "-initrd", str(work / "card.cpio.gz"),
            "-drive", drive + (",readonly=on" if read_only else ""),
        ]
        device = "virtio-net-pci,netdev=n0,romfile=" if network else None
        super().__init__(work, arguments, device, f"console=ttyAMA0 quiet panic=-1 {append}")

    def boot(self, password=None):
        """Waits for the shell. Returns what the boot printed and how long it took."""
        began = self.read_to
        seconds = float(self.expect(r"boot scripts are done after ([\d.]+) s").group(1))
        printed = self.console.decode(errors="replace").replace("\r", "")[began:self.read_to]
        self.type("stty -echo; PS1=; PS2=")
        self.run("true")
        self.password = password or self.run("cat /var/lib/es-iot/auth_password").encode()
        return printed, seconds

    def log(self):
        return self.run("cat /var/log/messages")

    def online(self):
        """Waits for the address that DHCP brings."""
        self.until("ip -4 addr show dev eth0", r"inet 10\.0\.2\.15/24")


def has(text, *patterns):
    for pattern in patterns:
        assert re.search(pattern, text, re.M), f"{pattern!r} is not in:\n{text}"


def has_not(text, *patterns):
    for pattern in patterns:
        assert not re.search(pattern, text, re.M), f"{pattern!r} is in:\n{text}"


class Udp:
    """A UDP socket of this machine, which the guest reaches as 10.0.2.2. Keeps what arrives, and answers if `answer` is given."""

    def __init__(self, answer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer = answer
        self.received = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(65536)
            self.received.append(packet)
            if self.answer:
                self.socket.sendto(self.answer(packet), client)

    def until(self, pattern, patience_s=60):
        deadline = time.monotonic() + patience_s
        while not any(re.search(pattern, packet) for packet in self.received):
            assert time.monotonic() < deadline, f"{pattern!r} did not arrive; received: {self.received}"
            time.sleep(0.1)


def sntp(packet):
    """Answers with this machine's time (RFC 5905: leap 0, version 4, server; stratum 1)."""
    assert len(packet) == 48 and packet[0] & 7 == 3, packet.hex(" ")
    now = int(time.time()) + 2_208_988_800
    return struct.pack(">BBbb", 0x24, 1, 6, -20) + bytes(36) + struct.pack(">II", now, 0)


def password_works(machine, password):
    with machine.connect(machine.auth) as connection:
        connection.sendall(auth_request(password))
        received = exactly(connection, 6)
    assert received == checks.RIGHT, received.hex(" ")


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
    disk.settings()
    disk.data(0, b"\xA5" * (DATA[1] * MIB))
    with Card(work, disk, network=False) as machine:
        printed, seconds = machine.boot()
        has(printed, "/dev/vda3 was formatted", "the host name is es-iot$")
        assert seconds < 15, f"the boot scripts took {seconds} s"
        machine.run("es-iot-ctl watch --count 24")
        has(machine.run("/etc/init.d/S40es-iot-network status"), "is running")
        return seconds


def foreign(work, disk):
    """A file system that is not ours is left alone, and the device works without it."""
    disk.format_fat(DATA, "HOLIDAY")
    disk.settings(password="in memory\n")
    before = disk.read(DATA[0] * MIB, DATA[1] * MIB)
    with Card(work, disk) as machine:
        printed, _ = machine.boot(b"in memory")
        has(printed, rf"/dev/vda3 holds something else \(vfat\), which is left untouched\. {IN_MEMORY}")
        has(printed, "password.txt applies, and stays on the card: the device's state is in memory only")
        has(machine.run("grep ' /var/lib ' /proc/mounts"), "^tmpfs ")
        machine.online()
        password_works(machine, b"in memory")
        checks.data_rate(machine, 5)
    assert disk.read(DATA[0] * MIB, DATA[1] * MIB) == before
    assert "password.txt" in disk.listed()


def in_memory(work, disk, *patterns, **options):
    """The data partition can't be used; the device works."""
    with Card(work, disk, **options) as machine:
        printed, _ = machine.boot()
        has(printed, IN_MEMORY, *patterns)
        has(machine.run("/etc/init.d/S15es-iot-data status", fails=True), "in memory")
        machine.run("es-iot-ctl watch --count 24")


def main(work):
    assert REQUIRED
    card_root.build(work)
    disk = Disk(work)
    password = first_boot(work, disk)
    keep = Disk.__new__(Disk)
    keep.work, keep.path = work, work / "card-kept.img"
    second_boot(work, disk, password)
    settings_on_the_card(work, disk)
    shutil.copyfile(disk.path, keep.path)
    invalid_settings(work, disk)
    seconds = garbage(work, disk)
    foreign(work, disk)
    keep.resize(card_root.DISK_MIB)
    in_memory(work, keep, "/dev/vda3")
    keep.resize(256)
    in_memory(work, keep, "/dev/vda3 is write-protected", read_only=True)
    print(f"boot scripts without network, with a data partition to format: done {seconds} s after the kernel's start")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
