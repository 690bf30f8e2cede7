"""How `create_function` gets the signature of `declare` without repeating its twenty options."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from inngest_asgi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inngest_asgi.functions.declare import AsyncHandler, BlockingHandler, Declaration
    from inngest_asgi.functions.function import Function

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Declaring:
    """The decorator that `create_function` returns: makes a function of its handler, and keeps it.

    Args:
        declaration: the function but for its handler.
        keep: is given the function.
    """

    def __init__(self, declaration: Declaration, keep: Callable[[Function[Any]], None]) -> None:
        self._declaration = declaration
        self._keep = keep

    @overload
    def __call__(self, handler: AsyncHandler[R], /) -> Function[R]: ...

    @overload
    def __call__(self, handler: BlockingHandler[R], /) -> Function[R]: ...

    def __call__(self, handler: Callable[..., Any], /) -> Function[Any]:
        """Return the function that `handler` carries out.

        Raises:
            ConfigError: the handler cannot be called with a context, or the function's id is
                taken; the message names both places.
        """
        function: Function[Any] = self._declaration(handler)
        self._keep(function)
        return function


def takes_options_of(
    declare: Callable[Concatenate[str, P], Any],
) -> Callable[[Callable[..., T]], Callable[Concatenate[Any, P], T]]:
    """Give a method the options of a function, for type checkers, editors and `help()`.

    Options that the function does not know, or misses, are a `ConfigError` when the method is
    called.

    Args:
        declare: the function; its first parameter is the method's own affair.
    """
    first, *options = inspect.signature(declare).parameters.values()

    def decorate(method: Callable[..., T]) -> Callable[Concatenate[Any, P], T]:
        own = inspect.signature(method)
        shown = own.replace(parameters=[first.replace(name="self", annotation=Any), *options])

        def checked(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                shown.bind(self, *args, **kwargs)
            except TypeError as error:
                raise ConfigError(
                    f"{_call_of(method.__name__, kwargs)}: {error}; "
                    f"it takes {', '.join(option.name for option in options)}, each by its name."
                ) from None
            return method(self, *args, **kwargs)

        functools.update_wrapper(checked, method)
        vars(checked)["__signature__"] = shown  # what `inspect` and editors believe
        return checked

    return decorate


def _call_of(name: str, options: Mapping[str, Any]) -> str:
    """Return a call as its author finds it again: with the id of the function it declares."""
    return f"{name}(fn_id={options['fn_id']!r})" if "fn_id" in options else name
