"""Results of steps and functions: dumped and rebuilt by what their annotations say.

An annotation that JSON carries as it is (or that cannot be resolved) costs nothing. Others get
a pydantic `TypeAdapter`, made once. What the annotation promises is checked in the call that
made the result; a false promise is one warning and plain JSON ever after. Only an explicit
`output_type=` is strict.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Union
from weakref import WeakKeyDictionary

from pydantic import PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from inngest_asgi.errors import CodecError, OutputError
from inngest_asgi.wire.codec import Fragment, dumps, embed


class Unset:
    """The type of `UNSET`: an argument that was not given, where None means something."""


UNSET: Final = Unset()

_NATIVE = frozenset({Any, None, type(None), str, int, float, bool, dict, list, object})


class ResultType:
    """How one kind of result becomes JSON and comes back."""

    __slots__ = ("_adapter", "_strict")

    def __init__(self, adapter: TypeAdapter[Any] | None, *, strict: bool = False) -> None:
        self._adapter = adapter
        self._strict = strict

    @classmethod
    def of(cls, function: Callable[..., Any], output_type: Any = UNSET) -> ResultType:
        """Return the result type of a callable: the explicit one, or that of its annotation."""
        if output_type is not UNSET:
            return cls(TypeAdapter(output_type), strict=True)
        if not getattr(function, "__annotations__", None) and not _is_wrapper(function):
            return PLAIN
        return _annotated(function)

    def dump(self, value: Any, *, what: str) -> Fragment:
        """Write a result as JSON.

        Args:
            value: what the step or function returned.
            what: whose result it is, such as "Step 'charge'"; named in errors and warnings.

        Raises:
            OutputError: it cannot be JSON, or is not of the explicit output type.
        """
        if self._adapter is not None:
            try:
                return self._dump_adapted(self._adapter, value)
            except (PydanticSerializationError, ValidationError, CodecError) as error:
                self._mismatch(error, f"{what} returned something its type does not allow")
        try:
            return embed(value)
        except CodecError as error:
            raise OutputError(
                f"{what} returned a value that cannot be recorded as JSON: {error} "
                "Return plain JSON data, or annotate the return type."
            ) from error

    def load(self, data: Any, *, what: str) -> Any:
        """Rebuild a result from parsed JSON.

        Raises:
            OutputError: it does not validate against the explicit output type.
        """
        if self._adapter is None:
            return data
        try:
            return self._adapter.validate_json(dumps(data))
        except ValidationError as error:
            self._mismatch(error, f"{what} was recorded with a result its type does not allow")
        return data

    def _dump_adapted(self, adapter: TypeAdapter[Any], value: Any) -> Fragment:
        text = adapter.dump_json(value, warnings="error")
        if b"null" in text:
            dumps(adapter.dump_python(value))  # refuses NaN, which dump_json writes as null
        adapter.validate_json(text)
        return Fragment(text)

    def _mismatch(self, error: Exception, what: str) -> None:
        message = f"{what}: {_first_line(error)}"
        if self._strict:
            raise OutputError(message) from error
        self._adapter = None
        warnings.warn(f"{message} It is treated as plain JSON from now on.", stacklevel=4)


PLAIN: Final = ResultType(None)
"""JSON data as it is."""

_by_code: WeakKeyDictionary[types.CodeType, tuple[Any, ResultType]] = WeakKeyDictionary()


def _annotated(function: Callable[..., Any]) -> ResultType:
    """Find or make the result type of an annotation; closures of one function share it."""
    plain = _plain_function(function)
    annotation = getattr(plain, "__annotations__", {}).get("return", Any)
    code = getattr(plain, "__code__", None)
    if code is None:
        return PLAIN
    known = _by_code.get(code)
    if known is not None and known[0] is annotation:
        return known[1]
    made = _make(plain, annotation)
    _by_code[code] = (annotation, made)
    return made


def _make(function: Any, annotation: Any) -> ResultType:
    try:
        resolved = _awaited(_resolve(function, annotation))
        return PLAIN if _is_native(resolved) else ResultType(TypeAdapter(resolved))
    except (NameError, TypeError, AttributeError, SyntaxError):
        return PLAIN
    except (PydanticSchemaGenerationError, PydanticUserError):
        return PLAIN


def _resolve(function: Any, annotation: Any) -> Any:
    """Evaluate the return annotation alone, so that others cannot get in its way."""

    def holder() -> None: ...

    holder.__annotations__ = {"return": annotation}
    names = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    local = {name: cell.cell_contents for name, cell in names.items() if _is_filled(cell)}
    hints = typing.get_type_hints(holder, function.__globals__, local, include_extras=True)
    return hints["return"]


def _awaited(annotation: Any) -> Any:
    origin = typing.get_origin(annotation)
    if origin in (Awaitable, Coroutine, types.CoroutineType):
        return typing.get_args(annotation)[-1]
    return annotation


def _is_native(annotation: Any) -> bool:
    try:
        if annotation in _NATIVE:
            return True
    except TypeError:
        return False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType, list):
        return all(_is_native(one) for one in arguments)
    return origin is dict and arguments[0] is str and _is_native(arguments[1])


def _is_wrapper(function: Any) -> bool:
    return isinstance(function, functools.partial) or not hasattr(function, "__code__")


def _plain_function(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if inspect.ismethod(function):
        return function.__func__
    if not hasattr(function, "__code__") and hasattr(type(function), "__call__"):  # noqa: B004
        return inspect.unwrap(type(function).__call__)
    return function


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}." if where else f"{first['msg']}."
    return f"{str(error).splitlines()[0]}."
