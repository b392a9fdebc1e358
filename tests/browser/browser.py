"""What the checks need of a browser, whichever it is: `Browser`, with the parts that both have in common.

Chromium (chromium.py) is driven over its own protocol, Firefox (firefox.py) over WebDriver BiDi.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from link import BrowserError, Link
from waiting import CHANGES_WITHIN_S, RECOVERS_WITHIN_S, eventually

PROBE = Path(__file__).with_name("probe.js").read_text()

# `status` is None until there is an answer.
Request = namedtuple("Request", "method url")
Message = namedtuple("Message", "level source text")


class Browser:
    """A running browser with one page. It and its profile are gone after `close`."""

    name = None
    program = None
    # What the browser prints before the URL of its socket.
    announcement = None

    def __init__(self):
        self.messages = []
        self.requests = []
        self.headers = {}
        self.profile = Path(tempfile.mkdtemp(prefix="es-iot-browser-"))
        # Caches and crash reports go there too.
        places = {"HOME": str(self.profile), "TMPDIR": str(self.profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
        self.output = self.profile / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [self.program, *self.arguments()], env=os.environ | places, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True, cwd=self.profile,
            )
        self.link = None
        try:
            self.link = Link(self._url(), self.on_event)
            self.begin()
        except BaseException:
            self.close()
            raise

    def _url(self):
        def announced():
            printed = self.output.read_text(errors="replace")
            if self.process.poll() is not None:
                raise BrowserError(f"{self.name} did not start:\n{printed[-3000:]}")
            return re.search(rf"{self.announcement} (ws://\S+)\n", printed)

        return eventually(announced, f"{self.name} has a socket", RECOVERS_WITHIN_S).group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends all of the browser's processes, which are a session of their own, and removes its profile."""
        if self.link:
            self.link.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        # Killed processes are still ending, and writing.
        eventually(self._removed, f"{self.profile} is removed")

    def _removed(self):
        shutil.rmtree(self.profile, ignore_errors=True)
        return not self.profile.exists()

    # --- what each browser does its own way ---------------------------------------------------------------------

    def arguments(self):
        """The command line."""
        raise NotImplementedError

    def begin(self):
        """Opens an empty page that has the probe, and asks for events."""
        raise NotImplementedError

    def on_event(self, method, params):
        """Notes messages and requests."""
        raise NotImplementedError

    def open(self, url):
        """Begins to load a page."""
        raise NotImplementedError

    def evaluate(self, script):
        """Returns the value of an expression. Promises are awaited; a value must be one that JSON has."""
        raise NotImplementedError

    def screenshot(self):
        """Returns what is visible as PNG."""
        raise NotImplementedError

    def size(self, width, height):
        """Sets the size of the page's area."""
        raise NotImplementedError

    def scheme(self, name):
        """Sets the preferred colours: `light` or `dark`."""
        raise NotImplementedError

    def press(self, key, shift=False):
        """Presses and releases a key: its DOM name, such as `Tab` or `ArrowRight`, or one character."""
        raise NotImplementedError

    def drag(self, points):
        """Presses the mouse at the first point, moves it over all others, and releases it at the last."""
        raise NotImplementedError

    def hide(self):
        """Has another tab in front."""
        raise NotImplementedError

    def show(self):
        """Has the page in front again."""
        raise NotImplementedError

    # --- built on these -----------------------------------------------------------------------------------------

    def pump(self, seconds):
        """Takes the browser's events for this long."""
        self.link.pump(seconds)

    def wait_for(self, condition, doing, seconds=CHANGES_WITHIN_S):
        """Waits until an expression is true and returns its value. Fails with what was waited for."""
        return eventually(lambda: self._value(condition), f"{doing} ({condition})", seconds, self.pump)

    def _value(self, condition):
        try:
            return self.evaluate(condition)
        except BrowserError:
            return None  # the page is just being replaced

    def type(self, text):
        for character in text:
            self.press(character)

    def click(self, element):
        """Clicks the middle of the element that an expression names."""
        self.drag([self.evaluate(f"probe.point({element})")])

    def enter(self, field, text):
        """Replaces what is in a field by a text, with the keyboard, and presses Enter."""
        self.evaluate(f"({field}.focus(), {field}.select())")
        self.type(text)
        self.press("Enter")
