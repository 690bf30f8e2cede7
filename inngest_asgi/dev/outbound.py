"""Carries requests to apps over HTTP; the only file here that knows httpx. Never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import httpx

from inngest_asgi.dev.answers import TOO_LARGE, Answer, NoAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from inngest_asgi.dev.calls import Request

MAX_REDIRECTS = 60

_REDIRECTS = (301, 302, 303, 307, 308)
_PATIENCE = 15.0
_CONNECT = httpx.Timeout(None, connect=_PATIENCE)
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=1.0)
"""Shorter than any server's patience, so that a call does not meet the end of its connection."""
_LAST_PORT = 65_535
_CODINGS = ("", "identity", "gzip", "deflate", "br")
"""One layer of these is taken off answers (server-api.md 12)."""


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
        transport: anything of httpx that carries requests; connections of its own by default.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport or _Connections()

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
                request, f"did not accept a connection within {_PATIENCE:.0f} seconds."
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
            extensions={"timeout": _CONNECT.as_dict()},
        )
        response = await self._transport.handle_async_request(sent)
        response.request = sent
        try:
            return await _read(response, request)
        finally:
            await response.aclose()


class _Connections(httpx.AsyncBaseTransport):
    """A transport per connection, used again from the top of a pile.

    One pool for all would look through all its connections for every request: with a hundred
    calls in progress that takes longer than the calls. A connection that the app closed while
    nobody used it is replaced; a call that broke off is never sent again from here, because the
    app may have begun with it.
    """

    def __init__(self) -> None:
        self._tls = httpx.create_ssl_context()
        self._idle: dict[tuple[str, bytes], list[httpx.AsyncHTTPTransport]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = _origin(request.url)
        idle = self._idle.setdefault(origin, [])
        return await self._send(idle.pop() if idle else self._open(), idle, request)

    async def _send(
        self,
        transport: httpx.AsyncHTTPTransport,
        idle: list[httpx.AsyncHTTPTransport],
        request: httpx.Request,
    ) -> httpx.Response:
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            await transport.aclose()
            raise
        response.stream = _Returning(response.stream, lambda: idle.append(transport))
        return response

    async def aclose(self) -> None:
        for idle in self._idle.values():
            while idle:
                await idle.pop().aclose()

    def _open(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._tls, limits=_ONE)


class _Returning(httpx.AsyncByteStream):
    """A body that calls back once it is closed."""

    def __init__(self, stream: Any, closed: Callable[[], None]) -> None:
        self._stream = stream
        self._closed = closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        parts: AsyncIterator[bytes] = self._stream.__aiter__()
        return parts

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._closed()


async def _read(response: httpx.Response, request: Request) -> Answer | NoAnswer:
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        what = f"answered in the encoding {coding!r}, which this server does not read here"
        return _unreachable(request, f"{what}; have it answer in gzip, or plainly.")
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > request.limit:
            message = f"{request.whom} answered with more than {request.limit >> 20} MB."
            return NoAnswer(TOO_LARGE, message)
    url, body = str(response.request.url), b"".join(parts)
    return Answer(response.status_code, dict(response.headers), body, url)


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
