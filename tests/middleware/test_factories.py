"""What makes middleware: checked when it is given, and when it is used."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.middleware.base import Middleware, MiddlewareSync
from inngest_asgi.middleware.factories import check_factory, checked_factories, made


class Plain(Middleware):
    pass


class Blocking(MiddlewareSync):
    pass


class Wanting(Middleware):
    def __init__(self, client: Any) -> None:
        super().__init__(client, None)


class Raising(Middleware):
    def __init__(self, client: Any, raw_request: object) -> None:
        raise KeyError("DATABASE_URL")


def factory(client: Any, raw_request: object) -> Middleware:
    return Plain(client, raw_request)


def configured(client: Any, raw_request: object, *, level: int) -> Middleware:
    return Plain(client, (raw_request, level))


async def async_factory(client: Any, raw_request: object) -> Middleware:
    return Plain(client, raw_request)


@pytest.mark.parametrize(
    "given",
    [Plain, Blocking, factory, functools.partial(configured, level=1), lambda a, b: Plain(a, b)],
    ids=["class", "blocking class", "function", "partial", "lambda"],
)
def test_classes_and_functions_make_middleware(given: Any) -> None:
    (checked,) = checked_factories([given], "Inngest: middleware")
    (member,) = made([checked], "client", "request")
    assert member.client == "client"
    assert member.raw_request in ("request", ("request", 1))


@pytest.mark.parametrize("given", [None, [], ()], ids=repr)
def test_there_may_be_none(given: Any) -> None:
    assert checked_factories(given, "Inngest: middleware") == ()


def test_the_order_is_kept() -> None:
    assert checked_factories([Plain, factory], "Inngest: middleware") == (Plain, factory)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Plain, "middleware is Plain; pass a list"),
        ("Plain", "middleware is 'Plain'; pass a list"),
        ([Plain("client", None)], r"middleware\[0\] is an instance of Plain; pass the class"),
        ([factory, "Plain"], r"middleware\[1\] is 'Plain'; pass a class derived from Middleware"),
        ([dict], r"middleware\[0\] is dict, which is no Middleware"),
        ([Wanting], r"Wanting, which takes \(client: 'Any'\) -> 'None'; it is called with two"),
        ([configured], "configured, which takes"),
        ([async_factory], "async_factory; pass a class"),
    ],
    ids=[
        "no list",
        "text",
        "instance",
        "text in a list",
        "other class",
        "other signature",
        "missing argument",
        "async function",
    ],
)
def test_what_makes_none_is_refused_at_once(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        checked_factories(given, "Inngest: middleware")


def test_what_tells_no_signature_is_taken_as_it_is() -> None:
    check_factory(iter, "middleware")


def test_one_that_cannot_be_made_is_named_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="Raising could not be made: KeyError: 'DATABASE_URL'"):
        made([Plain, Raising], "client", None)


def test_a_function_that_makes_something_else_is_named() -> None:
    def wrong(client: Any, raw_request: object) -> Any:
        return "middleware"

    with pytest.raises(ConfigError, match="wrong made 'middleware'; pass a class"):
        made([wrong], "client", None)


def test_what_ends_programs_is_not_taken_for_a_mistake() -> None:
    def leaving(client: Any, raw_request: object) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made([leaving], "client", None)
