"""Ops: their JSON byte by byte, bodies called, memos rebuilt, mistakes refused."""

from __future__ import annotations

import asyncio
import functools
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.engine.ops import (
    SCOPE,
    NestedStep,
    Op,
    Scope,
    enter,
    is_async,
    run_op,
    send_event_op,
    sleep_op,
    sleep_until_op,
    wrap_op,
)
from inngest_asgi.engine.results import UNSET
from inngest_asgi.errors import ConfigError, StepError
from inngest_asgi.wire.codec import dumps, embed
from inngest_asgi.wire.events import Event
from inngest_asgi.wire.names import ErrorCode, Opcode
from inngest_asgi.wire.replies import ErrorRecord

if TYPE_CHECKING:
    from collections.abc import Callable


async def send(_: Any) -> list[str]:
    return ["01J"]


def two(*args: Any, **kwargs: Any) -> Any:
    return [*args, kwargs]


def run(step_id: str = "a", handler: Any = two, output_type: Any = UNSET) -> Op:
    op = run_op(step_id, handler, (1,), {"k": 2}, output_type)
    op.id, op.index = "h", 0
    return op


def announced(op: Op, index: int = 0, *, race: bool = False) -> Op:
    op.id, op.index, op.race = "h", index, race
    return op


HEAD = '"id":"h","name":"a","displayName":"a","userland":{"id":"a","index":0}'
INPUT = '"opts":{"input":[1]}'
TIMING = '"timing":{"a":1735689600000000000,"b":1500000}'
STARTED, ENDED = 1_735_689_600_000_000_000, 1_735_689_600_001_500_000
ERROR = ErrorRecord(name="ValueError", message="no", stack="at x", code=ErrorCode.UNKNOWN)
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        pytest.param(
            run().ran(embed({"x": 1}), STARTED, ENDED),
            f'{{"op":"StepRun",{HEAD},"data":{{"x":1}},{TIMING},{INPUT}}}',
            id="StepRun",
        ),
        pytest.param(run().unrun(), f'{{"op":"StepPlanned",{HEAD},{INPUT}}}', id="StepPlanned"),
        pytest.param(
            run().failed(Opcode.STEP_ERROR, ERROR, STARTED, ENDED),
            f'{{"op":"StepError",{HEAD},'
            f'"error":{{"message":"no","name":"ValueError","stack":"at x"}},{TIMING},{INPUT}}}',
            id="StepError",
        ),
        pytest.param(
            run().failed(Opcode.STEP_FAILED, ERROR, STARTED, ENDED),
            f'{{"op":"StepFailed",{HEAD},'
            f'"error":{{"message":"no","name":"ValueError","stack":"at x"}},{TIMING},{INPUT}}}',
            id="StepFailed",
        ),
        pytest.param(
            announced(sleep_op("a", timedelta(minutes=90))).unrun(),
            f'{{"op":"Sleep",{HEAD},"opts":{{"duration":"1h30m"}}}}',
            id="Sleep",
        ),
        pytest.param(
            announced(sleep_until_op("a", MOMENT)).unrun(),
            f'{{"op":"Sleep",{HEAD},"opts":{{"duration":"2026-01-02T03:04:05.000Z"}}}}',
            id="Sleep-until",
        ),
        pytest.param(
            announced(send_event_op("a", Event(name="e"), send)).ran(embed(["01J"]), 5, 5),
            f'{{"op":"StepRun",{HEAD},"data":["01J"],"timing":{{"a":5,"b":0}},'
            '"opts":{"type":"step.sendEvent"}}',
            id="sendEvent",
        ),
        pytest.param(
            announced(run(), race=True).unrun(),
            f'{{"op":"StepPlanned",{HEAD},"opts":{{"input":[1],"parallelMode":"race"}}}}',
            id="race-planned",
        ),
        pytest.param(
            announced(sleep_op("a", "2s"), race=True).unrun(),
            f'{{"op":"Sleep",{HEAD},"opts":{{"duration":"2s","parallelMode":"race"}}}}',
            id="race-sleep",
        ),
        pytest.param(
            announced(run(), 2).unrun(),
            '{"op":"StepPlanned","id":"h","name":"a","displayName":"a",'
            f'"userland":{{"id":"a","index":2}},{INPUT}}}',
            id="third-use",
        ),
        pytest.param(
            run().ran(embed(None), 9, 5),
            f'{{"op":"StepRun",{HEAD},"data":null,"timing":{{"a":9,"b":0}},{INPUT}}}',
            id="clock-that-went-back",
        ),
    ],
)
def test_an_op_is_written_byte_by_byte(shape: dict[str, Any], text: str) -> None:
    assert dumps(shape).decode() == text


