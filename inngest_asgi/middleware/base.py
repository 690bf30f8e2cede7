"""`Middleware`, whose hooks users override; the hooks of the class itself do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from inngest_asgi.engine.context import Context, ContextSync
    from inngest_asgi.functions.function import Function
    from inngest_asgi.middleware.records import (
        CallNext,
        FunctionCall,
        RequestCall,
        RunRecord,
        SendEventsCall,
        SendEventsResult,
        StepCall,
        StepMemos,
        StepRecord,
        TransformOutputResult,
    )
    from inngest_asgi.wire.events import Event


class Middleware:
    """Code around functions, their steps, and the sending of events.

    Derive from it, override the hooks you need, each as `async def` or `def`, and give the class
    to `Inngest(middleware=[...])` or `create_function(middleware=[...])`. Every call of a function
    makes an instance of its own, and so does every `client.send`. Hooks that are not overridden
    cost nothing. docs/middleware.md tells in which order they run.

    Args:
        client: the client.
        raw_request: the host's request; None in `client.send`.
    """

    def __init__(self, client: Any, raw_request: object) -> None:
        self.client = client
        self.raw_request = raw_request

    # What an error of these does to the call is said for each; before-hooks run in the order of
    # registration, after-hooks in reverse.

    def transform_input(
        self,
        ctx: Context[Any] | ContextSync[Any],
        function: Function[Any],
        steps: StepMemos,
    ) -> Awaitable[None] | None:
        """Change what a function gets: its context, its events, what its steps gave.

        Called once per call, before anything of it runs. Events are validated afterwards. An error
        is the function's.
        """

    def before_execution(self) -> Awaitable[None] | None:
        """Called once per call, when the memos are used up and new code is about to run.

        An error is raised where that code would go on: in the function, or in the step. Branches
        that go on beside that place do not wait for it.
        """

    def after_execution(self) -> Awaitable[None] | None:
        """Called once per call, when new code has run; not when the function raised.

        An error is the step's that ran, else the function's.
        """

    def transform_output(self, result: TransformOutputResult) -> Awaitable[None] | None:
        """Change what a step or a function came to, after `after_execution`, in reverse order.

        Called for a step that ran, for a function that ended, and for the one step a call reports
        without running it (a sleep, say); not where several are reported at once. An error is the
        step's that ran, else the function's.
        """

    def before_response(self) -> Awaitable[None] | None:
        """Called once per call, before it is answered.

        An error is the function's; where a step ran in the call it is logged, and the step's
        result goes out, because without it the step would run again.
        """

    def before_send_events(self, events: list[Event[Any]]) -> Awaitable[None] | None:
        """Called before events are sent, by `client.send` or a step; the list may be changed.

        The events are copies of the user's. An error is raised to the sender.
        """

    def after_send_events(self, result: SendEventsResult) -> Awaitable[None] | None:
        """Called when events were sent, or could not be, in reverse order.

        An error is raised to the sender.
        """

    # Onion hooks: the first to be registered is the outermost. What they raise, or do not let
    # through, counts as the outcome of what they wrap.

    def wrap_request(self, call: RequestCall, call_next: CallNext) -> Any:
        """Wrap a call as a whole; returns its `Reply`. Runs on the application's event loop."""
        return call_next(call)

    def wrap_function(self, call: FunctionCall, call_next: CallNext) -> Any:
        """Wrap the function's own code in a call; returns what the function returns.

        A call ends at most steps, and the function is unwound: in most calls `call_next` raises
        `asyncio.CancelledError`, or in blocking functions another `BaseException`.
        """
        return call_next(call)

    def wrap_step(self, call: StepCall, call_next: CallNext) -> Any:
        """Wrap a step as the function sees it, in each call; returns what the step gives.

        Unwound as `wrap_function` is, unless the step has a memo.
        """
        return call_next(call)

    def wrap_step_handler(self, call: StepCall, call_next: CallNext) -> Any:
        """Wrap the handler of a step when it really runs; returns what is recorded."""
        return call_next(call)

    def wrap_send_events(self, call: SendEventsCall, call_next: CallNext) -> Any:
        """Wrap the sending of events, after `before_send_events`; returns their ids."""
        return call_next(call)

    # Observers: their errors are logged, and change nothing.

    def on_run_start(self, record: RunRecord) -> Awaitable[None] | None:
        """Called in the first call of a run, before its code."""

    def on_run_complete(self, record: RunRecord) -> Awaitable[None] | None:
        """Called when the function has returned, in reverse order."""

    def on_run_error(self, record: RunRecord) -> Awaitable[None] | None:
        """Called when the function has raised, in reverse order; `final`: no attempt follows."""

    def on_step_start(self, record: StepRecord) -> Awaitable[None] | None:
        """Called before the handler of a step runs."""

    def on_step_complete(self, record: StepRecord) -> Awaitable[None] | None:
        """Called when the handler of a step has returned, in reverse order."""

    def on_step_error(self, record: StepRecord) -> Awaitable[None] | None:
        """Called when the handler of a step has raised, in reverse order."""

    def on_memoization_end(self, record: RunRecord) -> Awaitable[None] | None:
        """Called once per call, when the memos are used up, before `before_execution`."""


class MiddlewareSync(Middleware):
    """`Middleware` whose hooks are blocking; kept for code written for the incumbent SDK."""

    def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None: ...

    def before_execution(self) -> None: ...

    def after_execution(self) -> None: ...

    def transform_output(self, result: TransformOutputResult) -> None: ...

    def before_response(self) -> None: ...

    def before_send_events(self, events: list[Event[Any]]) -> None: ...

    def after_send_events(self, result: SendEventsResult) -> None: ...
