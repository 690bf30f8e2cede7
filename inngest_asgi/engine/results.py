"""Results of steps and functions: dumped and rebuilt by what their annotations say.

An annotation that JSON carries as it is (or that cannot be resolved) costs nothing. Others get
a pydantic `TypeAdapter`, made once. What the annotation promises is checked in the call that
made the result; a value that breaks it is plain JSON, with one warning. Only an explicit
`output_type=` is strict.
"""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Union

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from inngest_asgi.errors import CodecError, OutputError
from inngest_asgi.wire.codec import Fragment, dumps, embed


class Unset:
    """The type of `UNSET`: an argument that was not given, where None means something."""


UNSET: Final = Unset()

_NATIVE = frozenset({Any, None, type(None), str, int, float, bool, dict, list, object})
_ADVICE = "Return plain JSON data, or annotate the return type."
_MOST_CODE = 10_000
_NOT_FINITE = re.compile(rb"null|NaN|Infinity")
_UNUSABLE = (NameError, TypeError, AttributeError, SyntaxError, PydanticUserError)


class ResultType:
    """How one kind of result becomes JSON and comes back."""

    __slots__ = ("_adapter", "_advice", "_strict", "_warned")

    def __init__(
        self, adapter: TypeAdapter[Any] | None, *, strict: bool = False, advice: str = _ADVICE
    ) -> None:
        self._adapter = adapter
        self._advice = advice
        self._strict = strict
        self._warned = False

    @classmethod
    def of(cls, function: Callable[..., Any], output_type: Any = UNSET) -> ResultType:
        """Return the result type of a callable: the explicit one, or that of its annotation.

        Raises:
            PydanticUserError: pydantic can make nothing of the explicit one.
        """
        if output_type is not UNSET:
            return cls(type_adapter(output_type), strict=True)
        return known_result(function) or _annotated(function)

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
                return _dump_adapted(self._adapter, value)
            except (PydanticSerializationError, ValidationError, CodecError) as error:
                self._mismatch(error, f"{what} returned something its type does not allow")
        try:
            return embed(value)
        except CodecError as error:
            raise OutputError(
                f"{what} returned a value that cannot be recorded as JSON: {error} {self._advice}"
            ) from error

    def load(self, data: Any, *, what: str) -> Any:
        """Rebuild a result from parsed JSON.

        Raises:
            OutputError: it does not validate against the explicit output type.
        """
        if self._adapter is None:
            return data
        try:
            return _validate(self._adapter, dumps(data))
        except ValidationError as error:
            self._mismatch(error, f"{what} was recorded with a result its type does not allow")
        return data

    def _mismatch(self, error: Exception, what: str) -> None:
        message = f"{what}: {first_line(error)}"
        if self._strict:
            raise OutputError(message) from error
        if not self._warned:
            self._warned = True
            warnings.warn(f"{message} It is treated as plain JSON.", stacklevel=4)


PLAIN: Final = ResultType(None)
"""JSON data as it is."""


class _Unresolved(ResultType):
    """The result type of an annotation with a name that nothing has when it is first looked at.

    On first use it is looked at once more: a class may stand below the function that returns it.
    """

    __slots__ = ("_found", "_source")

    def __init__(self, annotation: Any, space: Any, local: Any, error: NameError) -> None:
        said = str(error).splitlines()[0]
        super().__init__(
            None,
            advice=f"Its return annotation {annotation!r} does not count, because {said}: import "
            "that where the program runs, not only for type checkers, or pass output_type.",
        )
        self._source = (annotation, space, local)
        self._found: ResultType | None = None

    def dump(self, value: Any, *, what: str) -> Fragment:
        found = self._looked_up()
        return super().dump(value, what=what) if found is self else found.dump(value, what=what)

    def load(self, data: Any, *, what: str) -> Any:
        found = self._looked_up()
        return data if found is self else found.load(data, what=what)

    def _looked_up(self) -> ResultType:
        if self._found is None:
            found = _make(*self._source)
            self._found = self if isinstance(found, _Unresolved) else found
        return self._found


@dataclass(frozen=True, slots=True)
class _Known:
    """The result type of one function's annotation, and what it was resolved with.

    The code is held so that its `id`, by which it is found, stays its own. `is_local` says that the
    annotation is a text that may name variables which the function captured.
    """

    code: types.CodeType
    annotation: Any
    space: dict[str, Any]
    local: dict[str, Any]
    is_local: bool
    result: ResultType

    def fits(self, annotation: Any, space: dict[str, Any], local: dict[str, Any]) -> bool:
        """Whether nothing is new: functions of one piece of code may mean different types."""
        return self.annotation == annotation and self.space is space and self.local == local


