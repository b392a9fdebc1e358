"""A WebSocket to a browser, and remote calls over it: commands with answers, and events in between.

Python's library has no WebSocket client. This one has what a browser on the same machine needs (RFC 6455): text
messages that are not compressed. Both protocols, Chromium's and WebDriver BiDi, are JSON with an `id`, a `method` and `params`.
"""

import base64
import json
import os
import select
import socket
import struct
import time
from urllib.parse import urlsplit

from waiting import RECOVERS_WITHIN_S

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class BrowserError(Exception):
    """The browser refused a command, or the page's script threw."""


class WebSocket:
    """The client's end of a WebSocket."""

    def __init__(self, url):
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=RECOVERS_WITHIN_S)
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(request.encode())
        self.bytes = b""
        while b"\r\n\r\n" not in self.bytes:
            self._more()
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise BrowserError(head.decode())

    def _more(self):
        more = self.socket.recv(1 << 20)
        if not more:
            raise BrowserError("the browser closed the connection")
        self.bytes += more

    def _take(self, count):
        while len(self.bytes) < count:
            self._more()
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def send(self, payload, opcode=TEXT):
        """Sends one frame. A client's frames are masked."""
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, size)
        # Firefox takes no mask of zeros.
        mask = b"mask"
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(head + mask + masked)

    def waits(self, seconds):
        """Whether a message begins within this time."""
        return bool(self.bytes) or bool(select.select([self.socket], [], [], seconds)[0])

    def receive(self):
        """Returns the next text message."""
        message = b""
        while True:
            first, second = self._take(2)
            size = second & 127
            if size > 125:
                size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
            payload = self._take(size)
            opcode = first & 15
            if opcode == CLOSE:
                raise BrowserError("the browser closed the connection")
            if opcode == PING:
                self.send(payload, PONG)
            if opcode in (PING, PONG):
                continue
            message += payload
            if first & 0x80:
                return message.decode()

    def close(self):
        self.socket.close()


class Link:
    """Commands to a browser. Events go to `on_event(method, params)` while a command waits for its answer."""

    def __init__(self, url, on_event):
        self.socket = WebSocket(url)
        self.on_event = on_event
        self.count = 0

    def call(self, method, params=None, **extra):
        """Sends a command and returns its result."""
        self.count += 1
        command = {"id": self.count, "method": method, "params": params or {}, **extra}
        self.socket.send(json.dumps(command).encode())
        while True:
            message = json.loads(self.socket.receive())
            if message.get("id") != command["id"]:
                self._event(message)
            elif "error" in message:
                raise BrowserError(f"{method}: {message.get('message') or message['error']}")
            else:
                return message["result"]

    def pump(self, seconds):
        """Takes events for this long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.socket.waits(left):
                self._event(json.loads(self.socket.receive()))

    def _event(self, message):
        if "method" in message:
            self.on_event(message["method"], message["params"])

    def close(self):
        self.socket.close()
