"""The embedded dev server as one object: it puts the parts together, starts and stops them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

from inngest_asgi.clock import SYSTEM_CLOCK, Clock, SystemClock
from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.annotations import Annotations
from inngest_asgi.dev.apps.discovery import USUAL_PORTS, Discovery
from inngest_asgi.dev.apps.registration import normalized_url
from inngest_asgi.dev.apps.registry import Registry
from inngest_asgi.dev.apps.sync import Sync, SyncResult
from inngest_asgi.dev.cancellations import Cancellations
from inngest_asgi.dev.checkpoints import Checkpoints
from inngest_asgi.dev.commits import Commits
from inngest_asgi.dev.crons import Crons
from inngest_asgi.dev.deadlines import Deadlines
from inngest_asgi.dev.executor import LONGEST_CALL, Executor, Tools
from inngest_asgi.dev.flow.control import FlowControl
from inngest_asgi.dev.flow.starts import DAY
from inngest_asgi.dev.flow.upkeep import Parts, Upkeep
from inngest_asgi.dev.gateway.gateway import Gateway
from inngest_asgi.dev.gateway.listener import listening
from inngest_asgi.dev.ingest import Ingest
from inngest_asgi.dev.invokes import Invokes
from inngest_asgi.dev.jobs import Jobs
from inngest_asgi.dev.limits import Limits
from inngest_asgi.dev.options import DevOptions
from inngest_asgi.dev.outbound import HttpOutbound, Outbound
from inngest_asgi.dev.pauses import Pauses
from inngest_asgi.dev.reruns import Reruns
from inngest_asgi.dev.retention import Retention
from inngest_asgi.dev.runs import Runs
from inngest_asgi.dev.schedule import Schedule, new_ulid
from inngest_asgi.dev.store.notes import Notes
from inngest_asgi.dev.store.queries import Queries
from inngest_asgi.dev.store.store import Store
from inngest_asgi.dev.watch import Feed, watch_all, watch_event, watch_runs
from inngest_asgi.dev.web.api import make_app
from inngest_asgi.errors import DevServerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from types import TracebackType

    from starlette.types import ASGIApp

    from inngest_asgi.dev.records import App, Function, Job, Record, RunRow

_SETTLE_TURNS = 100
_DISCOVERY_PAUSE = 5.0
"""Seconds between two looks for apps, where apps are not synced again and again."""


class DevServer:
    """Speaks the server's side of the protocol, for apps of any Inngest SDK.

    Use it as an async context manager and serve `app` with any ASGI server:

        async with DevServer(DevOptions(db="dev.db")) as server:
            await server.sync("http://localhost:8000/api/inngest")
            event_id = await server.send({"name": "shop/paid", "data": {}})
            async for record in server.watch(event_id=event_id):
                print(record.kind, record.details)

    Args:
        options: how it works.
        clock: where all its time and chance comes from.
        outbound: what carries its calls to apps; HTTP by default. The server closes it.
    """

    clock: Clock
    store: Store
    queries: Queries
    notes: Notes
    annotations: Annotations
    registry: Registry
    runs: Runs
    feed: Feed
    commits: Commits
    ingest: Ingest
    pauses: Pauses
    invokes: Invokes
    reruns: Reruns
    checkpoints: Checkpoints
    limits: Limits
    cancellations: Cancellations
    gateway: Gateway

    def __init__(
        self,
        options: DevOptions | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        outbound: Outbound | None = None,
    ) -> None:
        self.options = options or DevOptions()
        self.clock = clock
        self.app: ASGIApp = make_app(self)
        self._outbound = outbound
        self._closing = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the store and go on where the last server on the same file stopped.

        Raises:
            DevServerError: the file cannot be used; the message says why.
            RequestError: one of the apps' URLs is not a URL.
        """
        urls = [normalized_url(url) for url in self.options.app_urls]
        async with contextlib.AsyncExitStack() as stack:
            self.store = await Store.open(self.options.db)
            self.queries, self.notes = Queries(self.store), Notes(self.store)
            self.annotations = Annotations(self.queries, self.notes)
            stack.push_async_callback(self.store.close)
            await self._assemble(stack, urls)
            self._closing = stack.pop_all()

    async def stop(self) -> None:
        """Drop calls in progress and close everything. What was saved is gone on with later."""
        await self._closing.aclose()

    async def sync(self, url: str) -> SyncResult:
        """Ask the app at `url` to register, and keep asking. The result is told, not logged.

        Raises:
            RequestError: it is not a URL.
        """
        return await self._sync.sync(url, quiet=True)

    def discover(self, ports: Iterable[int] = USUAL_PORTS) -> AsyncIterator[SyncResult]:
        """Look for apps on ports of this machine, for ever, and keep those that register.

        Args:
            ports: where to look, every few seconds.

        Returns:
            An iterator over what came of each app that was found.
        """
        discovery = Discovery(self._sync, ports)
        return discovery.found(self.options.poll_interval or _DISCOVERY_PAUSE)

    def release(self) -> None:
        """Start calling functions, which `DevOptions.hold` held back."""
        self._executor.release()

    async def send(self, event: Mapping[str, Any]) -> str:
        """Take an event in, as `POST /e/{key}` does, and return its internal id.

        Raises:
            SendEventsError: it is refused; the message says why.
        """
        return (await self.ingest.accept([dict(event)]))[0]

    @property
    def apps(self) -> list[App]:
        """The known apps, each with the reason why it could not be synced, if so."""
        return self.registry.apps

    @property
    def functions(self) -> list[Function]:
        """The functions that events and crons may start."""
        return self.registry.functions

    @property
    def calls_in_progress(self) -> int:
        """How many calls of apps, and of what steps ask for, are not answered yet."""
        return self._executor.in_progress

    async def runs_of(self, event_id: str) -> list[RunRow]:
        """Return the runs an event started, by the event's internal id."""
        return await self.store.runs_of_event(event_id)

    async def unfinished(self) -> list[RunRow]:
        """Return the runs that are scheduled or running, oldest first."""
        return await self.store.unfinished()

    async def run(self, run_id: str) -> RunRow | None:
        """Return a run as it stands."""
        return await self.store.run_row(run_id)

    async def history(self, run_id: str) -> list[Record]:
        """Return what happened to a run so far."""
        return await self.store.history(run_id)

    def watch(
        self, *, run_id: str | None = None, event_id: str | None = None
    ) -> AsyncIterator[Record]:
        """Tell what happens.

        Args:
            run_id: of this run only: what happened already, then what happens, until it ends.
            event_id: the same for all runs the event (by its internal id) started, or why it
                started none; an event that is debounced or batched is waited with.

        Returns:
            An iterator; with neither argument it tells of all runs, from now on, for ever.
        """
        if run_id is not None:
            return watch_runs(self.feed, self.store, [run_id])
        if event_id is not None:
            return watch_event(self.feed, self.store, event_id)
        return watch_all(self.feed)

    async def settle(self) -> None:
        """Wait until nothing can go on without time passing, or an app answering.

        For tests on a clock that is moved by hand: `clock.until(..., settle=server.settle)`.
        """
        quiet = False
        while not quiet:
            before = self.store.done
            if self.store.busy:
                with contextlib.suppress(DevServerError):
                    await self.store.flush()
            for _ in range(_SETTLE_TURNS):
                await asyncio.sleep(0)
            quiet = not self.store.busy and self.store.done == before

    async def _assemble(self, stack: contextlib.AsyncExitStack, urls: list[str]) -> None:
        clock, options = self.clock, self.options
        kept = await self.store.load(forget_starts_before=clock.time() - DAY)
        outbound = self._outbound or HttpOutbound()
        stack.push_async_callback(outbound.aclose)
        alarm = Alarm(clock)
        stack.callback(alarm.close)
        self.feed = Feed(kept.last_seq)
        flow = await FlowControl.load(
            clock, alarm, self.store, self.feed, kept.starts, lambda: new_ulid(clock)
        )
        jobs = Jobs(clock, alarm, flow.turnstile, lambda: self._executor.pump())
        self.runs = Runs(self.store, jobs)
        self.pauses = Pauses(clock, kept.jobs)
        self.commits = Commits(self.store, jobs, self.feed, self.pauses)
        self.limits = Limits()
        self.checkpoints = Checkpoints(clock, self.limits, self.runs, self.commits, self.feed)
        self.registry = Registry(clock, kept.apps, kept.functions)
        schedule = Schedule(clock, self.registry, self.runs, self.feed, self.pauses, flow)
        self.invokes = Invokes(clock, self.registry, schedule, self.pauses)
        self.reruns = Reruns(clock, self.store, self.registry, schedule, self.commits)
        self.ingest = Ingest(clock, schedule, self.commits)
        self._sync = Sync(clock, outbound, self.registry, self.commits, options)
        crons = Crons(clock, alarm, self.registry, schedule, self.commits)
        stack.push_async_callback(crons.stop)
        parts = Parts(clock, alarm, self.store, self.registry, flow, schedule, self.commits)
        upkeep = self._keep_up(stack, parts)
        self.gateway = Gateway(
            clock, alarm, options, self.registry, self.commits, jobs, now=_steady(clock)
        )
        self._executor = Executor(
            Tools(
                clock=clock,
                options=options,
                limits=self.limits,
                outbound=outbound,
                registry=self.registry,
                jobs=jobs,
                runs=self.runs,
                pauses=self.pauses,
                invokes=self.invokes,
                schedule=schedule,
                commits=self.commits,
                feed=self.feed,
                deadlines=Deadlines(clock, alarm, LONGEST_CALL),
                sockets=self.gateway.calls,
            )
        )
        stack.push_async_callback(self._executor.stop)
        await upkeep.start(kept.functions)
        self.registry.on_change.append(upkeep.refresh)
        self._start_syncing(stack, alarm, urls)
        await self._open_gateway(stack, kept.jobs)
        jobs.put(kept.jobs)
        await self.cancellations.resume()
        crons.refresh()

    async def _open_gateway(self, stack: contextlib.AsyncExitStack, jobs: list[Job]) -> None:
        """Have workers come in, and bring what they did for the last server on the same file."""
        stack.push_async_callback(self.gateway.close)
        self.gateway.expect(jobs)
        if self.options.gateway_port is not None:
            host, port = self.options.gateway_host, self.options.gateway_port
            await stack.enter_async_context(listening(self.gateway, host, port))

    def _keep_up(self, stack: contextlib.AsyncExitStack, parts: Parts) -> Upkeep:
        """Put those together that follow what is saved."""
        clock, alarm = parts.clock, parts.alarm
        upkeep = Upkeep(parts)
        stack.push_async_callback(upkeep.stop)
        stack.enter_context(self.feed.listening(upkeep.saved))
        self.cancellations = Cancellations(
            clock, alarm, self.registry, self.commits, self.queries, self.notes
        )
        stack.push_async_callback(self.cancellations.stop)
        keep = self.options.keep_seconds
        if keep is not None:
            retention = Retention(clock, alarm, self.store, keep)
            stack.push_async_callback(retention.stop)
            stack.enter_context(self.feed.listening(retention.saved))
            retention.start()
        return upkeep

    def _start_syncing(
        self, stack: contextlib.AsyncExitStack, alarm: Alarm, urls: list[str]
    ) -> None:
        tasks: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._sync.sync(url)) for url in urls
        ]
        seconds = self.options.poll_interval
        if seconds > 0:
            tasks.append(asyncio.ensure_future(self._sync.keep_syncing(seconds, alarm.check)))
        stack.push_async_callback(_cancel, tasks)


def _steady(clock: Clock) -> Callable[[], float]:
    """Return a time that never goes back, and stands still while the machine sleeps."""
    is_real = isinstance(clock, SystemClock)
    return asyncio.get_running_loop().time if is_real else clock.time


async def _cancel(tasks: list[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
