"""Signals: what is sent, and which run it woke."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from inngest_asgi.errors import ApiError, CodecError, ConfigError
from tests.client.routed import client, enveloped, refused, router
from tests.client.scripted import BEARER

if TYPE_CHECKING:
    import respx

WOKEN = enveloped({"run_id": "01JX1"})


@dataclass
class Approval:
    by: str


@pytest.fixture
def api() -> respx.MockRouter:
    return router()


def sent(api: respx.MockRouter, data: Any = None, name: Any = "approval/42") -> str | None:
    return asyncio.run(client(api).send_signal(name, data))


@pytest.mark.parametrize(
    ("data", "body"),
    [
        pytest.param({"by": "ann"}, {"by": "ann"}, id="object"),
        pytest.param(None, None, id="null"),
        pytest.param([1, "x"], [1, "x"], id="list"),
        pytest.param(Approval("ann"), {"by": "ann"}, id="dataclass"),
    ],
)
def test_a_signal_wakes_a_run(api: respx.MockRouter, data: Any, body: Any) -> None:
    route = api.post("/v1/signals").mock(WOKEN)
    assert sent(api, data) == "01JX1"
    request = route.calls.last.request
    assert json.loads(request.content) == {"signal": "approval/42", "data": body}
    assert request.headers["authorization"] == BEARER
    assert request.headers["content-type"] == "application/json"


def test_a_signal_that_nothing_waits_for(api: respx.MockRouter) -> None:
    api.post("/v1/signals").mock(refused(404, "No signal found"))
    assert sent(api) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            httpx.Response(404, text="404 page not found"), "was not sent: .* 404", id="no-route"
        ),
        pytest.param(refused(400, "Invalid signal data"), "400; it says: Invalid signal", id="400"),
        pytest.param(refused(500, "broken"), "500; it says: broken", id="500"),
        pytest.param(httpx.Response(401, text="no"), "check INNGEST_SIGNING_KEY", id="key"),
    ],
)
def test_a_refusal_says_why(api: respx.MockRouter, answer: httpx.Response, said: str) -> None:
    route = api.post("/v1/signals").mock(answer)
    with pytest.raises(ApiError, match=f"^Signal 'approval/42' .*{said}"):
        sent(api)
    assert route.call_count == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        enveloped(None),
        enveloped({}),
        enveloped({"run_id": ""}),
    ],
    ids=["page", "list", "null", "no-id", "empty-id"],
)
def test_an_answer_that_names_no_run(api: respx.MockRouter, answer: httpx.Response) -> None:
    api.post("/v1/signals").mock(answer)
    with pytest.raises(ApiError, match="did not say which run it woke"):
        sent(api)


def test_a_lost_answer_is_not_followed_by_a_second_signal(api: respx.MockRouter) -> None:
    route = api.post("/v1/signals").mock(side_effect=httpx.ReadError("lost"))
    with pytest.raises(ApiError, match=r"ReadError: lost.*inngest-asgi dev"):
        sent(api)
    assert route.call_count == 1


@pytest.mark.parametrize("name", ["", None, 5, "a\nb"], ids=repr)
def test_what_is_no_name_is_refused(api: respx.MockRouter, name: Any) -> None:
    with pytest.raises(ConfigError, match=r"^send_signal: name is"):
        sent(api, name=name)


@pytest.mark.parametrize("data", [object(), float("nan")], ids=["object", "nan"])
def test_data_that_cannot_be_json_names_the_signal(api: respx.MockRouter, data: Any) -> None:
    with pytest.raises(CodecError, match=r"^Signal 'approval/42' cannot be sent: "):
        sent(api, data)


def test_the_environment_can_be_another(api: respx.MockRouter) -> None:
    route = api.post("/v1/signals").mock(WOKEN)
    asyncio.run(client(api, env="main").send_signal("approval/42", env="feature-1"))
    assert route.calls.last.request.headers["x-inngest-env"] == "feature-1"


def test_blocking_code_sends_signals_too(api: respx.MockRouter) -> None:
    api.post("/v1/signals").mock(WOKEN)
    assert client(api).send_signal_sync("approval/42", {"by": "ann"}) == "01JX1"
