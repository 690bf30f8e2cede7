"""The way of one call's steps to the world: events, signals, messages, the run's sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.client.publishing import publish
from inngest_asgi.engine.services import Services
from inngest_asgi.errors import CodecError, OutputError
from inngest_asgi.runtime.sessions import run_meta, with_run_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.engine.serializers import Serializer
    from inngest_asgi.wire.calls import Call
    from inngest_asgi.wire.events import Event


class RunServices(Services):
    """What `engine.services.Services` asks for, for one call.

    Args:
        client: sends.
        call: the call.
    """

    __slots__ = ("_call", "_client")

    def __init__(self, client: Inngest, call: Call) -> None:
        self._client = client
        self._call = call

    @property
    def app_id(self) -> str:
        """The application's id."""
        return self._client.app_id

    @property
    def serializer(self) -> Serializer | None:
        """The client's serializer, if it has one."""
        return self._client.serializer

    def meta(self) -> dict[str, Any] | None:
        """Return the `meta` of an event that the run itself starts."""
        return run_meta(self._client, self._call)

    async def send_events(self, events: Event[Any] | Sequence[Event[Any]]) -> list[str]:
        """Send events, with the sessions of the run."""
        return await self._client.send(with_run_sessions(self._client, self._call, events))

    async def send_signal(self, signal: str, data: Any) -> str | None:
        """Send a signal and return the id of the run that waited for it, if one did."""
        return await self._client.send_signal(signal, data)

    async def publish(self, channel: str, topic: str, data: Any) -> Any:
        """Publish a message of the run, and return it as JSON text.

        Raises:
            OutputError: it cannot be JSON, or is too large.
            ApiError: it was not published.
        """
        try:
            return await publish(self._client.api, channel, topic, data, run_id=self._call.run_id)
        except CodecError as error:
            raise OutputError(str(error)) from error
