"""What GET tells of an application (http.md 10), cut down for those who cannot sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inngest_asgi.version import VERSION
from inngest_asgi.wire.names import SCHEMA_VERSION, SDK_LANGUAGE

_HASH_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Inspection:
    """Facts of a running application; hashes are whole here and cut when shown."""

    mode: str
    function_count: int
    app_id: str
    api_origin: str
    event_api_origin: str
    framework: str
    capabilities: dict[str, str]
    is_streaming: bool
    env: str | None
    serve_origin: str | None
    serve_path: str | None
    event_key_hash: str | None
    signing_key_hash: str | None
    signing_key_fallback_hash: str | None

    def unauthenticated(self) -> dict[str, Any]:
        """Return what anybody may know in dev mode."""
        return {
            "schema_version": SCHEMA_VERSION,
            "authentication_succeeded": None,
            "function_count": self.function_count,
            "has_event_key": self.event_key_hash is not None,
            "has_signing_key": self.signing_key_hash is not None,
            "has_signing_key_fallback": self.signing_key_fallback_hash is not None,
            "mode": self.mode,
            "extra": {},
        }

    def authenticated(self) -> dict[str, Any]:
        """Return what a caller with a valid signature may know."""
        return self.unauthenticated() | {
            "authentication_succeeded": True,
            "app_id": self.app_id,
            "api_origin": self.api_origin,
            "event_api_origin": self.event_api_origin,
            "capabilities": self.capabilities,
            "env": self.env,
            "framework": self.framework,
            "sdk_language": SDK_LANGUAGE,
            "sdk_version": VERSION,
            "serve_origin": self.serve_origin,
            "serve_path": self.serve_path,
            "extra": {"is_streaming": self.is_streaming},
            "event_key_hash": _cut(self.event_key_hash),
            "signing_key_hash": _cut(self.signing_key_hash),
            "signing_key_fallback_hash": _cut(self.signing_key_fallback_hash),
        }


def _cut(hashed: str | None) -> str | None:
    return hashed[:_HASH_SHOWN] if hashed else None
