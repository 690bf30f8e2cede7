"""The applications of one worker, as users give them; checks that they can share a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.client.messages import client_headers
from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.collection import FunctionIndex
from inngest_asgi.runtime.execute import Runtime

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.functions.function import Function
    from inngest_asgi.runtime.threads import Threads
    from inngest_asgi.settings import Settings

App = Inngest | tuple[Inngest, "Iterable[Function[Any]] | None"]
"""A client with the functions to run; alone, or with None, all that were declared on it."""

USUAL_LIMIT = 10
"""Applications on one connection, where an account has no limit of its own (connect.md 4)."""

_BRANCH_KEY = "signkey-branch-"
_EXAMPLE = "connect([(client, [function]), ...])"


def runtimes_of(apps: Iterable[App], threads: Threads, clock: Clock) -> tuple[Runtime, ...]:
    """Return what runs the calls of each application.

    Args:
        apps: what `connect` was given.
        threads: where blocking code runs.
        clock: for timings and limits.

    Raises:
        ConfigError: there is none, something is no application, or one is there twice.
    """
    if isinstance(apps, Inngest | tuple) or not isinstance(apps, Iterable):
        raise ConfigError(f"connect: apps is {apps!r}; pass a list: {_EXAMPLE}.")
    pairs = [_pair(app) for app in apps]
    if not pairs:
        raise ConfigError(f"connect: there is no app to connect; pass one: {_EXAMPLE}.")
    names = [client.app_id for client, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"connect: the app {name!r} is listed twice; list it once, with all its functions."
            )
    return tuple(Runtime(client, index, threads=threads, clock=clock) for client, index in pairs)


def check_together(runtimes: tuple[Runtime, ...]) -> None:
    """Check that applications can share a connection, and that one can be opened for them.

    Raises:
        ConfigError: they differ in mode, environment, keys or server; or one has no functions, or
            something in the configuration is wrong. The message names it.
    """
    first, *others = (one.client for one in runtimes)
    for other in others:
        differs = [what for what, read in _SHARED if read(first.settings) != read(other.settings)]
        if differs:
            raise ConfigError(
                f"connect: the apps {first.app_id!r} and {other.app_id!r} differ in "
                f"{' and '.join(differs)}, and a connection has only one of each; "
                "use a worker for each."
            )
    for runtime in runtimes:
        if not runtime.index.functions:
            raise ConfigError(
                f"App {runtime.client.app_id!r} has no functions to run; "
                "declare one with client.create_function."
            )
    _check_settings(first.settings)


def _check_settings(settings: Settings) -> None:
    client_headers(settings)
    _ = (settings.api_origin, settings.connect_max_worker_concurrency)
    for key in settings.signing_keys:
        bearer_token(key)
        if settings.is_production and key.startswith(_BRANCH_KEY) and settings.env is None:
            raise ConfigError(
                "The signing key is one of branch environments, and no environment is named; set "
                "INNGEST_ENV, or pass Inngest(env=...)."
            )


def _pair(app: App) -> tuple[Inngest, FunctionIndex]:
    given = (app, None) if isinstance(app, Inngest) else app
    if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[0], Inngest):
        raise ConfigError(f"connect: {app!r} is no app; pass {_EXAMPLE}.")
    client, functions = given
    if functions is None:
        return client, client.index
    return client, FunctionIndex.of(client.app_id, functions)


_SHARED: tuple[tuple[str, Callable[[Settings], object]], ...] = (
    ("mode (cloud or dev)", lambda settings: settings.is_production),
    ("environment", lambda settings: settings.env),
    ("signing keys", lambda settings: settings.is_production and settings.signing_keys),
    ("server", lambda settings: settings.api_origin),
)
