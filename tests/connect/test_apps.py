"""The applications of a worker: how they are given, and which cannot share a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from inngest_asgi.connect.apps import check_together, runtimes_of
from inngest_asgi.errors import ConfigError
from inngest_asgi.runtime.threads import Threads
from inngest_asgi.testing import ManualClock
from tests.routes.asking import FALLBACK, KEY, ORDERED

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.runtime.execute import Runtime


def client_of(app_id: str = "shop", **options: Any) -> inngest.Inngest:
    client = inngest.Inngest(app_id, **({"is_production": False} | options))

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> None: ...

    @client.create_function(fn_id="ship", trigger=ORDERED)
    async def ship(ctx: inngest.Context) -> None: ...

    return client


def runtimes(apps: Any) -> tuple[Runtime, ...]:
    return runtimes_of(apps, Threads(None, lambda: 1), ManualClock(0))


@pytest.mark.parametrize(
    ("app", "functions"),
    [
        pytest.param(lambda client: client, ["pay", "ship"], id="a client"),
        pytest.param(lambda client: (client, None), ["pay", "ship"], id="all of them"),
        pytest.param(lambda client: (client, client.functions[1:]), ["ship"], id="some"),
    ],
)
def test_an_app_is_a_client_and_its_functions(
    app: Callable[[inngest.Inngest], Any], functions: list[str]
) -> None:
    (runtime,) = runtimes([app(client_of())])
    assert [one.local_id for one in runtime.index.functions] == functions


SHOP = client_of()


@pytest.mark.parametrize(
    ("apps", "message"),
    [
        pytest.param(SHOP, "pass a list", id="a client alone"),
        pytest.param((SHOP, None), "pass a list", id="a pair alone"),
        pytest.param(7, "pass a list", id="no list"),
        pytest.param([], "there is no app", id="none"),
        pytest.param(["shop"], "'shop' is no app", id="a name"),
        pytest.param([(SHOP,)], "is no app", id="half a pair"),
        pytest.param([("shop", None)], "is no app", id="a pair without a client"),
        pytest.param([SHOP, client_of()], "'shop' is listed twice", id="twice"),
        pytest.param([(SHOP, [])], "has no functions", id="without functions"),
    ],
)
def test_what_is_no_app_gets_a_sentence(apps: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        runtimes(apps)


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [
        pytest.param({"env": "a"}, {"env": "b"}, "in environment,", id="environment"),
        pytest.param(
            {"api_base_url": "http://a"}, {"api_base_url": "http://b"}, "in server,", id="server"
        ),
        pytest.param(
            {"is_production": True, "signing_key": KEY},
            {"is_production": True, "signing_key": FALLBACK},
            "in signing keys,",
            id="keys",
        ),
        pytest.param(
            {"api_base_url": "http://a"},
            {"api_base_url": "http://a", "is_production": True, "signing_key": KEY},
            r"in mode \(cloud or dev\) and signing keys,",
            id="mode",
        ),
    ],
)
def test_apps_that_differ_cannot_share_a_connection(
    left: dict[str, Any], right: dict[str, Any], difference: str
) -> None:
    apps = [client_of("shop", **left), client_of("bakery", **right)]
    with pytest.raises(ConfigError, match=f"'shop' and 'bakery' differ {difference}") as raised:
        check_together(runtimes(apps))
    assert KEY.rpartition("-")[2] not in str(raised.value)


def test_apps_that_agree_share_a_connection() -> None:
    check_together(runtimes([client_of("shop"), client_of("bakery", signing_key=KEY)]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"env": "a\nb"}, "cannot be sent as a header", id="environment"),
        pytest.param({"api_base_url": "nowhere"}, "absolute URL", id="server"),
        pytest.param({"signing_key": "signkey-test-xyz"}, "hexadecimal", id="key"),
        pytest.param(
            {"is_production": True, "signing_key": "signkey-branch-1234"},
            "set INNGEST_ENV",
            id="a branch without a name",
        ),
    ],
)
def test_what_is_configured_wrongly_is_told_at_the_start(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INNGEST_ENV", raising=False)
    with pytest.raises(ConfigError, match=message):
        check_together(runtimes([client_of(**options)]))


def test_a_branch_with_a_name_is_fine() -> None:
    client = client_of(is_production=True, signing_key="signkey-branch-1234", env="blue")
    check_together(runtimes([client]))


def test_a_client_without_functions_has_nothing_to_run() -> None:
    with pytest.raises(ConfigError, match="'shop' has no functions to run"):
        check_together(runtimes([inngest.Inngest("shop", is_production=False)]))
