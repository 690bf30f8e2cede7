"""The functions that are run, the same for both SDKs: their contexts look alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Handler: TypeAlias = Callable[[Any], Any]

COUNTS = (10, 100, 1_000, 10_000)
"""How many steps the functions named `steps-<count>` have."""


async def without_steps(ctx: Any) -> Any:
    """Return at once."""
    return {"ok": True}


def without_steps_blocking(ctx: Any) -> Any:
    """Return at once, from a thread."""
    return {"ok": True}


def with_steps(count: int) -> Callable[[Any], Awaitable[Any]]:
    """Return a function that takes one step after the other, as most functions do."""

    async def steps(ctx: Any) -> Any:
        done = 0
        for n in range(count):
            done += bool(await ctx.step.run(f"step-{n}", _never_runs))
        return {"done": done}

    return steps


async def _never_runs() -> None:
    raise RuntimeError("Every step of a replay is remembered.")
