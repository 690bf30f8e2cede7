"""The blocking tools: the same as the async ones, called without await."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from inngest_asgi.engine.tools import Step
from inngest_asgi.engine.tools_ai import StepAI, StepAISync
from inngest_asgi.engine.tools_realtime import StepRealtime, StepRealtimeSync
from inngest_asgi.engine.tools_sync import StepSync

PAIRS = [(Step, StepSync), (StepAI, StepAISync), (StepRealtime, StepRealtimeSync)]


def tools(kind: type) -> list[str]:
    return [name for name, it in vars(kind).items() if inspect.isfunction(it) and name[0] != "_"]


TOOLS = [
    pytest.param(getattr(kind, name), getattr(kind_sync, name), id=f"{kind.__name__}.{name}")
    for kind, kind_sync in PAIRS
    for name in tools(kind)
]


def parameters(tool: Any) -> list[tuple[str, Any, Any]]:
    return [
        (one.name, one.kind, one.default) for one in inspect.signature(tool).parameters.values()
    ]


@pytest.mark.parametrize(("kind", "kind_sync"), PAIRS)
def test_both_colours_have_the_same_tools(kind: type, kind_sync: type) -> None:
    assert tools(kind_sync) == tools(kind)


@pytest.mark.parametrize(("tool", "tool_sync"), TOOLS)
def test_a_tool_takes_the_same_in_both_colours(tool: Any, tool_sync: Any) -> None:
    assert parameters(tool) == parameters(tool_sync)


@pytest.mark.parametrize(("tool", "tool_sync"), TOOLS)
def test_only_one_colour_is_awaited(tool: Any, tool_sync: Any) -> None:
    assert inspect.iscoroutinefunction(tool)
    assert not inspect.iscoroutinefunction(tool_sync)
