"""Events as users and servers write them, the seed that makes their ids repeatable. No I/O."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_serializer,
    field_validator,
)
from typing_extensions import TypeVar

from inngest_asgi.errors import CodecError, ConfigError
from inngest_asgi.wire.codec import refuse_non_finite
from inngest_asgi.wire.keywords import Keywords
from inngest_asgi.wire.sessions import checked_meta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import (
        FieldSerializationInfo,
        SerializerFunctionWrapHandler,
        ValidationInfo,
        ValidatorFunctionWrapHandler,
    )

T = TypeVar("T", default=dict[str, Any])

RECEIVED = "received"
"""The validation context of events from a server: they are taken as they come."""

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any, config=ConfigDict(defer_build=True))
_ENTROPY = 10
_MAX_INDEX = 2**32
_MAX_MILLISECONDS = 2**48


class Event(BaseModel, Generic[T]):
    """Something that happened, by name, with JSON data (http.md 13).

    Args:
        name: such as "shop/order.placed"; not starting with "inngest/", which is reserved.
        data: a JSON object: a dictionary, a pydantic model or a dataclass. It is validated only by
            a type that is named, as in `Event[Order](...)`; an `EventType` does that for you.
        id: a de-duplication id: a function starts once per id within 24 hours.
        ts: when it happened, in Unix milliseconds; a future one delays the run until then.
        v: the version of its payload.
        user: deprecated by servers; kept when given.
        meta: such as `{"sessions": {"chat": "42"}}`, up to five of them.

    Raises:
        ConfigError: there is no such field.
        ValidationError: a field is not as it should be.
    """

    # Built when it is first used: that takes a fifth of the time of importing the package.
    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True, defer_build=True)

    __signature__ = Keywords()

    def __new__(cls, /, *args: Any, **fields: Any) -> Self:
        # What servers send may have fields we do not know, and is read past this; a keyword that
        # we do not know is a slip, and its data would be lost.
        if not fields.keys() <= cls.model_fields.keys() and not cls.__pydantic_custom_init__:
            _refuse_unknown(cls, fields)
        return super().__new__(cls)

    name: str
    data: T = Field(default_factory=dict)  # type: ignore[assignment]
    id: str | None = None
    ts: int | None = None
    v: str | None = None
    user: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None

    @field_validator("data", mode="wrap")
    @classmethod
    def _checked_data(cls, data: Any, check: ValidatorFunctionWrapHandler) -> Any:
        if data is None:
            return check({})
        return data if _is_record(data) and cls._is_untyped() else check(data)

    @field_serializer("data", mode="wrap")
    def _dumped_data(
        self, data: Any, dump: SerializerFunctionWrapHandler, info: FieldSerializationInfo
    ) -> Any:
        if not self._is_untyped():
            return dump(data)
        mode: Literal["json", "python"] = "json" if info.mode_is_json() else "python"
        return _ANYTHING.dump_python(data, mode=mode, by_alias=info.by_alias)

    @field_validator("meta")
    @classmethod
    def _checked_meta(cls, meta: dict[str, Any] | None, info: ValidationInfo) -> Any:
        return meta if info.context == RECEIVED else checked_meta(meta)

    @classmethod
    def from_raw(cls, raw: Mapping[str, Any]) -> Event[T]:
        """Read an event from the JSON object a server sent.

        Raises:
            ValueError: it is not an event; the message names the field.
        """
        try:
            return cls.model_validate(raw, context=RECEIVED)
        except ValidationError as error:
            first = error.errors()[0]
            where = "".join(f"{part}: " for part in first["loc"])
            raise ValueError(f"not an event: {where}{first['msg']}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a JSON object, without the fields that are not set.

        The fields of models in its data have their aliases: those are the names other programs
        know them by.

        Raises:
            CodecError: its data cannot be JSON; NaN and infinities cannot.
        """
        try:
            record = self.model_dump(mode="json", by_alias=True)
            refuse_non_finite(self.model_dump())  # in JSON mode NaN is null
        except CodecError as error:
            raise CodecError(f"Event {self.name!r} cannot be sent: {error}") from None
        except ValueError as error:
            raise CodecError(f"Event {self.name!r} cannot be sent: {error}.") from error
        return {key: value for key, value in record.items() if value is not None}

    @classmethod
    def _is_untyped(cls) -> bool:
        return isinstance(cls.model_fields["data"].annotation, TypeVar)


