"""Waits for conditions, so that no check depends on how fast the machine is."""

import time

# Figures have targets, which an idle machine meets. A check fails only at such limits, which a busy one meets too.
CHANGES_WITHIN_S = 10
# For what takes several steps: a restart, a login, the start of a browser.
RECOVERS_WITHIN_S = 60
PAUSE_S = 0.05


def eventually(condition, doing, seconds=CHANGES_WITHIN_S, pause=time.sleep):
    """Waits until a function returns something true, and returns that. Fails with what was waited for."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{doing}: not within {seconds} s, but {value!r}"
        pause(PAUSE_S)
    return value
