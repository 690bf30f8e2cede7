"""What steps need from outside of the engine, as the runtime provides it for one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inngest_asgi.engine.ops import Op
    from inngest_asgi.engine.serializers import Serializer
    from inngest_asgi.wire.events import Event

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Services(Protocol):
    """The way of one call's steps to the world."""

    @property
    def app_id(self) -> str:
        """The application's id."""
        ...

    @property
    def serializer(self) -> Serializer | None:
        """What turns results with an explicit type into JSON, if the client was given it."""
        ...

    def meta(self) -> dict[str, Any] | None:
        """Return the `meta` of an event that the run itself starts, such as its sessions."""
        ...

    async def send_events(self, events: Event[Any] | Sequence[Event[Any]]) -> list[str]:
        """Send events and return their ids."""
        ...

    async def send_signal(self, signal: str, data: Any) -> str | None:
        """Send a signal and return the id of the run that waited for it, if one did."""
        ...

    async def publish(self, channel: str, topic: str, data: Any) -> Any:
        """Publish a message to the subscribers of a topic and return it."""
        ...


class Announcer(Protocol):
    """Where an async function's tools announce steps: its shell, or what stands before it.

    Attributes:
        plain_handler: the handler of the step recalled last, if its results are JSON as it is; a
            place for tools to note it, because long replays are loops over one handler.
    """

    plain_handler: object

    def recall(self, step_id: str) -> Any:
        """Announce a step and return its result, or MISSING if that is not at hand."""
        ...

    async def step(self, op: Op) -> Any:
        """Announce a step and wait for its result."""
        ...


class AnnouncerSync(Protocol):
    """Where a blocking function's tools announce steps: its shell, or what stands before it."""

    def step(self, op: Op) -> Any:
        """Announce a step and return its result."""
        ...


class WaitedFor(Protocol[T]):
    """A type of event to wait for; `EventType` is one."""

    @property
    def name(self) -> str:
        """The event's name."""
        ...

    def read(self, raw: Mapping[str, Any], what: str) -> Event[T]:
        """Check an event that came and rebuild its data."""
        ...


class Invocable(Protocol[T_co]):
    """A function to invoke; `Function` is one."""

    @property
    def id(self) -> str:
        """The function's full id."""
        ...

    def rebuild(self, output: Any, *, what: str) -> T_co:
        """Rebuild what the function returned from parsed JSON."""
        ...


class Topic(Protocol):
    """Where messages are published: one topic of a channel (realtime.md)."""

    @property
    def channel(self) -> str:
        """The channel, such as "user:42" or a run's id."""
        ...

    @property
    def name(self) -> str:
        """The topic's name in it, such as "progress"."""
        ...


class InferAdapter(Protocol):
    """An AI provider for step.ai.infer: where requests go and in which format (steps.md 4.6)."""

    def auth_key(self) -> str:
        """Return the provider's key, which the server sends along."""
        ...

    def format(self) -> str:
        """Return the format's name, such as "openai-chat"."""
        ...

    def headers(self) -> dict[str, str]:
        """Return headers to add."""
        ...

    def url_infer(self) -> str:
        """Return the URL to post to."""
        ...

    def on_call(self, body: dict[str, Any]) -> None:
        """Complete the request's body, such as with the model."""
        ...
