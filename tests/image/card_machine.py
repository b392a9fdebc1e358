"""The machine of card.py, and what it talks to on this one: a syslog receiver and a time server."""

import re
import socket
import struct
import threading
import time

import checks
from machine import Machine, auth_request, exactly


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
        received = exactly(connection, len(checks.RIGHT))
    assert received == checks.RIGHT, received.hex(" ")
