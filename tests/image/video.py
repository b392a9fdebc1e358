"""Checks of the video: pictures decoded by this machine's ffmpeg (RTSP over TCP), and RTP packets over UDP."""

import contextlib
import json
import os
import re
import select
import socket
import subprocess
import time

PATH = "ES_MTX"
CONFIGURATION = "/etc/es-iot/server.json"

# A line of ffmpeg's filter showinfo, which reports each decoded picture. The mean is the luma's.
PICTURE = re.compile(r"\bpts_time:\s*(\S+) .*\bs:(\d+x\d+) .*\biskey:(\d) .*\bmean:\[(\d+)")

# The size of the test picture, by default.
TEST_SIZE = "640x480"

# A slate is dark, and neither the test picture nor the camera's clip is.
DARK_LUMA = 70
# A slate is drawn anew, as a key picture, once a second; pictures that repeat it may stand between.
SLATE_KEYS_S = (0.7, 1.6)


class Picture:
    """A decoded picture: its time in the stream in seconds, its size, whether it is a key picture, its mean luma."""

    def __init__(self, match):
        self.time = float(match.group(1))
        self.size = match.group(2)
        self.key = match.group(3) == "1"
        self.luma = int(match.group(4))

    def __repr__(self):
        return f"{self.time:.3f} {self.size}{' key' if self.key else ''} luma {self.luma}"


def spacing(pictures):
    """Returns the seconds between the pictures."""
    return [after.time - before.time for before, after in zip(pictures, pictures[1:])]


class Viewer:
    """An ffmpeg that decodes the video. Any error that it logs fails the test, as does the end of the video."""

    def __init__(self, machine):
        machine.give_password()
        command = [
            # One thread: more of them would hold back as many pictures.
            "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "level+info", "-threads", "1",
            "-rtsp_transport", "tcp", "-i", f"rtsp://127.0.0.1:{machine.video}/{PATH}",
            # Every picture as it comes. RTP's time base: in one of 1/24 s, pictures that are not quite regular would collide.
            "-vf", "showinfo", "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "null", "-",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.lines = []
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def fail(self, reason):
        raise AssertionError(f"{reason}; ffmpeg's last lines:\n" + "\n".join(self.lines[-30:]))

    def picture(self, deadline):
        """Waits for the next picture."""
        while True:
            while b"\n" in self.left:
                line, self.left = self.left.split(b"\n", 1)
                # Progress reports end in a carriage return.
                line = line.decode(errors="replace").rsplit("\r", 1)[-1]
                self.lines.append(line)
                if re.search(r"\[(error|fatal|panic)\]", line):
                    self.fail("ffmpeg reports an error")
                match = PICTURE.search(line)
                if match:
                    return Picture(match)
            fd = self.process.stderr.fileno()
            if not select.select([fd], [], [], max(0, deadline - time.monotonic()))[0]:
                self.fail("no picture in time")
            more = os.read(fd, 65536)
            if not more:
                self.fail("the video ended")
            self.left += more

    def pictures(self, count, patience_s=90):
        """Returns the next `count` pictures."""
        deadline = time.monotonic() + patience_s
        return [self.picture(deadline) for _ in range(count)]

    def keys(self, count, patience_s=90):
        """Returns the next `count` key pictures, and the pictures between them."""
        deadline = time.monotonic() + patience_s
        pictures = []
        while sum(picture.key for picture in pictures) < count:
            pictures.append(self.picture(deadline))
        return [picture for picture in pictures if picture.key], pictures

    def until(self, wanted, count, only_keys=False, patience_s=90):
        """Skips pictures until `count` successive ones, or key pictures, are wanted. Returns these."""
        deadline = time.monotonic() + patience_s
        found = []
        while len(found) < count or not wanted(found):
            picture = self.picture(deadline)
            if picture.key or not only_keys:
                found = [*found, picture][-count:]
        return found


def is_camera(pictures):
    """Whether these are pictures of a camera."""
    return all(picture.luma > DARK_LUMA for picture in pictures)


def is_slate(keys):
    """Whether these key pictures are slates: dark, and about one a second."""
    least, most = SLATE_KEYS_S
    return all(least < seconds < most for seconds in spacing(keys)) and all(key.luma < DARK_LUMA for key in keys)


def configure(machine, camera):
    """Reloads with a configuration of these `camera` keys alone."""
    text = json.dumps({"camera": camera})
    machine.run(f"echo '{text}' >{CONFIGURATION}")
    machine.run("/etc/init.d/S60es-iot-server reload")


@contextlib.contextmanager
def test_picture(machine):
    """With the test picture for a camera. Restores the installed configuration."""
    shipped = f"{CONFIGURATION}.shipped"
    machine.run(f"cp -p {CONFIGURATION} {shipped}")
    logged = int(machine.run("wc -l </var/log/messages"))
    configure(machine, {"source": "test"})
    # Until then, the size may change, which ends viewers.
    machine.until(f"tail -n +{logged + 1} /var/log/messages", "camera: video is running", 90)
    yield TEST_SIZE
    machine.run(f"mv {shipped} {CONFIGURATION}")
    machine.run("/etc/init.d/S60es-iot-server reload")


def camera(machine, size):
    """A new viewer sees the camera: the first picture is a key picture, and so is one in each second. Slates may come first,
    if the camera has just been started."""
    with Viewer(machine) as viewer:
        pictures = viewer.until(is_camera, 1) + viewer.pictures(47)
    keys = [number for number, picture in enumerate(pictures) if picture.key]
    assert keys[0] == 0 and len(keys) >= 2 and max(b - a for a, b in zip(keys, keys[1:])) <= 24, (keys, pictures)
    assert {picture.size for picture in pictures} == {size} and is_camera(pictures), pictures
    # ffmpeg may not know the time of the first picture.
    seconds = pictures[-1].time - pictures[1].time
    # Slower than 24 Hz only if the emulated core is too slow.
    assert 1.8 < seconds < 6, pictures
    return 46 / seconds


def slate(machine):
    """Viewers stay when the test picture goes. They see slates of the same size, as do new viewers, and then the picture again."""
    size = TEST_SIZE
    rate = camera(machine, size)
    with Viewer(machine) as viewer:
        viewer.until(is_camera, 12)
        configure(machine, {"source": "command", "command": ["/usr/bin/no-such-camera"]})
        seen = viewer.until(is_slate, 4, only_keys=True)
        assert {picture.size for picture in seen} == {size}, seen
        with Viewer(machine) as second:
            # ffmpeg may not know the time of a viewer's first picture.
            (_, *keys), pictures = second.keys(5)
            assert pictures[0].key and is_slate(keys), pictures
            assert all(picture.luma < DARK_LUMA and picture.size == size for picture in pictures), pictures
        configure(machine, {"source": "test"})
        seen = viewer.until(is_camera, 24)
        assert {picture.size for picture in seen} == {size}, seen
    return rate


class Conversation:
    """An RTSP client, just enough for UDP."""

    def __init__(self, machine):
        self.url = f"rtsp://127.0.0.1:{machine.video}/{PATH}"
        self.connection = machine.admitted(machine.video)
        self.left = b""
        self.number = 0
        self.session = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, method, url=None, *headers):
        """Sends a request. Returns the reply's headers, by lower-case name, and its body."""
        self.number += 1
        session = [f"Session: {self.session}"] if self.session else []
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.number}", *session, *headers]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        head = self.take(lambda: self.left.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in self.left else None).decode()
        status, *lines = head.rstrip().split("\r\n")
        assert status.startswith("RTSP/1.0 200 "), f"{method}: {head}"
        reply = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        assert reply["cseq"] == str(self.number), head
        length = int(reply.get("content-length", 0))
        body = self.take(lambda: length if len(self.left) >= length else None).decode()
        return reply, body

    def take(self, end):
        """Reads until `end` returns a number of bytes. Returns these."""
        while (count := end()) is None:
            more = self.connection.recv(65536)
            assert more, f"the RTSP connection was closed after {self.left!r}"
            self.left += more
        taken, self.left = self.left[:count], self.left[count:]
        return taken


