"""Carries requests to apps over HTTP; the only file here that knows httpx. Never raises."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import brotli
import httpx

from inngest_asgi.dev.answers import TOO_LARGE, Answer, NoAnswer
from inngest_asgi.dev.connections import PATIENCE, BrokenOffError, Connections, Origin, Sending

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from inngest_asgi.dev.calls import Request

MAX_REDIRECTS = 60

_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_PART = 64 * 1024
_LAST_PORT = 65_535
_CODINGS = ("", "identity", "gzip", "deflate", "br")
"""One layer of these is taken off answers (server-api.md 12)."""
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[^\x00-\x08\x0a-\x1f\x7f]*")
_OUR_OWN = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_WITHOUT_LENGTH = frozenset({"GET", "HEAD", "OPTIONS"})


class Outbound(Protocol):
    """What carries a request to an app and brings its answer back."""

    def send(self, request: Request) -> Coroutine[Any, Any, Answer | NoAnswer]:
        """Send it; whatever goes wrong on the way is a `NoAnswer` with a sentence."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class HttpOutbound:
    """Sends over the network, or into an ASGI app when given `httpx.ASGITransport`.

    Args:
        transport: anything of httpx that carries requests; `Connections` by default.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport or _Direct()

    async def send(self, request: Request) -> Answer | NoAnswer:
        """Send a request, following redirects with its method and body (server-api.md 12)."""
        try:
            first = url = httpx.URL(request.url)
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._send_once(request, url, _headers(request, first, url))
                if isinstance(answer, NoAnswer) or not _redirects(answer):
                    return answer
                url = _redirected(request, url, answer.headers["location"])
        except httpx.ConnectError as error:
            return _unreachable(request, f"cannot be reached ({error}). Is it running?")
        except httpx.ConnectTimeout:
            return _unreachable(
                request, f"did not accept a connection within {PATIENCE:.0f} seconds."
            )
        except httpx.DecodingError as error:
            return _unreachable(request, f"sent a body that cannot be decoded ({error}).")
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            return _unreachable(request, f"broke off before it had answered ({reason}).")
        return _unreachable(request, f"redirects more than {MAX_REDIRECTS} times.")

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _send_once(
        self, request: Request, url: httpx.URL, headers: list[tuple[bytes, bytes]]
    ) -> Answer | NoAnswer:
        if (url.port or 0) > _LAST_PORT:
            raise httpx.InvalidURL(f"there is no port {url.port}")
        sent = httpx.Request(
            request.method,
            url,
            headers=headers,
            content=request.body,
            extensions={"limit": request.limit},
        )
        response = await self._transport.handle_async_request(sent)
        response.request = sent
        try:
            return await _read(response, request)
        finally:
            await response.aclose()


class _Direct(httpx.AsyncBaseTransport):
    """Carries requests over connections of our own, and says what goes wrong as httpx does."""

    def __init__(self) -> None:
        self._connections = Connections()
        self._tls = cache(httpx.create_ssl_context)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = self._origin(request.url)
        limit = request.extensions["limit"]
        sending = Sending(request.method, _head(request) + request.content, limit)
        try:
            received = await self._connections.exchange(origin, sending)
        except TimeoutError:
            raise httpx.ConnectTimeout("") from None
        except OSError as error:
            raise httpx.ConnectError(error.strerror or "all attempts failed") from error
        except BrokenOffError as error:
            raise httpx.ReadError(str(error)) from error
        body = _Parts(received.body)
        return httpx.Response(received.status, headers=received.headers, stream=body)

    async def aclose(self) -> None:
        self._connections.close()

    def _origin(self, url: httpx.URL) -> Origin:
        port = url.port or _PORTS.get(url.scheme)
        if port is None or not url.host:
            raise httpx.UnsupportedProtocol("it is no http:// or https:// URL with a host")
        return Origin(url.raw_host.decode(), port, self._tls() if url.scheme == "https" else None)


class _Parts(httpx.AsyncByteStream):
    """A body in parts so small that what they unpack to can be counted in time."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _PART):
            yield self._body[start : start + _PART]


def _head(request: httpx.Request) -> bytes:
    """Return the first lines of a request; its length is what it is, whatever a step says."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    for name, value in request.headers.raw:
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise httpx.LocalProtocolError(f"{name!r} is not a header that can be sent")
        if name.lower() not in _OUR_OWN:
            lines.append(b"%s: %s" % (name, value))
    if request.content or request.method not in _WITHOUT_LENGTH:
        lines.append(b"content-length: %d" % len(request.content))
    return b"\r\n".join([*lines, b"", b""])


async def _read(response: httpx.Response, request: Request) -> Answer | NoAnswer:
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        what = f"answered in the encoding {coding!r}, which this server does not read here"
        return _unreachable(request, f"{what}; have it answer in gzip, or plainly.")
    parts, size = [], 0
    unpacked = _unbrotlied(response) if coding == "br" else response.aiter_bytes()
    async for part in unpacked:
        parts.append(part)
        size += len(part)
        if size > request.limit:
            message = f"{request.whom} answered with more than {request.limit >> 20} MB."
            return NoAnswer(TOO_LARGE, message)
    url, body = str(response.request.url), b"".join(parts)
    return Answer(response.status_code, dict(response.headers), body, url)


async def _unbrotlied(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield what a body unpacks to in parts that can be counted: 1 KB may hold gigabytes.

    httpx unpacks each part it is given as a whole; in the other encodings that is bounded.
    """
    unpacker = brotli.Decompressor()
    try:
        async for part in response.aiter_raw():
            yield unpacker.process(part, output_buffer_limit=_PART)
            while not unpacker.can_accept_more_data():
                yield unpacker.process(b"", output_buffer_limit=_PART)
    except brotli.error as error:
        raise httpx.DecodingError(str(error)) from error


def _headers(request: Request, first: httpx.URL, url: httpx.URL) -> list[tuple[bytes, bytes]]:
    """Return the headers for `url`, where the request for `first` was redirected to."""
    pairs = [*request.headers.items(), *request.more_headers]
    if request.elsewhere is not None and _origin(url) != _origin(first):
        pairs = [pair for pair in pairs if pair[0].lower() in request.elsewhere]
    return [(key.encode(), value.encode()) for key, value in pairs]


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return (url.scheme, url.netloc)


def _redirects(answer: Answer) -> bool:
    return answer.status in _REDIRECTS and "location" in answer.headers


def _redirected(request: Request, url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads; a query that it does not name is kept, unless it is secret."""
    target = url.join(location)
    secret = request.elsewhere is not None and _origin(target) != _origin(url)
    return target if target.query or secret else target.copy_with(query=url.query or None)


def _unreachable(request: Request, what: str) -> NoAnswer:
    return NoAnswer("http_unreachable", f"{request.whom} {what}")
