"""`EventType`, a name with the type of its data; and the types of several, found by name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Union, overload

from typing_extensions import TypeVar

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks
from inngest_asgi.functions.payloads import Payload, envelope_of
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from inngest_asgi.wire.events import Event

T = TypeVar("T", default=dict[str, Any])

_UNTYPED = dict[str, Any]


class EventType(Generic[T]):
    """A kind of event: its name and the type of its data, which is checked wherever it is used.

        signed_up = EventType("user/signed.up", Signup)
        await client.send(signed_up(Signup(user_id="u1", email="a@b.test")))

    It may stand wherever the name of an event may: as a trigger, in `TriggerEvent`, in `Cancel`.
    A function that has it as a trigger gets data of this type, checked before its code runs.

    Args:
        name: the event's name. One that ends in "*", such as "user/*", stands for all names that
            begin so; it can be a trigger, but builds no events.
        data: a pydantic model, a dataclass, a `TypedDict`, or another type that pydantic knows
            and JSON writes as an object; any JSON object by default.
        version: goes with each event as its `v`. Where a name has several types, an event with the
            version of one is read as that one.

    Attributes:
        payload: how the data is checked and rebuilt.

    Raises:
        ConfigError: the name is no event's name, or pydantic can make nothing of the type.
    """

    __slots__ = ("_name", "_version", "payload")

    @overload
    def __init__(
        self: EventType[dict[str, Any]], name: str, *, version: str | None = None
    ) -> None: ...
    @overload
    def __init__(self, name: str, data: type[T], *, version: str | None = None) -> None: ...
    @overload
    def __init__(
        self: EventType[Any], name: str, data: Any, *, version: str | None = None
    ) -> None: ...
    def __init__(self, name: str, data: Any = _UNTYPED, *, version: str | None = None) -> None:
        self._name = checks.event_name(name, "EventType: name")
        field = f"EventType {name!r}"
        if isinstance(data, str):
            raise ConfigError(f"{field}: data is {data!r}; pass the type itself, not its name.")
        self._version = None if version is None else checks.text(version, f"{field}: version")
        self.payload = Payload(data, field=f"{field}: data")

    def __repr__(self) -> str:
        return f"<EventType {self._name!r}>"

    @property
    def name(self) -> str:
        """The event's name, or the pattern of names."""
        return self._name

    @property
    def version(self) -> str | None:
        """What its events have as `v`."""
        return self._version

    @property
    def data(self) -> Any:
        """The type of the data."""
        return self.payload.data

    def __call__(
        self,
        data: T | Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
        ts: int | None = None,
        user: dict[str, Any] | None = None,
        meta: dict[str, Any] | None = None,
    ) -> Event[T]:
        """Build an event, checked in the form in which it will be sent.

        Args:
            data: an instance of the type, or a dictionary to make one of; None is an empty one.
            id: a de-duplication id: a function starts once per id within 24 hours.
            ts: when it happened, in Unix milliseconds; a future one delays the run until then.
            user: deprecated by servers; kept when given.
            meta: such as `{"sessions": {"chat": "42"}}`.

        Raises:
            EventValidationError: a field is wrong; the message names it.
            ConfigError: the name is a pattern.
        """
        if self._name.endswith("*"):
            raise ConfigError(
                f"EventType {self._name!r} stands for many names, so it cannot build an event; "
                "declare an EventType with the very name."
            )
        return self.payload.build(
            data,
            f"Event {self._name!r} is not valid",
            name=self._name,
            v=self._version,
            id=id,
            ts=ts,
            user=user,
            meta=meta,
        )

    def read(self, raw: Mapping[str, Any], what: str) -> Event[T]:
        """Return an event that a server sent, its data rebuilt to the type.

        Args:
            raw: the JSON object.
            what: how an error begins, such as "Step 'wait' cannot take event 'user/signed.up'".

        Raises:
            EventValidationError: it is not as it should be; the message names the field.
        """
        return self.payload.rebuild(envelope_of(raw, what), raw.get("data"), what)


