"""Starts functions at the times of their crons (server-api.md 6 and 7), each time once."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cronsim import CronSim

from inngest_asgi.dev.events import TIMER, server_event
from inngest_asgi.dev.records import Changes
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.dev.triggers import split_cron
from inngest_asgi.dev.web.views import moment
from inngest_asgi.errors import DevServerError
from inngest_asgi.wire.durations import parse_duration

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.records import StoredEvent
    from inngest_asgi.dev.schedule import Schedule

_log = logging.getLogger(__name__)


class Crons:
    """One alarm per cron of a function; times that pass while no server runs are passed over."""

    def __init__(
        self, clock: Clock, alarm: Alarm, registry: Registry, schedule: Schedule, commits: Commits
    ) -> None:
        self._clock = clock
        self._alarm = alarm
        self._registry = registry
        self._schedule = schedule
        self._commits = commits
        self._armed: set[tuple[str, str]] = set()
        self._starting: set[asyncio.Task[None]] = set()
        registry.on_change.append(self.refresh)

    def refresh(self) -> None:
        """Set an alarm for every cron that has none."""
        for function in self._registry.functions:
            for trigger in function.triggers:
                cron = trigger.get("cron")
                if cron and (function.id, cron) not in self._armed:
                    self._arm(function.id, cron)

    async def stop(self) -> None:
        """Finish saving what was just started."""
        await asyncio.gather(*self._starting)

    def _arm(self, function_id: str, cron: str) -> None:
        due = next_time(cron, self._clock.time())
        self._armed.add((function_id, cron))
        self._alarm.at(due, lambda: self._fire(function_id, cron, due))

    def _fire(self, function_id: str, cron: str, due: float) -> None:
        self._armed.discard((function_id, cron))
        function = self._registry.function(function_id)
        triggers = [one for one in function.triggers if one.get("cron") == cron]
        if triggers and function.archived_at is None:
            changes = Changes()
            self._schedule.start(function, self._event(triggers[0], due), changes)
            starting = asyncio.ensure_future(self._start(changes))
            self._starting.add(starting)
            starting.add_done_callback(self._starting.discard)
        self.refresh()

    async def _start(self, changes: Changes) -> None:
        try:
            await self._commits.commit(changes)
        except DevServerError as error:
            _log.error("A scheduled function could not be started: %s", error)

    def _event(self, trigger: dict[str, Any], due: float) -> StoredEvent:
        """Return the event of a firing; its id is its time, so that it starts a run once."""
        jitter = parse_duration(trigger["jitter"]).total_seconds() if trigger.get("jitter") else 0.0
        fire = due + jitter * self._clock.random()
        data = {"cron": trigger["cron"], "scheduledAt": moment(due), "fireAt": moment(fire)}
        return server_event(
            TIMER,
            data,
            internal_id=new_ulid(self._clock),
            event_id=moment(due),
            ts=int(fire * 1000),
            now=self._clock.time(),
        )


def next_time(cron: str, now: float) -> float:
    """Return when a cron is due next, in Unix seconds; those that never are are not registered."""
    zone, fields = split_cron(cron)
    return next(CronSim(fields, datetime.fromtimestamp(now, zone))).timestamp()
