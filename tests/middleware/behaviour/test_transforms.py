"""What hooks may change of what goes into a call and of what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

import inngest_asgi as inngest
from inngest_asgi.engine.ids import hash_id
from tests.middleware.behaviour.hooks import (
    COLOURS,
    DONE,
    FAILED,
    body,
    failing,
    failing_step,
    one_step,
    overriding,
    plain,
    served,
    sleeping,
    two_steps,
)
from tests.middleware.tracing import traced
from tests.runtime.running import document_of

if TYPE_CHECKING:
    from inngest_asgi.middleware import StepInfo

colours = pytest.mark.parametrize("colour", COLOURS)


# What transform_input may change.


@colours
def test_the_context_may_get_more(colour: str) -> None:
    async def reading(ctx: Any) -> Any:
        return ctx.shop

    def add(ctx: Any, function: Any, steps: Any) -> None:
        ctx.shop = function.id

    reply = served(reading, colour, middleware=[overriding(transform_input=add)]).call()
    assert document_of(reply) == "shop-pay"


@colours
def test_what_steps_gave_may_be_changed(colour: str) -> None:
    def change(ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
        assert steps.size == 2
        first, second = steps.values()
        assert first.id == hash_id("a")
        first.data = "changed"
        second.error = None
        second.data = [first.data]

    app = served(two_steps, colour, middleware=[overriding(transform_input=change)])
    assert document_of(app.call({"a": DONE, "b": FAILED})) == ["changed"]


class Order(BaseModel):
    total: int


@colours
def test_events_are_validated_when_hooks_have_changed_them(colour: str) -> None:
    ordered = inngest.EventType("shop/ordered", Order)

    def decrypt(ctx: Any, function: Any, steps: Any) -> None:
        assert ctx.event.data == {"order": 7}
        for event in (ctx.event, *ctx.events):
            event.data = {"total": event.data["order"]}

    async def reading(ctx: Any) -> Any:
        return [ctx.event.data.total, ctx.events[0].data.total]

    hooks = [overriding(transform_input=decrypt)]
    app = served(reading, colour, middleware=hooks, trigger=ordered)
    assert document_of(app.call()) == [7, 7]


@colours
def test_events_of_another_type_fail_the_function_for_good(colour: str) -> None:
    ordered = inngest.EventType("shop/ordered", Order)
    reply = served(plain, colour, middleware=[traced([])], trigger=ordered).call()
    assert reply.status == 400
    assert "data.total" in document_of(reply)["message"]


# What hooks may do to results.


def shout(result: inngest.TransformOutputResult) -> None:
    if result.has_output():
        result.output = {"shouted": result.output}


@colours
def test_what_a_function_returns_may_be_changed(colour: str) -> None:
    app = served(plain, colour, middleware=[overriding(transform_output=shout)])
    assert document_of(app.call()) == {"shouted": {"plain": True}}


@colours
def test_what_a_step_returns_may_be_changed_before_it_is_recorded(colour: str) -> None:
    app = served(one_step, colour, middleware=[overriding(transform_output=shout)])
    assert document_of(app.call())[0]["data"] == {"shouted": 1}


@colours
def test_hooks_see_results_as_json(colour: str) -> None:
    async def typed(ctx: Any) -> Order:
        return Order(total=7)

    seen: list[Any] = []
    hooks = overriding(transform_output=lambda result: seen.append(result.output))
    served(typed, colour, middleware=[hooks], output_type=Order).call()
    assert seen == [{"total": 7}]


@colours
@pytest.mark.parametrize("program", [failing, failing_step], ids=["function", "step"])
def test_an_error_may_become_another_one(program: Any, colour: str) -> None:
    def turn(result: inngest.TransformOutputResult) -> None:
        assert not result.has_output()
        assert isinstance(result.error, ValueError)
        result.error = inngest.NonRetriableError("turned")

    reply = served(program, colour, middleware=[overriding(transform_output=turn)]).call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert b"turned" in reply.body


@colours
@pytest.mark.parametrize(
    ("program", "shown"),
    [(failing, b'"saved"'), (failing_step, b'"data":"saved"')],
    ids=["function", "step"],
)
def test_an_error_may_become_a_result(program: Any, shown: bytes, colour: str) -> None:
    def save(result: inngest.TransformOutputResult) -> None:
        result.error, result.output = None, "saved"

    reply = served(program, colour, middleware=[overriding(transform_output=save)]).call()
    assert shown in reply.body


@colours
def test_an_error_that_is_taken_away_leaves_nothing(colour: str) -> None:
    def drop(result: inngest.TransformOutputResult) -> None:
        result.error = None

    reply = served(failing, colour, middleware=[overriding(transform_output=drop)]).call()
    assert (reply.status, reply.body) == (200, b"null")


@colours
@pytest.mark.parametrize("program", [plain, one_step], ids=["function", "step"])
def test_a_result_that_is_no_json_any_more_is_an_error_for_good(program: Any, colour: str) -> None:
    def spoil(result: inngest.TransformOutputResult) -> None:
        result.output = {1, 2}

    reply = served(program, colour, middleware=[overriding(transform_output=spoil)]).call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert b"A transform_output hook left a value that cannot be recorded" in reply.body


@colours
@pytest.mark.parametrize("program", [plain, one_step], ids=["function", "step"])
def test_output_that_cannot_be_json_comes_to_the_hooks_as_an_error(
    program: Any, colour: str
) -> None:
    errors: list[Any] = []

    async def returning_a_set(ctx: Any) -> Any:
        return await ctx.step.run("a", body, {1}) if program is one_step else {1}

    hooks = overriding(transform_output=lambda result: errors.append(result.error))
    served(returning_a_set, colour, middleware=[hooks]).call()
    assert ["cannot be recorded" in str(error) for error in errors] == [True]


@colours
def test_the_options_of_a_lone_step_may_be_changed_in_place(colour: str) -> None:
    seen: list[StepInfo] = []

    def lengthen(result: inngest.TransformOutputResult) -> None:
        assert result.step is not None
        seen.append(result.step)
        result.step.opts["duration"] = "2h"

    app = served(sleeping, colour, middleware=[overriding(transform_output=lengthen)])
    (op,) = document_of(app.call())
    assert op["opts"] == {"duration": "2h"}
    assert [(step.id, step.op) for step in seen] == [("nap", "Sleep")]


@colours
def test_options_may_all_be_taken_away(colour: str) -> None:
    def clear(result: inngest.TransformOutputResult) -> None:
        assert result.step is not None
        result.step.opts.clear()

    app = served(sleeping, colour, middleware=[overriding(transform_output=clear)])
    (op,) = document_of(app.call())
    assert "opts" not in op


@colours
def test_a_hook_may_make_an_error_of_a_step_to_be_reported(colour: str) -> None:
    def refuse(result: inngest.TransformOutputResult) -> None:
        result.error = ValueError("no naps")

    reply = served(sleeping, colour, middleware=[overriding(transform_output=refuse)]).call()
    assert (reply.status, document_of(reply)["message"]) == (500, "no naps")


@colours
def test_the_recorded_input_may_be_changed_apart_from_the_arguments(colour: str) -> None:
    def hide(result: inngest.TransformOutputResult) -> None:
        assert result.step is not None
        result.step.opts["input"] = ["hidden"]

    app = served(one_step, colour, middleware=[overriding(transform_output=hide)])
    (op,) = document_of(app.call())
    assert (op["data"], op["opts"]) == (1, {"input": ["hidden"]})