def test_arguments_that_are_no_json_are_not_reported() -> None:
    op = run_op("a", two, ({1, 2},), {}, UNSET)
    assert "opts" not in op.unrun()


def test_arguments_larger_than_servers_take_are_not_reported() -> None:
    op = run_op("a", two, ("x" * 4 * 1024 * 1024,), {}, UNSET)
    assert "opts" not in op.unrun()


def test_the_arguments_of_a_wrapped_provider_are_reported() -> None:
    shape = wrap_op("a", two, ("hello",), {"model": "m"}).unrun()
    assert dumps(shape["opts"]) == b'{"type":"step.ai.wrap","input":["hello"]}'


def test_a_body_gets_its_arguments() -> None:
    assert run().call(None) == [1, {"k": 2}]


def test_an_override_replaces_the_arguments_and_keeps_the_keywords() -> None:
    assert run().call([8, 9]) == [8, 9, {"k": 2}]


def test_a_memo_is_rebuilt_to_the_annotation() -> None:
    def when() -> datetime:
        return MOMENT

    assert run(handler=when).rebuild({"data": "2026-01-02T03:04:05Z"}) == MOMENT


def test_a_recorded_failure_is_raised() -> None:
    with pytest.raises(StepError) as caught:
        run().rebuild({"error": {"name": "E", "message": "m"}})
    assert caught.value.step_id == "a"


def test_a_sleep_gives_none_whatever_was_recorded() -> None:
    assert sleep_op("a", "1s").rebuild({"data": 1}) is None


class Name(str, Enum):  # noqa: UP042 - its format differs from that of StrEnum
    A = "a"


def test_a_member_of_a_string_enum_is_a_plain_id() -> None:
    op = run(Name.A)
    assert type(op.step_id) is str
    assert f"{op.step_id}:1" == "a:1"


@pytest.mark.parametrize("step_id", ["", None, 7, b"a", two])
def test_what_is_no_step_id_is_refused(step_id: Any) -> None:
    with pytest.raises(ConfigError, match="A step id must be a string that is not empty"):
        run(step_id)


def test_a_coroutine_for_a_handler_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(ConfigError, match=r"step.run\('a', function, argument\)"):
        run(handler=send(1))


def test_a_handler_that_is_no_function_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"step.run\('a'\) needs a function to run, got 7"):
        run(handler=7)


def test_an_output_type_that_is_no_type_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"step.run\('a'\): output_type is .*pass a type"):
        run(output_type=Caller)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sleep_op("nap", "soon"), r"step.sleep\('nap'\): 'soon' is not a duration"),
        (
            lambda: sleep_op("nap", "367d"),
            r"step.sleep\('nap'\): '367d' is longer than the 366 days",
        ),
        (lambda: sleep_op("nap", -1), r"step.sleep\('nap'\): a duration cannot be negative"),
        (lambda: sleep_until_op("n", datetime(2026, 1, 1)), "has no time zone"),  # noqa: DTZ001
    ],
    ids=["no-duration", "too-long", "negative", "naive"],
)
def test_a_bad_time_names_the_step(make: Callable[[], Op], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


class Caller:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...


class BlockingCaller:
    def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        pytest.param(send, True, id="coroutine-function"),
        pytest.param(functools.partial(functools.partial(send), 1), True, id="partial"),
        pytest.param(Caller(), True, id="callable-object"),
        pytest.param(Caller().method, True, id="method"),
        pytest.param(two, False, id="function"),
        pytest.param(BlockingCaller(), False, id="blocking-object"),
        pytest.param(lambda: send(1), False, id="lambda-giving-a-coroutine"),
        pytest.param(dict, False, id="class"),
        pytest.param(len, False, id="builtin"),
    ],
)
def test_the_colour_of_a_body_is_told_without_calling_it(function: Any, *, answer: bool) -> None:
    assert is_async(function) is answer


def test_a_step_takes_over_the_race_it_is_announced_in() -> None:
    op = run()
    enter(op, Scope(race=True))
    assert op.race


def test_a_step_in_a_body_marks_the_outer_one() -> None:
    outer, inner = run("outer"), run("inner")
    with pytest.raises(NestedStep, match="Step 'inner' is used inside step 'outer'"):
        enter(inner, Scope(body_of=outer))
    assert outer.nested


def test_outside_of_all_steps_there_is_no_scope() -> None:
    assert SCOPE.get() == Scope(body_of=None, race=False)


def test_sending_passes_the_events_on() -> None:
    events = [Event(name="a"), Event(name="b")]
    op = send_event_op("a", events, send)
    assert op.args == (events,)
    assert asyncio.run(op.call(None)) == ["01J"]
