"""Takes events in: checks them, gives them ids, saves them with the runs they start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import Changes, StoredEvent
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.dev.sessions import kept_meta
from inngest_asgi.errors import CodecError, SendEventsError
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.events import seeded_id
from inngest_asgi.wire.names import INTERNAL_PREFIX

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.schedule import Schedule

MAX_EVENTS = 5_000
MAX_EVENT = 3 * 1024 * 1024
LONGEST_NAME = 512

_FIRST_TS, _LAST_TS = 315_532_800_000, 4_133_980_799_999  # 1980 to the end of 2100
_FIELDS = frozenset({"name", "data", "user", "id", "ts", "v", "meta"})


@dataclass(frozen=True, slots=True)
class Ingest:
    """The way in for events, whoever sends them (http.md 13 to 16)."""

    clock: Clock
    schedule: Schedule
    commits: Commits

    async def accept(self, documents: list[Any], seed: str | None = None) -> list[str]:
        """Save events and the runs they start, and return the events' internal ids.

        Args:
            documents: events as parsed from JSON.
            seed: makes the ids repeatable (http.md 14); an invalid one is ignored.

        Raises:
            SendEventsError: an event is refused; `ids` are those of the events before it.
            DevServerError: nothing could be saved.
        """
        if len(documents) > MAX_EVENTS:
            raise _refused(f"{len(documents)} events in one request; {MAX_EVENTS} is the limit")
        ids: list[str] = []
        changes, refusal = Changes(), None
        for index, document in enumerate(documents, start=1):
            internal_id = seeded_id(seed, index) if seed else None
            try:
                event = self._event(document, internal_id)
            except SendEventsError as error:
                refusal = error
                break
            self.schedule.add_event(event, changes)
            ids.append(event.internal_id)
        if ids:
            await self.commits.commit(changes)
        if refusal is not None:
            raise SendEventsError(str(refusal), ids, 400)
        return ids

    def _event(self, document: Any, seeded: str | None) -> StoredEvent:
        now, internal_id = self.clock.time(), seeded or new_ulid(self.clock)
        fields = checked_event(document)
        data = fields.get("data") or {}
        event = {
            "name": fields["name"],
            "data": {key: data[key] for key in data if key != "_inngest"},
            "user": fields.get("user") or {},
            "id": fields.get("id") or internal_id,
            "ts": int(fields.get("ts") or now * 1000),
        }
        if fields.get("v"):
            event["v"] = fields["v"]
        meta = kept_meta(fields.get("meta") or {})
        if meta:
            event["meta"] = meta
        try:
            body = dumps(event)
        except CodecError as error:
            raise _refused(
                f"event {fields['name']!r} is no JSON a server can keep: {error}"
            ) from None
        if len(body) > MAX_EVENT:
            size = f"{len(body)} bytes, and {MAX_EVENT >> 20} MB are allowed"
            raise _refused(f"Event is over the max size: {fields['name']!r} has {size}")
        about = (event["id"], event["name"], event["ts"])
        repeatable = seeded is not None or event["id"] != internal_id
        return StoredEvent(internal_id, *about, now, body, repeatable=repeatable)


def checked_event(document: Any) -> dict[str, Any]:
    """Return an event's fields under their usual names, whatever case they came in.

    Raises:
        SendEventsError: it is not an event a client may send; the message names the field.
    """
    if not isinstance(document, dict):
        raise _refused("an event must be a JSON object")
    fields = {_spelled(key): value for key, value in document.items()}
    name = fields.get("name")
    if not isinstance(name, str) or not name:
        raise _refused("event name is empty")
    if len(name) > LONGEST_NAME:
        raise _refused(f"event name is longer than {LONGEST_NAME} characters")
    if name.startswith(INTERNAL_PREFIX):
        raise _refused(f"event name {name!r} is reserved for internal use")
    for key, kind in (("data", dict), ("user", dict), ("meta", dict), ("id", str), ("v", str)):
        if not isinstance(fields.get(key), kind | None):
            word = "an object" if kind is dict else "a string"
            raise _refused(f"`{key}` of event {name!r} must be {word}")
    _check_ts(name, fields.get("ts"))
    return fields


def _spelled(key: str) -> str:
    return key.lower() if key.lower() in _FIELDS else key


def _check_ts(name: str, ts: Any) -> None:
    if ts is None or ts == 0:
        return
    whole = isinstance(ts, int | float) and not isinstance(ts, bool) and ts == int(ts)
    if not whole:
        raise _refused(f"`ts` of event {name!r} must be Unix milliseconds")
    if not _FIRST_TS <= ts <= _LAST_TS:
        raise _refused(f"`ts` of event {name!r} must be between the years 1980 and 2100")


def _refused(message: str) -> SendEventsError:
    return SendEventsError(message, status=400)
