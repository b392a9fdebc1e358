"""A QEMU machine: console, ports, power."""

import os
import re
import select
import socket
import subprocess
import time

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
    """A running machine. Its console is a root shell once the boot scripts are done."""

    def __init__(self, work, arguments, device, append):
        self.data, self.settings, self.auth, self.video = free_ports(4)
        forwards = "".join(
            f",hostfwd=tcp:127.0.0.1:{here}-10.0.2.15:{there}"
            for here, there in [(self.data, 5000), (self.settings, 5001), (self.auth, 5002), (self.video, 8554)]
        )
        # Not restrict=on, which drops the guest's UDP packets: the video needs them. Without a route, the guest reaches only
        # QEMU's own network, whose 10.0.2.2 is this machine's loopback.
        command = [
            str(work / "qemu-system-aarch64"), "-display", "none", "-monitor", "none", "-no-reboot",
            *arguments, "-append", append,
            "-netdev", f"user,id=n0{forwards}", "-device", device,
        ]
        self.console = b""
        self.read_to = 0
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

    def end(self, patience_s=60):
        """Waits for the machine to power off and returns the time that took."""
        began = time.monotonic()
        while self.read(patience_s):
            pass
        self.process.wait(patience_s)
        return time.monotonic() - began


def exactly(connection, count):
    """Reads `count` bytes."""
    received = b""
    while len(received) < count:
        more = connection.recv(count - len(received))
        assert more, f"the connection was closed after {received.hex(' ')}"
        received += more
    return received