def _refuse_unknown(event: type[Event[Any]], fields: dict[str, Any]) -> None:
    known = event.model_fields
    if event.model_config.get("extra") != "ignore" or any(one.alias for one in known.values()):
        return  # a class of the user's, which has rules of its own
    name = next(name for name in fields if name not in known)
    raise ConfigError(
        f"Event has no field {name!r}; it takes {', '.join(known)}, and what is to be carried "
        "belongs into data."
    )


def listed_events(events: Event[Any] | Sequence[Event[Any]]) -> list[Event[Any]]:
    """Return what is to be sent as a new list.

    Args:
        events: one event or several.

    Raises:
        ConfigError: something is not an event.
    """
    listed = [events] if isinstance(events, Event) else events
    if not isinstance(listed, Sequence):
        raise ConfigError(
            f"send takes an Event or a list of them, not {type(events).__name__}; "
            "build one with Event(name=..., data={...})."
        )
    for index, event in enumerate(listed):
        if not isinstance(event, Event):
            raise ConfigError(
                f"send: item {index} is {type(event).__name__}, not an Event; "
                "build one with Event(name=..., data={...})."
            )
    return list(listed)


def event_record(event: Event[Any], now_ms: int) -> dict[str, Any]:
    """Return what is sent for an event: its set fields, `ts` filled in, data never null.

    Raises:
        ConfigError: its name is empty or starts with the reserved "inngest/", or its meta was
            spoilt after it was built.
        CodecError: its data cannot be JSON.
    """
    if not isinstance(event.name, str) or not event.name.strip():
        raise ConfigError("Event.name is empty; give the event a name such as 'shop/order.placed'.")
    if event.name.startswith("inngest/"):
        raise ConfigError(
            f"Event.name {event.name!r}: names that start with 'inngest/' belong to the server; "
            "choose another prefix."
        )
    record = event.to_dict()
    record.setdefault("data", {})
    if not isinstance(record["data"], dict):
        raise ConfigError(f"Event {event.name!r}: data must be a JSON object.")
    if "meta" in record:
        record["meta"] = checked_meta(record["meta"])
    record.setdefault("ts", now_ms)
    return record


def _is_record(data: Any) -> bool:
    return isinstance(data, BaseModel) or (is_dataclass(data) and not isinstance(data, type))


def make_seed(now_ms: int, entropy: bytes) -> str:
    """Return the header value that lets a retried request create the same ids (http.md 14)."""
    return f"{now_ms},{base64.b64encode(entropy).decode()}"


def seeded_id(seed: str, index: int) -> str | None:
    """Return the ULID of the `index`-th event of a request (the first is 1).

    Returns:
        The id, or None when the seed is invalid: then it is to be ignored.
    """
    time_text, _, entropy_text = seed.partition(",")
    try:
        entropy = base64.b64decode(entropy_text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(entropy) != _ENTROPY or not (time_text.isascii() and time_text.isdigit()):
        return None
    if len(time_text) > 15 or int(time_text) >= _MAX_MILLISECONDS:
        return None
    from ulid import ULID  # on first use: it costs an eighth of the package's import

    tail = (int.from_bytes(entropy[6:], "big") + index) % _MAX_INDEX
    stamp = int(time_text).to_bytes(6, "big")
    return str(ULID.from_bytes(stamp + entropy[:6] + tail.to_bytes(4, "big")))
