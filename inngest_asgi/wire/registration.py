"""The body that registers an application (http.md 7.2), and what the server's reply says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inngest_asgi.wire.names import SDK_REGISTERED

CAPABILITIES = {"trust_probe": "v1"}
"""What a server may rely on; it grows as the application learns to do more."""


def registration_body(
    *,
    url: str,
    app_id: str,
    functions: list[dict[str, Any]],
    framework: str,
    app_version: str | None,
    env: str | None,
    platform: str | None,
) -> dict[str, Any]:
    """Return the document for `POST /fn/register`; what is not known is left out, never null."""
    headers = {"env": env, "platform": platform}
    body = {
        "url": url,
        "deployType": "ping",
        "framework": framework,
        "appName": app_id,
        "v": "0.1",
        "sdk": SDK_REGISTERED,
        "functions": functions,
        "headers": {key: value for key, value in headers.items() if value},
        "capabilities": CAPABILITIES,
    }
    return body | ({"appVersion": app_version} if app_version else {})


@dataclass(frozen=True, slots=True)
class Registered:
    """What the server said of a registration: `error` is None when it took it."""

    modified: bool
    error: str | None
    message: str


def read_registered(status: int, document: Any) -> Registered:
    """Read the server's reply (http.md 7.3).

    It took the registration only if the status is 2xx, the body is an object, and nothing in it
    says otherwise: no `error`, no `ok` of false, no `status` of its own that is a refusal.
    """
    fields = document if isinstance(document, dict) else {}
    own_status = fields.get("status")
    if isinstance(own_status, int) and own_status >= 300:
        status = own_status
    refused = bool(fields.get("error")) or fields.get("ok") is False
    if refused or not isinstance(document, dict) or not 200 <= status < 300:
        said = fields.get("error") or fields.get("message")
        text = str(said or f"the server answered with status {status}")
        return Registered(modified=False, error=text, message=text)
    modified = fields.get("modified") is True
    message = fields.get("message") or "Successfully registered"
    return Registered(modified=modified, error=None, message=str(message))
