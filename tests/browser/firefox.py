"""Firefox over WebDriver BiDi."""

import base64
import json

from browser import PROBE, Browser, Message, Request
from link import BrowserError

# The code points that WebDriver has for keys without a character.
KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "End": "\ue010", "Home": "\ue011", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Shift": "\ue008",
}

# No request but the page's, no question on the first start, and no update.
PREFERENCES = {
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class Firefox(Browser):
    name = "firefox"
    program = "firefox-esr"
    announcement = "WebDriver BiDi listening on"

    def arguments(self):
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        (self.profile / "user.js").write_text("".join(lines))
        # System access: focus and preferred colours belong to the window, not to the page.
        return [
            "--headless", "--no-remote", "--remote-debugging-port", "0", "--remote-allow-system-access",
            "--profile", str(self.profile), "about:blank",
        ]

    def _url(self):
        return super()._url() + "/session"

    def begin(self):
        self.link.call("session.new", {"capabilities": {}})
        self.page = self.link.call("browsingContext.getTree")["contexts"][0]["context"]
        self.other = None
        self.link.call("session.subscribe", {"events": ["log", "network.beforeRequestSent", "network.responseStarted"]})
        self.window = self.link.call("browsingContext.getTree", {"moz:scope": "chrome"})["contexts"][0]["context"]
        self.focus()
        self.link.call("script.addPreloadScript", {"functionDeclaration": f"() => {{ {PROBE} }}"})

    def focus(self):
        """Moves the focus from the address bar to the page. Without it, no element shows that it has the focus."""
        self.evaluate("gBrowser.selectedBrowser.focus()", self.window)
        self.wait_for("document.hasFocus()", "the page has the focus")

    def on_event(self, method, params):
        if method == "network.beforeRequestSent":
            self.requests.append(Request(params["request"]["method"], params["request"]["url"]))
        elif method == "network.responseStarted":
            fields = {field["name"].lower(): field["value"].get("value") for field in params["response"]["headers"]}
            self.headers[params["response"]["url"]] = fields
        elif method == "log.entryAdded":
            self.messages.append(Message(params["level"], params["type"], params["text"]))

    def open(self, url):
        self.link.call("browsingContext.navigate", {"context": self.page, "url": url, "wait": "none"})

    def evaluate(self, script, context=None):
        # Values and errors come as JSON: BiDi's own form of values needs a reader, and some of its errors have no words.
        wrapped = (
            f"(async () => {{ try {{ return JSON.stringify({{ value: await ({script}) }}); }}"
            " catch (error) { return JSON.stringify({ error: String(error) }); } })()"
        )
        target = {"context": context or self.page}
        answer = self.link.call("script.evaluate", {"expression": wrapped, "target": target, "awaitPromise": True})
        if answer["type"] == "exception":
            raise BrowserError(answer["exceptionDetails"]["text"])
        outcome = json.loads(answer["result"]["value"])
        if "error" in outcome:
            raise BrowserError(outcome["error"])
        return outcome.get("value")

    def screenshot(self):
        return base64.b64decode(self.link.call("browsingContext.captureScreenshot", {"context": self.page})["data"])

    def size(self, width, height):
        viewport = {"width": width, "height": height}
        self.link.call("browsingContext.setViewport", {"context": self.page, "viewport": viewport})

    def scheme(self, name):
        tabs = "gBrowser.tabs.forEach(tab => tab.linkedBrowser.browsingContext.prefersColorSchemeOverride = '%s')"
        self.evaluate(tabs % name, self.window)

    def perform(self, kind, actions, **parameters):
        source = {"type": kind, "id": kind, "actions": actions, **parameters}
        self.link.call("input.performActions", {"context": self.page, "actions": [source]})

    def press(self, key, shift=False):
        value = KEYS.get(key, key)
        stroke = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        if shift:
            stroke = [{"type": "keyDown", "value": KEYS["Shift"]}, *stroke, {"type": "keyUp", "value": KEYS["Shift"]}]
        self.perform("key", stroke)

    def drag(self, points):
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 10} for x, y in points]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        self.perform("pointer", actions, parameters={"pointerType": "mouse"})

    def hide(self):
        self.other = self.link.call("browsingContext.create", {"type": "tab"})["context"]
        self.link.call("browsingContext.activate", {"context": self.other})

    def show(self):
        self.link.call("browsingContext.activate", {"context": self.page})
        if self.other:
            self.link.call("browsingContext.close", {"context": self.other})
            self.other = None
        self.focus()
