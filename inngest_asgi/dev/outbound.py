"""Carries requests to apps over HTTP; the only file here that knows httpx. Never raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httpx

from inngest_asgi.dev.answers import MAX_BODY, Answer, NoAnswer

if TYPE_CHECKING:
    from inngest_asgi.dev.calls import Request

MAX_REDIRECTS = 60

_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT = httpx.Timeout(None, connect=15.0)


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
        transport: anything of httpx that carries requests; its own pool by default.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport or httpx.AsyncHTTPTransport(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100)
        )

    async def send(self, request: Request) -> Answer | NoAnswer:
        """Send a request, following redirects with its method and body (server-api.md 12)."""
        url = httpx.URL(request.url)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._send_once(request, url)
                if isinstance(answer, NoAnswer) or answer.status not in _REDIRECTS:
                    return answer
                url = _redirected(url, answer.headers.get("location", ""))
        except httpx.ConnectError as error:
            return _unreachable(request, f"cannot be reached ({error}). Is the app running?")
        except httpx.DecodingError as error:
            return _unreachable(request, f"sent a body that cannot be decoded ({error}).")
        except (httpx.TransportError, httpx.InvalidURL, RuntimeError) as error:
            reason = str(error) or type(error).__name__
            return _unreachable(request, f"broke off before it had answered ({reason}).")
        return _unreachable(request, f"redirects more than {MAX_REDIRECTS} times.")

    async def aclose(self) -> None:
        """Close connections."""
        await self._transport.aclose()

    async def _send_once(self, request: Request, url: httpx.URL) -> Answer | NoAnswer:
        sent = httpx.Request(
            request.method,
            url,
            headers=request.headers,
            content=request.body,
            extensions={"timeout": _CONNECT.as_dict()},
        )
        response = await self._transport.handle_async_request(sent)
        response.request = sent
        try:
            return await _read(response)
        finally:
            await response.aclose()


async def _read(response: httpx.Response) -> Answer | NoAnswer:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            message = f"The app answered with more than {MAX_BODY >> 20} MB."
            return NoAnswer("output_too_large", message)
    return Answer(response.status_code, dict(response.headers), b"".join(parts))


def _redirected(url: httpx.URL, location: str) -> httpx.URL:
    """Return where a redirect leads; a query that it does not name is kept."""
    target = url.join(location)
    return target if target.query else target.copy_with(query=url.query or None)


def _unreachable(request: Request, what: str) -> NoAnswer:
    return NoAnswer("http_unreachable", f"The app at {request.url} {what}")
