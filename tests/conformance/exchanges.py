"""What the replayed exchanges share: functions of both colours, and our ops, byte for byte."""

from __future__ import annotations

from hashlib import sha1
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.engine.calls import complete
from tests.routes.asking import NOW, ORDERED, Answer, app_of, call, called, dev_client

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    import inngest_asgi as inngest
    from inngest_asgi.engine.group import GroupSync

Handler: TypeAlias = "Callable[[Any], Coroutine[Any, Any, Any]]"
"""A function of either colour, written as async code."""

Serve: TypeAlias = "Callable[..., inngest.InngestApp]"
"""What the fixture `serve` gives: `app_with` for one colour."""

TIMING = f'"timing":{{"a":{NOW}000000000,"b":0}}'


def hashed(text: str) -> str:
    """Hash a step's id (steps.md 1)."""
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


def op(code: str, step_id: str, more: str = "", *, index: int = 0) -> bytes:
    """Write a report of one op as we do; `more` is what follows its userland."""
    text = step_id if index == 0 else f"{step_id}:{index}"
    shape = (
        f'{{"op":"{code}","id":"{hashed(text)}","name":"{step_id}","displayName":"{step_id}",'
        f'"userland":{{"id":"{step_id}","index":{index}}}{more}}}'
    )
    return f"[{shape}]".encode()


def ran(step_id: str, data: str, opts: str = "") -> bytes:
    """Write a report of a step that ran."""
    return op("StepRun", step_id, f',"data":{data},{TIMING}' + (f',"opts":{opts}' if opts else ""))


def planned(*step_ids: str) -> bytes:
    """Write a report of planned steps."""
    ops = [op("StepPlanned", step_id)[1:-1] for step_id in step_ids]
    return b"[" + b",".join(ops) + b"]"


def app_with(
    handler: Handler,
    *,
    blocking: bool,
    client: inngest.Inngest | None = None,
    **options: Any,
) -> inngest.InngestApp:
    """Serve a function, written once as async code, in either colour."""
    client = client or dev_client()
    create = client.create_function(fn_id="pay", trigger=ORDERED, **options)
    if blocking:

        @create
        def pay_sync(ctx: inngest.ContextSync) -> Any:
            return complete(handler(_awaited(ctx)))
    else:

        @create
        async def pay(ctx: inngest.Context) -> Any:
            return await handler(ctx)

    return app_of(client)


def answered(
    app: inngest.InngestApp,
    memos: Mapping[str, Any] | None = None,
    *,
    target: str | None = None,
    **ctx: Any,
) -> Answer:
    """Call the function; memos and target by the ids users write, memos in order of finishing."""
    steps = {hashed(step_id): memo for step_id, memo in (memos or {}).items()}
    document = call(steps, stack=list(steps), **ctx)
    return called(app, document, step_id="step" if target is None else hashed(target))


def _awaited(ctx: inngest.ContextSync) -> Any:
    return SimpleNamespace(
        step=_SameColour(ctx.step),
        group=_SameColourGroup(ctx.group),
        event=ctx.event,
        events=ctx.events,
        error=ctx.error,
        attempt=ctx.attempt,
        run_id=ctx.run_id,
        logger=ctx.logger,
    )


class _SameColour:
    """Blocking tools under the names of the async ones; done before there is a need to wait."""

    def __init__(self, tools: Any) -> None:
        self._tools = tools

    def __getattr__(self, name: str) -> Any:
        tool = getattr(self._tools, name)
        if not callable(tool):
            return _SameColour(tool)

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return tool(*args, **kwargs)

        return awaited


class _SameColourGroup:
    def __init__(self, group: GroupSync) -> None:
        self._group = group

    async def parallel(self, branches: Sequence[Callable[[], Any]], **options: Any) -> Any:
        return self._group.parallel([_completed(one) for one in branches], **options)

    async def race(self, branches: Sequence[Callable[[], Any]]) -> Any:
        return self._group.race([_completed(one) for one in branches])


def _completed(branch: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: complete(branch())
