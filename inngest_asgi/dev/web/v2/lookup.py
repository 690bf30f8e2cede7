"""Finds the apps and functions that requests name in one way or another; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.dev.web.v2.replies import Code, refused
from inngest_asgi.dev.web.v2.views import local_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.dev.records import App, Function
    from inngest_asgi.dev.web.served import Served


class Lookup:
    """Apps by name or UUID; functions by slug, UUID, or the id their author gave them."""

    def __init__(self, server: Served) -> None:
        self._server = server

    def app(self, name: str) -> App:
        """Return an app.

        Raises:
            RequestError: there is none (404).
        """
        for app in self._server.registry.apps:
            if name in (app.name, app.id):
                return app
        raise refused(Code.NOT_FOUND, f"There is no app {name!r}.", 404)

    def function_of(self, apps: Iterable[App], name: str) -> Function:
        """Return a function of one of several apps.

        Raises:
            RequestError: none of them has it (404).
        """
        for app in apps:
            for function in self.functions_of(app):
                if name in (local_id(function, app), function.slug, function.id):
                    return function
        raise refused(Code.NOT_FOUND, f"There is no function {name!r}.", 404)

    def functions_of(self, app: App) -> list[Function]:
        """Return the functions of an app, by slug."""
        return [one for one in self._server.registry.functions if one.app_id == app.id]

    def app_of(self, function: Function) -> App | None:
        """Return the app of a function; None when it was forgotten."""
        apps = self._server.registry.apps
        return next((app for app in apps if app.id == function.app_id), None)
