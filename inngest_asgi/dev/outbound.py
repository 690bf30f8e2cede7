"""Carries requests to apps over HTTP; the only file here that knows httpx. Never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import httpx

from inngest_asgi.dev.answers import MAX_BODY, Answer, NoAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from inngest_asgi.dev.calls import Request

MAX_REDIRECTS = 60

_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT = httpx.Timeout(None, connect=15.0)
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=1.0)
"""Shorter than any server's patience, so that a call does not meet the end of its connection."""
_LAST_PORT = 65_535


class Outbound(Protocol):
    """What carries a request to an app and brings its answer back."""

    async def send(self, request: Request) -> Answer | NoAnswer:
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
            url = httpx.URL(request.url)
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._send_once(request, url)
                if isinstance(answer, NoAnswer) or not _redirects(answer):
                    return answer
                url = _redirected(url, answer.headers["location"])
        except httpx.ConnectError as error:
            return _unreachable(request, f"cannot be reached ({error}). Is the app running?")
        except httpx.DecodingError as error:
            return _unreachable(request, f"sent a body that cannot be decoded ({error}).")
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            return _unreachable(request, f"broke off before it had answered ({reason}).")
        return _unreachable(request, f"redirects more than {MAX_REDIRECTS} times.")

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _send_once(self, request: Request, url: httpx.URL) -> Answer | NoAnswer:
        if (url.port or 0) > _LAST_PORT:
            raise httpx.InvalidURL(f"there is no port {url.port}")
        sent = httpx.Request(
            request.method,
            url,
            headers=[(key.encode(), value.encode()) for key, value in request.headers.items()],
            content=request.body,
            extensions={"timeout": _CONNECT.as_dict()},
        )
        response = await self._transport.handle_async_request(sent)
        response.request = sent
        try:
            return await _read(response)
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
        self._idle: dict[str, list[httpx.AsyncHTTPTransport]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = f"{request.url.scheme}://{request.url.netloc.decode()}"
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


async def _read(response: httpx.Response) -> Answer | NoAnswer:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            message = f"The app answered with more than {MAX_BODY >> 20} MB."
            return NoAnswer("output_too_large", message)
    return Answer(response.status_code, dict(response.headers), b"".join(parts))


def _redirects(answer: Answer) -> bool:
    return answer.status in _REDIRECTS and "location" in answer.headers


def _redirected(url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads; a query that it does not name is kept."""
    target = url.join(location)
    return target if target.query else target.copy_with(query=url.query or None)


def _unreachable(request: Request, what: str) -> NoAnswer:
    return NoAnswer("http_unreachable", f"The app at {request.url} {what}")
