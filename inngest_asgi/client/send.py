"""Events to the event API (http.md 13-15): one seed per send, and no success without ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inngest_asgi.client.messages import Outgoing, client_headers, remedy
from inngest_asgi.client.retries import with_retries
from inngest_asgi.errors import ApiError, CodecError, SendEventsError
from inngest_asgi.wire.codec import dumps, embed
from inngest_asgi.wire.events import Event, event_record, listed_events, make_seed
from inngest_asgi.wire.names import NO_EVENT_KEY, Header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inngest_asgi.client.connections import Connections
    from inngest_asgi.client.messages import Answer
    from inngest_asgi.clock import Clock
    from inngest_asgi.functions.event_types import EventTypes
    from inngest_asgi.settings import Settings
    from inngest_asgi.wire.codec import Fragment

_SEED_BYTES = 10
_SERVER_TEXT = 300
_HIDDEN = "***"

_KEY_UNKNOWN = "the event key is not known there; check INNGEST_EVENT_KEY"
_REFUSALS = {
    400: "it could not use what was sent",
    401: _KEY_UNKNOWN,
    403: "the event key may not send these events",
    404: _KEY_UNKNOWN,
    406: "it could not read the body",
    409: "the events could not be transformed",
    412: "the events could not be transformed",
    413: "the events are too large; send fewer at once, or references instead of contents",
    500: "it failed internally",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends events; settings, network, time, chance and the types of events are given to it."""

    settings: Settings
    connections: Connections
    clock: Clock
    schemas: EventTypes

    async def send(self, events: Event[Any] | Sequence[Event[Any]], env: str | None) -> list[str]:
        """Send events in one request, again on failures that may pass; return their ids.

        Args:
            events: one or several; none at all needs no network.
            env: the branch environment, instead of the one configured.

        Raises:
            ConfigError: an event has no valid name, or something is not an event.
            CodecError: an event's data cannot be JSON; the message names the event.
            EventValidationError: an event is not of the type that `schemas` has for its name.
            SendEventsError: not every event was taken; `ids` are those that were.
        """
        listed = listed_events(events)
        if not listed:
            return []
        outgoing = self._outgoing(listed, env)
        try:
            answer = await with_retries(lambda: self.connections.exchange(outgoing), self.clock)
        except ApiError as error:
            message = f"No event was confirmed. {error} {remedy(self.settings)}"
            raise SendEventsError(message) from error
        return self._accepted_ids(answer, len(listed), outgoing.origin)

    def _outgoing(self, events: list[Event[Any]], env: str | None) -> Outgoing:
        now_ms = int(self.clock.time() * 1000)
        seed = make_seed(now_ms, self.clock.entropy(_SEED_BYTES))
        prefix = f"{self.settings.event_origin}/e/"
        return Outgoing(
            method="POST",
            url=prefix + quote(self._event_key(), safe="", errors="surrogateescape"),
            shown_url=prefix + _HIDDEN,
            headers={
                "content-type": "application/json",
                Header.EVENT_ID_SEED: seed,
                **client_headers(self.settings, env),
            },
            body=dumps([self._dumped(event, now_ms) for event in events]),
        )

    def _dumped(self, event: Event[Any], now_ms: int) -> Fragment:
        record = event_record(event, now_ms)
        self.schemas.check(record)
        try:
            return embed(record)
        except CodecError as error:
            raise CodecError(f"Event {event.name!r} cannot be sent: {error}") from error

    def _event_key(self) -> str:
        if key := self.settings.event_key:
            return key
        if self.settings.is_production:
            raise SendEventsError(
                "There is no event key: set INNGEST_EVENT_KEY, or pass event_key to Inngest. "
                "To send to a server on this machine, set INNGEST_DEV=1."
            )
        return NO_EVENT_KEY

    def _accepted_ids(self, answer: Answer, sent: int, origin: str) -> list[str]:
        """Return the ids, if the answer says beyond doubt that every event was taken."""
        document = answer.document()
        fields = document if isinstance(document, dict) else {}
        ids = _ids(fields.get("ids"))
        if answer.status == 200 and len(ids) == sent and not fields.get("error"):
            return ids
        message = f"The event API at {origin} {_reason(answer.status, len(ids), sent)}"
        said = fields.get("error") or fields.get("message")
        if isinstance(said, str) and said:
            message += f"; it says: {self._without_key(said)[:_SERVER_TEXT]}"
        raise SendEventsError(f"{message}.", ids, answer.status)

    def _without_key(self, text: str) -> str:
        key = self.settings.event_key
        return text.replace(key, _HIDDEN) if key else text


def _ids(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    return [one for one in listed if isinstance(one, str)]


def _reason(status: int, accepted: int, sent: int) -> str:
    if status == 200:
        return f"confirmed {accepted} of {sent} events"
    said = _REFUSALS.get(status)
    return f"refused (status {status}): {said}" if said else f"answered with status {status}"
