"""`client.runs`: asks the API how runs are doing, waits for their end, cancels them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inngest_asgi.client.portal import run_sync
from inngest_asgi.client.retries import with_retries
from inngest_asgi.engine.memos import recorded_error
from inngest_asgi.errors import ApiError, RunFailedError
from inngest_asgi.functions import checks
from inngest_asgi.wire.durations import to_timedelta
from inngest_asgi.wire.runs import RunStatus, read_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.client.api import Api
    from inngest_asgi.client.messages import Answer
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.runs import Run

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
_GROWTH = 1.5


class Runs:
    """What the server knows of runs. Each method has a blocking form, ending in `_sync`.

    Questions are tried again when no answer comes, as sending is. May be shared by threads and
    event loops.
    """

    __slots__ = ("_api",)

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, run_id: str, *, env: str | None = None) -> Run:
        """Return a run as it stands.

        Args:
            run_id: the run's ULID.
            env: the branch environment to ask in, instead of the client's.

        Raises:
            ApiError: the server knows no such run, or gave no usable answer.
        """
        what = f"Run {run_id!r} could not be looked up"
        answer = await self._asked("GET", _path("runs", run_id), env)
        if answer.status in (404, 410, 500):
            # Servers differ in what they say of a run they do not know (server-api.md 4).
            raise self._api.refusal(answer, f"{what}, most likely there is no such run")
        return _read(self._data(answer, what), what)

    async def for_event(self, event_id: str, *, env: str | None = None) -> list[Run]:
        """Return the runs that an event started; they may come a moment after the event.

        Args:
            event_id: the event's internal id, as `send` returns it.
            env: the branch environment to ask in, instead of the client's.

        Raises:
            ApiError: the server gave no usable answer.
        """
        what = f"The runs of event {event_id!r} could not be looked up"
        answer = await self._asked("GET", _path("events", event_id, "/runs"), env)
        data = self._data(answer, what)
        if not isinstance(data, list | None):
            raise ApiError(f"{what}: they came as {type(data).__name__}.")
        return [_read(record, what) for record in data or ()]

    async def wait(
        self,
        run_id: str,
        timeout: Duration | None = None,  # noqa: ASYNC109 - it is one of the client's clock
        *,
        env: str | None = None,
    ) -> Run:
        """Wait until a run has ended, well or not, asking again and again.

        Args:
            run_id: the run's ULID.
            timeout: how long to wait: a `timedelta`, a string such as "30s", or int milliseconds;
                None waits as long as it takes.
            env: the branch environment to ask in, instead of the client's.

        Raises:
            TimeoutError: it has not ended in time.
            ApiError: the server knows no such run, or gave no usable answer.
            ConfigError: the time-out is not a duration.
        """
        if timeout is None:
            return await self._ended(run_id, env)
        seconds = to_timedelta(timeout, field="runs.wait: timeout").total_seconds()
        ended = asyncio.ensure_future(self._ended(run_id, env))
        limit = asyncio.ensure_future(self._api.clock.sleep(seconds))
        try:
            await asyncio.wait([ended, limit], return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
            raise TimeoutError(f"Run {run_id!r} has not ended within {seconds:g} seconds.")
        finally:
            ended.cancel()
            limit.cancel()
            await asyncio.wait([ended, limit])

    async def output(self, run_id: str, *, env: str | None = None) -> Any:
        """Return what the function of a run returned, as JSON data.

        Args:
            run_id: the run's ULID.
            env: the branch environment to ask in, instead of the client's.

        Raises:
            RunFailedError: it failed, was cancelled or was skipped.
            ApiError: it has not ended yet, the server knows no such run, or gave no usable answer.
        """
        run = await self.get(run_id, env=env)
        if not run.has_ended:
            raise ApiError(f"Run {run_id!r} has not ended; wait for it with runs.wait.")
        if run.status not in (RunStatus.COMPLETED, RunStatus.UNKNOWN):
            raise _failure(run)
        return run.output

    async def cancel(self, run_id: str, *, env: str | None = None) -> None:
        """Cancel a run: no further step of it starts.

        Args:
            run_id: the run's ULID.
            env: the branch environment it is in, instead of the client's.

        Raises:
            ApiError: the server knows no such run, or did not cancel it.
        """
        answer = await self._asked("DELETE", _path("runs", run_id), env)
        if not answer.ok:
            raise self._api.refusal(answer, f"Run {run_id!r} was not cancelled")

    def get_sync(self, run_id: str, *, env: str | None = None) -> Run:
        """Return a run as it stands; see `get`."""
        return run_sync(self.get(run_id, env=env))

    def for_event_sync(self, event_id: str, *, env: str | None = None) -> list[Run]:
        """Return the runs that an event started; see `for_event`."""
        return run_sync(self.for_event(event_id, env=env))

    def wait_sync(
        self, run_id: str, timeout: Duration | None = None, *, env: str | None = None
    ) -> Run:
        """Wait until a run has ended; see `wait`."""
        return run_sync(self.wait(run_id, timeout, env=env))

    def output_sync(self, run_id: str, *, env: str | None = None) -> Any:
        """Return what the function of a run returned; see `output`."""
        return run_sync(self.output(run_id, env=env))

    def cancel_sync(self, run_id: str, *, env: str | None = None) -> None:
        """Cancel a run; see `cancel`."""
        run_sync(self.cancel(run_id, env=env))

    async def _ended(self, run_id: str, env: str | None) -> Run:
        run, pauses = await self.get(run_id, env=env), _pauses()
        while not run.has_ended:
            await self._api.clock.sleep(next(pauses))
            run = await self.get(run_id, env=env)
        return run

    async def _asked(self, method: str, path: str, env: str | None) -> Answer:
        return await with_retries(lambda: self._api.ask(method, path, env=env), self._api.clock)

    def _data(self, answer: Answer, what: str) -> Any:
        """Take the data out of an answer's envelope (server-api.md 4)."""
        if not answer.ok:
            raise self._api.refusal(answer, what)
        document = answer.document()
        if not isinstance(document, dict) or "data" not in document:
            raise ApiError(f"{what}: the answer is not one of an Inngest server.", answer.status)
        return document["data"]


def _pauses() -> Iterator[float]:
    """Yield the seconds to wait between two questions, ever longer up to a limit."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _path(kind: str, id: str, rest: str = "") -> str:
    checks.text(id, f"runs: the id of the {kind.removesuffix('s')}")
    return f"/v1/{kind}/{quote(id, safe='')}{rest}"


def _read(record: Any, what: str) -> Run:
    try:
        return read_run(record)
    except ValueError as error:
        raise ApiError(f"{what}: {error}.") from None


def _failure(run: Run) -> RunFailedError:
    if run.output is None:
        return RunFailedError(run.id, run.status, "no more is known", "Error")
    error = recorded_error(run.output)
    return RunFailedError(run.id, run.status, error.message, error.name, error.stack)
