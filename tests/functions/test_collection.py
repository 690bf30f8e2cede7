"""The functions of an application: found by either id, refused when two would be one."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.collection import FunctionIndex
from inngest_asgi.functions.declare import declare
from tests.functions.declaring import PAID, URL, declared, handle, handle_sync


class Charge:
    def __call__(self, ctx: object) -> object:
        return ctx


PAY = declared(fn_id="pay", on_failure=handle_sync)
SHIP = declared(fn_id="ship")
STRANGER = declare("post", fn_id="ship", trigger=PAID)(handle)


@pytest.mark.parametrize(
    ("fn_id", "found"),
    [
        pytest.param("shop-pay", PAY, id="full-id"),
        pytest.param("pay", PAY, id="local-id"),
        pytest.param("shop-pay-failure", PAY.failure, id="failure"),
        pytest.param("pay-failure", PAY.failure, id="failure-by-local-id"),
        pytest.param("shop-ship", SHIP, id="second"),
        pytest.param("shop-none", None, id="unknown"),
        pytest.param("", None, id="empty"),
    ],
)
def test_a_function_is_found_by_either_id(fn_id: str, found: Any) -> None:
    assert FunctionIndex("shop", [PAY, SHIP]).find(fn_id) is found


def test_an_id_that_reads_both_ways_is_read_as_the_full_one() -> None:
    short, long = declared(fn_id="pay"), declared(fn_id="shop-pay")
    index = FunctionIndex("shop", [long, short])
    assert (index.find("shop-pay"), index.find("shop-shop-pay")) == (short, long)


def test_functions_keep_their_order_and_hide_failure_functions() -> None:
    assert FunctionIndex("shop", iter([SHIP, PAY])).functions == (SHIP, PAY)


def test_records_are_those_of_all_functions() -> None:
    records = FunctionIndex("shop", [PAY, SHIP]).records(URL)
    assert [record["id"] for record in records] == ["shop-pay", "shop-pay-failure", "shop-ship"]


def test_an_index_may_start_empty() -> None:
    index = FunctionIndex("shop")
    index.add(PAY)
    assert index.functions == (PAY,)


def test_no_functions_are_nothing_to_serve() -> None:
    with pytest.raises(ConfigError, match=r"^App 'shop' has no functions to serve; declare one"):
        FunctionIndex.of("shop", [])


def test_functions_to_serve_are_indexed() -> None:
    assert FunctionIndex.of("shop", [PAY]).find("pay") is PAY


@pytest.mark.parametrize(
    ("functions", "sentence"),
    [
        pytest.param(
            [PAY, declared(handle_sync, fn_id="pay")],
            "Two functions have the id 'shop-pay': tests.functions.declaring.handle and "
            "tests.functions.declaring.handle_sync; give one of them another fn_id.",
            id="same-id",
        ),
        pytest.param(
            [PAY, declared(fn_id="pay-failure")],
            "Two functions have the id 'shop-pay-failure': tests.functions.declaring.handle_sync "
            "and tests.functions.declaring.handle; give one of them another fn_id.",
            id="id-of-a-failure-function",
        ),
        pytest.param(
            [declared(fn_id="pay-failure"), PAY],
            "Two functions have the id 'shop-pay-failure': tests.functions.declaring.handle and "
            "tests.functions.declaring.handle_sync; give one of them another fn_id.",
            id="failure-function-with-a-taken-id",
        ),
        pytest.param(
            [PAY, declared(functools.partial(Charge()), fn_id="pay")],
            "Two functions have the id 'shop-pay': tests.functions.declaring.handle and "
            "tests.functions.test_collection.Charge; give one of them another fn_id.",
            id="partial-of-an-object",
        ),
        pytest.param(
            [PAY, PAY], "Function 'shop-pay' is listed twice; list it once.", id="listed-twice"
        ),
        pytest.param(
            [STRANGER],
            "Function 'post-ship' (tests.functions.declaring.handle) belongs to the app 'post', "
            "not to 'shop'; declare it with this app's client.",
            id="another-app",
        ),
        pytest.param(
            [handle_sync],
            f"App 'shop' was given {handle_sync!r} as a function; pass what "
            "@client.create_function(...) returned.",
            id="plain-function",
        ),
    ],
)
def test_a_refusal_names_the_functions(functions: list[Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as raised:
        FunctionIndex("shop", functions)
    assert str(raised.value) == sentence


def test_a_refused_function_leaves_nothing_behind() -> None:
    index = FunctionIndex("shop", [declared(fn_id="pay-failure")])
    with pytest.raises(ConfigError, match="shop-pay-failure"):
        index.add(PAY)
    assert (index.find("shop-pay"), len(index.functions)) == (None, 1)
