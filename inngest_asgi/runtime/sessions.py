"""Events sent in a step carry the sessions of their run (http.md 13, steps.md 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.wire.events import Event
from inngest_asgi.wire.sessions import carried, sessions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.wire.calls import Call


def run_meta(client: Inngest, call: Call) -> dict[str, Any] | None:
    """Return the `meta` of an event that a run starts: its sessions, if they are carried on."""
    sessions = sessions_of(call.events) if client.settings.session_propagation else {}
    return carried(None, sessions) if sessions else None


def with_run_sessions(
    client: Inngest, call: Call, events: Event[Any] | Sequence[Event[Any]]
) -> Any:
    """Return what a run sends, with the sessions of the events that started it.

    Args:
        client: says whether they are carried on.
        call: the call of the run.
        events: one event or several; they are not changed, copies are returned.
    """
    sessions = sessions_of(call.events) if client.settings.session_propagation else {}
    return _with_sessions(events, sessions) if sessions else events


def _with_sessions(events: Any, sessions: dict[str, str]) -> Any:
    """Return copies with the sessions; what is no event is left for `send` to refuse."""
    if isinstance(events, Event):
        return events.model_copy(update={"meta": carried(events.meta, sessions)})
    if isinstance(events, list | tuple):
        return [_with_sessions(one, sessions) for one in events]
    return events
