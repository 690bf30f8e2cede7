"""What was acknowledged is kept, whatever becomes of the file, and failures are told in words."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev import DevOptions, DevServer, RunStatus
from inngest_asgi.errors import DevServerError
from inngest_asgi.testing import ManualClock
from tests.dev.fakes import Call, FakeApp, Reply, op, ops, output, ran, sha1, world

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.dev.fakes import World


def stepping(call: Call) -> Reply:
    return output("done") if call.steps else ops(ran("one", "x" * 5_000))


async def limit_file(here: World, *, pages: int) -> None:
    """Let the file of a server grow by so many pages of 4 kB, as if the disk ended there."""
    await here.server.store.read(
        lambda db: db.execute(
            f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0] + pages}"
        )
    )


async def forbid_writing(here: World) -> None:
    await here.server.store.read(lambda db: db.execute("PRAGMA query_only = ON"))


async def fill_up(here: World) -> tuple[list[str], Any]:
    """Send events until one is refused; return the ids of the others, and the refusal."""
    accepted: list[str] = []
    for _ in range(200):
        event = {"name": "shop/paid", "data": {"text": "x" * 2_000}}
        answer = await here.http.post("/e/key", json=event)
        if answer.status_code != 200:
            return accepted, answer
        accepted += answer.json()["ids"]
    raise AssertionError("it did not get full")


@pytest.mark.parametrize("pages", [0, 3, 10, 40])
def test_a_full_disk_is_told_and_nothing_that_was_acknowledged_is_lost(
    pages: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    db, clock = str(tmp_path / "dev.db"), ManualClock()

    async def full() -> list[str]:
        async with world(FakeApp().add("pay", stepping), db=db, clock=clock) as here:
            await limit_file(here, pages=pages)
            accepted, refusal = await fill_up(here)
            health = await here.http.get("/health")
            for answer in (refusal, health):
                assert answer.status_code == 503
                assert "the disk is full. Make room" in answer.json()["error"]
            with pytest.raises(DevServerError, match="the disk is full"):
                await here.server.store.until_broken()
            return accepted

    async def with_room(accepted: list[str]) -> None:
        async with world(FakeApp().add("pay", stepping), db=db, clock=clock) as here:
            for event_id in accepted:
                (run,) = await here.finish(event_id)
                assert run.status is RunStatus.COMPLETED

    accepted = asyncio.run(full())
    assert not any(record.exc_info for record in caplog.records)
    asyncio.run(with_room(accepted))


def cancel(here: World, run_id: str) -> Any:
    return here.http.delete(f"/v1/runs/{run_id}")


def signal(here: World, run_id: str) -> Any:
    return here.http.post("/v1/signals", json={"signal": "go", "data": 1})


def send(here: World, run_id: str) -> Any:
    return here.http.post("/e/key", json={"name": "shop/paid"})


def invoke(here: World, run_id: str) -> Any:
    return here.http.post("/invoke/shop-pay", json={"data": {}})


def rerun(here: World, run_id: str) -> Any:
    return here.http.post(f"/v2/runs/{run_id}/rerun", json={})


def register(here: World, run_id: str) -> Any:
    return here.http.post("/fn/register", json=FakeApp("other").add("f", stepping).registration())


def checkpoint(here: World, run_id: str) -> Any:
    document = {"run_id": run_id, "fn_id": "", "steps": [ran("early", 1)]}
    return here.http.post(f"/v1/checkpoint/{run_id}/async", json=document)


def note(here: World, run_id: str) -> Any:
    values = {"kind": "userland.x", "op": "merge", "values": {"k": 1}}
    return here.http.post(f"/v1/runs/{run_id}/metadata", json={"target": {}, "metadata": [values]})


ASKING = [cancel, signal, send, invoke, rerun, register, checkpoint, note]


@pytest.mark.parametrize("ask", ASKING, ids=lambda ask: ask.__name__)
def test_what_cannot_be_saved_is_acknowledged_to_nobody(ask: Callable[..., Any]) -> None:
    def waiting(call: Call) -> Reply:
        return ops(op("WaitForSignal", "wait", opts={"signal": "go", "timeout": "1h"}))

    async def main() -> None:
        async with world(FakeApp().add("pay", waiting)) as here:
            (run,) = [await here.server.runs_of(await here.send())][0]
            await here.server.settle()
            await forbid_writing(here)
            answer = await ask(here, run.id)
            assert answer.status_code == 503
            assert "cannot be written; check its permissions" in answer.text

    asyncio.run(main())


def test_a_file_that_is_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        db = str(tmp_path / "dev.db")
        async with world(FakeApp().add("pay", stepping), db=db) as here:
            with pytest.raises(DevServerError, match="is in use by another process"):
                await DevServer(DevOptions(db=db)).start()
            assert (await here.run_one()).status is RunStatus.COMPLETED

    asyncio.run(main())


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def scribble(data: bytes) -> bytes:
    return data[:4096] + b"\xff" * (len(data) - 4096)


def overwrite(data: bytes) -> bytes:
    return b"\x00\x01" * (len(data) // 2)


@pytest.mark.parametrize("damage", [cut, scribble, overwrite])
def test_a_damaged_file_is_refused_in_words(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "dev.db"

    async def use() -> None:
        async with world(FakeApp().add("pay", stepping), db=str(path)) as here:
            for _ in range(20):
                await here.run_one()

    asyncio.run(use())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DevServerError, match="is damaged; remove it, or choose another file"):
        asyncio.run(use())


def test_a_question_that_has_no_answer_breaks_nothing() -> None:
    async def main() -> None:
        async with world(FakeApp().add("pay", stepping)) as here:
            with pytest.raises(DevServerError, match="has no answer to that"):
                await here.server.store.read(lambda db: db.execute("SELECT ?", (2**70,)))
            with pytest.raises(DevServerError, match="no such table"):
                await here.server.store.read(lambda db: db.execute("SELECT * FROM nowhere"))
            assert (await here.http.get("/health")).status_code == 200
            assert (await here.run_one()).status is RunStatus.COMPLETED

    asyncio.run(main())


def test_all_that_waits_goes_on_in_the_next_server(tmp_path: Path) -> None:
    db, clock = str(tmp_path / "dev.db"), ManualClock()
    waits = {
        "sleep": op("Sleep", "s", opts={"duration": "1h"}),
        "event": op("WaitForEvent", "s", opts={"event": "shop/sent", "timeout": "5h"}),
        "signal": op("WaitForSignal", "s", opts={"signal": "go", "timeout": "5h"}),
        "timeout": op("WaitForEvent", "s", opts={"event": "shop/never", "timeout": "2h"}),
    }

    def make_app() -> FakeApp:
        app = FakeApp()
        for name, waiting in waits.items():
            app.add(name, partial(_until, waiting))
        app.add("debounced", lambda call: output(1), debounce={"period": "1h"})
        app.add("batched", lambda call: output(1), batchEvents={"maxSize": 9, "timeout": "1h"})
        app.add("throttled", lambda call: output(1), throttle={"limit": 1, "period": "1h"})
        app.add("retried", _once_failing)
        return app

    def _until(waiting: Any, call: Call) -> Reply:
        return output(1) if sha1("s") in call.steps else ops(waiting)

    def _once_failing(call: Call) -> Reply:
        failed = Reply(500, {"name": "Error", "message": "no"}, {"retry-after": "3600"})
        return output(1) if call.ctx["attempt"] else failed

    async def begin() -> None:
        async with world(make_app(), db=db, clock=clock) as here:
            await here.send()
            await here.server.settle()
            await here.send()
            await here.pass_time(60)

    async def go_on() -> None:
        async with world(make_app(), db=db, clock=clock) as here:
            await here.send("shop/sent")
            await here.http.post("/v1/signals", json={"signal": "go"})
            await here.pass_time(3600)
            await here.http.post("/v1/signals", json={"signal": "go"})
            await here.pass_time(5 * 3600)
            assert await here.server.unfinished() == []
            rows = await here.server.store.read(
                lambda db: db.execute(
                    "SELECT slug, count(*) FROM runs JOIN functions AS f ON f.id = function_id"
                    " WHERE status = 1 GROUP BY slug"
                ).fetchall()
            )
            twice = dict.fromkeys(("event", "retried", "sleep", "throttled", "timeout"), 2)
            others = {"batched": 1, "debounced": 1, "signal": 1}
            assert {slug.removeprefix("shop-"): n for slug, n in rows} == twice | others

    asyncio.run(begin())
    asyncio.run(go_on())
