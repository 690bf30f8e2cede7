"""`create_function` has the options of `declare`, and keeps what it declares."""

from __future__ import annotations

import inspect

import pytest

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.engine.context import Context, ContextSync  # noqa: TC001 - handlers are read
from inngest_asgi.errors import ConfigError
from inngest_asgi.functions.declare import declare
from inngest_asgi.functions.triggers import TriggerEvent

PLACED = TriggerEvent(event="shop/order.placed")


async def pay(ctx: Context) -> int:
    return 1


def ship(ctx: ContextSync) -> str:
    return ctx.run_id


@pytest.fixture
def client() -> Inngest:
    return Inngest("shop")


def test_the_options_are_those_of_declare() -> None:
    own = inspect.signature(Inngest.create_function).parameters
    theirs = inspect.signature(declare).parameters
    assert [*own][1:] == [*theirs][1:]
    assert [*own.values()][1:] == [*theirs.values()][1:]


def test_a_client_s_method_shows_only_the_options(client: Inngest) -> None:
    assert [*inspect.signature(client.create_function).parameters][:2] == ["fn_id", "trigger"]


def test_every_option_is_explained() -> None:
    explained = inspect.getdoc(Inngest.create_function) or ""
    options = [*inspect.signature(declare).parameters][1:]
    assert [name for name in options if f"\n    {name}: " not in explained] == []


def test_a_declared_function_is_kept_in_order(client: Inngest) -> None:
    first = client.create_function(fn_id="pay", trigger=PLACED, retries=2)(pay)
    second = client.create_function(fn_id="ship", trigger=PLACED)(ship)
    assert client.functions == (first, second)
    assert [one.id for one in client.functions] == ["shop-pay", "shop-ship"]
    assert (first.retries, first.handler) == (2, pay)


def test_an_unfinished_declaration_keeps_nothing(client: Inngest) -> None:
    client.create_function(fn_id="pay", trigger=PLACED)
    assert client.functions == ()


def test_a_duplicate_id_names_both_places(client: Inngest) -> None:
    client.create_function(fn_id="pay", trigger=PLACED)(pay)
    with pytest.raises(ConfigError, match=r"shop-pay'.*\.pay and .*\.ship;"):
        client.create_function(fn_id="pay", trigger=PLACED)(ship)
    assert len(client.functions) == 1


def test_the_id_of_a_failure_function_is_taken_too(client: Inngest) -> None:
    client.create_function(fn_id="pay", trigger=PLACED, on_failure=ship)(pay)
    with pytest.raises(ConfigError, match="shop-pay-failure"):
        client.create_function(fn_id="pay-failure", trigger=PLACED)(pay)


def test_two_clients_may_use_one_id() -> None:
    for app_id in ("shop", "bank"):
        client = Inngest(app_id)
        client.create_function(fn_id="pay", trigger=PLACED)(pay)
        assert client.functions[0].id == f"{app_id}-pay"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"trigger": PLACED}, "create_function: .* 'fn_id'", id="no-id"),
        pytest.param({"fn_id": "pay"}, "fn_id='pay'.* 'trigger'", id="missing"),
        pytest.param(
            {"fn_id": "pay", "trigger": PLACED, "retry": 1},
            "fn_id='pay'.* 'retry'; it takes .* retries,",
            id="unknown",
        ),
        pytest.param({"fn_id": "", "trigger": PLACED}, "fn_id", id="wrong"),
    ],
)
def test_bad_options_are_named(client: Inngest, options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        client.create_function(**options)  # type: ignore[arg-type]


def test_a_positional_option_is_refused(client: Inngest) -> None:
    with pytest.raises(ConfigError, match="positional"):
        client.create_function("pay", trigger=PLACED)  # type: ignore[call-arg]
