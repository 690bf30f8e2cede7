"""`connect`, and the worker it makes: starting, stopping and looking at it, from the user's loop.

Socket, heartbeats, leases and replies live on a thread of the worker's own (`shell`), so that user
code, which runs on the loop that started the worker, can block that loop and lose none of them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from inngest_asgi.clock import SYSTEM_CLOCK
from inngest_asgi.connect.apps import USUAL_LIMIT, check_together, runtimes_of
from inngest_asgi.connect.calls import Calls
from inngest_asgi.connect.counters import Counters
from inngest_asgi.connect.options import ConnectOptions
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.connect.stop_signals import USUAL, check_signals, stopping_on
from inngest_asgi.connect.watching import Board
from inngest_asgi.errors import ConfigError, ConnectClosed
from inngest_asgi.runtime.threads import Threads, check_executor
from inngest_asgi.wire.durations import to_timedelta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from concurrent.futures import Executor
    from types import TracebackType

    from inngest_asgi.clock import Clock
    from inngest_asgi.connect.apps import App
    from inngest_asgi.connect.messages import ExecutorRequest
    from inngest_asgi.connect.options import Rewrite
    from inngest_asgi.connect.shell import Shell
    from inngest_asgi.connect.stop_signals import Signals
    from inngest_asgi.runtime.execute import Runtime
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.replies import Reply

_ABORT_PATIENCE = 5.0
_LOOK_PATIENCE = 1.0
_EXTRA = ("google", "websockets")


def connect(
    apps: Iterable[App],
    *,
    instance_id: str | None = None,
    max_worker_concurrency: int | None = None,
    shutdown_signals: Iterable[Signals | int] | None = None,
    rewrite_gateway_endpoint: Rewrite | None = None,
    gateway_url: str | None = None,
    shutdown_timeout: Duration | None = None,
    executor: Executor | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Worker:
    """Make a worker, which runs functions without an open port.

    `await worker.start()` runs it until it is closed, by SIGINT or SIGTERM or by `close`. In a
    program that does other things, too: `async with worker:`. Beside HTTP it is better started by
    the application itself: `serve(client, connect=True)`.

    Args:
        apps: pairs of a client and its functions; a client alone, or with None, means all that
            were declared on it. They share one connection, and so mode, environment and keys.
        instance_id: see `ConnectOptions`, as for what is not explained here.
        max_worker_concurrency: requests it takes at a time.
        shutdown_signals: what stops `start` in order, SIGINT and SIGTERM by default; [] for none.
            The second such signal ends the process.
        rewrite_gateway_endpoint: changes the gateway's URL.
        gateway_url: the gateway's URL, whatever the server says.
        shutdown_timeout: how long requests in progress may take once it stops.
        executor: the threads blocking functions run in; by default some of its own.
        clock: time and chance, for tests.

    Raises:
        ConfigError: an argument is wrong, or the apps cannot be one worker's.
    """
    options = ConnectOptions(
        instance_id=instance_id,
        max_worker_concurrency=max_worker_concurrency,
        rewrite_gateway_endpoint=rewrite_gateway_endpoint,
        gateway_url=gateway_url,
        shutdown_timeout=shutdown_timeout,
    )
    signals = check_signals(shutdown_signals)
    return worker_of(apps, options, signals=signals, executor=executor, clock=clock)


def worker_of(
    apps: Iterable[App],
    options: ConnectOptions,
    *,
    signals: tuple[Signals, ...] = USUAL,
    executor: Executor | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Worker:
    """Make a stand-alone worker of options as a whole; see `connect`."""
    check_executor(executor)
    threads = Threads(executor, lambda: runtimes[0].client.settings.thread_pool_size)
    runtimes = runtimes_of(apps, threads, clock)
    return Worker(runtimes, options, clock, threads=threads, signals=signals)


class Worker:
    """A worker. Made by `connect`, which explains how; it is started once.

    `get_state`, `get_connection_id`, `debug_state` and `close` may be called from any thread.

    Attributes:
        counters: what it has counted so far.
    """

    def __init__(
        self,
        runtimes: tuple[Runtime, ...],
        options: ConnectOptions,
        clock: Clock,
        *,
        threads: Threads | None = None,
        signals: tuple[Signals, ...] = (),
        hosted: bool = False,
    ) -> None:
        self.counters = Counters()
        self._runtimes = runtimes
        self._options = options
        self._clock = clock
        self._threads = threads
        self._signals = signals
        self._hosted = hosted
        self._board = Board()
        self._shell: Shell | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        names = ", ".join(repr(one.client.app_id) for one in self._runtimes)
        return f"<Worker of {names}: {self.get_state()}>"

    async def start(self) -> None:
        """Run until the worker is closed.

        On the main thread SIGINT and SIGTERM close it, unless `shutdown_signals` said otherwise.

        Raises:
            ConfigError: something in the configuration is wrong, or the worker was started before.
            ConnectAuthError: the server refused every signing key, and the worker was never
                connected. Later refusals are tried again every minute.
            ConnectError: the worker has failed.
        """
        self.open()
        with stopping_on(self._signals, self._stop):
            await self._end()
        if self._board.fatal is not None:
            raise self._board.fatal

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()
        await self._end()

    def open(self) -> None:
        """Start in the background, on the running loop; then `close` it before that loop ends.

        Raises:
            ConfigError: see `start`.
        """
        if self._thread is not None or self._board.state is ConnectionState.CLOSED:
            raise ConfigError("A worker is started once; make another one with connect(...).")
        check_together(self._runtimes)
        client = self._runtimes[0].client
        if len(self._runtimes) > USUAL_LIMIT:
            client.logger.warning(
                "This worker has %d apps, and servers take %d on a connection unless the account "
                "may have more.",
                len(self._runtimes),
                USUAL_LIMIT,
            )
        shell_of = _launcher()
        loop = asyncio.new_event_loop()
        try:
            self._shell = shell_of(
                self._runtimes,
                self._options,
                loop,
                calls=Calls(self._runtimes, self._answered),
                board=self._board,
                counters=self.counters,
                clock=self._clock,
                hosted=self._hosted,
            )
        except BaseException:
            loop.close()
            raise
        self._thread = threading.Thread(
            target=self._run, args=(loop, self._shell), name="inngest-connect", daemon=True
        )
        self._thread.start()

    async def close(self, *, wait: bool = False) -> None:
        """Stop: take nothing new, finish what is in progress, deliver every reply.

        Args:
            wait: return once all of that has happened, and not at once.
        """
        self._close()
        if wait:
            await self.closed()

    async def closed(self) -> None:
        """Wait until the worker is closed."""
        state, watch = self._board.watch()
        if state is not ConnectionState.CLOSED:
            async for _ in watch:
                pass

    def get_state(self) -> ConnectionState:
        """Return what the worker is doing."""
        return self._board.state

    def states(self) -> AsyncIterator[ConnectionState]:
        """Return every state that the worker enters from now on; it ends after CLOSED.

        It is for the running event loop.
        """
        return self._board.watch()[1]

    async def wait_for_state(
        self,
        state: ConnectionState,
        timeout: Duration | None = None,  # noqa: ASYNC109 - as the incumbent has it
    ) -> None:
        """Wait until the worker is, or was since the call, in a state.

        Args:
            state: the state.
            timeout: how long to wait: a `timedelta`, a string such as "30s", or int milliseconds.

        Raises:
            ConnectClosed: it cannot come any more; the message says why, if that is known.
            TimeoutError: it did not come in time.
        """
        field = "wait_for_state: timeout"
        limit = None if timeout is None else to_timedelta(timeout, field=field).total_seconds()
        now, watch = self._board.watch()
        async with asyncio.timeout(limit):
            while now is not state:
                if not now.may_become(state):
                    raise self._never(state, now)
                now = await anext(watch)

    async def settled(self, seconds: float) -> None:
        """Wait until the worker is connected, or its first attempt has failed, but not longer."""
        await asyncio.wait([asyncio.wrap_future(self._board.settled)], timeout=seconds)

    def get_connection_id(self) -> str | None:
        """Return the id of the connection in use; None while there is none."""
        return self._board.connection_id

    @property
    def problem(self) -> str | None:
        """Why the worker is not connected, in a sentence; None while it is."""
        return str(self._board.fatal) if self._board.fatal else self._board.problem

    @property
    def broken(self) -> bool:
        """Whether the worker has failed by a mistake of ours, and only a new one would work."""
        return self._board.broken

    def debug_state(self) -> dict[str, Any]:
        """Return all there is to know, as JSON: connections and heartbeats, requests in progress
        and their leases, replies not delivered yet, counters. For people: its shape may change.
        """
        picture = {"state": self._board.state.value, "problem": self.problem}
        return picture | self._session_picture() | {"counters": self.counters.picture()}

    # On other threads.

    def _run(self, loop: asyncio.AbstractEventLoop, shell: Shell) -> None:
        """Live; the worker's thread."""
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(shell.run())
        finally:
            self._board.connection_id = None
            self._board.end()

    def _answered(self, request: ExecutorRequest, reply: Reply | None) -> None:
        self._on_shell(lambda shell: shell.answered(request, reply))

    def _stop(self, number: Signals) -> None:
        self._on_shell(lambda shell: shell.stop(number.name))

    def _close(self) -> None:
        if self._shell is not None:
            self._on_shell(lambda shell: shell.close())
            return
        self._board.end()

    def _on_shell(self, act: Callable[[Shell], None]) -> bool:
        """Have something done on the worker's thread; False when there is none, or no longer."""
        shell = self._shell
        return shell is not None and shell.post(act, shell)

    # On the user's loop.

    async def _end(self) -> None:
        """Wait for the end; who is cancelled meanwhile drops what is in progress."""
        try:
            await self.closed()
        except BaseException:
            self._on_shell(lambda shell: shell.abort())
            with suppress(TimeoutError):
                async with asyncio.timeout(_ABORT_PATIENCE):
                    await self.closed()
            raise
        finally:
            if self._threads is not None:
                self._threads.close()

    def _never(self, state: ConnectionState, now: ConnectionState) -> ConnectClosed:
        why = f": {self.problem}" if self.problem else "."
        return ConnectClosed(f"The worker is {now} and will not be {state}{why}")

    def _session_picture(self) -> dict[str, Any]:
        """Ask the worker's thread, which alone may look at the session."""
        asked = concurrent.futures.Future[dict[str, Any]]()
        if not self._on_shell(lambda shell: asked.set_result(shell.picture())):
            return {}
        try:
            return asked.result(_LOOK_PATIENCE)
        except TimeoutError:  # it has just ended
            return {}


def _launcher() -> Callable[..., Shell]:
    """Import what needs websockets and protobuf, which only the extra brings."""
    try:
        from inngest_asgi.connect.launch import shell_of
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise ConfigError(
            f"A worker needs the package {package!r}, which is not installed: "
            "pip install 'inngest-asgi[connect]'"
        ) from None
    return shell_of
