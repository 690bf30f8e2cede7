"""PUT: registers the application with the server that asks for it (http.md 7.1 and 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import CodecError, RequestError
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.routes.origin import is_url
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.names import ErrorCode, Header, SyncKind

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.routes.facts import Facts
    from inngest_asgi.routes.guard import Caller, Guard
    from inngest_asgi.routes.options import Options
    from inngest_asgi.wire.registration import Registered


@dataclass(slots=True)
class LastSync:
    """How the last registration went, for /health/ready."""

    ok: bool | None = None
    message: str = "not synced yet"


class Register:
    """Answers PUT for one application."""

    def __init__(self, client: Inngest, facts: Facts, guard: Guard, options: Options) -> None:
        self.last = LastSync()
        self._client = client
        self._facts = facts
        self._guard = guard
        self._options = options

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Register as the server asks for it: in its own response, or by a request of ours."""
        body = await request.body(self._options.max_body_bytes)
        if self._is_in_band(request):
            return await self._answer_in_band(request, body, caller)
        return await self._register(request, body, caller)

    def _is_in_band(self, request: Request) -> bool:
        asked = request.header(Header.SYNC_KIND) == SyncKind.IN_BAND
        return asked and self._client.settings.allow_in_band_sync

    async def _answer_in_band(self, request: Request, body: bytes, caller: Caller) -> Response:
        """Tell the server everything at once; in cloud mode only to one that signed."""
        await self._guard.check(request, body, caller)
        self._guard.check_server_kind(request)
        url = self._url_in(body)
        inspection = self._facts.inspection().authenticated()
        document = self._facts.registration(url).in_band(inspection)
        self.last = LastSync(ok=True, message="answered in band")
        return Response.json(200, document, **{Header.SYNC_KIND: SyncKind.IN_BAND})

    def _url_in(self, body: bytes) -> str:
        document = _parsed(body)
        url = document.get("url") if isinstance(document, dict) else None
        if not isinstance(url, str) or not is_url(url):
            raise RequestError(
                'An in-band sync needs the body {"url": "https://..."}, with an absolute URL.',
                code=ErrorCode.BODY_INVALID,
                status=400,
            )
        return self._facts.url_told(url)

    async def _register(self, request: Request, body: bytes, caller: Caller) -> Response:
        """Register out of band; a refusal by the server is never a 200."""
        await self._check(request, body, caller)
        kind = self._guard.check_server_kind(request)
        registered = await self._ask_server(request, kind, trusted=caller.known)
        if registered.error is not None:
            raise RequestError(
                f"The server refused to register the application: {registered.error}",
                code=ErrorCode.REGISTRATION_FAILED,
                status=500,
            )
        document = {"message": registered.message, "modified": registered.modified}
        return Response.json(200, document, **{Header.SYNC_KIND: SyncKind.OUT_OF_BAND})

    async def _check(self, request: Request, body: bytes, caller: Caller) -> None:
        """Let unsigned requests pass where allowed: registering authenticates itself."""
        settings = self._client.settings
        unsigned = request.header(Header.SIGNATURE) is None
        allowed = self._options.takes_unsigned_sync(settings)
        if not (unsigned and allowed and settings.signing_keys):
            await self._guard.check(request, body, caller)

    async def _ask_server(
        self, request: Request, server_kind: str | None, *, trusted: bool
    ) -> Registered:
        url = self._facts.url(request, trusted=trusted)
        if not is_url(url):
            raise RequestError(
                f"{url[:100]!r}, where this request came to, is no URL to register; "
                "set serve_origin, or INNGEST_SERVE_ORIGIN, to scheme and host of the application.",
                code=ErrorCode.REGISTRATION_FAILED,
                status=400,
            )
        document = self._facts.registration(url).out_of_band()
        self.last = LastSync(ok=False, message="the server did not answer")
        registered = await self._client.api.register(
            document, sync_id=request.query.get("deployId"), server_kind=server_kind
        )
        self.last = LastSync(ok=registered.error is None, message=registered.message)
        return registered


def _parsed(body: bytes) -> Any:
    try:
        return loads(body)
    except CodecError:
        return None
