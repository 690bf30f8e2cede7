"""The way of a call's steps to the world where hooks stand around the sending of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.middleware.crossing import complete
from inngest_asgi.middleware.sending import send_through
from inngest_asgi.runtime.services import RunServices
from inngest_asgi.runtime.sessions import with_run_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.runtime.hooked import HookedCall
    from inngest_asgi.wire.calls import Call
    from inngest_asgi.wire.events import Event


class HookedServices(RunServices):
    """The way to the world of an async call with hooks: those around sending are its own."""

    __slots__ = ("_hooked",)

    def __init__(self, client: Inngest, call: Call, hooked: HookedCall) -> None:
        super().__init__(client, call)
        self._hooked = hooked

    async def send_events(self, events: Event[Any] | Sequence[Event[Any]]) -> list[str]:
        return await self._send_through(events)

    async def _send_through(self, events: Event[Any] | Sequence[Event[Any]]) -> list[str]:
        stack, colour = self._hooked.stack, self._hooked.colour
        sent = with_run_sessions(self._client, self._call, events)
        return await send_through(stack, colour, self._send, sent)

    async def _send(self, events: Sequence[Event[Any]], env: str | None) -> list[str]:
        return await self._client.send(events, env=env, skip_middleware=True)


class HookedServicesSync(HookedServices):
    """The same of a blocking call: the hooks run on its thread."""

    __slots__ = ()

    def send_events(self, events: Event[Any] | Sequence[Event[Any]]) -> Any:
        return complete(self._send_through(events))
