"""Carries out what a session asks for, on the worker's own thread and loop; decides nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.dialling import CLOSE_PATIENCE
from inngest_asgi.connect.line import Line
from inngest_asgi.connect.opening import NotOpened
from inngest_asgi.connect.session import actions
from inngest_asgi.connect.session.actions import Failure
from inngest_asgi.connect.session.responses import response_to
from inngest_asgi.connect.session.session import WorkerSession
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.errors import ApiError, ConfigError, ConnectAuthError, ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from inngest_asgi.clock import Clock
    from inngest_asgi.connect.calls import Calls
    from inngest_asgi.connect.counters import Counters
    from inngest_asgi.connect.exchange import Exchange
    from inngest_asgi.connect.messages import ExecutorRequest, Response, WorkerConnect
    from inngest_asgi.connect.notes import Notes
    from inngest_asgi.connect.opening import Opening
    from inngest_asgi.connect.protocol.closing import Close
    from inngest_asgi.connect.session.actions import Action
    from inngest_asgi.connect.watching import Board
    from inngest_asgi.wire.replies import Reply

FLUSHES = 8
"""Replies that are flushed at the same time."""

_NEVER_TAKEN = (400, 413)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a shell works with.

    Attributes:
        exchange: flushes replies; closed at the end.
        opening: opens sockets.
        shutdown_seconds: how long requests in progress may take once it closes; None for ever.
        calls: the user's side.
        board: where everybody looks.
        counters: what is counted.
        notes: the log.
        clock: chance, for delays.
        gives_up: whether refused keys end a worker that was never connected.
    """

    exchange: Exchange
    opening: Opening
    shutdown_seconds: float | None
    calls: Calls
    board: Board
    counters: Counters
    notes: Notes
    clock: Clock
    gives_up: bool


