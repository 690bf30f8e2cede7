"""The opcode tables of steps.md 1 to 4: each step, and the bytes of the op that reports it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.conformance.exchanges import Serve, answered, op, planned, ran

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Use = Callable[[Any], Coroutine[Any, Any, Any]]

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "step_ids.json").read_text(encoding="utf-8")
)
RACE = inngest.ParallelMode.RACE


class OpenAI:
    """The requests of steps.md 4.6, first row."""

    def url_infer(self) -> str:
        return "https://api.openai.com/v1/chat/completions"

    def headers(self) -> dict[str, str]:
        return {}

    def auth_key(self) -> str:
        return "sk-test"

    def format(self) -> str:
        return "openai-chat"

    def on_call(self, body: dict[str, Any]) -> None:
        body.setdefault("model", "gpt-4o")


def double(x: int, *, plus: int = 0) -> int:
    return 2 * x + plus


async def double_async(x: int) -> int:
    return 2 * x


INFER = (
    ',"opts":{"type":"step.ai.infer","url":"https://api.openai.com/v1/chat/completions",'
    '"headers":{},"auth_key":"sk-test","format":"openai-chat",'
    '"body":{"messages":[],"model":"gpt-4o"}}'
)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
PAIR = "event.data.id == async.data.id"

USES: dict[str, tuple[Use, bytes]] = {
    "4.1 run": (lambda ctx: ctx.step.run("a", lambda: "x"), ran("a", '"x"')),
    "4.1 run that gives nothing": (lambda ctx: ctx.step.run("a", lambda: None), ran("a", "null")),
    "4.1 run with arguments": (
        lambda ctx: ctx.step.run("a", double, 1, plus=5),
        ran("a", "7", '{"input":[1]}'),
    ),
    "4.1 async run": (
        lambda ctx: ctx.step.run("a", double_async, 1),
        ran("a", "2", '{"input":[1]}'),
    ),
    "4.1 ai.wrap": (
        lambda ctx: ctx.step.ai.wrap("a", double, 1),
        ran("a", "2", '{"type":"step.ai.wrap","input":[1]}'),
    ),
    "4.2 sleep": (
        lambda ctx: ctx.step.sleep("a", "2s"),
        op("Sleep", "a", ',"opts":{"duration":"2s"}'),
    ),
    "4.2 sleep of a timedelta": (
        lambda ctx: ctx.step.sleep("a", timedelta(days=8, minutes=1)),
        op("Sleep", "a", ',"opts":{"duration":"1w1d1m"}'),
    ),
    "4.2 sleep of milliseconds": (
        lambda ctx: ctx.step.sleep("a", 90_000),
        op("Sleep", "a", ',"opts":{"duration":"1m30s"}'),
    ),
    "4.2 sleep until": (
        lambda ctx: ctx.step.sleep_until("a", MOMENT),
        op("Sleep", "a", ',"opts":{"duration":"2026-01-02T03:04:05.678Z"}'),
    ),
    "4.3 wait for event": (
        lambda ctx: ctx.step.wait_for_event("a", event="shop/paid", timeout="7d", if_exp=PAIR),
        op(
            "WaitForEvent",
            "a",
            f',"opts":{{"event":"shop/paid","timeout":"1w","if":"{PAIR}"}}',
        ),
    ),
    "4.3 wait for event of a type until": (
        lambda ctx: ctx.step.wait_for_event(
            "a", event=inngest.EventType("shop/paid"), timeout=MOMENT
        ),
        op(
            "WaitForEvent",
            "a",
            ',"opts":{"event":"shop/paid","timeout":"2026-01-02T03:04:05.678Z"}',
        ),
    ),
    "4.4 wait for signal": (
        lambda ctx: ctx.step.wait_for_signal("a", signal="ok/1", timeout="1h"),
        op("WaitForSignal", "a", ',"opts":{"signal":"ok/1","timeout":"1h","conflict":"fail"}'),
    ),
    "4.4 wait for signal, replacing": (
        lambda ctx: ctx.step.wait_for_signal(
            "a", signal="ok/1", timeout="1h", on_conflict="replace"
        ),
        op("WaitForSignal", "a", ',"opts":{"signal":"ok/1","timeout":"1h","conflict":"replace"}'),
    ),
    "4.5 invoke": (
        lambda ctx: ctx.step.invoke_by_id("a", function_id="other"),
        op("InvokeFunction", "a", ',"opts":{"function_id":"shop-other","payload":{"data":{}}}'),
    ),
    "4.5 invoke with everything": (
        lambda ctx: ctx.step.invoke_by_id(
            "a", app_id="bank", function_id="f", data={"n": 1}, user={"u": 1}, v="2", timeout="1h"
        ),
        op(
            "InvokeFunction",
            "a",
            ',"opts":{"function_id":"bank-f","payload":{"data":{"n":1},"user":{"u":1},"v":"2"},'
            '"timeout":"1h"}',
        ),
    ),
    "4.6 infer": (
        lambda ctx: ctx.step.ai.infer("a", adapter=OpenAI(), body={"messages": []}),
        op("AIGateway", "a", INFER),
    ),
    "4.7 fetch": (
        lambda ctx: ctx.step.fetch("a", "https://x.example/"),
        op("Gateway", "a", ',"opts":{"url":"https://x.example/","method":"GET"}'),
    ),
    "4.7 fetch with a body": (
        lambda ctx: ctx.step.fetch(
            "a", "https://x.example/", method="put", headers={"k": "v"}, body={"n": 1}
        ),
        op(
            "Gateway",
            "a",
            ',"opts":{"url":"https://x.example/","method":"PUT","headers":{"k":"v"},'
            '"body":"{\\"n\\":1}"}',
        ),
    ),
}


@pytest.mark.parametrize(("use", "body"), USES.values(), ids=list(USES))
def test_a_lone_step_is_reported_as_the_table_says(
    serve: Serve,
    use: Use,
    body: bytes,
) -> None:
    answer = answered(serve(use))
    assert (answer.status, answer.body) == (206, body)


RUNNABLE = [name for name in USES if name.startswith("4.1")]


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_step_that_may_not_run_yet_is_planned_with_what_it_shows(
    serve: Serve,
    name: str,
) -> None:
    use, body = USES[name]
    (reported,) = json.loads(body)
    answer = answered(serve(use), disable_immediate_execution=True)
    (plan,) = json.loads(answer.body)
    expected = {key: value for key, value in reported.items() if key not in ("data", "timing")}
    assert plan == expected | {"op": "StepPlanned"}


@pytest.mark.parametrize("vector", VECTORS["ids"], ids=lambda vector: vector["id"])
def test_ids_are_those_of_the_vectors(serve: Serve, vector: Any) -> None:
    async def pay(ctx: Any) -> None:
        await ctx.step.run(vector["id"], lambda: None)

    (report,) = json.loads(answered(serve(pay)).body)
    assert (report["id"], report["name"]) == (vector["sha1"], vector["id"])


@pytest.mark.parametrize("index", [1, 2])
def test_the_id_of_a_repeated_step_carries_its_index(
    serve: Serve,
    index: int,
) -> None:
    async def pay(ctx: Any) -> None:
        for _ in range(3):
            await ctx.step.sleep("a", "1s")

    app = serve(pay)
    answer = answered(app, dict.fromkeys(["a", "a:1"][:index]))
    assert answer.body == op("Sleep", "a", ',"opts":{"duration":"1s"}', index=index)


async def racing(ctx: Any) -> Any:
    steps = [partial(ctx.step.run, one, lambda: 1) for one in ("a", "b")]
    return list(await ctx.group.parallel(steps, parallel_mode=RACE))


def test_a_race_is_told_on_the_plan_and_on_the_result(serve: Serve) -> None:
    app = serve(racing)
    race = ',"opts":{"parallelMode":"race"}'
    plans = b",".join(op("StepPlanned", one, race)[1:-1] for one in ("a", "b"))
    assert answered(app).body == b"[" + plans + b"]"
    assert answered(app, target="b").body == ran("b", "1", '{"parallelMode":"race"}')


async def mixed(ctx: Any) -> Any:
    return await ctx.group.parallel(
        [
            partial(ctx.step.run, "a", lambda: 1),
            partial(ctx.step.sleep, "nap", "1h"),
            partial(ctx.step.invoke_by_id, "call", function_id="f"),
        ]
    )


def test_steps_of_all_kinds_are_reported_together(serve: Serve) -> None:
    ops = [
        planned("a"),
        op("Sleep", "nap", ',"opts":{"duration":"1h"}'),
        op("InvokeFunction", "call", ',"opts":{"function_id":"shop-f","payload":{"data":{}}}'),
    ]
    answer = answered(serve(mixed))
    assert answer.body == b"[" + b",".join(one[1:-1] for one in ops) + b"]"


async def sending(ctx: Any) -> Any:
    return await ctx.step.send_event("a", inngest.Event(name="shop/paid", data={"n": 1}))


def test_what_is_sent_and_published_is_told_by_its_type(serve: Serve) -> None:
    async def publish(ctx: Any) -> Any:
        return await ctx.step.realtime.publish("a", "told", 5, channel="user:1")

    async def signal(ctx: Any) -> Any:
        return await ctx.step.send_signal("a", signal="ok/1", data=5)

    for use, shown in (
        (sending, {"type": "step.sendEvent"}),
        (signal, {"type": "step.sendSignal", "signal": "ok/1"}),
        (publish, {"type": "step.realtime.publish"}),
    ):
        answer = answered(serve(use), disable_immediate_execution=True)
        (plan,) = json.loads(answer.body)
        assert plan["opts"] == shown
