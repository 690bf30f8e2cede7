"""PUT: registers the application with the server that asks for it (http.md 7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from inngest_asgi.errors import RequestError
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.routes.origin import public_url
from inngest_asgi.wire.names import FRAMEWORK, ErrorCode, Header, SyncKind
from inngest_asgi.wire.registration import Registered, registration_body

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.functions.collection import FunctionIndex
    from inngest_asgi.routes.guard import Caller, Guard


@dataclass(slots=True)
class LastSync:
    """How the last registration went, for /health/ready."""

    ok: bool | None = None
    message: str = "not synced yet"


class Register:
    """Answers PUT for one application."""

    def __init__(
        self,
        client: Inngest,
        index: FunctionIndex,
        guard: Guard,
        *,
        serve_origin: str | None,
        serve_path: str | None,
        max_body_bytes: int,
        enable_unauthed_sync: bool | None,
    ) -> None:
        self.last = LastSync()
        self._client = client
        self._index = index
        self._guard = guard
        self._serve_origin = serve_origin
        self._serve_path = serve_path
        self._max_body_bytes = max_body_bytes
        self._enable_unauthed_sync = enable_unauthed_sync

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Register out of band; a refusal by the server is never a 200."""
        body = await request.body(self._max_body_bytes)
        self._check(request, body, caller)
        kind = self._guard.check_server_kind(request)
        registered = await self._register(request, kind)
        if registered.error is not None:
            raise RequestError(
                f"The server refused to register the application: {registered.error}",
                code=ErrorCode.REGISTRATION_FAILED,
                status=500,
            )
        document = {"message": registered.message, "modified": registered.modified}
        return Response.json(200, document, **{Header.SYNC_KIND: SyncKind.OUT_OF_BAND})

    def _check(self, request: Request, body: bytes, caller: Caller) -> None:
        """Let unsigned requests pass where allowed: registering authenticates itself."""
        settings = self._client.settings
        allowed = self._enable_unauthed_sync
        if allowed is None:
            allowed = settings.enable_unauthed_sync
        unsigned = request.header(Header.SIGNATURE) is None
        if not (unsigned and allowed and settings.signing_keys):
            self._guard.check(request, body, caller)

    async def _register(self, request: Request, server_kind: str | None) -> Registered:
        client = self._client
        url = public_url(
            request,
            origin=self._serve_origin or client.settings.serve_origin,
            path=self._serve_path or client.settings.serve_path,
        )
        document = registration_body(
            url=url,
            app_id=client.app_id,
            functions=self._index.records(url),
            framework=FRAMEWORK,
            app_version=client.app_version,
            env=client.env,
            platform=client.settings.platform,
        )
        self.last = LastSync(ok=False, message="the server did not answer")
        registered = await client.api.register(
            document, sync_id=request.query("deployId"), server_kind=server_kind
        )
        self.last = LastSync(ok=registered.error is None, message=registered.message)
        return registered
