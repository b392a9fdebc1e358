"""The checks of every machine from outside: the services' bytes, the rate, the log, the user, the script."""

import re
import time

from machine import exactly

READ = bytes.fromhex("00FF02010000FC")
DEFAULTS = bytes.fromhex("00FF0200000964010A0A0A7F000000E4")
UPDATE = bytes.fromhex("00FF0201000664400F0C0A7FA8")
UPDATED = bytes.fromhex("00FF0200000964400F0C0A7F000000A6")
WRONG_PASSWORD = bytes.fromhex("00FF00010004" + "31313131" + "FA")
WRONG = bytes.fromhex("00FF00020000FD")


def auth_request(password):
    packet = bytes.fromhex("00FF0001") + len(password).to_bytes(2, "big") + password
    checksum = 0
    for byte in packet:
        checksum ^= byte
    return packet + bytes([checksum])


def settings(machine, request, reply):
    with machine.connect(machine.settings) as connection:
        connection.sendall(request)
        received = exactly(connection, len(reply))
        assert received == reply, received.hex(" ")


def authentication(machine, password):
    for request, reply in [(WRONG_PASSWORD, WRONG), (auth_request(password), bytes.fromhex("00FF000000057265616479" "91"))]:
        with machine.connect(machine.auth) as connection:
            connection.sendall(request)
            received = exactly(connection, len(reply))
            assert received == reply, received.hex(" ")
            assert connection.recv(1) == b"", "one request per connection"


def data_rate(machine, seconds=20, slack=3, tries=3):
    """Counts packets in a span of the host's clock. A busy host starves the machine of CPU time, so this may be retried.
    A daemon with a wrong rate fails every time."""
    for left in reversed(range(tries)):
        count = packets_in(machine, seconds)
        if abs(count - 24 * seconds) <= slack:
            return count
        print(f"{count} packets in {seconds} s, not {24 * seconds} +- {slack}; {left} more tries")
    raise AssertionError("the rate is wrong")


def packets_in(machine, seconds):
    with machine.connect(machine.data) as connection:
        exactly(connection, 16)
        began = time.monotonic()
        count = 0
        while time.monotonic() - began < seconds:
            packet = exactly(connection, 16)
            assert packet[:6] == bytes.fromhex("00FF01000009") and packet[6] <= 10, packet.hex(" ")
            checksum = 0
            for byte in packet[:15]:
                checksum ^= byte
            assert checksum == packet[15], packet.hex(" ")
            count += 1
    return count


def pid(machine):
    return machine.run("cat /var/run/es-iot-server.pid")


def log(machine):
    """Checks that the guest's syslog has the daemon's lines, with facility, severity and tag."""
    text = machine.run("grep es-iot-server /var/log/messages | head -n 40")
    assert re.search(r"daemon\.info es-iot-server\[\d+\]: server: es-iot-server [\d.]+ starts", text), text
    assert re.search(r"daemon\.warn(ing)? es-iot-server\[\d+\]: auth: ", text), text


def process(machine):
    """Checks the number of threads and the user."""
    status = machine.run(f"cat /proc/{pid(machine)}/status")
    field = lambda name: re.search(rf"^{name}:\s*(.*)$", status, re.M).group(1).split()
    assert field("Threads") == ["1"], status
    uid = machine.run("id -u es-iot")
    assert field("Uid") == [uid] * 4 and uid != "0", status


def rss_kb(machine, clients):
    """The daemon's resident set with this many subscribers."""
    connections = [machine.connect(machine.data) for _ in range(clients)]
    for connection in connections:
        exactly(connection, 16)
    text = machine.run(f"grep VmRSS /proc/{pid(machine)}/status")
    for connection in connections:
        connection.close()
    return int(re.search(r"(\d+) kB", text).group(1))


def script(machine):
    """Checks start, status, restart, reload and stop, and the restart after a kill -9."""
    service = "/etc/init.d/S60es-iot-server"
    first = pid(machine)
    assert f"running (pid {first})" in machine.run(f"{service} status")
    machine.run(f"{service} reload")
    machine.until("grep -c 'configuration reread' /var/log/messages", r"^[1-9]")
    assert pid(machine) == first, "a reload is not a restart"
    machine.run(f"{service} restart")
    second = pid(machine)
    assert second != first
    machine.run(f"kill -9 {second}")
    machine.until(f"{service} status", r"is running \(pid (?!%s\))" % second)
    machine.run(f"{service} stop")
    assert machine.run("pidof es-iot-server", fails=True) == ""
    assert machine.run("pidof rpicam-vid", fails=True) == "", "no camera is left"
    assert "not running" in machine.run(f"{service} status", fails=True)
    machine.run(f"{service} start")
    assert pid(machine) != second


def camera(machine):
    """Checks that the stand-in is supervised: started, and restarted when it dies."""
    machine.until("cat /var/log/messages", r"camera: video is running", 90)
    before = machine.run("pidof rpicam-vid")
    machine.run("killall -9 rpicam-vid")
    machine.until("cat /var/log/messages", r"camera\.process: the camera crashed with signal 9")
    machine.until("pidof rpicam-vid", rf"^(?!{before}$)\d+$")
