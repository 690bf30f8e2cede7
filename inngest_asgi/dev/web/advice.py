"""What a developer may do about an app that could not be synced; it looks at the sentence only."""

from __future__ import annotations

import re

_ADVICE = (
    (
        r"status 404, but not as an Inngest app",
        "The server is there, but nothing is at this path. Apps usually serve at /api/inngest, "
        "and at / when they run alone: mend the URL, or mount the app where it says.",
    ),
    (
        r"status 5\d\d, but not as an Inngest app",
        "The web server failed before Inngest was asked; its own log tells why.",
    ),
    (
        r"but not as an Inngest app",
        "Something else answers there, such as a front end or a proxy. Check the port and the "
        "path: apps usually serve at /api/inngest, and at / when they run alone.",
    ),
    (
        r"cannot be reached \(.*(not known|no address|name resolution)",
        "No machine has that name. Mend it: apps on this machine are at localhost, those in other "
        "containers at the names of their services.",
    ),
    (
        r"cannot be reached",
        "Nothing listens at that address. Start the app, or mend the port. In a container, "
        "localhost is the container itself: use the name of the host that runs the app.",
    ),
    (
        r"did not answer within",
        "The app took the connection and then kept silent. Is it stopped in a debugger, or does "
        "something block its event loop?",
    ),
    (
        r"broke off before|cannot be decoded|redirects more than|more than \d+ MB",
        "What answers there does not behave like an Inngest app. Open the URL in a browser: an "
        "app answers with JSON that counts its functions.",
    ),
    (
        r"did not register its functions here",
        "The app may be registering with another server: start it with INNGEST_DEV set to the "
        "address of this page.",
    ),
    (
        r"could not register \(status (401|403|500)\)",
        "Start the app in dev mode, with INNGEST_DEV set to the address of this page: in cloud "
        "mode it wants signed requests, and registers elsewhere.",
    ),
    (
        r"was refused|could not register",
        "Mend what the message names. The app is asked again every few seconds, and once more "
        "when it restarts.",
    ),
)


def advice(error: str | None) -> str | None:
    """Return what to do next about a failed sync; None when there is nothing to add."""
    if error is None:
        return None
    return next((text for pattern, text in _ADVICE if re.search(pattern, error)), None)
