"""Chromium over the Chrome DevTools Protocol."""

import base64

from browser import PROBE, Browser, Message, Request
from link import BrowserError

# Windows' codes of keys without a character.
KEYS = {
    "Tab": 9, "Enter": 13, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}


def words_of(details):
    """Returns what an exception says."""
    return details.get("exception", {}).get("description") or details["text"]


class Chromium(Browser):
    name = "chromium"
    program = "chromium"
    announcement = "DevTools listening on"

    def arguments(self):
        # The sandbox does not work for root, nor in most containers. The only page is the daemon's.
        return [
            "--no-sandbox", "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={self.profile}",
            "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-sync",
            "--no-default-browser-check", "--hide-scrollbars", "--force-color-profile=srgb", "--mute-audio",
            "about:blank",
        ]

    def begin(self):
        targets = self.link.call("Target.getTargets")["targetInfos"]
        self.target = next(target["targetId"] for target in targets if target["type"] == "page")
        attached = self.link.call("Target.attachToTarget", {"targetId": self.target, "flatten": True})
        self.session = attached["sessionId"]
        self.other = None
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", {"source": PROBE})

    def call(self, method, params=None):
        return self.link.call(method, params, sessionId=self.session)

    def on_event(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(Request(params["request"]["method"], params["request"]["url"]))
        elif method == "Network.responseReceived":
            response = params["response"]
            self.headers[response["url"]] = {name.lower(): value for name, value in response["headers"].items()}
        elif method == "Runtime.consoleAPICalled":
            words = " ".join(str(value.get("value", value.get("description"))) for value in params["args"])
            self.messages.append(Message(params["type"], "console", words))
        elif method == "Runtime.exceptionThrown":
            self.messages.append(Message("error", "exception", words_of(params["exceptionDetails"])))
        elif method == "Log.entryAdded":
            entry = params["entry"]
            words = f"{entry['text']} {entry.get('url', '')}".strip()
            self.messages.append(Message(entry["level"], entry["source"], words))

    def open(self, url):
        self.call("Page.navigate", {"url": url})

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", {"expression": script, "awaitPromise": True, "returnByValue": True})
        if details := answer.get("exceptionDetails"):
            raise BrowserError(words_of(details))
        return answer["result"].get("value")

    def screenshot(self):
        return base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"])

    def size(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name):
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.call("Emulation.setEmulatedMedia", {"features": features})

    def press(self, key, shift=False):
        # Of characters, letters and digits have their own codes; that of a full stop means Delete.
        code = KEYS.get(key) or (ord(key.upper()) if key.isalnum() else 0)
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown" if text else "rawKeyDown", "text": text, **event})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def drag(self, points):
        def mouse(kind, point, buttons):
            event = {"type": kind, "x": point[0], "y": point[1], "button": "left", "buttons": buttons, "clickCount": 1}
            self.call("Input.dispatchMouseEvent", event)

        mouse("mousePressed", points[0], 1)
        for point in points[1:]:
            mouse("mouseMoved", point, 1)
        mouse("mouseReleased", points[-1], 0)

    def hide(self):
        self.other = self.link.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.link.call("Target.activateTarget", {"targetId": self.other})

    def show(self):
        self.link.call("Target.activateTarget", {"targetId": self.target})
        if self.other:
            self.link.call("Target.closeTarget", {"targetId": self.other})
            self.other = None
