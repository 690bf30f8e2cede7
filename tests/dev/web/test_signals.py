"""POST /v1/signals over HTTP: what it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.dev.fakes import FakeApp, op, ops, output, sha1, world

A = sha1("a")


def waiting() -> FakeApp:
    wait = op("WaitForSignal", "a", opts={"signal": "approve/42", "timeout": "1h"})
    return FakeApp().add(
        "waits", lambda call: output(call.steps[A]) if A in call.steps else ops(wait)
    )


def test_the_run_that_waits_is_woken_and_named() -> None:
    async def main() -> None:
        async with world(waiting()) as here:
            event_id = await here.send()
            await here.server.settle()
            body = {"signal": "approve/42", "data": {"by": "ann"}}
            answer = await here.http.post("/v1/signals", json=body)
            (run,) = await here.finish(event_id)
            assert answer.status_code == 200
            assert answer.json() == {
                "data": {"run_id": run.id},
                "metadata": {"fetched_at": answer.json()["metadata"]["fetched_at"]},
            }

    asyncio.run(main())


def test_a_signal_without_data_brings_null() -> None:
    async def main() -> None:
        async with world(waiting()) as here:
            event_id = await here.send()
            await here.server.settle()
            await here.http.post("/v1/signals", json={"signal": "approve/42"})
            (run,) = await here.finish(event_id)
            assert run.output == b'{"data":{"signal":"approve/42","data":null}}'

    asyncio.run(main())


def test_a_signal_that_nobody_waits_for_is_not_found() -> None:
    async def main() -> None:
        async with world(waiting()) as here:
            answer = await here.http.post("/v1/signals", json={"signal": "approve/42"})
            error = {"error": "No signal found", "data": None, "status": 404}
            assert (answer.status_code, answer.json()) == (404, error)

    asyncio.run(main())


@pytest.mark.parametrize("body", [[], {}, {"signal": ""}, {"signal": 1}, "go"])
def test_what_is_no_signal_is_refused(body: Any) -> None:
    async def main() -> None:
        async with world(waiting()) as here:
            answer = await here.http.post("/v1/signals", json=body)
            error = {"error": "Invalid signal data", "data": None, "status": 400}
            assert (answer.status_code, answer.json()) == (400, error)

    asyncio.run(main())


def test_what_is_no_json_is_refused() -> None:
    async def main() -> None:
        async with world(waiting()) as here:
            answer = await here.http.post("/v1/signals", content=b"{")
            assert answer.status_code == 400

    asyncio.run(main())
