"""Puts an `InngestApp` beside an application without mounts or lifespan, such as Django's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.errors import ConfigError
from inngest_asgi.routes.app import DEFAULT_PATH, InngestApp
from inngest_asgi.routes.origin import path_below_root

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def mount_asgi(app: ASGIApp, path: str, inngest_app: InngestApp) -> ASGIApp:
    """Return an ASGI application that serves an Inngest application under a path, and the host.

    `application = inngest.mount_asgi(get_asgi_application(), "/api/inngest", inngest_app)`

    Lifespan is the Inngest application's alone: Django's handler raises when it is asked. For
    Starlette and FastAPI use `attach`, which runs both.

    Args:
        app: the host; it gets every other path.
        path: where; with or without a slash at the end of a request's path, both answer.
        inngest_app: what `serve` made. Servers are told that it is served by Django, if it is.

    Raises:
        ConfigError: the path does not start with a slash, or is "/" alone, or one of the
            applications is none.
    """
    if not callable(app):
        raise ConfigError(f"mount_asgi: app is {app!r}; pass an ASGI application.")
    if not isinstance(inngest_app, InngestApp):
        raise ConfigError(
            f"mount_asgi: inngest_app is {inngest_app!r}; pass what serve() returned."
        )
    bare = path.rstrip("/")
    if not bare.startswith("/"):
        raise ConfigError(f"mount_asgi: path is {path!r}; pass one such as {DEFAULT_PATH!r}.")
    if type(app).__module__.startswith("django."):
        inngest_app.framework = "django"
    return _Mounted(app, bare, inngest_app)


class _Mounted:
    """Sends each request where it belongs."""

    def __init__(self, app: ASGIApp, path: str, inngest_app: InngestApp) -> None:
        self._app = app
        self._path = path
        self._inngest_app = inngest_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inngest_app(scope, receive, send)
        elif f"{path_below_root(scope)}/".startswith(f"{self._path}/"):
            await self._inngest_app(self._mounted(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    def _mounted(self, scope: Scope) -> Scope:
        """Leave the marks of a router that mounts: what is above the application, and that it is.

        The path stays whole, as Starlette's routers leave it.
        """
        root: str = scope.get("root_path", "").rstrip("/")
        path = scope["path"]
        whole = path if path.startswith(f"{root}{self._path}") else root + path
        return {
            **scope,
            "app_root_path": scope.get("app_root_path", root),
            "root_path": root + self._path,
            "path": whole,
        }
