"""Functions written on the official Python SDK, for `.venv-incumbent`; it imports nothing of ours.

`INNGEST_DEV` is the server's URL and `ORIGIN` the one of this application.
"""

from __future__ import annotations

import logging
import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import fastapi
import inngest
import inngest.fast_api
from inngest.experimental import ai

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = os.environ["ORIGIN"]
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LARGE = 2_500_000
"""Characters; two of them are more than a call may carry (http.md 11.2)."""

client = inngest.Inngest(app_id="peer", logger=logging.getLogger("uvicorn"))
functions: list[Any] = []


def function(fn_id: str, *, trigger: Any = None, **options: Any) -> Callable[[Any], Any]:
    """Declare a function; without a trigger, the event `peer/<fn_id>` starts it."""
    trigger = trigger or inngest.TriggerEvent(event=f"peer/{fn_id}")

    def declare(handler: Any) -> Any:
        declared = client.create_function(fn_id=fn_id, trigger=trigger, **options)(handler)
        functions.append(declared)
        return declared

    return declare


async def give(value: Any) -> Any:
    """Return what it is given, as the body of a step."""
    return value


async def fail(message: str) -> None:
    """Fail, as the body of a step."""
    raise ValueError(message)


@function("sequence")
async def sequence(ctx: inngest.Context) -> list[Any]:
    one = await ctx.step.run("one", give, 1)
    await ctx.step.sleep("rest", SECOND)
    same = await ctx.step.run("one", give, one + 1)
    nothing = await ctx.step.run("nothing", give, None)
    return [one, same, nothing]


@function("blocking")
def blocking(ctx: inngest.ContextSync) -> list[Any]:
    first = ctx.step.run("first", lambda: "first")
    pair = ctx.group.parallel(
        (
            lambda: ctx.step.run("left", lambda: "left"),
            lambda: ctx.step.run("right", lambda: "right"),
        )
    )
    return [first, *pair]


@function("context", retries=6)
async def context(ctx: inngest.Context) -> dict[str, Any]:
    event = ctx.event
    return {
        "run_id": ctx.run_id,
        "attempt": ctx.attempt,
        "has_ids": bool(ctx.job_id and ctx.request_id),
        "event": [event.name, event.id, event.ts, event.data],
        "events": [one.id for one in ctx.events],
    }


@function("parallel")
async def parallel(ctx: inngest.Context) -> list[Any]:
    step = ctx.step
    both = await ctx.group.parallel(
        (
            lambda: step.run("left", give, "left"),
            lambda: step.sleep("rest", SECOND),
            lambda: step.run("right", give, "right"),
        )
    )
    return [*both, await step.run("after", give, "after")]


@function("chains")
async def chains(ctx: inngest.Context) -> list[Any]:
    async def chain(name: str) -> str:
        first = await ctx.step.run(f"{name} 1", give, name)
        second: str = await ctx.step.run(f"{name} 2", give, first * 2)
        return second

    race = inngest.ParallelMode.RACE
    pair = await ctx.group.parallel((lambda: chain("a"), lambda: chain("b")), race)
    return list(pair)


@function("waits")
async def waits(ctx: inngest.Context) -> list[Any]:
    answer = await ctx.step.wait_for_event(
        "answer", event="peer/answer", if_exp="event.data.n == async.data.n", timeout=MINUTE
    )
    silence = await ctx.step.wait_for_event("silence", event="peer/never", timeout=SECOND)
    return [answer and answer.data, silence]


@function("doubled")
async def doubled(ctx: inngest.Context) -> Any:
    return ctx.event.data["n"] * 2


@function("broken", retries=0)
async def broken(ctx: inngest.Context) -> None:
    raise ValueError("the child broke")


@function("sleepy")
async def sleepy(ctx: inngest.Context) -> None:
    await ctx.step.sleep("long", HOUR)


@function("invokes")
async def invokes(ctx: inngest.Context) -> list[Any]:
    told = [await ctx.step.invoke("double", function=doubled, data={"n": 21})]
    for step_id, child in (("break", "broken"), ("miss", "nobody"), ("linger", "sleepy")):
        try:
            await ctx.step.invoke_by_id(step_id, function_id=child, timeout=SECOND)
        except inngest.StepError as error:
            told.append([error.name, error.message])
    return told


@function("flaky", retries=2)
async def flaky(ctx: inngest.Context) -> int:
    async def body() -> Any:
        return await (fail("not yet") if ctx.attempt == 0 else give(ctx.attempt))

    attempt: int = await ctx.step.run("flaky", body)
    return attempt


@function("compensates", retries=0)
async def compensates(ctx: inngest.Context) -> list[str]:
    try:
        await ctx.step.run("charge", fail, "declined")
    except inngest.StepError as error:
        return [error.name, error.message, await ctx.step.run("refund", give, "refunded")]
    return []


