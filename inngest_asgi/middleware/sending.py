"""Sends events through the hooks around sending; how they are sent is given to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.drive_body import contained_await
from inngest_asgi.errors import ConfigError, SendEventsError
from inngest_asgi.middleware.crossing import unpacked
from inngest_asgi.middleware.records import SendEventsCall, SendEventsResult
from inngest_asgi.wire.events import listed_events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inngest_asgi.middleware.colours import Colour, Layer
    from inngest_asgi.middleware.stack import Stack
    from inngest_asgi.wire.events import Event

    Send = Callable[[list[Event[Any]], str | None], Any]


async def send_through(
    stack: Stack,
    colour: Colour,
    send: Send,
    events: Event[Any] | Sequence[Event[Any]],
    env: str | None = None,
) -> list[str]:
    """Send events, and return their ids.

    Args:
        stack: the hooks.
        colour: how they are called.
        send: sends, async or blocking.
        events: one or several; the hooks get copies, so that a step which sends them once more
            sends what the user made.
        env: the branch environment, where it is not the client's.

    Raises:
        ConfigError: something is not an event, or a hook returned something else than ids.
        SendEventsError: not every event was taken; the hooks after it were told.
    """
    copies = [event.model_copy() for event in listed_events(events)]
    await stack.run("before_send_events", colour, copies)
    around = stack.around("wrap_send_events", colour, partial(_send, colour, send))
    ids, error = await contained_await(_sent(around, SendEventsCall(copies, env)))
    if error is not None and not isinstance(error, Exception):
        raise error
    await stack.run("after_send_events", colour, _result(ids, error))
    sent: list[str] = unpacked((ids, error))
    return sent


async def _sent(around: Layer, call: SendEventsCall) -> list[str]:
    ids = await around(call)
    if not isinstance(ids, list):
        raise ConfigError(
            f"A wrap_send_events hook returned {ids!r}; return what call_next gives, a list of ids."
        )
    return ids


async def _send(colour: Colour, send: Send, call: SendEventsCall) -> Any:
    return await colour.body(send, (call.events, call.env), {})


def _result(ids: Any, error: Exception | None) -> SendEventsResult:
    if error is None:
        return SendEventsResult(ids)
    return SendEventsResult(error.ids if isinstance(error, SendEventsError) else [], str(error))
