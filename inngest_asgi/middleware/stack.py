"""The hooks of one call or one send, in the order they run in; it knows nothing of either."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.handlers import is_async
from inngest_asgi.middleware.base import Middleware, MiddlewareSync
from inngest_asgi.middleware.colours import Hook
from inngest_asgi.middleware.factories import Factory, made
from inngest_asgi.middleware.observers import tell

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from inngest_asgi.middleware.colours import Colour, Layer

HOOKS = tuple(name for name in vars(Middleware) if not name.startswith("_"))

_AFTER = frozenset(
    {
        "after_execution",
        "transform_output",
        "after_send_events",
        "on_run_complete",
        "on_run_error",
        "on_step_complete",
        "on_step_error",
    }
)
"""Hooks that run in the reverse order of registration."""


class Stack:
    """The hooks that are overridden in some instances of middleware.

    Args:
        members: the instances, in the order of registration.
        logger: where errors of observers go.
    """

    __slots__ = ("_hooks", "_logger")

    def __init__(self, members: Iterable[Middleware], logger: logging.Logger) -> None:
        self._logger = logger
        self._hooks: dict[str, list[Hook]] = {}
        for member in members:
            kind: Any = type(member)
            for name, awaited in overridden(kind):
                hooks = self._hooks.setdefault(name, [])
                hook = Hook(getattr(member, name), awaited)
                hooks.insert(0 if name in _AFTER else len(hooks), hook)

    @classmethod
    def of(cls, factories: Iterable[Factory], client: Any, raw_request: object) -> Stack:
        """Make instances of middleware, and the stack of their hooks.

        Raises:
            ConfigError: one cannot be made.
        """
        return cls(made(factories, client, raw_request), client.logger)

    def uses(self, name: str) -> bool:
        """Whether a hook is overridden anywhere."""
        return name in self._hooks

    async def run(self, name: str, colour: Colour, *args: Any) -> None:
        """Call a hook everywhere, in order; what it raises is raised here."""
        for hook in self._hooks.get(name, ()):
            await colour.hook(hook, *args)

    async def tell(self, name: str, colour: Colour, *args: Any) -> None:
        """Call a hook everywhere, in order; what it raises is logged."""
        await tell(self._hooks.get(name, ()), colour, self._logger, *args)

    def around(self, name: str, colour: Colour, inner: Layer) -> Layer:
        """Put the onion of a hook around something; without such hooks it is that itself."""
        for hook in reversed(self._hooks.get(name, ())):
            inner = colour.layer(hook, inner)
        return inner


@lru_cache(maxsize=1024)
def overridden(kind: Any) -> tuple[tuple[str, bool], ...]:
    """Return the hooks that a class overrides, and whether each is an `async def`.

    Raises:
        ConfigError: one is no function.
    """
    return tuple(
        (name, is_async(_callable(kind, name)))
        for name in HOOKS
        if getattr(kind, name) not in (getattr(Middleware, name), getattr(MiddlewareSync, name))
    )


def _callable(kind: Any, name: str) -> Any:
    hook = getattr(kind, name)
    if not callable(hook):
        raise ConfigError(
            f"Middleware hook {kind.__qualname__}.{name} is {hook!r}; make it a method, or leave "
            "it out."
        )
    return hook
