"""Keeps pages of other origins from driving the server through a browser; it checks no keys.

Who can reach the port may use a dev server, which is why it listens on this machine only. But any
page that its developer has open can make the browser send requests there. Two things tell them
apart: browsers say where a request comes from, and a name that leads here without being ours is a
page that had its own name point at this machine (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from inngest_asgi.dev.options import DevOptions

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})
_EVENTS = "/e/"
_LOCAL_PAGE = r"https?://(localhost|[\w.-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?"
"""Where pages come from that are served on this machine, such as an app's own; of any port."""
# Nobody can register a name that ends so; they are of this machine or of the network it is in.
_PRIVATE = ("localhost", "internal", "local", "test", "lan", "home.arpa")


class Guard:
    """An ASGI app in front of another.

    Args:
        app: what is guarded.
        options: by what names the server is known. With a signing key any will do: there is
            nothing that a page without the key could do under them.
    """

    def __init__(self, app: ASGIApp, options: DevOptions) -> None:
        self._app = app
        self._events = CORSMiddleware(
            app, allow_origin_regex=_LOCAL_PAGE, allow_methods=["POST"], allow_headers=["*"]
        )
        self._hosts = frozenset(host.lower() for host in options.hosts)
        self._any_host = options.signing_key is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await _refuse(refusal, send)
        elif _takes_events(scope):
            await self._events(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = {key: value.decode("latin-1") for key, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not (self._any_host or self._is_ours(_name(host))):
            return (
                f"This dev server is not known as {_name(host)!r}. Use localhost or an IP address, "
                "or tell the server of the name: --allow-host NAME, or DevOptions(hosts=...)."
            )
        if scope["method"] in _READING or _is_of_own_page(headers, host):
            return None
        if _takes_events(scope) and re.fullmatch(_LOCAL_PAGE, headers.get(b"origin", "")):
            return None
        return "Only the server's own page may do this from a browser, not a page of another site."

    def _is_ours(self, name: str) -> bool:
        if not name or "." not in name or name in self._hosts or _is_address(name):
            return True
        return name.endswith(tuple(f".{suffix}" for suffix in _PRIVATE))


def _is_of_own_page(headers: dict[bytes, str], host: str) -> bool:
    """Whether a request comes from the server's page, or from no page at all.

    No page can lie in either header. The first one holds behind proxies that change the host, too.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in _OWN_SITE
    origin = headers.get(b"origin")
    return origin is None or _host_of(origin) == host.lower()


def _takes_events(scope: Scope) -> bool:
    return scope["type"] == "http" and str(scope["path"]).startswith(_EVENTS)


def _host_of(origin: str) -> str:
    return origin.partition("://")[2].lower()


def _name(host: str) -> str:
    """Return a Host header's name or address without the port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(sentence: str, send: Send) -> None:
    body = dumps({"code": "forbidden", "error": sentence, "data": None, "status": 403})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
