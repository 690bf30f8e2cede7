"""The connect worker of an application that also serves HTTP: started and drained with its host."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from inngest_asgi.connect.options import ConnectOptions
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.connect.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from inngest_asgi.clock import Clock
    from inngest_asgi.runtime.execute import Runtime

NOT_STARTED = "connect_not_started"
NOT_ACTIVE = "connect_not_active"
FORGOTTEN = (
    "connect is switched on, but the host did not run this application's lifespan, so there is no "
    "worker; use inngest.attach(app, inngest_app), or give the host lifespan=inngest_app.lifespan"
)


class Connecting:
    """Knows whether an application connects, and its worker.

    Args:
        runtime: the application's.
        told: what `serve(connect=...)` was given; None leaves it to INNGEST_CONNECT.
        clock: time and chance.

    Attributes:
        worker: the worker since the host has started; None before.
    """

    def __init__(
        self, runtime: Runtime, *, told: bool | ConnectOptions | None, clock: Clock
    ) -> None:
        self.worker: Worker | None = None
        self._runtime = runtime
        self._told = told
        self._clock = clock

    @cached_property
    def options(self) -> ConnectOptions | None:
        """How to connect, or None for not at all; settled when it is first asked for."""
        if isinstance(self._told, ConnectOptions):
            return self._told
        told = self._runtime.client.settings.connect if self._told is None else self._told
        return ConnectOptions() if told else None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Keep a worker inside the context, if the application connects.

        It is waited for until it is connected or could not be, but not for long. At the end what
        is in progress is finished.

        Raises:
            ConfigError: the worker cannot be started.
        """
        if self.options is None:
            yield
            return
        self.worker = Worker((self._runtime,), self.options, self._clock, hosted=True)
        async with self.worker:
            await self.worker.settled(self.options.startup_seconds)
            yield

    @property
    def is_forgotten(self) -> bool:
        """Whether there should be a worker, and the host has not started one."""
        return self.worker is None and self.options is not None

    @property
    def problems(self) -> dict[str, str]:
        """Why requests do not come over a connection: sentences by code; none if they do."""
        if self.options is None:
            return {}
        if self.worker is None:
            return {NOT_STARTED: FORGOTTEN}
        state = self.worker.get_state()
        if state is ConnectionState.ACTIVE:
            return {}
        why = self.worker.problem
        return {NOT_ACTIVE: f"the worker is {state}" + (f": {why}" if why else "")}

    @property
    def picture(self) -> dict[str, Any]:
        """What `/health/ready` tells of it, as JSON."""
        if self.worker is None:
            return {}
        return {
            "connect": {
                "state": self.worker.get_state(),
                "connection_id": self.worker.get_connection_id(),
                "counters": self.worker.counters.picture(),
            }
        }

    @property
    def is_broken(self) -> bool:
        """Whether the worker has failed for good, so that only a new process helps."""
        return self.worker is not None and self.worker.broken
