"""A QEMU machine: console, ports, power."""

import json
import os
import re
import select
import socket
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# Whether clients on other hosts, as this one is for the machine, have to give the password.
REQUIRED = json.loads((REPOSITORY / "config/server.json").read_text())["auth"]["required"]

# Long enough for a busy host.
PATIENCE_S = 240


def free_ports(count):
    """Returns ports that were free a moment ago."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


class Machine:
    """A running machine. Its console is a root shell once the boot scripts are done, and its password is known then."""

    def __init__(self, work, arguments, device, append):
        self.data, self.settings, self.auth, self.video, self.http = free_ports(5)
        ports = [(self.data, 5000), (self.settings, 5001), (self.auth, 5002), (self.video, 8554), (self.http, 8080)]
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-10.0.2.15:{there}" for here, there in ports)
        # Not restrict=on, which drops the guest's UDP packets: the video needs them. Without a route, the guest reaches only
        # QEMU's own network, whose 10.0.2.2 is this machine's loopback.
        command = [
            str(work / "qemu-system-aarch64"), "-display", "none", "-monitor", "none", "-no-reboot",
            *arguments, *(["-append", append] if append else []),
        ]
        command += ["-netdev", f"user,id=n0{forwards}", "-device", device] if device else ["-nic", "none"]
        self.console = b""
        self.read_to = 0
        self.password = None
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cut_power()

    def cut_power(self):
        """Cuts the power: ends the machine without a shutdown."""
        self.process.kill()
        self.process.wait()

    def expect(self, pattern, patience_s=PATIENCE_S):
        """Waits until the console shows `pattern` after the previous match. Returns the new match."""
        deadline = time.monotonic() + patience_s
        while True:
            text = self.console.decode(errors="replace").replace("\r", "")
            match = re.compile(pattern).search(text, self.read_to)
            if match:
                self.read_to = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"{pattern!r} did not appear on the console:\n{text[-6000:]}")

    def read(self, patience_s):
        """Reads more console output. Returns False at its end or on a time-out."""
        fd = self.process.stdout.fileno()
        if not select.select([fd], [], [], patience_s)[0]:
            return False
        more = os.read(fd, 65536)
        self.console += more
        return bool(more)

    def type(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def boot(self):
        """Waits for the shell."""
        self.expect("boot scripts are done")
        self.type("stty -echo; PS1=; PS2=")
        self.run("true")
        self.password = self.run("cat /var/lib/es-iot/auth_password").encode()

    def run(self, command, fails=False):
        """Runs a command in the shell and returns its output."""
        # The quotes hide the marks in the console's echo of the command.
        self.type(f"echo '<'begin'>'; {{ {command}; }}; echo '<'status $?'>'")
        self.expect("<begin>\n")
        match = self.expect(r"((?:.|\n)*?)<status (\d+)>\n")
        printed = match.group(1).strip()
        if not fails:
            assert match.group(2) == "0", f"{command}: status {match.group(2)}: {printed}"
        return printed

    def until(self, command, pattern, patience_s=60):
        """Repeats a command until its output matches."""
        deadline = time.monotonic() + patience_s
        while True:
            printed = self.run(command, fails=True)
            match = re.search(pattern, printed)
            if match:
                return match
            assert time.monotonic() < deadline, f"the output of {command} does not match {pattern!r}: {printed}"
            time.sleep(0.2)

    def connect(self, port):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def give_password(self):
        """Gives the password, if the configuration requires it. The ports then admit this host, for a minute at least."""
        if REQUIRED:
            with self.connect(self.auth) as connection:
                connection.sendall(auth_request(self.password))
                reply = exactly(connection, 6)
                assert reply[3] == 0, f"the password was rejected: {reply.hex(' ')}"

    def admitted(self, port):
        """Connects as a client that has given the password."""
        self.give_password()
        return self.connect(port)

    def end(self, patience_s=60):
        """Waits for the machine to power off and returns the time that took."""
        began = time.monotonic()
        while self.read(patience_s):
            pass
        self.process.wait(patience_s)
        return time.monotonic() - began


def auth_request(password):
    """Returns the packet that gives this password."""
    packet = bytes([0, 0xFF, 0, 1]) + len(password).to_bytes(2, "big") + password
    checksum = 0
    for byte in packet:
        checksum ^= byte
    return packet + bytes([checksum])


def exactly(connection, count):
    """Reads `count` bytes."""
    received = b""
    while len(received) < count:
        more = connection.recv(count - len(received))
        assert more, f"the connection was closed after {received.hex(' ')}"
        received += more
    return received
