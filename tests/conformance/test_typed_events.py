"""Events of declared types, through the whole application: what functions get and refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

import inngest_asgi as inngest
from tests.routes.asking import Answer, app_of, call, called, dev_client


class Signup(BaseModel):
    user_id: str


SIGNED_UP = inngest.EventType("user/signed.up", Signup)


def call_with(*data: Any, name: str = "user/signed.up") -> dict[str, Any]:
    events = [{"name": name, "data": one, "id": f"id-{n}"} for n, one in enumerate(data)]
    return call() | {"event": events[0] | {"user": {}}, "events": events}


def answered(document: Any, *, blocking: bool = False, **options: Any) -> tuple[Answer, list[Any]]:
    """Call a function that keeps the data it gets; return the answer and what it kept."""
    client, kept = dev_client(), list[Any]()

    def keep(ctx: Any) -> None:
        kept.extend(event.data for event in ctx.events)
        assert ctx.event.data == kept[0]

    given: dict[str, Any] = {"fn_id": "pay", "trigger": SIGNED_UP} | options
    create = client.create_function(**given)
    if blocking:

        @create
        def pay_sync(ctx: inngest.ContextSync[Signup]) -> None:
            keep(ctx)
    else:

        @create
        async def pay(ctx: inngest.Context[Signup]) -> None:
            keep(ctx)

    return called(app_of(client), document), kept


@pytest.fixture(params=[False, True], ids=["async", "blocking"])
def blocking(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_the_data_of_an_event_is_of_its_type(blocking: bool) -> None:  # noqa: FBT001
    answer, kept = answered(call_with({"user_id": "u1"}), blocking=blocking)
    assert (answer.status, kept) == (200, [Signup(user_id="u1")])


def test_all_events_of_a_batch_are_of_their_type() -> None:
    batch = inngest.Batch(max_size=2, timeout="1s")
    document = call_with({"user_id": "u1"}, {"user_id": "u2"})
    answer, kept = answered(document, batch_events=batch)
    assert (answer.status, kept) == (200, [Signup(user_id="u1"), Signup(user_id="u2")])


@pytest.mark.parametrize(
    ("trigger", "name"),
    [
        pytest.param(inngest.EventType("user/*", Signup), "user/left", id="pattern"),
        pytest.param(
            inngest.TriggerEvent(event=SIGNED_UP, expression="true"),
            SIGNED_UP.name,
            id="expression",
        ),
        pytest.param(
            [inngest.TriggerCron(cron="0 9 * * 1"), SIGNED_UP], SIGNED_UP.name, id="one-of-several"
        ),
    ],
)
def test_a_type_counts_in_every_kind_of_trigger(trigger: Any, name: str) -> None:
    answer, kept = answered(call_with({"user_id": "u1"}, name=name), trigger=trigger)
    assert (answer.status, kept) == (200, [Signup(user_id="u1")])


def test_an_event_without_a_type_keeps_its_dictionary() -> None:
    answer, kept = answered(call_with({"n": 1}), trigger=inngest.EventType("user/signed.up"))
    assert (answer.status, kept) == (200, [{"n": 1}])


@pytest.mark.parametrize(
    "data",
    [[{"user_id": 5}], [{}], [None], [{"user_id": "u1"}, {"user_id": 5}]],
    ids=["wrong", "missing", "null", "second-of-a-batch"],
)
def test_a_wrong_event_fails_the_run_before_the_function_runs(
    data: list[Any],
    blocking: bool,  # noqa: FBT001
) -> None:
    answer, kept = answered(call_with(*data), blocking=blocking)
    assert (answer.status, answer.headers["x-inngest-no-retry"], kept) == (400, "true", [])


def test_the_answer_to_a_wrong_event_names_function_event_and_field() -> None:
    answer, _ = answered(call_with({"user_id": 5}))
    assert json.loads(answer.body) == {
        "code": "non_retriable_error",
        "name": "EventValidationError",
        "message": "Function 'shop-pay' cannot take event 'user/signed.up' (id-0): "
        "data.user_id: Input should be a valid string.",
        "stack": "inngest_asgi.errors.EventValidationError: Function 'shop-pay' cannot take event "
        "'user/signed.up' (id-0): data.user_id: Input should be a valid string.",
    }


def test_a_failure_handler_gets_the_failed_event_as_it_was() -> None:
    client, kept = dev_client(), list[Any]()

    async def keep(ctx: inngest.Context) -> None:
        kept.append((ctx.event.data["event"]["data"], str(ctx.error)))

    @client.create_function(fn_id="pay", trigger=SIGNED_UP, on_failure=keep)
    async def pay(ctx: inngest.Context[Signup]) -> None: ...

    failed = {"event": {"data": {"user_id": 5}}, "error": {"name": "X", "message": "refused"}}
    document = call_with(failed, name="inngest/function.failed")
    answer = called(app_of(client), document, fn_id="shop-pay-failure")
    assert (answer.status, kept) == (200, [({"user_id": 5}, "refused")])
