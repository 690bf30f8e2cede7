"""Where a request stands: is it for the endpoint, for health, for nobody; and under which URL."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

    from inngest_asgi.routes.messages import Request

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"


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
    path = _own_path(scope)
    mounted = is_mounted(scope)
    if path == LIVE_PATH or (mounted and path.endswith(LIVE_PATH)):
        return Place.LIVE
    if path == READY_PATH or (mounted and path.endswith(READY_PATH)):
        return Place.READY
    if mounted or path.rstrip("/") in ("", serve_path.rstrip("/")):
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
    scope = request.scope
    if path is None:
        path = scope.get("root_path", "") if is_mounted(scope) else scope["path"]
        path = path.rstrip("/")
    return (origin or _request_origin(request)) + ("" if not path else f"/{path.lstrip('/')}")


def _request_origin(request: Request) -> str:
    scope = request.scope
    host = request.header("host")
    if host is None:
        server = scope.get("server") or ("localhost", None)
        host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
    return f"{scope.get('scheme', 'http')}://{host}"


def _own_path(scope: Scope) -> str:
    """Return the path below the host's root path."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path
