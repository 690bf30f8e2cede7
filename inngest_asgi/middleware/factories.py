"""What makes middleware, checked when it is given and when it is used; it calls no hook."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from inngest_asgi.engine.drive_body import contained
from inngest_asgi.errors import ConfigError
from inngest_asgi.middleware.base import Middleware

Factory: TypeAlias = Callable[[Any, Any], Middleware]
"""A `Middleware` class, or a function of the client and the host's request that makes one."""

_ADVICE = (
    "pass a class derived from Middleware, or a function of the client and the host's request "
    "that returns one"
)


def checked_factories(given: Sequence[Any] | None, field: str) -> tuple[Factory, ...]:
    """Return what was given as middleware.

    Args:
        given: the factories; None is none.
        field: where they were given, named in errors: "Inngest: middleware".

    Raises:
        ConfigError: it is no list, or something in it makes no middleware.
    """
    if given is None:
        return ()
    if not isinstance(given, list | tuple):
        raise ConfigError(f"{field} is {_shown(given)}; pass a list.")
    for index, factory in enumerate(given):
        check_factory(factory, f"{field}[{index}]")
    return tuple(given)


def check_factory(factory: Any, field: str) -> None:
    """Check that something makes middleware, as far as can be told without calling it.

    Raises:
        ConfigError: it does not.
    """
    if isinstance(factory, Middleware):
        raise ConfigError(
            f"{field} is an instance of {type(factory).__name__}; pass the class itself, "
            "because every call makes an instance of its own."
        )
    if not callable(factory) or inspect.iscoroutinefunction(factory):
        raise ConfigError(f"{field} is {_shown(factory)}; {_ADVICE}.")
    if inspect.isclass(factory) and not issubclass(factory, Middleware):
        raise ConfigError(f"{field} is {_shown(factory)}, which is no Middleware; {_ADVICE}.")
    _check_arguments(factory, field)


def made(factories: Iterable[Factory], client: Any, raw_request: object) -> list[Middleware]:
    """Make an instance of each.

    Raises:
        ConfigError: one cannot be made; the message says which and why.
    """
    return [_made(factory, client, raw_request) for factory in factories]


def _made(factory: Factory, client: Any, raw_request: object) -> Middleware:
    member, error = contained(factory, client, raw_request)
    if isinstance(error, Exception):
        raise ConfigError(
            f"Middleware {_shown(factory)} could not be made: {type(error).__name__}: {error}"
        ) from error
    if error is not None:
        raise error
    if not isinstance(member, Middleware):
        raise ConfigError(f"Middleware {_shown(factory)} made {member!r}; {_ADVICE}.")
    return member


def _check_arguments(factory: Callable[..., Any], field: str) -> None:
    try:
        signature = inspect.signature(factory)
    except ValueError:
        return  # compiled code does not tell; it is called as it is
    try:
        signature.bind(object(), object())
    except TypeError:
        raise ConfigError(
            f"{field} is {_shown(factory)}, which takes {signature}; it is called with two "
            "arguments, the client and the host's request."
        ) from None


def _shown(factory: Any) -> str:
    return getattr(factory, "__qualname__", None) or repr(factory)