class Shell:
    """The life of one worker. Everything but `post` is for the loop it was made for.

    Args:
        loop: its own; it need not run yet.
        worker: how it introduces itself.
        means: what it works with.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, worker: WorkerConnect, means: Means
    ) -> None:
        self._loop = loop
        self._means = means
        self._session = WorkerSession(worker, now=loop.time(), chance=means.clock.random)
        self._lines: dict[int, Line] = {}
        self._attempts: dict[int, asyncio.Task[None]] = {}
        self._running: dict[str, ExecutorRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushes = asyncio.Semaphore(FLUSHES)
        self._timer: asyncio.TimerHandle | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._aborting = False
        self._broken = False

    def post(self, callback: Callable[..., None], *args: object) -> bool:
        """Have something called on the loop, from any thread; False when it has ended."""
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            return False
        return True

    async def run(self) -> None:
        """Work until the worker is closed."""
        try:
            self._do(self._session.tick)
            await self._over.wait()
            if self._limit is not None:
                self._limit.cancel()
            if self._tasks and not self._broken:  # sockets may close in order
                await asyncio.wait(self._tasks, timeout=CLOSE_PATIENCE)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._means.exchange.aclose()

    # What the rest of the worker tells.

    def close(self) -> None:
        """Stop taking requests; what is in progress ends, in its time."""
        seconds = self._means.shutdown_seconds
        if self._limit is None and seconds is not None:
            self._limit = self._loop.call_later(seconds, self._time_is_up)
        self._do(self._session.close)

    def stop(self, signal: str) -> None:
        """Close because a signal asks for it."""
        self._means.notes.signalled(signal)
        self.close()

    def abort(self) -> None:
        """Stop at once, whatever is in progress."""
        self._aborting = True
        self._do(self._session.abort)

    def answered(self, request: ExecutorRequest, reply: Reply | None) -> None:
        """Take what came of a request; None when its code was cancelled."""
        self._running.pop(request.request_id, None)
        if reply is None:
            self._means.counters.cancelled += 1
            self._do(partial(self._session.abandon, request.request_id))
            return
        self._means.counters.replies += 1
        self._do(partial(self._session.reply, response_to(request, reply)))

    def picture(self) -> dict[str, Any]:
        """Return what the session looks like, as JSON."""
        return self._session.debug_state(self._loop.time())

    # The loop: tell the session, do what it asks for, wait.

    def _do(self, tell: Callable[[float], object]) -> None:
        if self._broken:
            return
        try:
            tell(self._loop.time())
            for action in self._session.actions():
                self._carry_out(action)
            self._publish()
            self._wait()
        except Exception as error:  # noqa: BLE001 - the worker's edge
            self._break(error)

    def _break(self, error: BaseException) -> None:
        """End the worker over a mistake of ours: it must not seem to be alive (`/health/live`)."""
        fatal = ConnectError("The worker has failed, by a mistake in inngest-asgi; see the log.")
        fatal.__cause__ = error
        self._means.notes.broken(error)
        self._means.board.fatal = fatal
        self._means.board.broken = self._broken = True
        for request in self._running.values():
            self._means.calls.cancel(request, blocking_too=True)
        self._over.set()

    def _publish(self) -> None:
        self._means.board.connection_id = self._session.connection_id
        self._means.board.problem = self._session.problem
        if self._session.problem is not None:
            self._means.board.settle()

    def _wait(self) -> None:
        due = self._session.next_due
        if self._timer is not None and (due is None or due < self._timer.when()):
            self._timer.cancel()
            self._timer = None
        if self._timer is None and due is not None:
            self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._do(self._session.tick)

    def _carry_out(self, action: Action) -> None:
        match action:
            case actions.Open():
                self._attempts[action.link] = self._spawn(self._open(action))
            case actions.Send(link, data):
                self._send(link, data)
            case actions.Disconnect(link, close):
                self._disconnect(link, close)
            case actions.Execute(request):
                self._execute(request)
            case actions.Cancel(request_id):
                self._cancel(self._running[request_id])
            case actions.Flush(response):
                self._spawn(self._flush(response))
            case actions.StateChanged(state):
                self._enter(state)
            case _:
                self._note(action)

    def _note(self, action: actions.Skipped | actions.Undelivered | actions.Problem) -> None:
        counters, notes = self._means.counters, self._means.notes
        if isinstance(action, actions.Skipped):
            counters.skipped += 1
            notes.skipped(action.request, action.why)
        elif isinstance(action, actions.Undelivered):
            counters.undelivered += 1
            notes.undelivered(action.response, action.why)
        else:
            counters.problems += 1
            notes.problem(action.sentence, action.retry_in)

    def _enter(self, state: ConnectionState) -> None:
        """Tell of a state; that the worker is closed is told once nothing of it is left."""
        self._means.notes.state(state, self._session.connection_id)
        if state is ConnectionState.CLOSED:
            self._over.set()
        else:
            self._means.board.enter(state)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._break(error)

    # Connections.

    async def _open(self, asked: actions.Open) -> None:
        link = asked.link
        try:
            opened = await self._means.opening.open(asked.exclude_gateways)
        finally:
            del self._attempts[link]
        if isinstance(opened, NotOpened):
            self._not_opened(link, opened)
            return
        start, socket = opened
        self._means.counters.connections += 1
        self._lines[link] = line = Line(socket, partial(self._received, link))
        self._do(partial(self._session.opened, link, start))
        code, reason = await line.run()
        del self._lines[link]
        self._do(partial(self._session.lost, link, code=code, reason=reason))
        await line.leave()

    def _not_opened(self, link: int, why: NotOpened) -> None:
        """Tell of a failure; refused keys end a worker that is alone and was never connected."""
        means, session = self._means, self._session
        failed = partial(session.failed, link, why.failure, sentence=why.sentence, group=why.group)
        self._do(lambda now: failed(now=now))
        never_connected = session.state is ConnectionState.CONNECTING
        if why.failure is Failure.AUTH and means.gives_up and never_connected:
            means.board.fatal = ConnectAuthError(why.sentence)
            self._do(session.close)

    def _received(self, link: int, frame: bytes) -> None:
        self._do(partial(self._session.receive, link, frame))

    def _send(self, link: int, frame: bytes) -> None:
        if link in self._lines:
            self._lines[link].send(frame)

    def _disconnect(self, link: int, close: Close) -> None:
        if link in self._lines:
            self._lines[link].close(close)
        elif link in self._attempts:
            self._attempts[link].cancel()

    # Requests and replies.

    def _execute(self, request: ExecutorRequest) -> None:
        self._running[request.request_id] = request
        self._means.counters.requests += 1
        if not self._means.calls.execute(request):
            self._means.notes.loop_gone()
            self._loop.call_soon(self.abort)

    def _cancel(self, request: ExecutorRequest) -> None:
        if not self._aborting:
            self._means.counters.leases_lost += 1
            self._means.notes.lease_lost(request)
        self._means.calls.cancel(request, blocking_too=self._aborting)

    async def _flush(self, response: Response) -> None:
        request_id, refused = response.request_id, None
        try:
            async with self._flushes:
                await self._means.exchange.flush(response)
        except (ApiError, ConfigError) as error:
            self._means.notes.not_flushed(response, error)
            if isinstance(error, ApiError) and error.status in _NEVER_TAKEN:
                refused = str(error)
            self._do(partial(self._session.not_flushed, request_id, refused=refused))
            return
        self._means.counters.flushed += 1
        self._do(partial(self._session.flushed, request_id))

    def _time_is_up(self) -> None:
        self._means.notes.time_is_up(len(self._running))
        self.abort()
