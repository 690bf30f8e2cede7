"""Data of events, checked and rebuilt by its declared type; which type that is, by name.

A `Payload` is made once for each type. What it reads came as JSON and is validated as JSON, so
that strict models take the moments and identifiers that JSON can only write as strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from inngest_asgi.errors import ConfigError, EventValidationError
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_MOST_SHOWN = 3


class Payload:
    """One type of data, and how it becomes an event and JSON.

    Args:
        data: a pydantic model, a dataclass, a `TypedDict`, or anything else pydantic knows.
        field: where the type was given, named in errors.

    Raises:
        ConfigError: pydantic can make nothing of it.
    """

    __slots__ = ("_adapter", "_event", "data")

    def __init__(self, data: Any, *, field: str) -> None:
        self.data = data
        self._event: type[Event[Any]] | None = None  # made on first use: most are not used
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(data)
        except (PydanticUserError, NameError, TypeError) as error:
            raise ConfigError(
                f"{field} is {data!r}, of which pydantic can make nothing: "
                f"{str(error).splitlines()[0]} Pass a type such as a BaseModel or a dataclass."
            ) from error

    def build(self, data: Any, what: str, **fields: Any) -> Event[Any]:
        """Build an event whose data everyone who shares the type can read.

        Args:
            data: an instance of the type, or what makes one; it may use names or aliases.
            what: how an error begins.
            **fields: the other fields of the event.

        Raises:
            EventValidationError: the data, or another field, is not as it should be.
        """
        try:
            event: Event[Any] = Event(**fields)
        except ValidationError as error:
            raise _invalid(what, error) from None
        try:
            value = self._adapter.validate_python(
                {} if data is None else data, by_alias=True, by_name=True
            )
            text = self._adapter.dump_json(value, by_alias=True, warnings=False)
        except ValidationError as error:
            raise _invalid(what, error, "data") from None
        except PydanticSerializationError as error:
            raise EventValidationError(f"{what}: data: {error}.", fields=["data"]) from error
        self.check(text, what)
        return self._typed(event, value)

    def check(self, text: bytes, what: str) -> Any:
        """Return the data that JSON text stands for.

        Args:
            text: the JSON.
            what: how an error begins.

        Raises:
            EventValidationError: it is not of the type.
        """
        if not text.startswith(b"{"):
            raise EventValidationError(f"{what}: data: it must be a JSON object.", fields=["data"])
        try:
            return self._adapter.validate_json(text, by_alias=True, by_name=True)
        except ValidationError as error:
            raise _invalid(what, error, "data") from None

    def rebuild(self, envelope: Event[Any], data: Any, what: str) -> Event[Any]:
        """Return the event that a server sent, its data rebuilt to the type.

        Args:
            envelope: the event but for its data.
            data: as parsed from JSON; None is an empty object.
            what: how an error begins.

        Raises:
            EventValidationError: the data is not of the type.
        """
        return self._typed(envelope, self.check(b"{}" if data is None else dumps(data), what))

    def _typed(self, envelope: Event[Any], data: Any) -> Event[Any]:
        if self._event is None:
            self._event = _event_with(self.data)
        return self._event.model_construct(**vars(envelope) | {"data": data})


def envelope_of(raw: Mapping[str, Any], what: str) -> Event[Any]:
    """Return an event that a server sent, without its data.

    Args:
        raw: the JSON object.
        what: how an error begins.

    Raises:
        EventValidationError: it is no event; the message names the field.
    """
    try:
        return Event.from_raw({**raw, "data": None})
    except ValueError as error:
        raise EventValidationError(f"{what}: it is {error}.") from None


def _event_with(data: Any) -> type[Event[Any]]:
    return Event[data]


def _invalid(what: str, error: ValidationError, *start: str) -> EventValidationError:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    fields = [_path(detail, start) for detail in details]
    said = [
        f"{field}: {detail['msg']}"
        for field, detail in zip(fields[:_MOST_SHOWN], details, strict=False)
    ]
    if len(fields) > _MOST_SHOWN:
        said.append(f"and {len(fields) - _MOST_SHOWN} more")
    return EventValidationError(f"{what}: {'; '.join(said)}.", fields=fields)


def _path(detail: ErrorDetails, start: tuple[str, ...]) -> str:
    return ".".join(str(part) for part in (*start, *detail["loc"]))