async def told_of_failure(ctx: inngest.Context) -> Any:
    data = ctx.event.data
    return [ctx.event.name, data["function_id"], data["run_id"], data["error"]["message"]]


@function("fails", retries=0, on_failure=told_of_failure)
async def fails(ctx: inngest.Context) -> None:
    await ctx.step.run("charge", fail, "declined")


@function("hopeless", retries=3)
async def hopeless(ctx: inngest.Context) -> None:
    raise inngest.NonRetriableError(f"hopeless at {ctx.attempt}")


@function("later", retries=1)
async def later(ctx: inngest.Context) -> int:
    if ctx.attempt == 0:
        raise inngest.RetryAfterError("later", SECOND)
    return int(ctx.attempt)


@function(
    "cancelled", cancel=[inngest.Cancel(event="peer/stop", if_exp="event.data.n == async.data.n")]
)
async def cancelled(ctx: inngest.Context) -> None:
    await ctx.step.run("first", give, 1)
    await ctx.step.sleep("long", HOUR)


@function("overdue", timeouts=inngest.Timeouts(finish=SECOND))
async def overdue(ctx: inngest.Context) -> None:
    await ctx.step.sleep("long", HOUR)


@function("sends")
async def sends(ctx: inngest.Context) -> list[str]:
    events = [inngest.Event(name=f"peer/sent.{n}", data={"n": n}) for n in (1, 2)]
    ids: list[str] = await ctx.step.send_event("send", events)
    return ids


@function(
    "receives", trigger=inngest.TriggerEvent(event="peer/sent.*", expression="event.data.n == 2")
)
async def receives(ctx: inngest.Context) -> Any:
    return ctx.event.data


@function("batch", batch_events=inngest.Batch(max_size=3, timeout=MINUTE))
async def batch(ctx: inngest.Context) -> list[Any]:
    return [event.data["n"] for event in ctx.events]


@function("debounce", debounce=inngest.Debounce(period=SECOND))
async def debounce(ctx: inngest.Context) -> Any:
    return ctx.event.data["n"]


@function("limited", rate_limit=inngest.RateLimit(limit=1, period=HOUR, key="event.data.who"))
async def limited(ctx: inngest.Context) -> Any:
    return ctx.event.data["who"]


@function("throttled", throttle=inngest.Throttle(limit=1, period=SECOND, burst=0))
async def throttled(ctx: inngest.Context) -> None:
    """Called when it may begin; the server tells when that was."""


@function("single", singleton=inngest.Singleton(mode="skip"))
async def single(ctx: inngest.Context) -> None:
    await ctx.step.sleep("long", HOUR)


@function("one-by-one", concurrency=[inngest.Concurrency(limit=1)])
async def one_by_one(ctx: inngest.Context) -> list[float]:
    def body() -> list[float]:
        began = time.time()
        time.sleep(0.1)
        return [began, time.time()]

    span: list[float] = await ctx.step.run("work", body)
    return span


@function("once", idempotency="event.data.order")
async def once(ctx: inngest.Context) -> Any:
    return ctx.event.data


@function("nightly", trigger=inngest.TriggerCron(cron="TZ=Europe/Paris 0 3 * * *"))
async def nightly(ctx: inngest.Context) -> None:
    """Never called by the tests: it only has to be known."""


@function("large")
async def large(ctx: inngest.Context) -> int:
    texts = [await ctx.step.run(f"text {n}", give, "x" * LARGE) for n in (1, 2)]
    return sum(map(len, texts))


@function("infers")
async def infers(ctx: inngest.Context) -> Any:
    adapter = ai.openai.Adapter(auth_key="sk-peer", base_url=f"{ORIGIN}/v1", model="small")
    return await ctx.step.ai.infer("infer", adapter=adapter, body={"messages": []})


app = fastapi.FastAPI()


@app.post("/v1/chat/completions")
async def completions(request: fastapi.Request) -> dict[str, Any]:
    """Answer as a provider of language models."""
    return {"asked": await request.json(), "key": request.headers["authorization"]}


inngest.fast_api.serve(app, client, functions)

streaming = inngest.Inngest(app_id="streaming", logger=logging.getLogger("uvicorn"))


@streaming.create_function(fn_id="streamed", trigger=inngest.TriggerEvent(event="peer/streamed"))  # type: ignore[untyped-decorator]
async def streamed(ctx: inngest.Context) -> list[Any]:
    """Answer in a stream, a failed step and its retry included."""
    one = await ctx.step.run("one", give, 1)

    async def body() -> Any:
        return await (fail("not yet") if ctx.attempt == 0 else give(2))

    return [one, await ctx.step.run("two", body)]


inngest.fast_api.serve(
    app, streaming, [streamed], serve_path="/streamed", streaming=inngest.Streaming.FORCE
)
