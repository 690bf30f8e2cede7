"""Declaring functions: colours, result types, and refusals that name the function."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from inngest_asgi.engine.results import ResultType
from inngest_asgi.errors import ConfigError, OutputError
from inngest_asgi.functions.declare import declare
from tests.functions.declaring import PAID, declared, handle, handle_sync


class Receipt(BaseModel):
    total: int


def receipt(_ctx: Any) -> Receipt:
    return Receipt(total=5)


def anything(_ctx: Any) -> Any:
    return {"total": "five"}


@pytest.mark.parametrize(
    ("handler", "colour"), [(handle, True), (handle_sync, False)], ids=["async", "blocking"]
)
def test_the_colour_is_that_of_the_handler(handler: Any, colour: object) -> None:
    assert declared(handler).is_handler_async is colour


@pytest.mark.parametrize("handler", [handle, handle_sync], ids=["async", "blocking"])
@pytest.mark.parametrize(
    ("on_failure", "colour"), [(handle, True), (handle_sync, False)], ids=["async", "blocking"]
)
def test_the_failure_function_has_a_colour_of_its_own(
    handler: Any, on_failure: Any, colour: object
) -> None:
    pay = declared(handler, on_failure=on_failure)
    assert pay.failure is not None
    assert (pay.failure.is_handler_async, pay.failure.handler) == (colour, on_failure)


def test_an_async_handler_stays_callable() -> None:
    assert asyncio.run(declared(handle).handler(None)) == "async"


def test_a_blocking_handler_stays_callable() -> None:
    assert declared(handle_sync).handler(None) == "blocking"


def test_one_declaration_may_take_several_handlers() -> None:
    declaration = declare("shop", fn_id="pay", trigger=PAID)
    assert [declaration(handle).handler, declaration(handle_sync).handler] == [handle, handle_sync]


def test_the_output_is_rebuilt_to_the_annotation() -> None:
    output = declared(receipt).output
    assert output.load({"total": 5}, what="Function") == Receipt(total=5)


def test_an_output_type_is_strict() -> None:
    output = declared(anything, output_type=Receipt).output
    with pytest.raises(OutputError, match="total"):
        output.load({"total": "five"}, what="Function")


def test_the_failure_function_has_no_share_in_the_output_type() -> None:
    pay = declared(receipt, output_type=Receipt, on_failure=anything)
    assert pay.failure is not None
    assert isinstance(pay.failure.output, ResultType)
    assert pay.failure.output.load({"total": "five"}, what="Function") == {"total": "five"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(
            {"fn_id": ""},
            "App 'shop', function '': fn_id is empty; pass a string that says something.",
            id="empty-id",
        ),
        pytest.param(
            {"fn_id": 5}, "App 'shop', function 5: fn_id is 5; pass a string.", id="number-as-id"
        ),
        pytest.param(
            {"fn_id": "pay "},
            "App 'shop', function 'pay ': fn_id is 'pay '; remove the white space around it.",
            id="space-in-id",
        ),
        pytest.param(
            {"name": ""},
            "Function 'shop-pay': name is empty; pass a string that says something.",
            id="empty-name",
        ),
        pytest.param(
            {"name": "x" * 256},
            "Function 'shop-pay': name has 256 characters; 255 are allowed.",
            id="long-name",
        ),
        pytest.param(
            {"description": 5},
            "Function 'shop-pay': description is 5; pass a string.",
            id="description",
        ),
        pytest.param(
            {"retries": 21},
            "Function 'shop-pay': retries is 21; pass a whole number from 0 to 20.",
            id="retries",
        ),
        pytest.param(
            {"retries": "3"},
            "Function 'shop-pay': retries is '3'; pass a whole number from 0 to 20.",
            id="retries-as-text",
        ),
        pytest.param(
            {"on_failure": lambda: None},
            "Function 'shop-pay': on_failure is declared with the arguments (), but is called with "
            "one, the context; write `def handler(ctx)`, and reach steps as `ctx.step`.",
            id="failure-handler-without-argument",
        ),
        pytest.param(
            {"on_failure": "handle"},
            "Function 'shop-pay': on_failure is 'handle'; pass a function, `async def` or `def`.",
            id="failure-handler-as-text",
        ),
        pytest.param(
            {"output_type": 5},
            "Function 'shop-pay': output_type is 5, of which pydantic can make nothing; pass a "
            "type it knows, such as a BaseModel or list[int].",
            id="output-type",
        ),
    ],
)
def test_a_refusal_names_function_and_field(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        declared(**options)
    assert str(raised.value) == sentence


def test_a_handler_that_is_a_function_already_is_refused() -> None:
    pay = declared()
    with pytest.raises(ConfigError, match=r"'shop-pay': the handler is <Function shop-pay>; pass"):
        declared(pay)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="retrys"):
        declared(retrys=3)


@pytest.mark.parametrize("option", ["checkpointing"])
def test_an_option_that_does_nothing_yet_is_no_argument(option: str) -> None:
    with pytest.raises(TypeError, match=option):
        declared(**{option: None})
