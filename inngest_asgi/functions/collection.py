"""The functions of one application, found by id at once; it refuses ids that stand for two."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.function import Function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.functions.option import Record


class FunctionIndex:
    """Functions of one application, in the order they were added.

    Args:
        app_id: the application all of them must belong to.
        functions: the first ones; more can be added.

    Raises:
        ConfigError: see `add`.
    """

    __slots__ = ("_app_id", "_by_id", "_by_local_id", "_functions")

    def __init__(self, app_id: str, functions: Iterable[Function[Any]] = ()) -> None:
        self._app_id = app_id
        self._functions: list[Function[Any]] = []
        self._by_id: dict[str, Function[Any]] = {}
        self._by_local_id: dict[str, Function[Any]] = {}
        for function in functions:
            self.add(function)

    @classmethod
    def of(cls, app_id: str, functions: Iterable[Function[Any]]) -> FunctionIndex:
        """Index the functions that are to be served.

        Raises:
            ConfigError: there is none, or one that is not in a list, or see `add`.
        """
        if isinstance(functions, Function):
            raise ConfigError(
                f"App {app_id!r} was given {functions!r} where a list belongs; pass [function]."
            )
        index = cls(app_id, functions)
        if not index.functions:
            raise ConfigError(
                f"App {app_id!r} has no functions to serve; "
                "declare one with client.create_function and pass it."
            )
        return index

    @property
    def functions(self) -> tuple[Function[Any], ...]:
        """The functions that were added; failure functions are reached through theirs."""
        return tuple(self._functions)

    def add(self, function: Function[Any]) -> None:
        """Add a function, and its failure function.

        Raises:
            ConfigError: it is no function, belongs to another application, or has an id that is
                taken; then nothing is added.
        """
        if not isinstance(function, Function):
            raise ConfigError(
                f"App {self._app_id!r} was given {function!r} as a function; "
                "pass what @client.create_function(...) returned."
            )
        self._refuse_stranger(function)
        added = [function] if function.failure is None else [function, function.failure]
        for one in added:
            self._refuse_taken(one)
        self._functions.append(function)
        self._by_id.update((one.id, one) for one in added)
        self._by_local_id.update((one.local_id, one) for one in added)

    def find(self, fn_id: str) -> Function[Any] | None:
        """Return the function of an id, with or without the application's prefix (http.md 11.1).

        An id that could be read both ways is read as one with the prefix.
        """
        return self._by_id.get(fn_id) or self._by_local_id.get(fn_id)

    def records(self, url: str) -> list[Record]:
        """Return what is registered for all functions, failure functions included.

        Args:
            url: where the application is served.
        """
        return [record for function in self._functions for record in function.records(url)]

    def _refuse_stranger(self, function: Function[Any]) -> None:
        if function.app_id != self._app_id:
            raise ConfigError(
                f"Function {function.id!r} ({_origin(function)}) belongs to the app "
                f"{function.app_id!r}, not to {self._app_id!r}; declare it with this app's client."
            )

    def _refuse_taken(self, function: Function[Any]) -> None:
        earlier = self._by_id.get(function.id)
        if earlier is function:
            raise ConfigError(f"Function {function.id!r} is listed twice; list it once.")
        if earlier is not None:
            raise ConfigError(
                f"Two functions have the id {function.id!r}: {_origin(earlier)} and "
                f"{_origin(function)}; give one of them another fn_id."
            )


def _origin(function: Function[Any]) -> str:
    """Say where a handler was written: "shop.orders.pay"."""
    handler = function.handler
    while isinstance(handler, functools.partial):
        handler = handler.func
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{named.__module__}.{named.__qualname__}"
