"""Where a request stands: is it for the endpoint, for health, for nobody; and under which URL."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from inngest_asgi.routes.forwarded import Forwarded, forwarded

if TYPE_CHECKING:
    from starlette.types import Scope

    from inngest_asgi.routes.messages import Request

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"

_HEALTH_PATHS = (LIVE_PATH, READY_PATH)
_UNQUOTED = "/:@!$&'()*+,;="
_NOT_IN_URL = re.compile(r"[\\\s\x00-\x20\x7f]")


class Place(Enum):
    """What a path of the application leads to."""

    ENDPOINT = auto()
    LIVE = auto()
    READY = auto()
    NOWHERE = auto()


def place_of(scope: Scope, serve_path: str) -> Place:
    """Say what a request's path leads to.

    Mounted, every path but health's is the endpoint, for proxies that strip prefixes leave odd
    paths. Otherwise only "/", the serve path and health answer.
    """
    path = path_below_root(scope)
    mounted = is_mounted(scope)
    if path.endswith(_HEALTH_PATHS) and (mounted or path in _HEALTH_PATHS):
        return Place.LIVE if path.endswith(LIVE_PATH) else Place.READY
    if mounted or path == serve_path or path.strip("/") in ("", serve_path.strip("/")):
        return Place.ENDPOINT
    return Place.NOWHERE


def is_mounted(scope: Scope) -> bool:
    """Whether a host's router put the application under a path (Starlette leaves this mark)."""
    return "app_root_path" in scope


def public_url(request: Request, *, origin: str | None, path: str | None, trusted: bool) -> str:
    """Return the URL under which a server reaches the application.

    Args:
        request: the request that asked for it.
        origin: scheme and host to use instead of the request's.
        path: the path to use instead of the request's.
        trusted: whether to believe what the request says of proxies, see `forwarded`.
    """
    told = forwarded(request, trusted=trusted)
    if path is None:
        path = quote(_public_path(request.scope, told.prefix), safe=_UNQUOTED)
    return (origin or _request_origin(request, told)) + _rooted(path)


def rebuilt_url(url: str, *, origin: str | None, path: str | None) -> str:
    """Return a URL without its query, other things in place of its origin and its path.

    Args:
        url: one that `is_url`.
        origin: scheme and host to use instead of the URL's.
        path: the path to use instead of the URL's.
    """
    parts = urlsplit(url)
    own = f"{parts.scheme}://{parts.netloc}"
    return (origin or own) + _rooted(parts.path if path is None else path)


def is_url(url: str) -> bool:
    """Whether a text is an absolute http or https URL."""
    try:
        parts = urlsplit(url)
        return bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0) and (
            _NOT_IN_URL.search(url) is None
        )
    except ValueError:
        return False


def path_below_root(scope: Scope) -> str:
    """Return the path below the host's root path.

    Hosts differ: some keep the root path in front of the path, others have stripped it.
    """
    path: str = scope["path"]
    root = _root(scope)
    if not root:
        return path
    return path[len(root) :] if path == root or path.startswith(f"{root}/") else path


def _public_path(scope: Scope, prefix: str) -> str:
    """Return the path as it was asked for, with the prefix that a proxy says it stripped.

    A host that knows the prefix has it in its root path already.
    """
    below = "" if is_mounted(scope) else path_below_root(scope)
    known = f"{_hosts_root(scope)}/".startswith(f"{prefix}/")
    return ("" if known else prefix) + (_root(scope) + below).rstrip("/")


def _hosts_root(scope: Scope) -> str:
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    return root.rstrip("/")


def _rooted(path: str) -> str:
    return f"/{path.lstrip('/')}" if path else ""


def _root(scope: Scope) -> str:
    root: str = scope.get("root_path", "")
    return root.rstrip("/")


def _request_origin(request: Request, told: Forwarded) -> str:
    scheme = told.scheme or request.scope.get("scheme", "http")
    return f"{scheme}://{told.host or request.header('host') or _server(request.scope)}"


def _server(scope: Scope) -> str:
    """Return the server's own address, for requests without a host header (HTTP/1.0)."""
    host, port = scope.get("server") or ("localhost", None)
    if port is None:
        return "localhost"  # what stands in its place then is the path of a Unix socket
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
