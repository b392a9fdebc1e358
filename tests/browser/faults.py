"""What goes wrong around the page: the camera, the daemon, and a page that is not looked at."""

import signal
import time

from daemon import Daemon
from stage import LIVE
from waiting import RECOVERS_WITHIN_S, eventually

# The page ends its streams when it was hidden for 5 s.
ENDS_WITHIN_S = 20
# The age of a picture at the live edge, on a busy machine.
LIVE_MS = 1500


def a_camera_that_dies_comes_back(stage):
    browser = stage.browser
    stage.lives()
    stage.mark()

    # Kept down until the page says so and shows the slate, whose pictures have no code.
    def noticed():
        stage.daemon.kill_camera()
        state = stage.state()
        return browser.evaluate("probe.code()") is None and not state.startswith(LIVE) and state

    down = eventually(noticed, "the page says that the camera is down, and shows the slate", RECOVERS_WITHIN_S)
    took = returns(stage)
    return f"{down!r}, then a picture after {took:.1f} s"


def a_restarted_daemon_is_found(stage):
    stage.lives()
    stage.mark()
    with stage.trouble():
        stage.daemon.stop()
        gone = stage.misses_the_daemon()
        stage.daemon.start()
        took = returns(stage)
    return f"{gone!r}, then a picture {took:.1f} s after the start"


def a_silent_daemon_is_found(stage):
    """What is cut off without a word: here the daemon stands still, as after a lost network."""
    stage.lives()
    stage.mark()
    with stage.trouble():
        stage.daemon.process.send_signal(signal.SIGSTOP)
        try:
            silent = stage.misses_the_daemon()
        finally:
            stage.daemon.process.send_signal(signal.SIGCONT)
        took = returns(stage)
    return f"{silent!r}, then a picture {took:.1f} s after it goes on"


def returns(stage):
    """Waits until the page is live again, without being loaded again. Returns how many seconds that took."""
    began = time.monotonic()
    stage.moves(RECOVERS_WITHIN_S)
    took = time.monotonic() - began
    stage.lives()
    assert stage.marked(), "the page was loaded again"
    return took


def a_hidden_page_takes_no_video(stage):
    browser = stage.browser
    stage.lives()
    stage.mark()

    def connections():
        status = stage.daemon.status()
        # That of this request is one.
        return status["viewers"]["http"], status["clients"]["http"] - 1

    browser.hide()
    browser.wait_for("document.visibilityState === 'hidden'", "the page is hidden")
    began = time.monotonic()
    eventually(lambda: connections() == (0, 0), "both streams end", ENDS_WITHIN_S)
    ended = time.monotonic() - began
    browser.show()
    browser.wait_for("document.visibilityState === 'visible'", "the page is visible")
    took = returns(stage)
    stage.measure()
    browser.wait_for("probe.ages.length > 0", "a picture with a code")
    age = browser.evaluate("probe.ages[0]")
    browser.evaluate("(probe.ages = null)")
    assert 0 < age < LIVE_MS, f"a picture is {age:.0f} ms old"
    return f"streams end after {ended:.1f} s; visible, a picture moves after {took:.1f} s and is {age:.0f} ms old"


def a_missing_picture_has_its_reason(stage):
    """Without a slate, the page itself shows why there is no picture."""
    browser = stage.browser
    with Daemon(camera={"source": "command", "command": ["/bin/false"], "slate": False}) as daemon:
        stage.load(daemon.url)
        headline = browser.wait_for("/^the camera exited[^:]*/i.exec(probe.state())?.[0]", "the reason in the status")
        cover = "document.querySelector('video + *').innerText.trim()"
        browser.wait_for(f"{cover} === '{headline}'", "the reason in place of the picture")
        stage.open()
    return repr(headline)


CHECKS = [
    a_camera_that_dies_comes_back, a_restarted_daemon_is_found, a_silent_daemon_is_found, a_hidden_page_takes_no_video,
    a_missing_picture_has_its_reason,
]
