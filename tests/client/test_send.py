"""Events to the event API: what is sent, when it is sent again, and what counts as success."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from inngest_asgi.client.connections import Connections
from inngest_asgi.client.send import Sender
from inngest_asgi.errors import (
    CodecError,
    ConfigError,
    EventValidationError,
    InngestError,
    SendEventsError,
)
from inngest_asgi.functions.event_types import EventType, EventTypes
from inngest_asgi.settings import Settings
from inngest_asgi.wire.events import Event
from inngest_asgi.wire.names import SDK_HEADER
from tests.client.scripted import NOW, SEED, Scripted, SkippingClock, accepted, answer

ORDER = Event(name="shop/order.placed")
NOW_MS = int(NOW * 1000)
KEY = "secret/key ü"


class Paid(BaseModel):
    amount: int


PAID = EventType("shop/paid", Paid)


def sender(script: Scripted, clock: SkippingClock, environ: dict[str, str]) -> Sender:
    settings = Settings(environ={"INNGEST_EVENT_KEY": KEY} | environ)
    types = EventTypes([PAID], field="schemas")
    return Sender(settings, Connections(timedelta(1), script.http), clock, types)


def sent(script: Scripted, events: Any = ORDER, env: str | None = None, **environ: str) -> Any:
    return asyncio.run(sender(script, SkippingClock(), environ).send(events, env))


def refused(script: Scripted, events: Any = ORDER, **environ: str) -> SendEventsError:
    with pytest.raises(SendEventsError) as caught:
        sent(script, events, **environ)
    return caught.value


def body(request: httpx.Request) -> Any:
    return json.loads(request.content)


def test_ids_of_the_events_are_returned_in_order() -> None:
    script = Scripted(accepted("b", "a"))
    assert sent(script, [ORDER, ORDER]) == ["b", "a"]


def test_one_event_needs_no_list() -> None:
    script = Scripted(accepted("a"))
    assert sent(script, ORDER) == ["a"]
    assert len(body(script.request)) == 1


@pytest.mark.parametrize("events", [[], ()], ids=["list", "tuple"])
def test_no_events_need_no_network(events: Any) -> None:
    script = Scripted(answer(500))
    assert sent(script, events) == []
    assert script.requests == []


def test_an_event_is_sent_with_its_fields_and_a_time() -> None:
    script = Scripted(accepted("a"))
    sent(script, Event(name="a/b", data={"n": None}, id="x", v="1"))
    assert body(script.request) == [
        {"name": "a/b", "data": {"n": None}, "id": "x", "v": "1", "ts": NOW_MS}
    ]


def test_a_given_time_is_kept() -> None:
    script = Scripted(accepted("a"))
    sent(script, Event(name="a/b", ts=5))
    assert body(script.request)[0]["ts"] == 5


def test_events_of_models_are_sent() -> None:
    class Order(BaseModel):
        at: datetime
        note: str | None

    script = Scripted(accepted("a"))
    order = Order(at=datetime(2026, 1, 2, tzinfo=UTC), note=None)
    sent(script, Event[Order](name="a/b", data=order))
    assert body(script.request)[0]["data"] == {"at": "2026-01-02T00:00:00Z", "note": None}


def test_the_request_goes_to_the_event_key_s_address() -> None:
    script = Scripted(accepted("a"))
    sent(script)
    assert script.request.method == "POST"
    assert script.request.url.host == "inn.gs"
    assert script.request.url.raw_path == b"/e/secret%2Fkey%20%C3%BC"


def test_the_request_has_the_headers_of_an_sdk() -> None:
    script = Scripted(accepted("a"))
    sent(script, INNGEST_ENV="branch", RENDER="true")
    headers = script.request.headers
    assert headers["content-type"] == "application/json"
    assert headers["x-inngest-sdk"] == SDK_HEADER
    assert headers["user-agent"] == SDK_HEADER
    assert headers["x-inngest-env"] == "branch"
    assert headers["x-inngest-platform"] == "render"
    assert headers["x-inngest-event-id-seed"] == SEED
    assert "authorization" not in headers


def test_the_environment_of_a_send_wins() -> None:
    script = Scripted(accepted("a"))
    sent(script, env="other", INNGEST_ENV="branch")
    assert script.request.headers["x-inngest-env"] == "other"


def test_every_attempt_has_the_same_seed_and_body() -> None:
    script = Scripted(answer(500), httpx.ConnectError("gone"), answer(503), accepted("a"))
    clock = SkippingClock()
    assert asyncio.run(sender(script, clock, {}).send(ORDER, None)) == ["a"]
    assert [one.headers["x-inngest-event-id-seed"] for one in script.requests] == [SEED] * 4
    assert len({one.content for one in script.requests}) == 1
    assert len(clock.slept) == 3


def test_five_attempts_and_no_more() -> None:
    script = Scripted(answer(500))
    assert refused(script).status == 500
    assert len(script.requests) == 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429])
def test_a_refusal_is_not_sent_again(status: int) -> None:
    script = Scripted(answer(status), accepted("a"))
    assert refused(script).status == status
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(answer(200, text=""), id="empty body"),
        pytest.param(answer(200, text="<html>ok</html>"), id="not JSON"),
        pytest.param(answer(200, []), id="not an object"),
        pytest.param(answer(200, {}), id="no ids"),
        pytest.param(answer(200, {"ids": None}), id="null ids"),
        pytest.param(answer(200, {"ids": "ab"}), id="ids not a list"),
        pytest.param(answer(200, {"ids": [1, 2]}), id="ids not strings"),
        pytest.param(answer(200, {"ids": ["a"]}), id="too few ids"),
        pytest.param(answer(200, {"ids": ["a", "b", "c"]}), id="too many ids"),
        pytest.param(answer(200, {"ids": ["a", "b"], "error": "no"}), id="an error beside ids"),
        pytest.param(answer(201, {"ids": ["a", "b"]}), id="another status"),
        pytest.param(answer(204, text=""), id="no content"),
        pytest.param(answer(307, {"ids": ["a", "b"]}), id="a redirect"),
        pytest.param(answer(400, {"ids": ["a", "b"]}), id="a refusal with ids"),
        pytest.param(answer(500, {"ids": ["a", "b"]}), id="a failure with ids"),
    ],
)
def test_only_a_200_with_an_id_for_each_event_is_success(response: httpx.Response) -> None:
    refused(Scripted(response), [ORDER, ORDER])


def test_the_error_has_the_ids_of_the_events_that_were_taken() -> None:
    error = refused(Scripted(answer(400, {"ids": ["a"], "error": "event 2 is bad"})), [ORDER] * 2)
    assert error.ids == ["a"]
    assert "event 2 is bad" in str(error)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        pytest.param(answer(401), "check INNGEST_EVENT_KEY", id="401"),
        pytest.param(answer(404), "check INNGEST_EVENT_KEY", id="404"),
        pytest.param(answer(403), "may not send", id="403"),
        pytest.param(answer(413), "too large", id="413"),
        pytest.param(answer(500), "failed internally", id="500"),
        pytest.param(answer(418), "answered with status 418", id="unknown"),
        pytest.param(answer(200, {"ids": []}), "confirmed 0 of 1 events", id="200"),
        pytest.param(answer(400, {"error": "no name"}), "it says: no name", id="error"),
        pytest.param(answer(400, {"message": "no body"}), "it says: no body", id="message"),
    ],
)
def test_the_message_says_what_to_do(response: httpx.Response, said: str) -> None:
    message = str(refused(Scripted(response)))
    assert said in message
    assert message.startswith("The event API at https://inn.gs ")
    assert message.endswith(".")


@pytest.mark.parametrize("error", [{"a": 1}, 5, [], ""], ids=repr)
def test_odd_error_texts_are_left_out(error: Any) -> None:
    assert "it says" not in str(refused(Scripted(answer(400, {"error": error}))))


def test_a_long_error_text_is_cut() -> None:
    assert len(str(refused(Scripted(answer(400, {"error": "x" * 10_000}))))) < 500


def test_no_answer_says_what_to_start() -> None:
    error = refused(Scripted(httpx.ConnectError("refused")), INNGEST_DEV="1")
    assert "http://127.0.0.1:8288: ConnectError: refused" in str(error)
    assert "inngest-asgi dev" in str(error)
    assert (error.ids, error.status) == ([], None)


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(answer(401, {"error": f"key {KEY} is unknown"}), id="echoed"),
        pytest.param(answer(500), id="failure"),
        pytest.param(httpx.ConnectError("refused"), id="no answer"),
    ],
)
def test_no_message_shows_the_event_key(response: httpx.Response | Exception) -> None:
    error: BaseException | None = refused(Scripted(response))
    while error is not None:
        assert "secret" not in f"{error} {error!r}"
        error = error.__cause__


def test_without_an_event_key_dev_mode_uses_the_usual_stand_in() -> None:
    script = Scripted(accepted("a"))
    sent(script, INNGEST_EVENT_KEY="", INNGEST_DEV="http://localhost:1234/")
    assert str(script.request.url).startswith("http://localhost:1234/e/")
    assert script.request.url.path == "/e/NO_EVENT_KEY_SET"


def test_without_an_event_key_a_server_s_words_are_shown_whole() -> None:
    script = Scripted(answer(400, {"error": "said"}))
    assert "said" in str(refused(script, INNGEST_EVENT_KEY="", INNGEST_DEV="1"))


def test_without_an_event_key_cloud_mode_says_what_to_set() -> None:
    script = Scripted(accepted("a"))
    message = str(refused(script, INNGEST_EVENT_KEY=""))
    assert "INNGEST_EVENT_KEY" in message
    assert "INNGEST_DEV=1" in message
    assert script.requests == []


@pytest.mark.parametrize(
    ("events", "kind", "said"),
    [
        pytest.param({"name": "a"}, ConfigError, "not dict", id="a dict"),
        pytest.param(None, ConfigError, "not NoneType", id="none"),
        pytest.param("a/b", ConfigError, "item 0 is str", id="a name"),
        pytest.param([ORDER, {"name": "a"}], ConfigError, "item 1 is dict", id="a dict in a list"),
        pytest.param((one for one in [ORDER]), ConfigError, "not generator", id="a generator"),
        pytest.param(Event(name=""), ConfigError, "is empty", id="no name"),
        pytest.param(Event(name="inngest/x"), ConfigError, "'inngest/x'", id="reserved name"),
        pytest.param(Event(name="a/b", data={"x": object()}), CodecError, "'a/b'", id="object"),
        pytest.param(Event(name="a/b", data={"x": float("nan")}), CodecError, "'a/b'", id="NaN"),
        pytest.param(Event(name="a/b", data={"x": "\ud800"}), CodecError, "'a/b'", id="surrogate"),
        pytest.param(
            [ORDER, Event(name="shop/paid", data={"amount": "much"})],
            EventValidationError,
            r"^Event 'shop/paid' cannot be sent: data\.amount: ",
            id="another type",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_before_the_network(
    events: Any, kind: type[InngestError], said: str
) -> None:
    script = Scripted(accepted("a"))
    with pytest.raises(kind, match=said):
        sent(script, events)
    assert script.requests == []


def test_a_large_integer_is_sent_whole_with_a_warning() -> None:
    script = Scripted(accepted("a"))
    with pytest.warns(UserWarning, match="2\\^53"):
        sent(script, Event(name="a/b", data={"n": 2**53}))
    assert b"9007199254740992" in script.request.content


@pytest.mark.parametrize(
    "event",
    [PAID(Paid(amount=5)), Event(name="shop/paid", data={"amount": 5})],
    ids=["typed", "plain"],
)
def test_an_event_that_is_of_its_type_is_sent(event: Event[Any]) -> None:
    script = Scripted(accepted("a"))
    sent(script, event)
    assert body(script.request)[0]["data"] == {"amount": 5}
