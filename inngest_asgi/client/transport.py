"""One HTTP exchange, its authorisation and its failures; the only file that imports httpx.

That import takes longer than all the rest of the package, so this module is imported when the
first request is made (see `connections`). It neither keeps connections nor sends anything twice.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import httpx

from inngest_asgi.client.messages import Answer
from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.errors import ApiError, ConfigError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Generator, Iterable

    from inngest_asgi.client.messages import Outgoing

HTTPClient = httpx.AsyncClient

_REFUSED = (401, 403)


def open_client(timeout: float) -> HTTPClient:
    """Return a new client whose connect, write, read and pool waits end after `timeout` seconds."""
    return httpx.AsyncClient(timeout=timeout, verify=_tls())


async def exchange(client: HTTPClient, outgoing: Outgoing) -> Answer:
    """Send one request and read its whole answer.

    Raises:
        ApiError: no answer came; the message names the origin, never a key.
        ConfigError: the URL cannot be requested, or a signing key is not hexadecimal.
    """
    try:
        request = client.build_request(
            outgoing.method,
            outgoing.url,
            headers=[(name.encode(), text.encode()) for name, text in outgoing.headers.items()],
            content=outgoing.body or None,
        )
        request.url = _ShownURL(request.url, outgoing.shown_url or outgoing.url)
        auth = BearerAuth(outgoing.signing_keys) if outgoing.signing_keys else _CLIENTS_OWN
        response = await client.send(request, auth=auth)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise ConfigError(f"{outgoing.origin} is not a URL that can be requested.") from None
    except (httpx.RequestError, RuntimeError) as error:
        # httpx lets RuntimeError through for a client that was closed, and for a kept connection
        # whose event loop was; the pool then drops that connection, so trying again may help.
        said = str(error).removesuffix(".") or "no more is known"
        raise ApiError(
            f"No answer from {outgoing.origin}: {type(error).__name__}: {said}."
        ) from error
    return Answer(response.status_code, response.content)


class BearerAuth(httpx.Auth):
    """Authorises with the hash of a signing key; refused, once more with the next (http.md 6).

    Args:
        signing_keys: at least one.
    """

    def __init__(self, signing_keys: Iterable[str]) -> None:
        self._tokens = [bearer_token(key) for key in signing_keys]

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with each token in turn, until one is not refused."""
        for token in self._tokens:
            request.headers["authorization"] = f"Bearer {token}"
            response = yield request
            if response.status_code not in _REFUSED:
                return


class _ShownURL(httpx.URL):
    """A URL that turns into another text when shown.

    httpx logs the URL of each request, and tracers record it; that of events holds a key.
    """

    def __init__(self, url: httpx.URL, shown: str) -> None:
        super().__init__(url)
        self._shown = shown

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"URL({self._shown!r})"


_CLIENTS_OWN = httpx.USE_CLIENT_DEFAULT


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return the certificates to trust, loaded once: it takes longer than a request."""
    return httpx.create_ssl_context()
