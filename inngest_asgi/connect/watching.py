"""What everybody may see of a worker, from any thread and loop; it decides nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from inngest_asgi.connect.session.states import ConnectionState

if TYPE_CHECKING:
    from inngest_asgi.errors import ConnectError


class Watch(AsyncIterator[ConnectionState]):
    """The states a worker enters from the moment this is made, one after another, on one loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._states: asyncio.Queue[ConnectionState] = asyncio.Queue()
        self._ended = False

    async def __anext__(self) -> ConnectionState:
        if self._ended:
            raise StopAsyncIteration
        state = await self._states.get()
        self._ended = state is ConnectionState.CLOSED
        return state

    def end(self) -> None:
        """Have nothing follow, because the worker is closed already."""
        self._ended = True

    def put(self, state: ConnectionState) -> None:
        """Tell of a state, from any thread."""
        with suppress(RuntimeError):  # the loop was closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._states.put_nowait, state)


class Board:
    """The state of a worker as last told, and those who watch it.

    Attributes:
        state: what the worker is doing.
        connection_id: the connection in use; None while there is none.
        problem: why there is none, in a sentence, as far as that is known.
        fatal: what ended the worker for good, if anything did.
        broken: whether that was a mistake of ours, after which nothing works any more.
        settled: done once the worker was connected, failed to be, or is closed.
    """

    def __init__(self) -> None:
        self.state = ConnectionState.CONNECTING
        self.connection_id: str | None = None
        self.problem: str | None = None
        self.fatal: ConnectError | None = None
        self.broken = False
        self.settled: Future[None] = Future()
        self._watches: WeakSet[Watch] = WeakSet()
        self._lock = threading.Lock()

    def settle(self) -> None:
        """Tell who waits for the first attempt that it has ended."""
        if not self.settled.done():
            self.settled.set_result(None)

    def enter(self, state: ConnectionState) -> None:
        """Tell everybody of a new state."""
        self.settle()  # none follows the first one but for a reason
        with self._lock:
            self.state = state
            watches = list(self._watches)
        for watch in watches:
            watch.put(state)

    def end(self) -> None:
        """Enter the states that are left."""
        if self.state not in (ConnectionState.CLOSING, ConnectionState.CLOSED):
            self.enter(ConnectionState.CLOSING)
        if self.state is not ConnectionState.CLOSED:
            self.enter(ConnectionState.CLOSED)

    def watch(self) -> tuple[ConnectionState, Watch]:
        """Return the state, and all that follow it."""
        watch = Watch()
        with self._lock:
            self._watches.add(watch)
            state = self.state
        if state is ConnectionState.CLOSED:
            watch.end()
        return state, watch
