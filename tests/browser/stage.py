"""What a check works with: a browser that shows the page of a daemon, and the waits that several checks share."""

import time

from link import BrowserError
from waiting import CHANGES_WITHIN_S, RECOVERS_WITHIN_S

CONTROLS = ["Shutter", "Gain", "Red balance", "Blue balance", "Contrast", "Brightness"]

# What a person waits for without a doubt, on a busy machine.
OPENS_WITHIN_S = 5
# The page's words for the picture it should have, and for a daemon that it does not reach.
LIVE = "Live"
LOST = "No connection"


class Stage:
    """A browser, a daemon, and the options of the command line."""

    def __init__(self, browser, daemon, options):
        self.browser = browser
        self.daemon = daemon
        self.options = options
        # Where the browser may complain that the daemon can't be reached, as (first, last) of its messages.
        self.troubles = []

    def open(self, url=None):
        """Opens the page and waits for a picture."""
        self.load(url or self.daemon.url)
        self.browser.wait_for("probe.first !== null", "the first picture", OPENS_WITHIN_S)

    def load(self, url):
        """Opens the page."""
        for url in ("about:blank", url):
            self.browser.open(url)
            self.browser.wait_for(f"location.href === '{url}'", f"the browser is at {url}")

    def moves(self, seconds=CHANGES_WITHIN_S):
        """Waits until the camera's picture moves: its clock goes on."""
        shown = self.browser.wait_for("probe.code()", "a picture of the camera", seconds)
        self.browser.wait_for(f"(probe.code() ?? {shown}) !== {shown}", "the next picture of the camera", seconds)

    def recover(self):
        """Brings the page and the daemon back to where a check may begin, after one that failed."""
        if self.daemon.process.poll() is not None:
            self.daemon.start()
        try:
            self.browser.show()
            self.open()
        except (AssertionError, BrowserError) as error:
            print(f"        the page does not recover: {error}", flush=True)

    def state(self):
        """Returns the words of the page's status region."""
        return self.browser.evaluate("probe.state()")

    def lives(self):
        """Waits until the page says that the picture is live."""
        self.browser.wait_for(f"probe.state().startsWith('{LIVE}')", f"the page says {LIVE!r}")

    def misses_the_daemon(self):
        """Waits until the page says that it has no connection, and returns its words."""
        said = f"probe.state().startsWith('{LOST}') && probe.state()"
        return self.browser.wait_for(said, f"the page says {LOST!r}", RECOVERS_WITHIN_S)

    def measure(self):
        """Has the page collect the ages of its pictures."""
        # The picture has the monotonic clock, the page only the wall clock.
        offset = (time.time() - time.monotonic()) * 1000
        self.browser.evaluate(f"probe.measure({offset})")

    def mark(self):
        """Marks the page; `marked` is whether it is still the same one, and not loaded again."""
        self.browser.evaluate("(probe.marked = true)")

    def marked(self):
        return self.browser.evaluate("probe.marked === true")

    def trouble(self):
        """A context in which failing requests, and the browser's messages about them, are expected."""
        return Trouble(self)

    def watch(self, seconds):
        """Lets time pass, for what must not happen, or for a rate."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.browser.pump(min(left, 1))


class Trouble:
    def __init__(self, stage):
        self.stage = stage

    def __enter__(self):
        self.first = len(self.stage.browser.messages)

    def __exit__(self, *_):
        self.stage.troubles.append((self.first, len(self.stage.browser.messages)))
