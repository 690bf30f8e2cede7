"""Functions that are run because somebody asked for them: a step, or the API (server-api.md 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.events import INVOKED, server_event
from inngest_asgi.dev.failures import function_unknown
from inngest_asgi.dev.schedule import new_ulid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.pauses import Pauses
    from inngest_asgi.dev.records import Changes, Function, Run, StoredEvent
    from inngest_asgi.dev.schedule import Schedule
    from inngest_asgi.dev.turn import Invoke

_OPTIONAL = ("user", "v", "meta")
_FROM_STEPS = ("data", *_OPTIONAL)


@dataclass(frozen=True, slots=True)
class Invokes:
    """Starts runs of single functions, by events that are meant for them alone."""

    clock: Clock
    registry: Registry
    schedule: Schedule
    pauses: Pauses

    def step(self, parent: Run, caller: Function, invoke: Invoke, changes: Changes) -> Run | None:
        """Start the run that a step waits for, or have the step fail.

        Args:
            parent: the run of the step.
            caller: its function.
            invoke: what the step asks for.
            changes: what is about to be saved, the step's job included.

        Returns:
            The run; None when there is none, or none yet.
        """
        job = invoke.job
        about = {
            "source_app_id": caller.app_id,
            "source_fn_id": caller.id,
            "source_fn_v": 1,
            "correlation_id": f"{parent.id}.{job.step_id}",
            "expire": int(job.due * 1000),
            "gid": job.id,
            "name": job.name,
        }
        self.pauses.add([job])
        payload = {key: invoke.payload.get(key) for key in _FROM_STEPS}
        event = self.event(invoke.function, payload, about)
        return self.start(invoke.function, event, changes)

    def start(self, name: str, event: StoredEvent, changes: Changes) -> Run | None:
        """Start a run of one function, with an event that `event` returned.

        When there is no such function, whoever waits for the run is told.

        Args:
            name: the function's slug or UUID.
            event: what starts it.
            changes: what is about to be saved.

        Returns:
            The run; None when there is none, or none yet.
        """
        function = self.registry.find(name)
        if function is not None:
            return self.schedule.start(function, event, changes)
        self.schedule.add_event(event, changes)
        self.schedule.refuse(event, name, function_unknown(name), changes)
        return None

    def event(
        self,
        name: str,
        payload: Mapping[str, Any],
        about: Mapping[str, Any],
        internal_id: str | None = None,
    ) -> StoredEvent:
        """Return the event that asks for a run of a function.

        Args:
            name: the function's slug or UUID.
            payload: fields of the event; its `data`, `user` and `meta` are objects, if there.
            about: what else stands in the `_inngest` of its data.
            internal_id: for the event, a new one by default.

        Raises:
            CodecError: the payload cannot be written as JSON.
        """
        return server_event(
            INVOKED,
            {**(payload.get("data") or {}), "_inngest": {"fn_id": name, **about}},
            internal_id=internal_id or new_ulid(self.clock),
            event_id=payload.get("id"),
            ts=int(payload.get("ts") or 0),
            now=self.clock.time(),
            **{key: payload[key] for key in _OPTIONAL if payload.get(key)},
        )
