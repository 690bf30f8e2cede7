"""`inngest.step`, `inngest.step_sync` and `inngest.group`: the running call's own tools.

For code deep in a call stack, which has no `ctx`. They follow context variables, so they reach
tasks and step bodies started by the function; each names what to do where there is no call.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from inngest_asgi.engine.context import Context, ContextSync
from inngest_asgi.errors import StepUsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.engine.group import Group
    from inngest_asgi.engine.tools import Step
    from inngest_asgi.engine.tools_sync import StepSync

CURRENT: ContextVar[Context[Any] | ContextSync[Any]] = ContextVar("inngest_call")
"""The context of the call that is running; the runtime sets it."""


def within(context: Any, handler: Callable[[Any], Any]) -> Any:
    """Call a handler with its context, which is the running call's from here on."""
    CURRENT.set(context)
    return handler(context)


class _Ambient:
    """Stands for one attribute of the running call's context."""

    def __init__(self, shown: str, attribute: str, kinds: tuple[type, ...], other: str) -> None:
        self._shown = shown
        self._attribute = attribute
        self._kinds = kinds
        self._other = other

    def __repr__(self) -> str:
        return f"<{self._shown}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        context = CURRENT.get(None)
        if context is None:
            raise StepUsageError(
                f"{self._shown}.{name} is used outside of a function's call; "
                "steps work only in code that a durable function runs."
            )
        if not isinstance(context, self._kinds):
            raise StepUsageError(f"{self._shown}.{name} is used {self._other}.{name}.")
        return getattr(getattr(context, self._attribute), name)


step = cast(
    "Step",
    _Ambient("inngest.step", "step", (Context,), "in a blocking function; use inngest.step_sync"),
)
"""The steps of the async function that is running."""

step_sync = cast(
    "StepSync",
    _Ambient("inngest.step_sync", "step", (ContextSync,), "in an async function; use inngest.step"),
)
"""The steps of the blocking function that is running."""

group = cast("Group", _Ambient("inngest.group", "group", (Context, ContextSync), ""))
"""The groups of the function that is running, async or blocking."""
