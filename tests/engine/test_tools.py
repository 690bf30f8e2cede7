"""The tools: what they announce, what they give back, what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.outcomes import Raised
from inngest_asgi.errors import ConfigError, OutputError
from inngest_asgi.wire.events import Event
from tests.engine.calls import Request, Shell, Tools, data, shown, wire_ops
from tests.engine.result_types import ORDER, Order

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)
RECORDED = ORDER.model_dump(mode="json")


class Unknown:
    """A class that pydantic can make nothing of."""


def order() -> Order:
    return ORDER


def plain_order() -> Any:
    return ORDER


@pytest.mark.parametrize(
    ("use", "opts"),
    [
        pytest.param(lambda step: step.sleep("a", "90s"), {"duration": "1m30s"}, id="text"),
        pytest.param(
            lambda step: step.sleep("a", timedelta(days=8)), {"duration": "1w1d"}, id="timedelta"
        ),
        pytest.param(lambda step: step.sleep("a", 2500), {"duration": "2s500ms"}, id="number"),
        pytest.param(
            lambda step: step.sleep_until("a", MOMENT),
            {"duration": "2026-01-02T03:04:05.678Z"},
            id="until",
        ),
    ],
)
def test_a_sleep_says_how_long(
    shell: Shell, tools: Tools, use: Callable[[Any], Any], opts: dict[str, Any]
) -> None:
    async def program(tools: Tools) -> Any:
        await use(tools.step)

    ops = wire_ops(shell(program, Request(), tools))
    assert [(one["op"], one["name"], one["opts"]) for one in ops] == [("Sleep", "a", opts)]


def test_sending_says_what_kind_of_step_it_is(shell: Shell, tools: Tools) -> None:
    async def program(tools: Tools) -> Any:
        await tools.step.send_event("a", Event(name="e"))

    ops = wire_ops(shell(program, Request(), tools))
    assert ops[0]["opts"] == {"type": "step.sendEvent"}


@pytest.mark.parametrize(
    ("body", "options"),
    [
        pytest.param(order, {}, id="annotation"),
        pytest.param(plain_order, {"output_type": Order}, id="output-type"),
    ],
)
@pytest.mark.parametrize(
    "memos", [data(a=RECORDED), {"b": None, **data(a=RECORDED)}], ids=["next", "out-of-order"]
)
def test_a_result_is_rebuilt_to_its_type(
    shell: Shell, tools: Tools, body: Any, options: Any, memos: dict[str, Any]
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", body, **options)

    assert shown(shell(program, Request(memos), tools)) == {"returned": ORDER}


def test_a_result_of_another_type_than_the_explicit_one_fails_the_step(
    shell: Shell, tools: Tools
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", tools.body("a"), output_type=Order)

    assert shown(shell(program, Request(), tools)) == ["StepFailed a ! OutputError"]


def test_a_memo_of_another_type_than_the_explicit_one_is_an_error(
    shell: Shell, tools: Tools
) -> None:
    async def program(tools: Tools) -> Any:
        return await tools.step.run("a", tools.body("a"), output_type=Order)

    outcome = shell(program, Request(data(a=5)), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, OutputError)


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda step: step.run("", len), id="empty-id"),
        pytest.param(lambda step: step.run(7, len), id="number-for-id"),
        pytest.param(lambda step: step.run("\ud83d", len), id="half-a-surrogate-pair"),
        pytest.param(lambda step: step.run("a", "b"), id="no-function"),
        pytest.param(lambda step: step.run("a", len, output_type=Unknown), id="output-type"),
        pytest.param(lambda step: step.sleep("a", "soon"), id="duration"),
        pytest.param(lambda step: step.sleep_until("a", "2026-01-01"), id="moment"),
        pytest.param(lambda step: step.send_event(None, []), id="send-without-id"),
    ],
)
def test_a_wrong_use_is_refused_at_the_step(
    shell: Shell, tools: Tools, use: Callable[[Any], Any]
) -> None:
    async def program(tools: Tools) -> Any:
        await use(tools.step)

    outcome = shell(program, Request(), tools)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, ConfigError)