_by_code: dict[int, _Known] = {}


def known_result(function: Any) -> ResultType | None:
    """Return the result type of an annotation if it was found before and is the same for sure.

    Each step of a replay asks, so it looks at no more than it must.
    """
    known = _by_code.get(id(getattr(function, "__code__", None)))
    if (
        known is None
        or known.is_local
        or function.__annotations__.get("return", Any) is not known.annotation
        or function.__globals__ is not known.space
    ):
        return None
    return known.result


def _dump_adapted(adapter: TypeAdapter[Any], value: Any) -> Fragment:
    text = adapter.dump_json(value, warnings="error")
    if _NOT_FINITE.search(text):
        dumps(adapter.dump_python(value, mode="json"))  # refuses NaN, unlike dump_json
    _validate(adapter, text)
    return Fragment(text)


def _validate(adapter: TypeAdapter[Any], text: bytes) -> Any:
    """Read a result by the names of its fields, which is how it was dumped, or their aliases."""
    return adapter.validate_json(text, by_alias=True, by_name=True)


def type_adapter(annotation: Any) -> TypeAdapter[Any]:
    """Return the adapter of a type; each is made once, unless the type cannot be a key."""
    try:
        hash(annotation)
    except TypeError:
        return TypeAdapter(annotation)
    return _hashable_adapter(annotation)


@functools.lru_cache(maxsize=1024)
def _hashable_adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _annotated(function: Callable[..., Any]) -> ResultType:
    """Find or make the result type of an annotation; closures of one function share it."""
    plain = _plain_function(function)
    if isinstance(plain, type):
        return _constructed(plain)
    code = getattr(plain, "__code__", None)
    annotation = getattr(plain, "__annotations__", {}).get("return", Any)
    if code is None:
        return PLAIN
    space: dict[str, Any] = plain.__globals__
    is_local = bool(code.co_freevars) and isinstance(annotation, str)
    local = _closure(plain, annotation) if is_local else {}
    known = _by_code.get(id(code))
    if known is None or not known.fits(annotation, space, local):
        if len(_by_code) == _MOST_CODE:
            _by_code.clear()  # code made at run time would pile up
        result = _make(annotation, space, local)
        known = _Known(code, annotation, space, local, is_local, result)
        _by_code[id(code)] = known
    return known.result


@functools.lru_cache(maxsize=1024)
def _constructed(kind: type) -> ResultType:
    """Return the result type of calling a class: the class itself."""
    return _make(kind, {}, {})


def _make(annotation: Any, space: dict[str, Any], local: dict[str, Any]) -> ResultType:
    try:
        resolved = _awaited(_resolve(annotation, space, local))
        return PLAIN if _is_native(resolved) else ResultType(type_adapter(resolved))
    except NameError as error:
        return _Unresolved(annotation, space, local, error)
    except _UNUSABLE:
        return PLAIN


def _resolve(annotation: Any, space: dict[str, Any], local: dict[str, Any]) -> Any:
    """Evaluate the return annotation alone, so that others cannot get in its way."""

    def holder() -> None: ...

    holder.__annotations__ = {"return": annotation}
    hints = typing.get_type_hints(holder, space, local, include_extras=True)
    return hints["return"]


def _closure(function: Any, annotation: str) -> dict[str, Any]:
    """Return what the text of an annotation names of the variables its function captured."""
    named = set(re.findall(r"\w+", annotation))
    cells = zip(function.__code__.co_freevars, function.__closure__, strict=True)
    return {name: cell.cell_contents for name, cell in cells if name in named and _is_filled(cell)}


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


def _plain_function(function: Any) -> Any:
    """Return the function, or class, behind partials, decorators, methods and callable objects."""
    if isinstance(function, functools.partial):
        return _plain_function(function.func)
    if hasattr(function, "__wrapped__"):
        return _plain_function(function.__wrapped__)
    if isinstance(function, types.FunctionType | type):
        return function
    return inspect.unwrap(getattr(function, "__func__", type(function).__call__))


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def first_line(error: Exception) -> str:
    """Return what is wrong with a value, and in which of its fields, as a sentence."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}." if where else f"{first['msg']}."
    lines = [line.strip() for line in str(error).splitlines() if not line.endswith(":")]
    said = lines[0] if lines else ""
    unexpected = re.fullmatch(r"PydanticSerializationUnexpectedValue\((.*)\)", said)
    return f"{(unexpected[1] if unexpected else said).removesuffix('.')}."
