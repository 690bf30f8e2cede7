"""Functions that listen to the ends of runs do not start themselves for ever."""

from __future__ import annotations

import asyncio

import pytest

from tests.dev.fakes import Call, FakeApp, Reply, op, ops, output, sha1, world

FINISHED = "inngest/function.finished"


def calls_after(app: FakeApp, *names: str) -> list[int]:
    """Send one event, let a minute pass, and return how often functions were called."""

    async def main() -> list[int]:
        async with world(app) as here:
            await here.send()
            await here.pass_time(60)
            return [len(app.of(name)) for name in names]

    return asyncio.run(main())


def listening(*names: str, event: str = FINISHED) -> FakeApp:
    app = FakeApp().add("pay", lambda call: output("paid"))
    for name in names:
        app.add(name, lambda call: output(None), event=event)
    return app


def test_a_function_hears_of_the_ends_of_others_but_not_of_its_own() -> None:
    assert calls_after(listening("audit"), "pay", "audit") == [1, 1]


@pytest.mark.parametrize("pattern", [FINISHED, "inngest/*", "inngest/function.*"])
def test_two_that_listen_to_everything_hear_of_each_other_once(pattern: str) -> None:
    assert calls_after(listening("audit", "bill", event=pattern), "audit", "bill") == [2, 2]


def test_the_events_of_many_listeners_do_not_grow_without_end() -> None:
    names = [f"listener-{n}" for n in range(5)]
    assert calls_after(listening(*names), *names) == [1 + 4 + 12 + 24] * 5


def test_a_function_does_not_hear_of_what_it_invoked() -> None:
    def auditing(call: Call) -> Reply:
        if sha1("ask") in call.steps:
            return output(None)
        opts = {"function_id": "shop-pay", "payload": {"data": {}}, "timeout": "1h"}
        return ops(op("InvokeFunction", "ask", opts=opts))

    app = FakeApp().add("pay", lambda call: output("paid")).add("audit", auditing, event=FINISHED)
    assert calls_after(app, "pay", "audit") == [2, 2]


def test_it_is_told_why_an_end_started_nothing() -> None:
    async def main() -> list[str]:
        app = listening("audit")
        async with world(app) as here:
            await here.send()
            await here.pass_time(60)
            rows = await here.server.store.read(
                lambda db: db.execute("SELECT details FROM history WHERE run_id = ''").fetchall()
            )
            return [row[0] for row in rows]

    assert asyncio.run(main()) == ['{"function":"shop-audit","reason":"own_end"}']
