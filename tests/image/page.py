"""Checks of HTTP: the page, the API and the video as MP4 from this machine, and the Unix socket inside the guest."""

import gzip
import http.client
import json
import re
import subprocess
import time

from video import PICTURE, is_camera, Picture

SOCKET = "/run/es-iot/http.sock"
# As they say on the page.
MOST_PAGE_BYTES = 40_000


def ask(machine, path, **headers):
    """Returns the status, the headers and the body of a reply."""
    connection = http.client.HTTPConnection("127.0.0.1", machine.http, timeout=60)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def access(machine, required):
    """The page is for everyone. What it shows is not, where the password is required."""
    the_page(machine)
    for path in ["/api/status", "/metrics", "/api/settings", "/snapshot.h264"]:
        status, _, body = ask(machine, path)
        assert status == (401 if required else 200), f"{path}: {status} {body[:500]}"


def the_page(machine):
    """The page arrives compressed, and only once."""
    status, headers, body = ask(machine, "/", Accept_Encoding="gzip")
    assert status == 200 and headers["Content-Encoding"] == "gzip", (status, headers.items())
    assert headers["Content-Type"].startswith("text/html"), headers.items()
    text = gzip.decompress(body).decode()
    assert "<title>Camera</title>" in text and len(text) <= MOST_PAGE_BYTES, (len(text), text[:500])
    status, _, body = ask(machine, "/", Accept_Encoding="gzip", If_None_Match=headers["ETag"])
    assert (status, body) == (304, b""), (status, body[:500])
    # A name that is not the machine's, as a hostile page would have a browser ask.
    status, _, body = ask(machine, "/", Accept_Encoding="gzip", Host="camera.example")
    assert status == 421, (status, body)


def status(machine):
    """Returns the status."""
    code, headers, body = ask(machine, "/api/status")
    assert code == 200 and headers["Content-Type"].startswith("application/json"), (code, body[:500])
    return json.loads(body)


def camera(machine, size):
    """The API reports a running camera with a picture of this size, and the video as MP4 decodes. Returns the bytes and the
    pictures of a second."""
    machine.give_password()
    found = status(machine)
    width, height = map(int, size.split("x"))
    video = found["video"]
    assert found["camera"]["state"] == "running" and found["camera"]["reason"] is None, found
    assert (video["source"], video["width"], video["height"]) == ("camera", width, height), found
    assert video["codec"].startswith("avc1.") and video["pictures_per_second"] > 12, found
    assert found["settings"]["shutter"] == 10000, found
    code, headers, body = ask(machine, "/metrics")
    assert code == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), (code, headers.items())
    version = re.escape(found["version"])
    for line in [rf'es_iot_build_info{{version="{version}"}} 1', "es_iot_camera_up 1", r"es_iot_pictures_total [1-9]\d*"]:
        assert re.search(f"^{line}$", body.decode(), re.M), f"{line} is not in\n{body.decode()}"
    code, _, body = ask(machine, "/healthz")
    assert code == 200, (code, body)
    return film(machine, size)


def film(machine, size, least=20, tries=3):
    """A second of the video decodes to a picture each 24th, from a key picture on. Only a busy host makes it fewer."""
    for left in reversed(range(tries)):
        received, seconds = receive(machine)
        pictures = decode(received)
        assert pictures[0].key and is_camera(pictures) and {picture.size for picture in pictures} == {size}, pictures
        if len(pictures) >= least:
            return len(received), len(pictures)
        print(f"{len(pictures)} pictures in {seconds:.1f} s, expected {least}; {left} tries left")
    raise AssertionError("the video is too slow")


def receive(machine, seconds=1.0):
    """Receives the video for a while, from its first picture on, and to the end of a fragment."""
    connection = http.client.HTTPConnection("127.0.0.1", machine.http, timeout=60)
    connection.request("GET", "/video.mp4")
    reply = connection.getresponse()
    assert reply.status == 200 and reply.headers["Content-Type"].startswith("video/mp4; codecs=\"avc1."), reply.headers.items()
    boxes, began = [], None
    while began is None or time.monotonic() - began < seconds or boxes[-1][4:8] != b"mdat":
        head = reply.read(8)
        size = int.from_bytes(head[:4], "big")
        assert len(head) == 8 and size >= 8, head
        boxes.append(head + reply.read(size - 8))
        assert len(boxes[-1]) == size, "the video ended in a box"
        if boxes[-1][4:8] == b"mdat" and began is None:
            began = time.monotonic()
    elapsed = time.monotonic() - began
    connection.close()
    assert [box[4:8] for box in boxes[:4]] == [b"ftyp", b"moov", b"moof", b"mdat"], [box[4:8] for box in boxes]
    return b"".join(boxes), elapsed


def decode(mp4):
    """Returns the pictures that this machine's ffmpeg decodes. Any error fails the test."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "level+info", "-f", "mp4", "-i", "pipe:0",
               "-vf", "showinfo", "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "null", "-"]
    done = subprocess.run(command, input=mp4, capture_output=True, timeout=120)
    text = done.stderr.decode(errors="replace")
    assert done.returncode == 0 and not re.search(r"\[(error|fatal|panic)\]", text), text[-6000:]
    pictures = [Picture(match) for match in map(PICTURE.search, text.splitlines()) if match]
    assert pictures, text[-6000:]
    return pictures


# How BusyBox and util-linux run a program as another user with its groups.
BUSYBOX_AS = "su {0} -c '{1}'"
UTIL_LINUX_AS = "setpriv --reuid={0} --regid={0} --init-groups {1}"


def socket(machine, run_as=BUSYBOX_AS):
    """The Unix socket is there for root and the daemon's group alone, and the client uses it."""
    # On a slow machine, the init script finishes just before it is bound.
    owners = "^es-iot:es-iot 660\nes-iot:es-iot 750$"
    machine.until(f"stat -c '%U:%G %a' {SOCKET} $(dirname {SOCKET})", owners)
    refused = machine.run(run_as.format("stranger", f"ls {SOCKET}") + " 2>&1", fails=True)
    assert "Permission denied" in refused, refused
    assert machine.run(run_as.format("member", f"ls {SOCKET}")) == SOCKET
