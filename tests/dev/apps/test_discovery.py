"""Apps that are found on the ports of the machine, by what answers there."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from inngest_asgi.dev import DevOptions, DevServer, SyncResult
from inngest_asgi.dev.outbound import HttpOutbound
from inngest_asgi.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SDK = {"x-inngest-sdk": "fake:v1"}
PORTS = (3000, 8000)


class Machine(httpx.AsyncBaseTransport):
    """What answers on its ports, and what was asked of them."""

    def __init__(self) -> None:
        self.ports: dict[int, Callable[[httpx.Request], Awaitable[httpx.Response]]] = {}
        self.asked: list[str] = []
        self.server: DevServer | None = None
        self._down: set[int] = set()

    def goes_down_once(self, port: int) -> None:
        self._down.add(port)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        port = request.url.port or 0
        self.asked.append(f"{request.method} {port}{request.url.path}")
        if port not in self.ports or port in self._down:
            self._down.discard(port)
            raise httpx.ConnectError("Connection refused")
        return await self.ports[port](request)

    async def app(self, request: httpx.Request) -> httpx.Response:
        """Answer as an app that serves at the second usual path."""
        if request.url.path != "/x/inngest":
            return httpx.Response(404)
        if request.method == "PUT":
            assert self.server is not None
            function = {
                "id": "shop-pay",
                "name": "pay",
                "triggers": [{"event": "paid"}],
                "steps": {
                    "step": {
                        "id": "step",
                        "name": "step",
                        "runtime": {"type": "http", "url": f"{request.url}?fnId=shop-pay"},
                    }
                },
            }
            document = {"url": str(request.url), "appname": "shop", "functions": [function]}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self.server.app), base_url="http://server.test"
            ) as http:
                answer = await http.post("/fn/register", json=document)
            assert answer.status_code == 200, answer.text
        return httpx.Response(200, headers=SDK)

    async def stranger(self, request: httpx.Request) -> httpx.Response:
        """Answer as an app that belongs to another server."""
        return httpx.Response(200, headers=SDK)

    async def silent(self, request: httpx.Request) -> httpx.Response:
        """Take the request and never answer."""
        await asyncio.get_running_loop().create_future()
        raise AssertionError


@asynccontextmanager
async def looking(
    machine: Machine, clock: ManualClock
) -> AsyncIterator[Callable[[], Awaitable[SyncResult]]]:
    options = DevOptions(poll_interval=0)
    async with DevServer(options, clock=clock, outbound=HttpOutbound(machine)) as server:
        machine.server = server
        async with aclosing(server.discover(PORTS)) as found:  # type: ignore[type-var]
            yield lambda: clock.until(anext(found), settle=server.settle)


def test_an_app_is_adopted_at_the_first_path_that_answers_and_its_port_is_left_alone() -> None:
    async def main() -> None:
        machine, clock = Machine(), ManualClock()
        machine.ports[8000] = machine.app
        async with looking(machine, clock) as next_one:
            result = await next_one()
            assert (result.ok, result.app_name, result.functions) == (True, "shop", 1)
            assert machine.asked == [
                "GET 3000/api/inngest",
                "GET 8000/api/inngest",
                "GET 8000/x/inngest",
                "PUT 8000/x/inngest",
            ]
            machine.asked.clear()
            machine.ports[3000] = machine.stranger
            assert (await next_one()).url == "http://localhost:3000/api/inngest"
            assert not [one for one in machine.asked if "8000" in one]

    asyncio.run(main())


def test_an_app_that_registers_elsewhere_is_told_of_once_each_time_it_comes_up() -> None:
    async def main() -> None:
        machine, clock = Machine(), ManualClock()
        machine.ports[3000] = machine.stranger
        async with looking(machine, clock) as next_one:
            result = await next_one()
            assert "did not register its functions here" in (result.error or "")
            assert machine.server is not None
            assert machine.server.apps == []
            machine.asked.clear()
            machine.ports[8000] = machine.app
            assert (await next_one()).ok
            assert "PUT 3000/api/inngest" not in machine.asked
            machine.goes_down_once(3000)
            assert (await next_one()).url == "http://localhost:3000/api/inngest"

    asyncio.run(main())


def test_a_port_that_takes_requests_and_never_answers_does_not_hold_up_the_others() -> None:
    async def main() -> None:
        machine, clock = Machine(), ManualClock()
        machine.ports[3000] = machine.silent
        machine.ports[8000] = machine.app
        async with looking(machine, clock) as next_one:
            assert (await next_one()).app_name == "shop"

    asyncio.run(main())
