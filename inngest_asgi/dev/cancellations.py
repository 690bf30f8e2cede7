"""Cancels many runs at once: those of a function that were queued in a stretch of time.

The rules are those of server-api.md 4. The stretch may end a few seconds from now; runs that are
queued until then are cancelled when it ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.calls import ACCOUNT_ID, ENVIRONMENT_ID
from inngest_asgi.dev.cancels import cancel_job
from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression
from inngest_asgi.dev.moments import parse_moment
from inngest_asgi.dev.records import Changes, RunStatus
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.dev.store.filters import RunQuery
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.alarm import Alarm
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.records import Function
    from inngest_asgi.dev.store.notes import Notes
    from inngest_asgi.dev.store.queries import Queries

FURTHEST_END = 5.0
"""Seconds from now that a stretch of time may end at the latest."""
_PAGE = 500
_OPEN = (RunStatus.RUNNING, RunStatus.SCHEDULED)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Which runs are cancelled.

    Args:
        id: a ULID.
        function_id: the function, by its UUID.
        since: only runs queued from then on, in Unix seconds; None: however old.
        until: only runs queued before, in Unix seconds.
        expression: what must be true of the event that started a run, in CEL; "" for any.
    """

    id: str
    function_id: str
    since: float | None
    until: float
    expression: str


class Cancellations:
    """Cancels runs, and remembers what it was asked for.

    Args:
        alarm: wakes when a stretch of time that is not over yet ends.
    """

    def __init__(
        self,
        clock: Clock,
        alarm: Alarm,
        registry: Registry,
        commits: Commits,
        queries: Queries,
        notes: Notes,
    ) -> None:
        self._clock = clock
        self._alarm = alarm
        self._registry = registry
        self._commits = commits
        self._queries = queries
        self._notes = notes
        self._tasks: set[asyncio.Task[None]] = set()

    async def create(self, document: Any) -> dict[str, Any]:
        """Cancel the runs that a request names, and return the record of it.

        Raises:
            RequestError: the request makes no sense (400), or there is no such function (404).
            DevServerError: it could not be saved.
        """
        fields = document if isinstance(document, dict) else {}
        function = self._function(_text(fields, "app_id"), _text(fields, "function_id"))
        asked = self._read(fields, function)
        record = _record(asked, fields, self._clock.time())
        await self._notes.put_cancellation(record)
        await self._sweep(asked)
        if asked.until > self._clock.time():
            self._sweep_at_end(asked)
        return record

    async def resume(self) -> None:
        """Go on with what was asked of earlier servers, which may have stopped before its end."""
        for record in await self._notes.cancellations():
            asked = _asked(record)
            if asked.until > _moment(record, "queued_at"):
                self._sweep_at_end(asked)

    async def list(self) -> list[dict[str, Any]]:
        """Return the records of all cancellations, oldest first."""
        return await self._notes.cancellations()

    async def delete(self, cancellation_id: str) -> bool:
        """Forget a cancellation: it cancels no more runs. Returns whether it was known."""
        known = [record["id"] for record in await self._notes.cancellations()]
        await self._notes.drop_cancellation(cancellation_id)
        return cancellation_id in known

    async def stop(self) -> None:
        """Cancel no more runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _function(self, app: str, name: str) -> Function:
        apps = {one.id: one.name for one in self._registry.apps if app in (one.name, one.id)}
        for function in self._registry.functions:
            local = f"{apps.get(function.app_id)}-{name}"
            if function.app_id in apps and function.slug in (name, local):
                return function
        raise _refused("function not found", 404)

    def _read(self, fields: dict[str, Any], function: Function) -> Cancellation:
        now, since, until = self._clock.time(), *_stretch(fields)
        if until > now + FURTHEST_END:
            raise _refused("started_before must not be in the future")
        if since is not None and since >= until:
            raise _refused("started_after must be before started_before")
        expression = fields.get("if") or ""
        if not isinstance(expression, str):
            raise _refused("invalid expression: it must be text")
        if expression:
            try:
                compile_expression(expression)
            except ExpressionError as error:
                raise _refused(f"invalid expression: {error}") from None
        return Cancellation(new_ulid(self._clock), function.id, since, until, expression)

    def _sweep_at_end(self, asked: Cancellation) -> None:
        self._alarm.at(asked.until, lambda: self._sweep_later(asked))

    def _sweep_later(self, asked: Cancellation) -> None:
        task = asyncio.ensure_future(self._sweep_again(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sweep_again(self, asked: Cancellation) -> None:
        if any(record["id"] == asked.id for record in await self._notes.cancellations()):
            await self._sweep(asked)

    async def _sweep(self, asked: Cancellation) -> None:
        query = RunQuery(
            statuses=_OPEN,
            function_ids=(asked.function_id,),
            since=asked.since,
            until=asked.until,
            limit=_PAGE,
        )
        cursor: str | None = ""
        while cursor is not None:
            page = await self._queries.runs(replace(query, cursor=cursor or None))
            run_ids = [item.run.id for item in page.items]
            chosen = [run_id for run_id in run_ids if await self._is_meant(asked, run_id)]
            reason, now = f"The run was cancelled by cancellation {asked.id}.", self._clock.time()
            jobs = [cancel_job(run_id, now, reason) for run_id in chosen]
            await self._commits.commit(Changes(jobs=jobs))
            cursor = page.cursor

    async def _is_meant(self, asked: Cancellation, run_id: str) -> bool:
        if not asked.expression:
            return True
        expression, now = compile_expression(asked.expression), self._clock.time()
        events = await self._queries.events_of_run(run_id)
        return any(expression.matches(loads(event.body), now=now) for event in events[:1])


def _record(asked: Cancellation, fields: dict[str, Any], now: float) -> dict[str, Any]:
    record = {
        "id": asked.id,
        "account_id": ACCOUNT_ID,
        "environment_id": ENVIRONMENT_ID,
        "app_id": fields["app_id"],
        "function_id": fields["function_id"],
        "function_internal_id": asked.function_id,
        "kind": "bulk",
        "cause": "api",
        "started_before": fields["started_before"],
        "queued_at": datetime.fromtimestamp(now, UTC).isoformat(),
    }
    more = {"started_after": fields.get("started_after"), "if": asked.expression}
    return record | {key: value for key, value in more.items() if value}


def _asked(record: dict[str, Any]) -> Cancellation:
    """Read what `_record` wrote."""
    about = (record["id"], record["function_internal_id"])
    return Cancellation(*about, *_stretch(record), record.get("if", ""))


def _stretch(fields: dict[str, Any]) -> tuple[float | None, float]:
    since = _moment(fields, "started_after") if fields.get("started_after") else None
    return since, _moment(fields, "started_before")


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _refused(f"{name} is required")
    return value


def _moment(fields: dict[str, Any], name: str) -> float:
    moment = parse_moment(_text(fields, name))
    if moment is None:
        raise _refused(f"{name} is not a date: {fields[name]!r}")
    return moment


def _refused(message: str, status: int = 400) -> RequestError:
    return RequestError(message, code="", status=status)
