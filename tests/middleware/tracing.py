"""Middleware that notes each of its hooks, async or blocking, for tables of what runs when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.middleware.base import Middleware
from inngest_asgi.middleware.stack import HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KINDS = ("async", "blocking")


def traced(
    trace: list[str], name: str = "", *, kind: str = "async", hooks: Sequence[str] = HOOKS
) -> type[Middleware]:
    """Return middleware that notes its hooks in `trace`: "<name>before_execution".

    Args:
        trace: where they are noted; onion hooks as "wrap_step (" and "wrap_step )".
        name: stands before each.
        kind: "async" for `async def` hooks, "blocking" for `def` hooks.
        hooks: those that it overrides.
    """
    methods = {hook: _method(trace, name, hook, kind) for hook in hooks}
    return type(f"Traced{name}", (Middleware,), methods)


def _method(trace: list[str], name: str, hook: str, kind: str) -> Callable[..., Any]:
    if hook.startswith("wrap_"):
        return _onion(trace, f"{name}{hook}", kind)

    async def note(self: Any, *_: Any) -> None:
        trace.append(f"{name}{hook}")

    def note_blocking(self: Any, *_: Any) -> None:
        trace.append(f"{name}{hook}")

    return note if kind == "async" else note_blocking


def _onion(trace: list[str], shown: str, kind: str) -> Callable[..., Any]:
    async def wrap(self: Any, call: Any, call_next: Any) -> Any:
        trace.append(f"{shown} (")
        try:
            return await call_next(call)
        finally:
            trace.append(f"{shown} )")

    def wrap_blocking(self: Any, call: Any, call_next: Any) -> Any:
        trace.append(f"{shown} (")
        try:
            return call_next(call)
        finally:
            trace.append(f"{shown} )")

    return wrap if kind == "async" else wrap_blocking
