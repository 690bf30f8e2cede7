"""Hooks around the sending of events, by `send` and `send_sync`."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import inngest_asgi as inngest
from inngest_asgi.client.portal import run_sync
from inngest_asgi.errors import ConfigError, InngestError, SendEventsError
from inngest_asgi.middleware.base import Middleware
from inngest_asgi.wire.codec import loads
from tests.client.scripted import Scripted, SkippingClock, accepted, answer
from tests.middleware.tracing import KINDS, traced

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.middleware.records import SendEventsCall, SendEventsResult

ORDER = inngest.Event(name="shop/ordered", data={"id": 1})
HOOKS = ["before_send_events", "wrap_send_events (", "wrap_send_events )", "after_send_events"]

Sends: TypeAlias = "Callable[..., list[str]]"


def client_of(script: Scripted, *middleware: type[Middleware]) -> inngest.Inngest:
    return inngest.Inngest(
        "shop",
        event_key="k",
        http_client=script.http,
        clock=SkippingClock(),
        middleware=list(middleware),
    )


def send(client: inngest.Inngest, *args: Any, **kwargs: Any) -> list[str]:
    return asyncio.run(client.send(*args, **kwargs))


def send_sync(client: inngest.Inngest, *args: Any, **kwargs: Any) -> list[str]:
    return client.send_sync(*args, **kwargs)


both = pytest.mark.parametrize("sends", [send, send_sync])


@both
@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_hooks(sends: Sends, kind: str) -> None:
    trace: list[str] = []
    client = client_of(Scripted(accepted("a")), traced(trace, kind=kind))
    assert sends(client, ORDER) == ["a"]
    assert trace == HOOKS


@both
def test_they_are_left_out_when_that_is_asked_for(sends: Sends) -> None:
    trace: list[str] = []
    client = client_of(Scripted(accepted("a")), traced(trace))
    assert sends(client, ORDER, skip_middleware=True) == ["a"]
    assert trace == []


@both
def test_middleware_added_later_counts(sends: Sends) -> None:
    trace: list[str] = []
    client = client_of(Scripted(accepted("a")), traced(trace, "1 "))
    client.add_middleware(traced(trace, "2 ", hooks=["after_send_events"]))
    sends(client, ORDER)
    assert trace[-2:] == ["2 after_send_events", "1 after_send_events"]
    assert len(client.middleware) == 2


def test_what_makes_no_middleware_cannot_be_added() -> None:
    with pytest.raises(ConfigError, match="add_middleware: the argument is dict"):
        inngest.Inngest("shop").add_middleware(dict)  # type: ignore[arg-type]


@both
def test_each_send_has_instances_of_its_own_and_no_request(sends: Sends) -> None:
    made: list[tuple[Any, object]] = []

    def factory(client: Any, raw_request: object) -> Middleware:
        made.append((client, raw_request))
        return Middleware(client, raw_request)

    client = client_of(Scripted(accepted("a")), factory)  # type: ignore[arg-type]
    sends(client, ORDER)
    sends(client_of(Scripted(accepted("a")), factory), ORDER)  # type: ignore[arg-type]
    assert made[0] == (client, None)
    assert len(made) == 2


class Stamp(Middleware):
    """Changes events before they are sent."""

    def before_send_events(self, events: list[inngest.Event[Any]]) -> None:
        for event in events:
            event.data = event.data | {"stamp": True}
        events.append(inngest.Event(name="shop/stamped"))


@both
def test_hooks_may_change_what_is_sent_but_not_the_users_events(sends: Sends) -> None:
    script = Scripted(accepted("a", "b"))
    event = ORDER.model_copy()
    assert sends(client_of(script, Stamp), event) == ["a", "b"]
    sent = loads(script.request.content)
    assert [(one["name"], one["data"]) for one in sent] == [
        ("shop/ordered", {"id": 1, "stamp": True}),
        ("shop/stamped", {}),
    ]
    assert event.data == {"id": 1}


class Elsewhere(Middleware):
    """Sends to another environment, and adds to the ids."""

    async def wrap_send_events(self, call: SendEventsCall, call_next: Any) -> Any:
        call.env = "branch"
        return [*await call_next(call), "more"]


@both
def test_onion_hooks_may_change_the_call_and_what_comes_back(sends: Sends) -> None:
    script = Scripted(accepted("a"))
    assert sends(client_of(script, Elsewhere), ORDER) == ["a", "more"]
    assert script.request.headers["x-inngest-env"] == "branch"


class Forgetful(Middleware):
    def wrap_send_events(self, call: SendEventsCall, call_next: Any) -> Any:
        call_next(call)


@both
def test_an_onion_hook_that_returns_no_ids_is_told_so(sends: Sends) -> None:
    with pytest.raises(ConfigError, match="returned None; return what call_next gives"):
        sends(client_of(Scripted(accepted("a")), Forgetful), ORDER)


class Told(Middleware):
    """Remembers what came of sending."""

    results: list[SendEventsResult]

    def after_send_events(self, result: SendEventsResult) -> None:
        self.results.append(result)


@pytest.fixture
def told() -> type[Told]:
    return type("Told", (Told,), {"results": []})


@both
def test_hooks_are_told_what_was_accepted(sends: Sends, told: type[Told]) -> None:
    sends(client_of(Scripted(accepted("a")), told), ORDER)
    assert told.results == [inngest.SendEventsResult(ids=["a"])]


@both
def test_hooks_are_told_of_a_failure_and_it_is_raised(sends: Sends, told: type[Told]) -> None:
    script = Scripted(answer(400, {"ids": ["a"], "error": "odd"}))
    with pytest.raises(SendEventsError, match="odd"):
        sends(client_of(script, told), [ORDER, ORDER])
    (result,) = told.results
    assert result.ids == ["a"]
    assert "odd" in (result.error or "")


@both
def test_hooks_are_told_of_events_that_cannot_be_sent(sends: Sends, told: type[Told]) -> None:
    with pytest.raises(ConfigError, match="name is empty"):
        sends(client_of(Scripted(accepted("a")), told), inngest.Event(name=""))
    (result,) = told.results
    assert (result.ids, "is empty" in (result.error or "")) == ([], True)


@both
def test_what_is_no_event_is_refused_before_the_hooks(sends: Sends, told: type[Told]) -> None:
    with pytest.raises(ConfigError, match="item 0 is str, not an Event"):
        sends(client_of(Scripted(accepted("a")), told), "shop/ordered")
    assert told.results == []


class Interrupted(Told):
    async def wrap_send_events(self, call: SendEventsCall, call_next: Any) -> Any:
        raise asyncio.CancelledError


@both
def test_a_cancellation_is_no_result(sends: Sends) -> None:
    kind: type[Told] = type("Interrupted", (Interrupted,), {"results": []})
    with pytest.raises(asyncio.CancelledError):
        sends(client_of(Scripted(accepted("a")), kind), ORDER)
    assert kind.results == []


@both
@pytest.mark.parametrize("hook", ["before_send_events", "after_send_events", "wrap_send_events"])
def test_what_a_hook_raises_is_raised_to_the_sender(sends: Sends, hook: str) -> None:
    def fail(*_: Any) -> None:
        raise KeyError(hook)

    with pytest.raises(KeyError, match=hook):
        sends(
            client_of(Scripted(accepted("a")), type("Failing", (Middleware,), {hook: fail})), ORDER
        )


@both
def test_middleware_that_cannot_be_made_is_named(sends: Sends) -> None:
    class Broken(Middleware):
        def __init__(self, client: Any, raw_request: object) -> None:
            raise KeyError("DATABASE_URL")

    with pytest.raises(ConfigError, match="Broken could not be made: KeyError: 'DATABASE_URL'"):
        sends(client_of(Scripted(accepted("a")), Broken), ORDER)


def test_blocking_hooks_of_send_sync_run_in_the_callers_thread() -> None:
    threads: list[str] = []

    class Noting(Middleware):
        def before_send_events(self, events: list[inngest.Event[Any]]) -> None:
            threads.append(threading.current_thread().name)

        async def after_send_events(self, result: SendEventsResult) -> None:
            threads.append(threading.current_thread().name)

    client_of(Scripted(accepted("a")), Noting).send_sync(ORDER)
    assert threads == ["MainThread", "inngest-portal"]


def test_send_sync_with_hooks_does_not_wait_for_its_own_loop() -> None:
    client = client_of(Scripted(accepted("a")), traced([]))

    async def on_the_portal() -> list[str]:
        return client.send_sync(ORDER)

    with pytest.raises(InngestError, match="would wait for itself"):
        run_sync(on_the_portal())
