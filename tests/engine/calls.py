"""Calls of made-up programs through either shell: one request in, one outcome out, no server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.engine.drive import Drive
from inngest_asgi.engine.drive_body import Ended, contained_await
from inngest_asgi.engine.drive_sync import DriveSync
from inngest_asgi.engine.group import Group, GroupSync
from inngest_asgi.engine.ids import hash_id
from inngest_asgi.engine.outcomes import Outcome, Raised, Report, Returned, TargetMissing
from inngest_asgi.engine.run import Machine
from inngest_asgi.engine.tools import Step
from inngest_asgi.engine.tools_ai import StepAISync
from inngest_asgi.engine.tools_realtime import StepRealtimeSync
from inngest_asgi.engine.tools_sync import StepSync
from inngest_asgi.testing import ManualClock
from inngest_asgi.wire.calls import Call
from inngest_asgi.wire.codec import dumps, loads

if TYPE_CHECKING:
    from contextvars import Context

    from inngest_asgi.engine.serializers import Serializer

EXECUTOR = ThreadPoolExecutor(2, thread_name_prefix="engine-tests")
_LONGEST_WAIT = 10.0


@dataclass(frozen=True)
class Request:
    """One call, its steps by the ids users write ("a:1" is the second "a").

    `memos` are in the order they finished; `target` is a user's id too.
    """

    memos: dict[str, Any] = field(default_factory=dict)
    target: str | None = None
    plan_only: bool = False
    attempt: int = 0
    max_attempts: int | None = 4
    order: Sequence[str] | None = None

    def call(self) -> Call:
        """Return the record the engine gets."""
        event = {"name": "test/started", "data": {}}
        order = list(self.memos) if self.order is None else self.order
        return Call(
            function_id="app-fn",
            run_id="01JTESTRUN",
            attempt=self.attempt,
            max_attempts=self.max_attempts,
            event=event,
            events=[event],
            steps={hash_id(id): memo for id, memo in self.memos.items()},
            order=[hash_id(id) for id in order],
            target=None if self.target is None else hash_id(self.target),
            plan_only=self.plan_only,
            use_api=False,
            request_id=None,
        )


@dataclass
class Tools:
    """What a program gets: the steps, the groups, and bodies that count how often they ran."""

    step: Any
    group: Any
    ran: Counter[str] = field(default_factory=Counter)
    sent: list[Any] = field(default_factory=list)
    meta: dict[str, Any] | None = None
    serializer: Serializer | None = None

    def body(self, name: str, result: Any = None) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return an async body that gives `result`, or raises it, or its name if it is None."""

        async def body(*args: Any, **kwargs: Any) -> Any:
            return self._ran(name, result, args, kwargs)

        return body

    def blocking_body(self, name: str, result: Any = None) -> Callable[..., Any]:
        """Return a blocking body (see `body`)."""
        return lambda *args, **kwargs: self._ran(name, result, args, kwargs)

    def _ran(self, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.ran[name] += 1
        if isinstance(result, BaseException):
            raise result
        if args or kwargs:
            return {"args": list(args), **kwargs}
        return name if result is None else result


Program = Callable[[Tools], Coroutine[Any, Any, Any]]
"""A durable function, written once as async code; `complete` makes it a blocking one."""

Shell = Callable[[Program, Request, Tools], Outcome]


def call_async(program: Program, request: Request, tools: Tools) -> Outcome:
    """Run one call of an async function, skipping what it waits for on the clock."""

    async def served() -> Outcome:
        clock = ManualClock()
        call = asyncio.create_task(drive(program, request, tools, clock))
        while not call.done():
            await asyncio.sleep(0)
            if clock.next_due is not None:
                await clock.settle()
                clock.advance(_LONGEST_WAIT)
        return await call

    return asyncio.run(served())


async def drive(
    program: Program, request: Request, tools: Tools, clock: ManualClock | None = None
) -> Outcome:
    """Run one call of an async function on the current loop."""
    drive = Drive(Machine(request.call()), clock=clock or ManualClock(), executor=EXECUTOR)
    tools.step, tools.group = Step(drive, FakeServices(tools)), Group()
    return await drive.run(lambda: program(tools))


def call_blocking(program: Program, request: Request, tools: Tools) -> Outcome:
    """Run one call of a blocking function, made from an async one."""
    told: list[Outcome] = []
    drive = DriveSync(
        Machine(request.call(), blocking=True),
        clock=ManualClock(),
        on_loop=on_new_loop,
        on_outcome=told.append,
    )
    tools.step = _SameColour(StepSync(drive, FakeServices(tools)))
    tools.group = _SameColourGroup(GroupSync(drive))
    outcome = drive.run(lambda: complete(program(tools)))
    assert told in ([], [outcome])
    return outcome


def on_new_loop(awaitable: Awaitable[Any], context: Context) -> Ended:
    """Await something in a context, on a loop made for it."""
    return context.run(asyncio.run, contained_await(awaitable))


def complete(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits to its end, here and now."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("a blocking function waited")


class _SameColour:
    """`StepSync` under the names of `Step`: awaited, but done before there is a need to wait."""

    def __init__(self, step: StepSync | StepAISync | StepRealtimeSync) -> None:
        self._step = step

    def __getattr__(self, name: str) -> Any:
        tool = getattr(self._step, name)
        if isinstance(tool, StepAISync | StepRealtimeSync):
            return _SameColour(tool)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return tool(*args, **kwargs)

        return awaited


class _SameColourGroup:
    def __init__(self, group: GroupSync) -> None:
        self._group = group

    async def parallel(self, branches: Sequence[Callable[[], Any]], **options: Any) -> Any:
        return self._group.parallel([_completed(one) for one in branches], **options)

    def race(self, branches: Sequence[Callable[[], Any]] | None = None) -> Any:
        return self._group.race() if branches is None else self._race(branches)

    async def _race(self, branches: Sequence[Callable[[], Any]]) -> Any:
        return self._group.race([_completed(one) for one in branches])


def _completed(branch: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: complete(branch())


@dataclass
class FakeServices:
    """What the runtime would provide; events and signals are noted in the tools."""

    tools: Tools
    app_id: str = "shop"

    @property
    def serializer(self) -> Serializer | None:
        """Return the serializer that the tools were given."""
        return self.tools.serializer

    def meta(self) -> dict[str, Any] | None:
        """Return the sessions that the tools were given."""
        return self.tools.meta

    async def send_events(self, events: Any) -> list[str]:
        """Note events as sent."""
        self.tools.sent.append(events)
        return ["01JEVENT"]

    async def send_signal(self, signal: str, data: Any) -> str | None:
        """Note a signal as sent."""
        self.tools.sent.append((signal, data))
        return "01JWAITING"

    async def publish(self, channel: str, topic: str, data: Any) -> Any:
        """Note a message as published."""
        self.tools.sent.append((channel, topic, data))
        return data


def new_tools() -> Tools:
    """Return tools that `call_async` and `call_blocking` fill in."""
    return Tools(step=None, group=None)


def wire_ops(outcome: Outcome) -> list[dict[str, Any]]:
    """Return a report's ops as a server reads them."""
    assert isinstance(outcome, Report), outcome
    ops: list[dict[str, Any]] = loads(dumps(outcome.ops))
    return ops


def shown(outcome: Outcome) -> Any:
    """Return an outcome in short, to be compared.

    A report is a list of "<op> <user's id>"; a step that ran shows its result, one that failed
    its error's name. A return is {"returned": value}, a raise {"raised": name}, a step that was
    not met {"missing": how many were}.
    """
    if isinstance(outcome, Report):
        return [_shown_op(op) for op in wire_ops(outcome)]
    if isinstance(outcome, Returned):
        return {"returned": outcome.value}
    if isinstance(outcome, Raised):
        return {"raised": type(outcome.error).__name__}
    assert isinstance(outcome, TargetMissing)
    return {"missing": len(outcome.found)}


def _shown_op(op: dict[str, Any]) -> str:
    index = op["userland"]["index"]
    name = op["name"] + (f":{index}" if index else "")
    race = " race" if op.get("opts", {}).get("parallelMode") == "race" else ""
    if "data" in op:
        return f"{op['op']} {name} = {dumps(op['data']).decode()}{race}"
    if "error" in op:
        return f"{op['op']} {name} ! {op['error']['name']}{race}"
    return f"{op['op']} {name}{race}"


def data(**memos: Any) -> dict[str, Any]:
    """Return memos of steps that ran, in the order given."""
    return {id: {"data": value} for id, value in memos.items()}


def failed(name: str = "ValueError", message: str = "no") -> dict[str, Any]:
    """Return the memo of a step that failed for good."""
    return {"error": {"name": name, "message": message}}


def retried(request: Request) -> Request:
    """Return the same request, delivered once more."""
    return replace(request, attempt=request.attempt + 1)
