"""The blocking tools: the same as the async ones, called without await."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from inngest_asgi.engine.tools import Step
from inngest_asgi.engine.tools_sync import StepSync

TOOLS = [name for name in vars(Step) if not name.startswith("_")]


def parameters(tool: Any) -> list[tuple[str, Any, Any]]:
    return [
        (one.name, one.kind, one.default) for one in inspect.signature(tool).parameters.values()
    ]


def test_both_colours_have_the_same_tools() -> None:
    assert [name for name in vars(StepSync) if not name.startswith("_")] == TOOLS


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_takes_the_same_in_both_colours(name: str) -> None:
    assert parameters(getattr(Step, name)) == parameters(getattr(StepSync, name))


@pytest.mark.parametrize("name", TOOLS)
def test_only_one_colour_is_awaited(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(Step, name))
    assert not inspect.iscoroutinefunction(getattr(StepSync, name))
