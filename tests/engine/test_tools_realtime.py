"""Realtime steps: what is published, where, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.outcomes import Raised
from inngest_asgi.errors import ConfigError
from tests.engine.calls import Request, Shell, Tools, shown, wire_ops

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Progress:
    """A topic, as users may write one."""

    channel: str
    name: str = "progress"


USES: list[Any] = [
    pytest.param(lambda step: step.realtime.publish("t", Progress("user:1"), [1]), id="topic"),
    pytest.param(
        lambda step: step.realtime.publish("t", "progress", [1], channel="user:1"), id="names"
    ),
    pytest.param(
        lambda step: step.realtime.publish("t", channel="user:1", topic="progress", data=[1]),
        id="keywords",
    ),
]


def publishing(use: Callable[[Any], Any]) -> Any:
    async def program(tools: Tools) -> Any:
        return await use(tools.step)

    return program


@pytest.mark.parametrize("use", USES)
def test_a_message_is_published_and_recorded(
    shell: Shell, tools: Tools, use: Callable[[Any], Any]
) -> None:
    (op,) = wire_ops(shell(publishing(use), Request(), tools))
    assert tools.sent == [("user:1", "progress", [1])]
    assert (op["op"], op["data"]) == ("StepRun", [1])
    assert op["opts"] == {"type": "step.realtime.publish"}


def test_a_message_is_planned_like_any_step(shell: Shell, tools: Tools) -> None:
    use = USES[0].values[0]
    (op,) = wire_ops(shell(publishing(use), Request(plan_only=True), tools))
    assert (op["op"], op["opts"]) == ("StepPlanned", {"type": "step.realtime.publish"})
    assert tools.sent == []


@pytest.mark.parametrize("use", USES)
def test_a_message_is_not_published_again(
    shell: Shell, tools: Tools, use: Callable[[Any], Any]
) -> None:
    outcome = shell(publishing(use), Request(memos={"t": {"data": [1]}}), tools)
    assert (shown(outcome), tools.sent) == ({"returned": [1]}, [])


@pytest.mark.parametrize(
    ("topic", "options", "said"),
    [
        pytest.param("progress", {}, "channel is None; name it", id="no-channel"),
        pytest.param("progress", {"channel": ""}, "channel is ''", id="empty-channel"),
        pytest.param("progress", {"channel": 5}, "channel is 5", id="number"),
        pytest.param("progress", {"channel": "\ud800"}, "channel is", id="surrogate"),
        pytest.param("", {"channel": "c"}, "topic is ''", id="empty-topic"),
        pytest.param("$run", {"channel": "c"}, "not begin with", id="a-servers-own"),
        pytest.param(None, {"channel": None}, "topic is None", id="no-topic"),
        pytest.param(Progress(""), {}, "channel is ''", id="topic-without-channel"),
        pytest.param(Progress("c"), {"channel": "c"}, "leave channel out", id="two-channels"),
    ],
)
def test_a_place_that_is_none_is_refused(
    shell: Shell, tools: Tools, topic: Any, options: dict[str, Any], said: str
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.realtime.publish("tell", topic, 1, **options)

    outcome = shell(program, Request(), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, ConfigError)
    assert str(outcome.error).startswith("step.realtime.publish('tell'): ")
    assert said in str(outcome.error)
