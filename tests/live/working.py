"""Workers on a loop and a thread of their own, so that tests may wait for what they do."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectionState, Worker, connect
from tests.live.servers import PATIENCE, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.gateway import Gateway

ORDERED = inngest.TriggerEvent(event="shop/ordered")


def client_of(gateway: Gateway, app_id: str = "shop", **options: Any) -> inngest.Inngest:
    """Return a client in dev mode that knows the gateway's API."""
    given: dict[str, Any] = {"is_production": False, "api_base_url": gateway.url}
    return inngest.Inngest(app_id, **(given | options))


def declare(client: inngest.Inngest, handler: Callable[..., Any], **options: Any) -> None:
    """Declare a function whose id is the handler's name."""
    client.create_function(fn_id=handler.__name__, trigger=ORDERED, **options)(handler)


class Working:
    """A worker that runs inside the block, and what `start` raised."""

    def __init__(self, *clients: inngest.Inngest, **options: Any) -> None:
        self.worker: Worker = connect(list(clients), **options)
        self.states: list[ConnectionState] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._watching = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._watching.wait(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.ended()

    def close(self) -> None:
        self.on_loop(self.worker.close())

    def ended(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the worker did not stop"

    def wait_for(self, state: ConnectionState) -> None:
        wait_until(lambda: self.worker.get_state() is state)

    def cancel(self) -> None:
        """Cancel the task that is in `start`."""
        self.loop.call_soon_threadsafe(self._starting.cancel)

    def on_loop(self, work: Any) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)
        except RuntimeError:  # it has ended by itself
            work.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    async def _work(self) -> None:
        self.loop = asyncio.get_running_loop()
        states = self.worker.states()
        watching = asyncio.create_task(self._watch(states))
        self._starting = asyncio.create_task(self.worker.start())
        self._watching.set()
        try:
            await self._starting
        finally:
            await watching

    async def _watch(self, states: Any) -> None:
        async for state in states:
            self.states.append(state)


def shop_of(gateway: Gateway) -> inngest.Inngest:
    """Return a client with a function of each kind, told apart by how they take their time."""
    client = client_of(gateway)

    async def quick(ctx: inngest.Context) -> str | None:
        return ctx.request_id

    async def slow(ctx: inngest.Context) -> str:
        await asyncio.sleep(0.5)
        return "slow"

    async def endless(ctx: inngest.Context) -> None:
        await asyncio.sleep(60)

    async def stubborn(ctx: inngest.Context) -> str:
        time.sleep(1.5)  # noqa: ASYNC251 - that is the point
        return "stubborn"

    def blocking(ctx: inngest.ContextSync) -> str:
        time.sleep(0.5)
        return "blocking"

    for handler in (quick, slow, endless, stubborn, blocking):
        declare(client, handler)
    return client
