"""Checks common to all machines: the services' bytes, the data rate, the log, the process, the init script."""

import pathlib
import re
import time

from machine import exactly

# A title, two spaces or more, the bytes.
GOLDEN = dict(
    re.split("  +", line)
    for line in (pathlib.Path(__file__).parent / "../golden/vectors.txt").read_text().splitlines()
)


def golden(title):
    return bytes.fromhex(GOLDEN[title])


READ = golden("settings read")
DEFAULTS = golden("settings reply, defaults")
UPDATE = golden("settings update")
UPDATED = golden("settings reply, updated")
WRONG_PASSWORD = golden("auth request, 1111")
WRONG = golden("auth reply, wrong")
RIGHT = golden("auth reply, right")
DATA = golden("data, value 5 at 0x0000018B23456789 ms")


def auth_request(password):
    packet = WRONG_PASSWORD[:4] + len(password).to_bytes(2, "big") + password
    checksum = 0
    for byte in packet:
        checksum ^= byte
    return packet + bytes([checksum])


def settings(machine, request, reply):
    with machine.connect(machine.settings) as connection:
        connection.sendall(request)
        received = exactly(connection, len(reply))
        assert received == reply, received.hex(" ")


def closed(machine):
    """As installed, clients on the network need the password: this machine is none of the guest's loopback."""
    for port in [machine.data, machine.settings]:
        with machine.connect(port) as connection:
            received = exactly(connection, 8)
            assert received[3:7] == b"\2\0\1\4", received.hex(" ")
            assert connection.recv(1) == b"", "the server did not close after its refusal"


def attempt(machine, request, reply):
    with machine.connect(machine.auth) as connection:
        connection.sendall(request)
        received = exactly(connection, len(reply))
        assert received == reply, received.hex(" ")
        assert connection.recv(1) == b"", "the server did not close after one request"


def log_in(machine, password):
    """Gets a grant, and keeps it: until the daemon ends, an idle connection stays open."""
    attempt(machine, auth_request(password), RIGHT)
    machine.granted = machine.connect(machine.settings)


def authentication(machine, password):
    """The data and settings ports take clients once these have given the password."""
    closed(machine)
    attempt(machine, WRONG_PASSWORD, WRONG)
    closed(machine)
    log_in(machine, password)


def data_rate(machine, seconds=20, slack=3, tries=3):
    """Counts packets over a period of the host's clock. A busy host can slow the machine down, so the check is retried; a
    daemon with a wrong rate fails every time."""
    for left in reversed(range(tries)):
        count = packets_in(machine, seconds)
        if abs(count - 24 * seconds) <= slack:
            return count
        print(f"{count} packets in {seconds} s, expected {24 * seconds} +- {slack}; {left} tries left")
    raise AssertionError("wrong data rate")


def packets_in(machine, seconds):
    with machine.connect(machine.data) as connection:
        exactly(connection, 16)
        began = time.monotonic()
        count = 0
        while time.monotonic() - began < seconds:
            packet = exactly(connection, 16)
            assert packet[:6] == DATA[:6] and packet[6] <= 10, packet.hex(" ")
            checksum = 0
            for byte in packet[:15]:
                checksum ^= byte
            assert checksum == packet[15], packet.hex(" ")
            count += 1
    return count


def pid(machine):
    return machine.run("cat /var/run/es-iot-server.pid")


def log(machine):
    """The guest's syslog contains the daemon's lines, with facility, severity and tag."""
    text = machine.run("grep es-iot-server /var/log/messages | head -n 40")
    assert re.search(r"daemon\.info es-iot-server\[\d+\]: server: es-iot-server [\d.]+ starts", text), text
    assert re.search(r"daemon\.warn(ing)? es-iot-server\[\d+\]: auth: ", text), text


def process(machine):
    """The daemon has one thread and runs as its user."""
    status = machine.run(f"cat /proc/{pid(machine)}/status")
    field = lambda name: re.search(rf"^{name}:\s*(.*)$", status, re.M).group(1).split()
    assert field("Threads") == ["1"], status
    uid = machine.run("id -u es-iot")
    assert field("Uid") == [uid] * 4 and uid != "0", status


def rss_kb(machine, clients):
    """Returns the daemon's resident set size with this many subscribers."""
    connections = [machine.connect(machine.data) for _ in range(clients)]
    for connection in connections:
        exactly(connection, 16)
    text = machine.run(f"grep VmRSS /proc/{pid(machine)}/status")
    for connection in connections:
        connection.close()
    return int(re.search(r"(\d+) kB", text).group(1))


def script(machine):
    """start, status, restart, reload and stop work, and the daemon is restarted after kill -9."""
    service = "/etc/init.d/S60es-iot-server"
    first = pid(machine)
    assert f"running (pid {first})" in machine.run(f"{service} status")
    machine.run(f"{service} reload")
    machine.until("grep -c 'configuration reread' /var/log/messages", r"^[1-9]")
    assert pid(machine) == first, "the reload restarted the daemon"
    machine.run(f"{service} restart")
    second = pid(machine)
    assert second != first
    machine.run(f"kill -9 {second}")
    machine.until(f"{service} status", r"is running \(pid (?!%s\))" % second)
    machine.run(f"{service} stop")
    assert machine.run("pidof es-iot-server", fails=True) == ""
    assert machine.run("pidof rpicam-vid", fails=True) == "", "a camera process is left"
    assert "not running" in machine.run(f"{service} status", fails=True)
    machine.run(f"{service} start")
    assert pid(machine) != second


def camera(machine):
    """The camera stand-in is supervised: started, and restarted when it dies."""
    machine.until("cat /var/log/messages", r"camera: video is running", 90)
    before = machine.run("pidof rpicam-vid")
    machine.run("killall -9 rpicam-vid")
    machine.until("cat /var/log/messages", r"camera\.process: the camera crashed with signal 9")
    machine.until("pidof rpicam-vid", rf"^(?!{before}$)\d+$")
