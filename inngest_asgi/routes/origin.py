"""Where a request stands: is it for the endpoint, for health, for nobody; and under which URL."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from starlette.types import Scope

    from inngest_asgi.routes.messages import Request

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"

_UNQUOTED = "/:@!$&'()*+,;="


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
    if path == LIVE_PATH or (mounted and path.endswith(LIVE_PATH)):
        return Place.LIVE
    if path == READY_PATH or (mounted and path.endswith(READY_PATH)):
        return Place.READY
    if mounted or path.strip("/") in ("", serve_path.strip("/")):
        return Place.ENDPOINT
    return Place.NOWHERE


def is_mounted(scope: Scope) -> bool:
    """Whether a host's router put the application under a path (Starlette leaves this mark)."""
    return "app_root_path" in scope


def public_url(request: Request, *, origin: str | None, path: str | None) -> str:
    """Return the URL under which a server reaches the application.

    Args:
        request: the request that asked for it.
        origin: scheme and host to use instead of the request's.
        path: the path to use instead of the request's.
    """
    if path is None:
        path = quote(_public_path(request.scope), safe=_UNQUOTED)
    return (origin or _request_origin(request)) + (f"/{path.lstrip('/')}" if path else "")


def path_below_root(scope: Scope) -> str:
    """Return the path below the host's root path.

    Hosts differ: some keep the root path in front of the path, others have stripped it.
    """
    path: str = scope["path"]
    root = _root(scope)
    return path[len(root) :] if path == root or path.startswith(f"{root}/") else path


def _public_path(scope: Scope) -> str:
    below = "" if is_mounted(scope) else path_below_root(scope)
    return (_root(scope) + below).rstrip("/")


def _root(scope: Scope) -> str:
    root: str = scope.get("root_path", "")
    return root.rstrip("/")


def _request_origin(request: Request) -> str:
    scheme = request.scope.get("scheme", "http")
    return f"{scheme}://{request.header('host') or _server(request.scope)}"


def _server(scope: Scope) -> str:
    """Return the server's own address, for requests without a host header (HTTP/1.0)."""
    host, port = scope.get("server") or ("localhost", None)
    if port is None:
        return "localhost"  # what stands in its place then is the path of a Unix socket
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
