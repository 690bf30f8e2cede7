"""Who may ask, and what they are told: signatures in, errors and signed responses out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inngest_asgi.crypto.signatures import sign, verify
from inngest_asgi.errors import ApiError, ConfigError, RequestError, SignatureError
from inngest_asgi.routes.messages import Request, Response, Standing
from inngest_asgi.wire.names import ErrorCode, Header, ServerKind
from inngest_asgi.wire.replies import retry_headers

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.clock import Clock
    from inngest_asgi.routes.facts import Facts

_TO_STRANGERS = Standing({Header.SDK_HANDLED: "true"})
_LARGE = 65_536


@dataclass(slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        known: whether the caller may see what is ours: always in dev mode, else when it signed.
        key: the signing key that proved it, which signs the response, too.
    """

    known: bool = False
    key: str | None = field(default=None, repr=False)


Handle = Callable[[Request, Caller], Awaitable[Response]]
"""What answers one method; it notes in the caller what it found out."""


class Guard:
    """Checks callers of one application and dresses its responses.

    Args:
        client: knows the mode and the keys.
        facts: what every response says of the application.
        clock: for the age of signatures.
    """

    def __init__(self, client: Inngest, facts: Facts, clock: Clock) -> None:
        self._client = client
        self._facts = facts
        self._clock = clock
        self._complained = False
        self._keys: tuple[str, ...] = ()

    def answer(self, request: Request, handle: Handle) -> Coroutine[Any, Any, Response]:
        """Handle a request; whatever goes wrong becomes a JSON response."""
        caller = Caller(not self._client.settings.is_production)
        return self.conclude(handle(request, caller), caller)

    async def conclude(self, work: Awaitable[Response], caller: Caller) -> Response:
        """Wait for a response, or make one of what went wrong, and dress it for the caller."""
        try:
            response = await work
        except RequestError as error:
            response = _refusal(error, caller)
        except (ApiError, ConfigError) as error:
            self._client.logger.error("%s", error)
            response = _refusal(_as_request_error(error), caller)
        except Exception:
            self._client.logger.exception("A request could not be answered")
            response = _refusal(_UNEXPECTED, caller)
        return self._dress(response, caller)

    async def check(self, request: Request, body: bytes, caller: Caller) -> None:
        """Find out who signed a request; in cloud mode it must be somebody we know.

        Raises:
            SignatureError: the signature is missing or wrong, in cloud mode.
            RequestError: 500, cloud mode lacks a signing key; the message names the variable.
        """
        header = request.header(Header.SIGNATURE)
        keys = self._keys or self._signing_keys()
        in_dev = caller.known  # there, everybody is
        if not keys or (in_dev and header is None):
            if in_dev:
                return
            raise self._missing_key()
        now = self._clock.time()
        try:
            if len(body) < _LARGE:
                caller.key = verify(body, header, keys, now)
            else:
                caller.key = await _verify_large(body, header, keys, now)
        except SignatureError:
            if not in_dev:
                raise
        caller.known = True

    def check_server_kind(self, request: Request, *, status: int = 400) -> str | None:
        """Return what the server says it is; it must be of our own mode.

        Raises:
            RequestError: it is not; `status` is then the response's.
        """
        kind = request.header(Header.SERVER_KIND)
        ours = ServerKind.CLOUD if self._client.is_production else ServerKind.DEV
        if kind is not None and kind != ours:
            raise RequestError(
                f"A {kind[:20]!r} server asked, but this application runs in {ours} mode; "
                "set INNGEST_DEV=1 for a local server, unset it for the cloud.",
                code=ErrorCode.SERVER_KIND_MISMATCH,
                status=status,
            )
        return kind

    def _signing_keys(self) -> tuple[str, ...]:
        """Return the keys to try; the first request that finds some settles them."""
        self._keys = self._client.settings.signing_keys
        return self._keys

    def _missing_key(self) -> RequestError:
        error = RequestError(
            "This application runs in cloud mode without a signing key. Set INNGEST_SIGNING_KEY, "
            "or INNGEST_DEV=1 when it is meant for a local server.",
            code=ErrorCode.SIGNING_KEY_UNSPECIFIED,
            status=500,
        )
        if not self._complained:
            self._complained = True
            self._client.logger.error("%s", error)
        return error

    def _dress(self, response: Response, caller: Caller) -> Response:
        """Add our headers and signature; strangers see neither (http.md 4)."""
        headers = response.headers
        if not caller.known:
            response.standing = _TO_STRANGERS
            response.headers = {k: v for k, v in headers.items() if not k.startswith("x-inngest-")}
            return response
        response.standing = self._facts.headers
        if caller.key is not None and response.is_whole:
            headers[Header.SIGNATURE] = sign(response.body, caller.key, self._clock.time())
        return response


_UNEXPECTED = RequestError(
    "Something unexpected went wrong; the application's log says more.",
    code=ErrorCode.INTERNAL_ERROR,
    status=500,
)


async def _verify_large(body: bytes, header: str | None, keys: tuple[str, ...], now: float) -> str:
    """Verify a large body; its canonical form is made in a thread.

    Only strangers need it, and it takes so long that all other calls would wait. What servers
    send is settled here: it must not wait for threads that users may have filled.
    """
    with suppress(SignatureError):
        return verify(body, header, keys, now, only_as_sent=True)
    return await asyncio.to_thread(verify, body, header, keys, now)


def _refusal(error: RequestError, caller: Caller) -> Response:
    document = {"code": error.code, "message": str(error)}
    if caller.known:
        document["name"] = type(error).__name__
    return Response.json(error.status, document, **retry_headers(no_retry=False))


def _as_request_error(error: ApiError | ConfigError) -> RequestError:
    return RequestError(str(error), code=ErrorCode.INTERNAL_ERROR, status=500)