def pair():
    """Returns sockets on an even UDP port and the next one."""
    while True:
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sockets[0].bind(("127.0.0.1", 0))
        port = sockets[0].getsockname()[1]
        try:
            if port % 2 == 0:
                sockets[1].bind(("127.0.0.1", port + 1))
                return sockets
        except OSError:
            pass  # taken
        for each in sockets:
            each.close()


def receive(rtp, rtcp, seconds):
    """Returns the RTP packets and the RTCP packets of that time."""
    packets = {rtp: [], rtcp: []}
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        for each in select.select([rtp, rtcp], [], [], left)[0]:
            packets[each].append(each.recv(65536))
    return packets[rtp], packets[rtcp]


def udp(machine, tries=3):
    """RTP and RTCP arrive over UDP, from a pair of ports, and no packet is missing. A busy host can lose packets, so that is
    retried."""
    for left in reversed(range(tries)):
        count, missing = packets_over_udp(machine)
        if missing == 0:
            return count
        print(f"{missing} of {count} RTP packets are missing; {left} tries left")
    raise AssertionError("RTP packets are missing")


def packets_over_udp(machine, seconds=5):
    rtp, rtcp = pair()
    with rtp, rtcp, Conversation(machine) as conversation:
        reply, description = conversation.ask("DESCRIBE", None, "Accept: application/sdp")
        control = re.findall(r"^a=control:(\S+)", description, re.M)[-1]
        base = reply.get("content-base", conversation.url + "/")
        track = control if control.startswith("rtsp://") else base.rstrip("/") + "/" + control
        port = rtp.getsockname()[1]
        reply, _ = conversation.ask("SETUP", track, f"Transport: RTP/AVP;unicast;client_port={port}-{port + 1}")
        transport = reply["transport"]
        even, odd = re.search(r"server_port=(\d+)-(\d+)", transport).groups()
        assert int(even) % 2 == 0 and int(odd) == int(even) + 1, transport
        assert f"client_port={port}-{port + 1}" in transport, transport
        conversation.session = reply["session"].split(";")[0]
        conversation.ask("PLAY", None, "Range: npt=0.000-")
        media, control = receive(rtp, rtcp, seconds)
        conversation.ask("TEARDOWN")
    assert media and control, f"{len(media)} RTP packets and {len(control)} RTCP packets arrived"
    assert all(packet[0] >> 6 == 2 and len(packet) > 12 for packet in media), media[0][:12].hex(" ")
    sources = {packet[8:12] for packet in media}
    assert len(sources) == 1, sources
    # A sender report (200) of the same source.
    assert any(packet[1] == 200 and packet[4:8] in sources for packet in control), control
    pictures = sum(packet[1] >> 7 for packet in media)
    assert pictures > 12, f"{pictures} pictures in {seconds} s"
    numbers = [int.from_bytes(packet[2:4], "big") for packet in media]
    span = (numbers[-1] - numbers[0]) % 65536 + 1
    return span, span - len(set(numbers))