def name_of(event: str | EventType[Any]) -> str:
    """Return the name of an event that may be given by its type."""
    return event.name if isinstance(event, EventType) else event


class EventTypes:
    """The types of events by name, made when a function or a client is declared.

    The very name wins over patterns, and the longest pattern over shorter ones. Several types of
    one name are a union; an event whose `v` is the version of one of them is read as that one.
    """

    __slots__ = ("_by_name", "_patterns")

    def __init__(self, event_types: Iterable[EventType[Any]], *, field: str) -> None:
        by_name: dict[str, list[EventType[Any]]] = {}
        for event_type in event_types:
            by_name.setdefault(event_type.name, []).append(event_type)
        self._by_name = {name: _choice(listed, field) for name, listed in by_name.items()}
        patterns = sorted(filter(_is_pattern, by_name), key=len, reverse=True)
        self._patterns = [(name[:-1], self._by_name[name]) for name in patterns]

    def __bool__(self) -> bool:
        """Whether there is any type to check."""
        return any(self._by_name.values())

    def find(self, name: str, version: str | None) -> Payload | None:
        """Return the type of an event's data; None when nothing is declared of it."""
        known = name in self._by_name
        choice = self._by_name[name] if known else next(self._matching(name), None)
        return None if choice is None else choice.of_version(version)

    def read(self, raw: Mapping[str, Any], what: str) -> Event[Any]:
        """Return an event that a server sent, its data rebuilt to the type declared for its name.

        Args:
            raw: the JSON object.
            what: how an error begins, such as "Function 'shop-pay' cannot take event 'shop/paid'".

        Raises:
            EventValidationError: it is not as it should be; the message names the field.
        """
        envelope = envelope_of(raw, what)
        payload = self.find(envelope.name, envelope.v) or _plain()
        return payload.rebuild(envelope, raw.get("data"), what)

    def check(self, record: Mapping[str, Any]) -> None:
        """Check an event that is about to be sent, as the JSON object it is sent as.

        Raises:
            EventValidationError: its data is not of the type declared for its name.
        """
        payload = self.find(record["name"], record.get("v"))
        if payload is not None:
            payload.check(dumps(record["data"]), f"Event {record['name']!r} cannot be sent")

    def _matching(self, name: str) -> Iterator[_Choice | None]:
        return (choice for start, choice in self._patterns if name.startswith(start))


class _Choice:
    """The types of one name: by version, and all together."""

    __slots__ = ("_any", "_by_version")

    def __init__(self, event_types: list[EventType[Any]], field: str) -> None:
        by_version: dict[str, list[EventType[Any]]] = {}
        for one in event_types:
            if one.version is not None:
                by_version.setdefault(one.version, []).append(one)
        self._any = _union(event_types, field)
        self._by_version: dict[str | None, Payload] = {
            version: _union(listed, field) for version, listed in by_version.items()
        }

    def of_version(self, version: str | None) -> Payload:
        return self._by_version.get(version, self._any)


def _choice(event_types: list[EventType[Any]], field: str) -> _Choice | None:
    typed = any(_is_typed(one) for one in event_types)
    return _Choice(event_types, field) if typed else None


def _union(event_types: list[EventType[Any]], field: str) -> Payload:
    """Return the type of all; an untyped one comes last, as it takes everything."""
    if len(event_types) == 1:
        return event_types[0].payload
    listed = sorted(event_types, key=_is_typed, reverse=True)
    return Payload(Union[tuple(one.data for one in listed)], field=field)  # noqa: UP007


@cache
def _plain() -> Payload:
    return Payload(_UNTYPED, field="data")


def _is_typed(event_type: EventType[Any]) -> bool:
    return event_type.data is not _UNTYPED


def _is_pattern(name: str) -> bool:
    return name.endswith("*")
