"""Who may ask, and what they are told: signatures in, errors and signed responses out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from inngest_asgi.crypto.signatures import sign, verify
from inngest_asgi.errors import ApiError, ConfigError, RequestError, SignatureError
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.wire.names import (
    FRAMEWORK,
    REQUEST_VERSION,
    SDK_HEADER,
    ErrorCode,
    Header,
    ServerKind,
)
from inngest_asgi.wire.replies import retry_headers

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.clock import Clock

_HANDLED = {"x-inngest-sdk-handled": "true"}
_OWN = _HANDLED | {
    Header.SDK: SDK_HEADER,
    Header.FRAMEWORK: FRAMEWORK,
    Header.REQUEST_VERSION: REQUEST_VERSION,
}


@dataclass(slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        known: whether the caller may see what is ours: always in dev mode, else when it signed.
        key: the signing key that proved it, which signs the response, too.
    """

    known: bool = False
    key: str | None = None


Handle = Callable[[Request, Caller], Awaitable[Response]]
"""What answers one method; it notes in the caller what it found out."""


class Guard:
    """Checks callers of one application and dresses its responses.

    Args:
        client: knows the mode and the keys.
        clock: for the age of signatures.
    """

    def __init__(self, client: Inngest, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._complained = False

    async def answer(self, request: Request, handle: Handle) -> Response:
        """Handle a request; whatever goes wrong becomes a JSON response."""
        caller = Caller(known=not self._client.is_production)
        try:
            response = await handle(request, caller)
        except RequestError as error:
            response = _refusal(error, caller)
        except (ApiError, ConfigError) as error:
            self._client.logger.error("%s", error)
            response = _refusal(_as_request_error(error), caller)
        except Exception:
            self._client.logger.exception("A request could not be answered")
            response = _refusal(_UNEXPECTED, caller)
        return self._dress(response, caller)

    def check(self, request: Request, body: bytes, caller: Caller) -> None:
        """Find out who signed a request; in cloud mode it must be somebody we know.

        Raises:
            SignatureError: the signature is missing or wrong, in cloud mode.
            RequestError: 500, cloud mode lacks a signing key; the message names the variable.
        """
        header = request.header(Header.SIGNATURE)
        keys = self._client.settings.signing_keys
        if caller.known:  # everybody is, in dev mode
            caller.key = self._verified_if_it_can(body, header, keys)
            return
        if not keys:
            raise self._missing_key()
        caller.key = verify(body, header, keys, self._clock.time())
        caller.known = True

    def check_server_kind(self, request: Request) -> str | None:
        """Return what the server says it is; it must be of our own mode.

        Raises:
            RequestError: 400, it is not.
        """
        kind = request.header(Header.SERVER_KIND)
        ours = ServerKind.CLOUD if self._client.is_production else ServerKind.DEV
        if kind is not None and kind != ours:
            raise RequestError(
                f"A {kind[:20]!r} server asked, but this application runs in {ours} mode; "
                "set INNGEST_DEV=1 for a local server, unset it for the cloud.",
                code=ErrorCode.SERVER_KIND_MISMATCH,
                status=400,
            )
        return kind

    def _verified_if_it_can(
        self, body: bytes, header: str | None, keys: tuple[str, ...]
    ) -> str | None:
        if header is None or not keys:
            return None
        try:
            return verify(body, header, keys, self._clock.time())
        except SignatureError:
            return None

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

    @cached_property
    def _own_headers(self) -> dict[str, str]:
        """What every response says of us; read once, for where an application runs is settled."""
        env = self._client.env
        if env and env.isprintable():  # a line break would start a header of its own
            return _OWN | {Header.ENV: env}
        return _OWN

    def _dress(self, response: Response, caller: Caller) -> Response:
        """Add our headers and signature; strangers see neither (http.md 4)."""
        if not caller.known:
            kept = {k: v for k, v in response.headers.items() if not k.startswith("x-inngest-")}
            return Response(response.status, response.body, _HANDLED | kept)
        headers = self._own_headers | response.headers
        if caller.key is not None:
            headers[Header.SIGNATURE] = sign(response.body, caller.key, self._clock.time())
        return Response(response.status, response.body, headers)


_UNEXPECTED = RequestError(
    "Something unexpected went wrong; the application's log says more.",
    code=ErrorCode.INTERNAL_ERROR,
    status=500,
)


def _refusal(error: RequestError, caller: Caller) -> Response:
    document = {"code": error.code, "message": str(error)}
    if caller.known:
        document["name"] = type(error).__name__
    return Response.json(error.status, document, **retry_headers(no_retry=False))


def _as_request_error(error: ApiError | ConfigError) -> RequestError:
    return RequestError(str(error), code=ErrorCode.INTERNAL_ERROR, status=500)
