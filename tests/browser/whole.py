"""What holds for the whole run: at its end, everything that the browser noted."""

from urllib.parse import urlsplit

GRAVE = {"error", "warning", "warn", "assert"}
# What the browser itself writes of requests that fail.
OF_NETWORK = {"network"}
OF_NO_HOST = {"about", "blob", "data"}


def the_console_is_empty(stage):
    expected = {at for first, last in stage.troubles for at in range(first, last)}
    grave = [
        message for at, message in enumerate(stage.browser.messages)
        if message.level in GRAVE and not (at in expected and message.source in OF_NETWORK)
    ]
    assert not grave, "\n".join(f"{message.level} ({message.source}): {message.text}" for message in grave[:10])
    # The list is empty because there was nothing, not because nothing arrives.
    stage.browser.evaluate("console.warn('the last message')")
    stage.browser.evaluate("null")
    assert stage.browser.messages[-1].text == "the last message", "messages of the console do not arrive"
    return "no error, no warning"


def every_request_goes_to_the_daemon(stage):
    places = [urlsplit(request.url) for request in stage.browser.requests]
    requests = [place for place in places if place.scheme not in OF_NO_HOST]
    away = {place.netloc for place in requests if place.hostname != "127.0.0.1"}
    assert not away, away
    return f"{len(requests)} requests"


def the_policy_is_kept(stage):
    policy = stage.browser.headers[stage.daemon.url].get("content-security-policy", "")
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy, policy
    violations = [message.text for message in stage.browser.messages if "policy" in message.text.lower()]
    assert not violations, violations
    return "strict, and not violated"


CHECKS = [the_console_is_empty, every_request_goes_to_the_daemon, the_policy_is_kept]
