"""Spans of user code over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.dev.fakes import FakeApp, World, ops, output, ran, script
from tests.dev.test_otlp import (
    attribute,
    binary_request,
    binary_span,
    json_request,
    json_span,
    text,
)
from tests.dev.web.asking import asked, within

if TYPE_CHECKING:
    import httpx

PROTOBUF = {"content-type": "application/x-protobuf"}
PATHS = pytest.mark.parametrize("path", ["/v1/traces/userland", "/dev/traces"])


def app() -> FakeApp:
    return FakeApp().add("one", script(ops(ran("a")), output("ok")))


def about(**attributes: str) -> list[dict[str, Any]]:
    return [
        {"key": key.replace("__", "."), "value": {"stringValue": value}}
        for key, value in attributes.items()
    ]


async def sent(here: World, path: str, *spans: dict[str, Any]) -> httpx.Response:
    return await here.http.post(path, json=json_request(*spans))


@PATHS
def test_spans_are_shown_below_their_step(path: str) -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        named = about(inngest__traceref="{}", sdk__run__id=run.id, inngest__step__id="a")
        answer = await sent(here, path, json_span(attributes=named))
        assert (answer.status_code, answer.json()) == (200, {})
        root = (await here.http.get(f"/v2/runs/{run.id}/trace")).json()["data"]["rootSpan"]
        (step,) = [span for span in root["children"] if span["name"] == "a"]
        assert [child["name"] for child in step["children"]][-1] == "query"

    within(app(), ask)


@PATHS
def test_spans_come_as_protobuf_too(path: str) -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        span = binary_span(
            attribute("inngest.traceref", text(1, "{}")), attribute("sdk.run.id", text(1, run.id))
        )
        body = binary_request(span, binary_span())
        answer = await here.http.post(path, content=body, headers=PROTOBUF)
        assert answer.headers["content-type"] == "application/x-protobuf"
        assert b"\x08\x01" in answer.content
        assert [one["name"] for one in await here.server.notes.spans(run.id)] == ["query"]

    within(app(), ask)


def test_the_call_tells_the_run_where_the_sdk_does_not() -> None:
    async def ask(here: World) -> None:
        run = await here.run_one()
        parent = here.app.calls[0].headers["traceparent"]
        reference = about(inngest__traceref=f'{{"tp":"{parent}","ts":""}}')
        answer = await sent(here, "/v1/traces/userland", json_span(attributes=reference))
        assert answer.json() == {}
        assert len(await here.server.notes.spans(run.id)) == 1

    within(app(), ask)


def test_a_run_has_room_for_so_many_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inngest_asgi.dev.web.v1.traces.MOST_SPANS", 2)

    async def ask(here: World) -> None:
        run = await here.run_one()
        named = about(inngest__traceref="{}", sdk__run__id=run.id)
        spans = [json_span(spanId=f"s{at}", attributes=named) for at in range(3)]
        for rejected in ("1", "3"):
            answer = await sent(here, "/v1/traces/userland", *spans)
            assert answer.json()["partialSuccess"]["rejectedSpans"] == rejected
        assert len(await here.server.notes.spans(run.id)) == 2

    within(app(), ask)


def test_spans_of_nobody_are_counted_and_dropped() -> None:
    spans = [
        json_span(),
        json_span(attributes=about(sdk__run__id="x")),
        json_span(attributes=about(inngest__traceref="{}", sdk__run__id="x")),
    ]
    status, body = asked("POST", "/v1/traces/userland", json=json_request(*spans))
    assert (status, body["partialSuccess"]["rejectedSpans"]) == (200, "3")


@pytest.mark.parametrize(
    ("path", "request_", "status", "says"),
    [
        ("/dev/traces", {"content": b"x"}, 400, "application/json or application/x-protobuf"),
        ("/dev/traces", {"json": []}, 400, "no OTLP request"),
        ("/v1/traces/userland", {"content": b"{"}, 400, "no OTLP request"),
        ("/v1/traces/userland", {"content": b"{", "headers": {"content-type": "a/json"}}, 400, ""),
        ("/v1/traces/userland", {"content": b"x" * (8 * 1024 * 1024 + 1)}, 413, "8 MB"),
    ],
    ids=["type", "shape", "protobuf", "json", "size"],
)
def test_what_is_no_trace_is_refused(
    path: str, request_: dict[str, Any], status: int, says: str
) -> None:
    answered, body = asked("POST", path, **request_)
    assert (answered, body["status"]) == (status, status)
    assert says in body["error"]
