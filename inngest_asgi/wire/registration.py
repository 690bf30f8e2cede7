"""What registers an application, out of band and in band, and what the server's reply says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inngest_asgi.version import VERSION
from inngest_asgi.wire.names import SDK_AUTHOR, SDK_HEADER, SDK_LANGUAGE, SDK_REGISTERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a server has to know of an application; `capabilities` are what it may rely on."""

    url: str
    app_id: str
    functions: list[dict[str, Any]]
    framework: str
    capabilities: dict[str, str]
    app_version: str | None
    env: str | None
    platform: str | None

    def out_of_band(self) -> dict[str, Any]:
        """Return the document for `POST /fn/register`; what is not known is left out."""
        headers = {"env": self.env, "platform": self.platform}
        body = {
            "url": self.url,
            "deployType": "ping",
            "framework": self.framework,
            "appName": self.app_id,
            "v": "0.1",
            "sdk": SDK_REGISTERED,
            "functions": self.functions,
            "headers": {key: value for key, value in headers.items() if value},
            "capabilities": self.capabilities,
        }
        return body | ({"appVersion": self.app_version} if self.app_version else {})

    def in_band(self, inspection: dict[str, Any]) -> dict[str, Any]:
        """Return the document that answers a PUT in band (http.md 9).

        Args:
            inspection: what GET tells those who signed.
        """
        version = {"appVersion": self.app_version} if self.app_version else {}
        return {
            "app_id": self.app_id,
            **version,
            "capabilities": self.capabilities,
            "env": self.env,
            "framework": self.framework,
            "functions": self.functions,
            "inspection": inspection,
            "platform": self.platform,
            "sdk_author": SDK_AUTHOR,
            "sdk_language": SDK_LANGUAGE,
            "sdk_version": VERSION,
            "sdk": SDK_HEADER,
            "url": self.url,
            "featureObservations": {},
        }


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
