"""The two HTTP requests beside the socket: start and flush (connect.md 3 and 10)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from inngest_asgi.client.connections import Connections
from inngest_asgi.client.messages import Outgoing, client_headers, remedy
from inngest_asgi.connect.frames import from_bytes, to_bytes
from inngest_asgi.connect.messages import FlushResponse, StartRequest, StartResponse
from inngest_asgi.errors import ApiError, ConnectAuthError, FrameError

if TYPE_CHECKING:
    from inngest_asgi.client.messages import Answer
    from inngest_asgi.connect.messages import Response
    from inngest_asgi.settings import Settings

PATIENCE = timedelta(seconds=5)
"""For each phase of a request (connect.md 3)."""

_WHOLE_PATIENCE = 10.0
_SERVER_TEXT = 300
_KEYS_REFUSED = (
    "The server refused the signing key; check INNGEST_SIGNING_KEY, and INNGEST_ENV if the key is "
    "one of a branch environment."
)
_KEY_MISSING = (
    "A worker in cloud mode needs a signing key. Set INNGEST_SIGNING_KEY, or INNGEST_DEV=1 when it "
    "is meant for a local server."
)
_TOO_MANY = (
    "The account has as many connections as it may have; stop other workers, or raise the limit."
)


class Exchange:
    """Makes these requests, over HTTP connections of the loop that it is used on.

    They are the worker's own: those of the client may belong to another loop.

    Args:
        settings: of any of the applications; they share what is needed.
        connections: over which; those of its own by default.
    """

    def __init__(self, settings: Settings, connections: Connections | None = None) -> None:
        self._settings = settings
        self._connections = connections or Connections(PATIENCE)

    async def start(self, exclude_gateways: tuple[str, ...]) -> StartResponse:
        """Ask where to connect.

        Raises:
            ConnectAuthError: there is no key, or the server refused each.
            ApiError: it refused for another reason, or no usable answer came; its `status` tells.
            ConfigError: the URL, a key or the environment cannot be used.
        """
        if self._settings.is_production and not self._settings.signing_keys:
            raise ConnectAuthError(_KEY_MISSING)
        body = to_bytes(StartRequest(exclude_gateways))
        answer = await self._post("/v0/connect/start", body)
        if answer.status in (401, 403):
            raise ConnectAuthError(_KEYS_REFUSED)
        if answer.status == 429:
            raise ApiError(_TOO_MANY, 429)
        if not answer.ok:
            raise self._refusal("No connection was opened", answer)
        try:
            return from_bytes(StartResponse, answer.body)
        except FrameError as error:
            raise ApiError(
                f"{self._settings.api_origin} is no server that workers can connect to: {error}"
            ) from error

    async def flush(self, response: Response) -> None:
        """Deliver a reply; delivering it twice is fine.

        Raises:
            ApiError: it was not taken; its `status` tells why.
            ConfigError: the URL, a key or the environment cannot be used.
        """
        answer = await self._post("/v0/connect/flush", to_bytes(response))
        if not answer.ok:
            raise self._refusal("A reply was not taken", answer)
        try:
            from_bytes(FlushResponse, answer.body)
        except FrameError as error:
            raise ApiError(f"It is not known whether a reply was taken: {error}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def _post(self, path: str, body: bytes) -> Answer:
        settings = self._settings
        outgoing = Outgoing(
            method="POST",
            url=settings.api_origin + path,
            headers=client_headers(settings) | {"content-type": "application/protobuf"},
            body=body,
            signing_keys=settings.signing_keys if settings.is_production else (),
        )
        try:
            async with asyncio.timeout(_WHOLE_PATIENCE):
                return await self._connections.exchange(outgoing)
        except TimeoutError as error:
            raise ApiError(f"{outgoing.origin} took too long to answer.") from error
        except ApiError as error:
            raise ApiError(f"{error} {remedy(settings)}") from error

    def _refusal(self, what: str, answer: Answer) -> ApiError:
        document = answer.document()
        said = document.get("error") if isinstance(document, dict) else None
        text = f": {said[:_SERVER_TEXT].removesuffix('.')}" if isinstance(said, str) else ""
        origin = self._settings.api_origin
        return ApiError(f"{what}: {origin} answered {answer.status}{text}.", answer.status)
