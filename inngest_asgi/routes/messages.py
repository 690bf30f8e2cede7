"""Requests and responses as plain ASGI carries them; nothing here knows Inngest's protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl

from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope, Send

_CONTENT_TYPE = (b"content-type", b"application/json")
_ORDINARY_QUERY = 512


class Request:
    """One HTTP request; its body is read once, up to a limit.

    Attributes:
        scope: as ASGI has it.
        method: the HTTP method.
        headers: by name in lower case; of one that was sent more than once, the first.
    """

    __slots__ = ("_body", "_receive", "headers", "method", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(reversed(list(scope["headers"])))
        self._receive = receive
        self._body = b""

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        value = self.headers.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the query that are not empty; of equal ones, the last.

        Raises:
            RequestError: 400, there are more than 100.
        """
        raw = self.scope.get("query_string", b"")
        return _known_query(raw) if len(raw) <= _ORDINARY_QUERY else _parse_query(raw)

    async def body(self, limit: int) -> bytes:
        """Read the whole body.

        Args:
            limit: the most bytes it may have.

        Raises:
            RequestError: 413, it is larger; 400, the client went away before its end.
        """
        length = self.headers.get(b"content-length", b"")
        # As a float, because an int of thousands of digits is a ValueError.
        if length.isdigit() and float(length) > limit:
            raise _too_large(limit)
        chunks, size, more = [], 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise RequestError("The client went away.", code=ErrorCode.BODY_INVALID, status=400)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            more = message.get("more_body", False)
        self._body = body = b"".join(chunks)
        return body

    def for_middleware(self) -> object:
        """Return the request as hosts know it, a Starlette `Request`, whose body can be read again.

        Only once the whole body was read.
        """
        from starlette.requests import Request as HostRequest  # a part of Starlette few calls need

        body = self._body

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return HostRequest(self.scope, receive)

    async def disconnected(self) -> None:
        """Wait until the client has gone away; only once the whole body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _lines(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode("ascii"), value.encode("latin-1", "replace"))
        for name, value in headers.items()
    ]


class Standing:
    """Headers that many responses have; they are brought into the form of ASGI once.

    Args:
        headers: names in lower case.
    """

    __slots__ = ("lines", "texts")

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.texts = headers
        self.lines = [_CONTENT_TYPE, *_lines(headers)]


_NOTHING_STANDING = Standing({})


@dataclass(slots=True)
class Response:
    """One HTTP response.

    Attributes:
        status: the HTTP status.
        body: the body, JSON.
        headers: its own, names in lower case.
        standing: those it has in common with others.
    """

    is_whole: ClassVar[bool] = True
    """Whether its body is known before it is sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    standing: Standing = _NOTHING_STANDING

    @classmethod
    def json(cls, status: int, document: object, **headers: str) -> Response:
        """Make one from a JSON document."""
        return cls(status, dumps(document), headers)

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers it is sent with, but for those of its body."""
        return {**self.standing.texts, **self.headers}

    async def send(self, send: Send) -> None:
        """Send it."""
        length = (b"content-length", b"%d" % len(self.body))
        await send(self._start(length))
        await send({"type": "http.response.body", "body": self.body})

    def _start(self, *more: tuple[bytes, bytes]) -> Message:
        return {
            "type": "http.response.start",
            "status": self.status,
            "headers": [*self.standing.lines, *more, *_lines(self.headers)],
        }


@lru_cache(maxsize=1024)
def _known_query(raw: bytes) -> dict[str, str]:
    """Parse a query as servers make them, once; long ones, of strangers, are not worth keeping."""
    return _parse_query(raw)


def _parse_query(raw: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(raw.decode(errors="replace"), max_num_fields=100))
    except ValueError:
        raise RequestError(
            "The query has more than 100 parameters.",
            code=ErrorCode.QUERY_PARAM_MISSING,
            status=400,
        ) from None


def _too_large(limit: int) -> RequestError:
    return RequestError(
        f"The body is larger than {limit} bytes; raise max_body_bytes of serve() to allow it.",
        code=ErrorCode.BODY_TOO_LARGE,
        status=413,
    )
