"""What goes wrong around the page: the camera, the daemon, and a page that is not looked at."""

import time

from stage import LIVE
from waiting import RECOVERS_WITHIN_S, eventually

# The page ends its streams when it was hidden for 5 s.
ENDS_WITHIN_S = 20
# The age of a picture at the live edge, on a busy machine.
LIVE_MS = 1500


def a_camera_that_dies_comes_back(stage):
    browser = stage.browser
    stage.moves()
    stage.mark()
    stage.lives()

    # Kept down until the page says so and shows the slate, whose pictures have no code.
    def noticed():
        stage.daemon.kill_camera()
        state = stage.state()
        return browser.evaluate("probe.code()") is None and not state.startswith(LIVE) and state

    down = eventually(noticed, "the page says that the camera is down, and shows the slate", RECOVERS_WITHIN_S)
    stage.moves(RECOVERS_WITHIN_S)
    stage.lives()
    assert stage.marked(), "the page was loaded again"
    return f"{down!r}, then {LIVE!r} again"


def a_restarted_daemon_is_found(stage):
    browser = stage.browser
    stage.mark()
    stage.lives()
    with stage.trouble():
        stage.daemon.stop()
        browser.wait_for(f"!probe.state().startsWith('{LIVE}')", "the page says that the daemon is gone")
        gone = stage.state()
        stage.daemon.start()
        began = time.monotonic()
        stage.moves(RECOVERS_WITHIN_S)
        took = time.monotonic() - began
    stage.lives()
    assert stage.marked(), "the page was loaded again"
    return f"{gone!r}, then a picture {took:.1f} s after the start"


def a_hidden_page_takes_no_video(stage):
    browser = stage.browser
    stage.mark()
    stage.moves()

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
    began = time.monotonic()
    stage.moves()
    took = time.monotonic() - began
    offset = (time.time() - time.monotonic()) * 1000
    browser.evaluate(f"probe.measure({offset})")
    browser.wait_for("probe.ages.length > 5", "pictures with a code")
    age = browser.evaluate("probe.ages[0]")
    browser.evaluate("(probe.ages = null)")
    assert age < LIVE_MS, f"a picture is {age:.0f} ms old"
    assert stage.marked(), "the page was loaded again"
    return f"streams end after {ended:.1f} s; visible, a picture moves after {took:.1f} s and is {age:.0f} ms old"


CHECKS = [a_camera_that_dies_comes_back, a_restarted_daemon_is_found, a_hidden_page_takes_no_video]
