"""Puts an `InngestApp` into a Starlette or FastAPI application, lifespan included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.errors import ConfigError
from inngest_asgi.lifespan.compose import compose
from inngest_asgi.routes.app import DEFAULT_PATH, InngestApp
from inngest_asgi.routes.origin import path_below_root

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send


def attach(app: Starlette, inngest_app: InngestApp, path: str = DEFAULT_PATH) -> None:
    """Serve an Inngest application under a path of a Starlette or FastAPI application.

    Better than `app.mount`, which answers the path without a slash with a redirect and does not
    run the mounted application's lifespan. Servers are told the host's name.

    Args:
        app: the host; its own lifespan still runs, outside of the application's.
        inngest_app: what `serve` made.
        path: where; with or without a slash at the end of a request's path, both answer.

    Raises:
        ConfigError: the path does not start with a slash, or is "/" alone, or an application is
            attached there; or one of the applications is none.
    """
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route  # on first use: who attaches has loaded it anyway

    if not isinstance(app, Starlette):
        raise ConfigError(f"attach: app is {app!r}; pass a Starlette or FastAPI application.")
    if not isinstance(inngest_app, InngestApp):
        raise ConfigError(f"attach: inngest_app is {inngest_app!r}; pass what serve() returned.")
    bare = path.rstrip("/")
    if not bare.startswith("/"):
        raise ConfigError(f"attach: path is {path!r}; pass one such as {DEFAULT_PATH!r}.")
    if any(_is_attached(route, bare) for route in app.router.routes):
        raise ConfigError(f"attach: another application is attached at {bare!r}; choose a path.")
    app.router.routes[:0] = [
        Route(bare, endpoint=_Exactly(inngest_app), include_in_schema=False),
        Mount(bare, app=inngest_app),
    ]
    app.router.lifespan_context = compose(app.router.lifespan_context, inngest_app.lifespan)
    inngest_app.framework = _name_of(app)


def _name_of(app: Starlette) -> str:
    """Name the host by where its class, or the one it was made from, is defined."""
    rooms = {kind.__module__.partition(".")[0] for kind in type(app).__mro__}
    return "fastapi" if "fastapi" in rooms else "starlette"


def _is_attached(route: BaseRoute, path: str) -> bool:
    endpoint = getattr(route, "endpoint", None)
    return isinstance(endpoint, _Exactly) and getattr(route, "path", None) == path


class _Exactly:
    """Serves the bare path as a mount would, without the redirect that asks for a slash."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        mounted = {
            "app_root_path": scope.get("app_root_path", root),
            "root_path": root.rstrip("/") + path_below_root(scope),
        }
        await self._app({**scope, **mounted}, receive, send)
