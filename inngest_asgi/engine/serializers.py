"""Serializers, which a client may be given for results with an explicit `output_type`.

Types found through annotations are no affair of theirs (engine/results.py).
"""

from __future__ import annotations

import inspect
from typing import Any, Protocol, runtime_checkable

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from inngest_asgi.engine.drive_body import contained
from inngest_asgi.engine.results import UNSET, ResultType, first_line, type_adapter
from inngest_asgi.errors import (
    CodecError,
    ConfigError,
    NonRetriableError,
    OutputError,
    RetryAfterError,
)
from inngest_asgi.wire.codec import Fragment, dumps, embed

_MEANT = (NonRetriableError, RetryAfterError)
"""What a serializer raises to decide itself what happens next."""


@runtime_checkable
class Serializer(Protocol):
    """Turns what steps and functions return into JSON data, and back.

    Given to `Inngest(serializer=...)`, it does so for whatever has an explicit `output_type`. Both
    methods are blocking, and may be called by several threads at once. What they raise fails the
    step or the function for good, named in the message, because the same data would not fit the
    next time either; a `RetryAfterError` has it tried again.
    """

    def serialize(self, obj: Any, typ: Any) -> Any:
        """Return a result as JSON data.

        Args:
            obj: what the step or function returned.
            typ: its `output_type`.
        """
        ...

    def deserialize(self, obj: Any, typ: Any) -> Any:
        """Return what `serialize` was given, or its like.

        Args:
            obj: JSON data, as it was recorded.
            typ: the `output_type`.
        """
        ...


class PydanticSerializer:
    """The serializer of whatever pydantic knows: models, dataclasses, dates, unions and so on.

    A client without a serializer does the same; it is for serializers that leave the rest to it,
    and for code that was written for the incumbent SDK.
    """

    def serialize(self, obj: Any, typ: Any) -> Any:
        """Return a result as JSON data.

        Raises:
            PydanticSerializationError: it cannot be written as the type says.
            ValidationError: it is not of the type.
        """
        data = type_adapter(typ).dump_python(obj, mode="json", warnings="error")
        self.deserialize(data, typ)  # writing lets pass what reading refuses, such as None
        return data

    def deserialize(self, obj: Any, typ: Any) -> Any:
        """Rebuild a result from JSON data, read as JSON: strict models take text for a date.

        Raises:
            ValidationError: it is not of the type.
        """
        return type_adapter(typ).validate_json(dumps(obj), by_alias=True, by_name=True)


class SerializedType(ResultType):
    """How results of one explicit type become JSON and come back, by a serializer of the user's.

    Args:
        serializer: does it.
        output_type: the type.
    """

    __slots__ = ("_serializer", "_type")

    def __init__(self, serializer: Serializer, output_type: Any) -> None:
        super().__init__(None)
        self._serializer = serializer
        self._type = output_type

    def dump(self, value: Any, *, what: str) -> Fragment:
        """Write a result as JSON; see `ResultType.dump`."""
        data = self._done(
            self._serializer.serialize, value, f"{what} returned something its type does not allow"
        )
        try:
            return embed(data)
        except CodecError as error:
            raise OutputError(
                f"{what}: its serializer gave a value that cannot be recorded as JSON: {error}"
            ) from error

    def load(self, data: Any, *, what: str) -> Any:
        """Rebuild a result from parsed JSON; see `ResultType.load`."""
        return self._done(
            self._serializer.deserialize,
            data,
            f"{what} was recorded with a result its type does not allow",
        )

    def _done(self, method: Any, value: Any, refused: str) -> Any:
        done, error = contained(method, value, self._type)
        if error is None:
            return done
        if isinstance(error, _MEANT) or not isinstance(error, Exception):
            raise error
        raise OutputError(f"{refused}: {_said(error)}") from error


def result_type(function: Any, output_type: Any, serializer: Serializer | None) -> ResultType:
    """Return how a callable's results become JSON and come back.

    Args:
        function: the callable.
        output_type: the explicit type, or `UNSET`: then its annotation counts.
        serializer: that of the client; it acts on explicit types only.

    Raises:
        PydanticUserError: pydantic can make nothing of the explicit type.
    """
    if serializer is None or output_type is UNSET:
        return ResultType.of(function, output_type)
    return SerializedType(serializer, output_type)


def checked_serializer(given: Any) -> Serializer | None:
    """Return what a client was given as its serializer.

    Raises:
        ConfigError: it has not both methods, or they are `async def`.
    """
    if given is None:
        return None
    if inspect.isclass(given) or not isinstance(given, Serializer):
        raise ConfigError(
            f"Inngest: serializer is {given!r}; pass an object with the methods "
            "serialize(obj, typ) and deserialize(obj, typ), such as PydanticSerializer()."
        )
    if any(map(inspect.iscoroutinefunction, (given.serialize, given.deserialize))):
        raise ConfigError(
            f"Inngest: the methods of serializer {type(given).__name__} are `async def`; "
            "make them `def`, and do what must be awaited in the step itself."
        )
    return given


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError | PydanticSerializationError | CodecError):
        return first_line(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
