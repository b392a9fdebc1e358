"""The login: a daemon that requires it, seen through a listener that keeps what the browser sends."""

import base64

from daemon import PASSWORD, Daemon
from recorder import Recorder
from waiting import eventually

FIELD = "document.querySelector('input[type=password]')"
SHOWN = f"({FIELD}?.checkVisibility() ?? false)"
LOGOUT = "[...document.querySelectorAll('button')].find(button => button.innerText === 'Log out')"
REFUSAL = "/[^.\\n]*wrong password[^\\n]*/i.exec(document.body.innerText)?.[0]"


def change(browser, daemon, gain):
    # What is typed before the settings come is not alone in the field.
    browser.wait_for("probe.number('Gain').value", "the gain in force")
    browser.enter("probe.number('Gain')", str(gain))
    eventually(lambda: daemon.stored().get("gain") == gain, f"the gain {gain} is on the disk")


def a_login_opens_the_page(stage):
    browser = stage.browser
    with Daemon(auth={"required": True, "trust_loopback": False}) as daemon, Recorder(daemon.http) as recorder:
        with stage.trouble():
            stage.load(recorder.url)
            browser.wait_for(SHOWN, "the form")
            assert browser.evaluate("probe.pictures") == 0, "there is a picture without a login"
            browser.enter(FIELD, "wrong")
            refusal = browser.wait_for(REFUSAL, "a refusal in words")
            browser.enter(FIELD, PASSWORD)
            browser.wait_for(f"!{SHOWN}", "the form goes")
        stage.moves()
        change(browser, daemon, 5)
        change(browser, daemon, 6)  # its signature has another counter

        stage.load(recorder.url)
        stage.moves()
        assert not browser.evaluate(SHOWN), "a page that is loaded again asks for the password"
        change(browser, daemon, 7)

        with stage.trouble():
            daemon.stop()
            daemon.start()
            browser.wait_for(SHOWN, "the form, since a restart ends all sessions")
            browser.enter(FIELD, PASSWORD)
            browser.wait_for(f"!{SHOWN}", "the form goes")
            stage.moves()
            browser.click(LOGOUT)
            browser.wait_for(SHOWN, "the form, after the log-out")
            stage.load(recorder.url)
            browser.wait_for(SHOWN, "the form, when loaded again")

        sent = bytes(recorder.sent)
        assert b"/api/login" in sent and b"/api/settings" in sent
        secret = PASSWORD.encode()
        for form in (secret, base64.b64encode(secret).rstrip(b"="), secret.hex().encode(), secret.split()[0]):
            assert form not in sent, f"the browser sent the password as {form}"
    return f"{refusal.strip()!r}, changes, a restart, a log-out; none of {len(sent)} bytes is the password"


CHECKS = [a_login_opens_the_page]
