"""The six controls: from the page to the daemon and back."""

import time
from itertools import pairwise

from waiting import eventually

# Port 5001 carries a setting in steps, of which this is the largest where it matters.
STEP = 0.11
PRESSES = 10
PAUSE_S = 0.2
# A drag's points, and the time in which a second update would follow the first.
POINTS = 50
QUIET_S = 1.5


def updates(stage):
    """Returns how many updates the page has sent."""
    # With the answer come all events before it.
    stage.browser.evaluate("null")
    return sum(1 for request in stage.browser.requests if request.method == "PUT")


def updates_for(stage, key, value, before):
    """Waits until the daemon has a value, and returns how many updates that took."""
    eventually(lambda: abs(stage.daemon.setting(key) - value) < STEP, f"the daemon has the {key} {value}")
    stage.watch(QUIET_S)
    return updates(stage) - before


def a_number_changes_a_setting(stage):
    before = stage.daemon.setting("gain")
    stage.browser.enter("probe.number('Gain')", "7")
    eventually(lambda: stage.daemon.setting("gain") == 7, "the daemon has the gain 7")
    return f"gain {before} to 7, as port 5001 has it"


def keys_on_a_slider_are_one_update(stage):
    browser = stage.browser
    before = updates(stage)
    browser.evaluate("probe.slider('Contrast').focus()")
    keys = ["End"] + ["ArrowLeft"] * PRESSES
    times = [time.monotonic()]
    for key in keys:
        browser.press(key)
        times.append(time.monotonic())
    # The page waits 0.4 s for another key. On a busy machine, a press may take half of that or more, and two in a row all of it.
    pauses = sum(later - sooner > PAUSE_S for sooner, later in pairwise(times))
    shown = browser.evaluate("Number(probe.number('Contrast').value)")
    assert 1 < shown < 25.5, f"the page shows {shown}"
    sent = updates_for(stage, "contrast", shown, before)
    assert 1 <= sent <= 1 + pauses, f"{sent} updates, and {pauses} slow keys"
    return f"{len(keys)} keys, {sent} update"


def a_drag_is_one_update(stage):
    browser = stage.browser
    before = updates(stage)
    # A note on the change before, which goes after 2 s, would move the slider.
    browser.wait_for("!document.querySelector('.note:not(:empty)')", "all notes are gone")
    slider = "probe.slider('Brightness')"
    y = browser.evaluate(f"probe.point({slider})")[1]
    first, last = (browser.evaluate(f"probe.point({slider}, {share})")[0] for share in (0.5, 0.9))
    browser.drag([[first + (last - first) * step / POINTS, y] for step in range(POINTS + 1)])
    shown = browser.evaluate("Number(probe.number('Brightness').value)")
    assert shown > 0.5, f"the page shows {shown}"
    sent = updates_for(stage, "brightness", shown, before)
    assert sent == 1, f"{sent} updates"
    return f"{POINTS} movements, {sent} update"


def a_change_elsewhere_shows(stage):
    for contrast, gain, brightness in ((1.5, 3, 0.25), (1, 1, 0)):
        stage.daemon.control("set", f"contrast={contrast}", f"gain={gain}", f"brightness={brightness}")
        for label, value in (("Contrast", contrast), ("Gain", gain), ("Brightness", brightness)):
            shown = f"Math.abs(Number(probe.number('{label}').value) - {value}) < {STEP}"
            stage.browser.wait_for(shown, f"{label} shows {value}")
    stage.moves()
    return "contrast, gain and brightness, from es-iot-ctl"


CHECKS = [a_number_changes_a_setting, keys_on_a_slider_are_one_update, a_drag_is_one_update, a_change_elsewhere_shows]
