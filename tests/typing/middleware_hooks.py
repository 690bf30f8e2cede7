"""Middleware as users write it: what must type-check, and what must not.

Nothing here runs. mypy reads it with the rest of the project; an ignored error that no longer
occurs is an error itself.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, assert_type

import inngest_asgi as inngest

if TYPE_CHECKING:
    from inngest_asgi.middleware import (
        CallNext,
        FunctionCall,
        RequestCall,
        RunRecord,
        SendEventsCall,
        StepCall,
        StepRecord,
    )


class Async(inngest.Middleware):
    async def transform_input(
        self,
        ctx: inngest.Context[Any] | inngest.ContextSync[Any],
        function: inngest.Function[Any],
        steps: inngest.StepMemos,
    ) -> None:
        for memo in steps.values():
            memo.data, memo.error = {"changed": True}, None

    async def before_execution(self) -> None: ...

    async def after_execution(self) -> None: ...

    async def transform_output(self, result: inngest.TransformOutputResult) -> None:
        assert_type(result.error, Exception | None)
        if result.has_output() and result.step is not None:
            result.step.opts["more"] = result.step.id

    async def before_response(self) -> None: ...

    async def before_send_events(self, events: list[inngest.Event[Any]]) -> None:
        events.append(inngest.Event(name="shop/more"))

    async def after_send_events(self, result: inngest.SendEventsResult) -> None:
        assert_type(result.ids, list[str])

    async def wrap_request(self, call: RequestCall, call_next: CallNext) -> Any:
        return await call_next(call)

    async def wrap_function(self, call: FunctionCall, call_next: CallNext) -> Any:
        return await call_next(call)

    async def wrap_step(self, call: StepCall, call_next: CallNext) -> Any:
        return await call_next(call)

    async def wrap_send_events(self, call: SendEventsCall, call_next: CallNext) -> Any:
        return await call_next(call)

    async def on_run_error(self, record: RunRecord) -> None:
        assert_type(record.error, BaseException | None)

    async def on_step_complete(self, record: StepRecord) -> None: ...


class Blocking(inngest.Middleware):
    def before_execution(self) -> None: ...

    def wrap_step_handler(self, call: StepCall, call_next: CallNext) -> Any:
        return call_next(call)

    def on_memoization_end(self, record: RunRecord) -> None: ...


class Narrowed(inngest.MiddlewareSync):
    """As written for the incumbent SDK."""

    def before_execution(self) -> None:
        super().before_execution()

    async def after_execution(self) -> None: ...  # type: ignore[override]


class Mistaken(inngest.Middleware):
    def before_send_events(self, events: inngest.Event[Any]) -> None: ...  # type: ignore[override]

    async def before_response(self, response: object) -> None: ...  # type: ignore[override]


def factory(client: inngest.Inngest, raw_request: object) -> inngest.Middleware:
    return Async(client, raw_request)


client = inngest.Inngest("shop", middleware=[Async, Narrowed, factory])
client.add_middleware(Blocking)
client.add_middleware(factory)
client.add_middleware("middleware")  # type: ignore[arg-type]
inngest.Inngest("shop", middleware=[Async("client", None)])  # type: ignore[list-item]


@client.create_function(
    fn_id="pay",
    trigger=inngest.TriggerEvent(event="shop/ordered"),
    middleware=[Async, Blocking, factory],
)
async def pay(ctx: inngest.Context) -> int:
    assert_type(ctx.logger, logging.Logger)
    return 1


class Loud:
    """A logger of another library."""

    def debug(self, event: str, **fields: object) -> None: ...

    def info(self, event: str, **fields: object) -> None: ...

    def warning(self, event: str, **fields: object) -> None: ...

    def error(self, event: str, **fields: object) -> None: ...

    def exception(self, event: str, **fields: object) -> None: ...


def logs(standard: logging.Logger, adapter: logging.LoggerAdapter[logging.Logger]) -> None:
    """Any object with logging methods will do."""
    inngest.Inngest("shop", logger=standard)
    inngest.Inngest("shop", logger=adapter)
    client.set_logger(Loud())
    client.set_logger("loud")  # type: ignore[arg-type]


async def sends() -> None:
    """Sending, past the middleware."""
    assert_type(await client.send([], skip_middleware=True), list[str])
    assert_type(client.send_sync([], skip_middleware=True), list[str])


def returns_json(value: inngest.JSON) -> inngest.JSON:
    """What JSON can carry is a type."""
    return {"value": value, "more": [1, 2.5, None, True, "text"]}
