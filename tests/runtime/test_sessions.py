"""Events sent in a step: they carry the sessions of their run, unless they say otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import inngest_asgi as inngest
from tests.routes.asking import Answer, Api, app_of, call, called, dev_client

if TYPE_CHECKING:
    from collections.abc import Sequence

IN_CHAT = {"sessions": {"chat": "42"}}
SENT = {"/e/NO_EVENT_KEY_SET": (200, {"ids": ["01J"], "status": 200})}
SENT_TWO = {"/e/NO_EVENT_KEY_SET": (200, {"ids": ["01J", "01K"], "status": 200})}


def answered(
    api: Api, events: Any, meta: dict[str, Any] | None = IN_CHAT, *, blocking: bool = False
) -> Answer:
    """Call a function that sends events in a step; the event that started it has this meta."""
    client = dev_client(api)
    create = client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="shop/ordered"))
    if blocking:

        @create
        def pay_sync(ctx: inngest.ContextSync) -> list[str]:
            return ctx.step.send_event("tell", events)
    else:

        @create
        async def pay(ctx: inngest.Context) -> list[str]:
            return await ctx.step.send_event("tell", events)

    event = {"name": "shop/ordered", "data": {}, "meta": meta}
    return called(app_of(client), call() | {"event": event, "events": [event]})


def metas(api: Api) -> list[Any]:
    return [event.get("meta") for event in json.loads(api.request.content)]


@pytest.mark.parametrize("blocking", [False, True], ids=["async", "blocking"])
def test_an_event_sent_in_a_step_carries_the_sessions(blocking: bool) -> None:  # noqa: FBT001
    api = Api(SENT)
    answered(api, inngest.Event(name="a/b"), blocking=blocking)
    assert metas(api) == [{"propagated_sessions": {"chat": "42"}}]


@pytest.mark.parametrize("kind", [list, tuple], ids=["list", "tuple"])
def test_each_of_several_events_says_what_it_will(kind: type[Sequence[Any]]) -> None:
    api = Api(SENT_TWO)
    own = inngest.Event(name="a/b", meta={"sessions": {"chat": "7"}})
    answered(api, kind([inngest.Event(name="a/b"), own]))  # type: ignore[call-arg]
    assert metas(api) == [{"propagated_sessions": {"chat": "42"}}, {"sessions": {"chat": "7"}}]


def test_the_given_event_is_not_changed() -> None:
    event = inngest.Event(name="a/b")
    answered(Api(SENT), event)
    assert event.meta is None


@pytest.mark.parametrize("meta", [None, {}, {"source": "mail"}], ids=["none", "empty", "other"])
def test_a_run_without_sessions_adds_nothing(meta: dict[str, Any] | None) -> None:
    api = Api(SENT)
    answered(api, inngest.Event(name="a/b"), meta)
    assert metas(api) == [None]


def test_carrying_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_SESSION_PROPAGATION", "0")
    api = Api(SENT)
    answered(api, inngest.Event(name="a/b"))
    assert metas(api) == [None]


@pytest.mark.parametrize("events", ["a/b", ["a/b"], None], ids=["text", "list", "none"])
def test_what_is_no_event_is_refused_as_ever(events: Any) -> None:
    api = Api(SENT)
    (op,) = answered(api, events).document
    assert op["error"]["name"] == "ConfigError"
    assert not api.requests
