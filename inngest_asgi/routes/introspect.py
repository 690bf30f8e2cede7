"""GET: what the application is and how it is set up (http.md 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.crypto.keys import bearer_token, event_key_hash
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.wire.introspection import Inspection
from inngest_asgi.wire.names import FRAMEWORK, ServerKind

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.functions.collection import FunctionIndex
    from inngest_asgi.routes.guard import Caller, Guard


class Introspect:
    """Answers GET for one application."""

    def __init__(
        self,
        client: Inngest,
        index: FunctionIndex,
        guard: Guard,
        *,
        serve_origin: str | None,
        serve_path: str | None,
    ) -> None:
        self._client = client
        self._index = index
        self._guard = guard
        self._serve_origin = serve_origin
        self._serve_path = serve_path

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Tell everything to those who signed, a little to others, in cloud mode nothing."""
        self._guard.check(request, b"", caller)
        self._guard.check_server_kind(request)
        facts = self.inspection()
        signed = caller.key is not None
        return Response.json(200, facts.authenticated() if signed else facts.unauthenticated())

    def inspection(self) -> Inspection:
        """Return the facts as they are now."""
        client = self._client
        return Inspection(
            mode=ServerKind.CLOUD if client.is_production else ServerKind.DEV,
            function_count=len(self._index.functions),
            app_id=client.app_id,
            api_origin=client.api_origin,
            event_api_origin=client.event_api_origin,
            framework=FRAMEWORK,
            env=client.env,
            serve_origin=self._serve_origin or client.settings.serve_origin,
            serve_path=self._serve_path or client.settings.serve_path,
            event_key_hash=_hashed(client.event_key),
            signing_key_hash=_bearer(client.signing_key),
            signing_key_fallback_hash=_bearer(client.signing_key_fallback),
        )


def _hashed(event_key: str | None) -> str | None:
    return event_key_hash(event_key) if event_key else None


def _bearer(signing_key: str | None) -> str | None:
    """Return the hashed key without its prefix, which alone would tell nothing apart."""
    return bearer_token(signing_key).rpartition("-")[2] if signing_key else None
