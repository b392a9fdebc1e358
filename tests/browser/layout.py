"""How the page looks: on a phone, with the keyboard, and for a person to judge."""

from daemon import Daemon
from stage import CONTROLS

WIDE = (1280, 800)
PHONE = (375, 812)
MOST_TABS = 60


def a_phone_needs_no_sideways_scrolling(stage):
    browser = stage.browser
    browser.size(*PHONE)
    try:
        browser.wait_for(f"innerWidth === {PHONE[0]}", "the size of a phone")
        width = browser.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0], f"the page is {width} pixels wide"
        for label in CONTROLS:
            for control in (f"probe.number('{label}')", f"probe.slider('{label}')"):
                box = f"{control}.getBoundingClientRect()"
                left, right = browser.evaluate(f"[{box}.left, {box}.right]")
                assert 0 <= left < right - 40 and right <= PHONE[0], f"{control} spans {left} to {right}"
                # What a finger meets there is the control.
                hit = browser.evaluate(f"document.elementFromPoint(...probe.point({control})) === {control}")
                assert hit, f"{control} is covered"
    finally:
        browser.size(*WIDE)
    return f"{width} of {PHONE[0]} pixels, {len(CONTROLS)} controls within reach"


def the_keyboard_reaches_everything(stage):
    browser = stage.browser
    browser.evaluate("probe.toTop()")
    reached = []
    for _ in range(MOST_TABS):
        browser.press("Tab")
        focus = browser.evaluate("probe.focus()")
        # Behind the last place comes the browser itself, or the first place.
        if focus is None or focus in reached:
            break
        reached.append(focus)
    names = " / ".join(focus["name"] for focus in reached)
    missing = [label for label in CONTROLS if label not in names]
    assert not missing, f"Tab does not reach {missing}, only {names}"
    hidden = [focus["name"] or focus["kind"] for focus in reached if not focus["shown"]]
    assert not hidden, f"no focus is visible on {hidden}"
    return f"{len(reached)} places, each with a visible focus"


def screenshots(stage):
    """Saves the page in both schemes and sizes, with the picture and with the slate."""
    folder = stage.options.screenshots
    stage.daemon.control("set", "contrast=1")
    _save(stage, folder, "picture", "probe.code() !== null")
    with Daemon(camera={"source": "command", "command": ["/bin/false"]}) as daemon:
        stage.open(daemon.url)
        _save(stage, folder, "slate", "probe.code() === null && probe.pictures > 24")
    stage.open()
    return f"8 in {folder}"


def picture(stage):
    """Saves the page as in the documentation, with a chart that is full."""
    browser = stage.browser
    stage.open()
    browser.size(*WIDE)
    stage.moves()
    stage.watch(25)
    stage.options.picture.write_bytes(browser.screenshot())
    return f"in {stage.options.picture}"


def _save(stage, folder, shown, ready):
    browser = stage.browser
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        for name, size in (("wide", WIDE), ("phone", PHONE)):
            browser.size(*size)
            browser.wait_for(f"innerWidth === {size[0]} && ({ready})", f"the {shown}, {scheme}, {name}")
            # A chart takes a while to fill.
            stage.watch(1)
            (folder / f"{browser.name}-{scheme}-{name}-{shown}.png").write_bytes(browser.screenshot())
    browser.scheme("light")
    browser.size(*WIDE)


CHECKS = [a_phone_needs_no_sideways_scrolling, the_keyboard_reaches_everything]
