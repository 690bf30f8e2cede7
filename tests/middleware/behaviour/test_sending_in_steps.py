"""Events that steps send go through the middleware of the call."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import inngest_asgi as inngest
from tests.middleware.behaviour.hooks import (
    COLOURS,
    overriding,
    served,
)
from tests.middleware.tracing import KINDS, traced
from tests.routes.asking import Api, dev_client
from tests.runtime.running import document_of

colours = pytest.mark.parametrize("colour", COLOURS)
kinds = pytest.mark.parametrize("kind", KINDS)


async def sending(ctx: Any) -> Any:
    event = inngest.Event(name="shop/paid", data={"id": 1})
    return await ctx.step.send_event("send", [event])


@kinds
@colours
def test_events_sent_in_a_step_go_through_the_middleware_of_the_call(
    colour: str, kind: str
) -> None:
    trace: list[str] = []
    api = Api({"/e/NO_EVENT_KEY_SET": (200, {"ids": ["01J"]})})
    client = dev_client(api)
    hooks = ["before_send_events", "wrap_send_events", "after_send_events"]
    app = served(sending, colour, client=client, inner=[traced(trace, kind=kind, hooks=hooks)])
    client.add_middleware(traced(trace, "client ", kind=kind, hooks=["after_send_events"]))
    (op,) = document_of(app.call())
    assert op["data"] == ["01J"]
    assert trace == [
        "before_send_events",
        "wrap_send_events (",
        "wrap_send_events )",
        "after_send_events",
        "client after_send_events",
    ]


@colours
def test_hooks_around_sending_run_where_the_function_does(colour: str) -> None:
    threads: dict[str, str] = {}

    async def noting(ctx: Any) -> Any:
        threads["function"] = threading.current_thread().name
        return await sending(ctx)

    def note(*_: Any) -> None:
        threads["hook"] = threading.current_thread().name

    api = Api({"/e/NO_EVENT_KEY_SET": (200, {"ids": ["01J"]})})
    hooks = overriding(before_send_events=note, on_step_start=note)
    served(noting, colour, client=dev_client(api, middleware=[hooks])).call()
    assert threads["hook"] == threads["function"]
