"""Requests to apps: where the target goes, and what a signed body looks like."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from ulid import ULID

from inngest_asgi.crypto.signatures import verify
from inngest_asgi.dev import DevOptions
from inngest_asgi.dev.calls import Request, call_request, ping_request, trace_headers
from inngest_asgi.dev.records import (
    Defer,
    DeferState,
    Function,
    Job,
    JobKind,
    Memo,
    Run,
    StoredEvent,
)
from inngest_asgi.wire.codec import canonical, loads

KEY = "0123456789abcdef"
RUN, REQUEST = "01JGFJJZ00000G40R40M30E20A", "01JGFJJZ00000G40R40M30E20B"
NOW = 1_735_689_600.0
EVENT = StoredEvent("E", "E", "a", 0, NOW, b'{"name":"a","data":{"z":1.0,"a":2}}')


def request(url: str = "http://app.test/?fnId=one", **more: Any) -> Request:
    run = Run(RUN, "F", EVENT, NOW, memos=more.get("memos", {}))
    run.defers = more.get("defers", {})
    run.pending, run.force_plan = more.get("pending", {}), more.get("force_plan", False)
    job = Job("J", "R", JobKind.CALL, more.get("step"), NOW)
    function = Function("F", "A", "one", "One", url, 5, [], {})
    options = DevOptions(signing_key=more.get("key"))
    return call_request(run, job, function, REQUEST, now=NOW, options=options)


@pytest.mark.parametrize(
    ("url", "targeted"),
    [
        ("http://app.test/?fnId=one&stepId=step", "http://app.test/?fnId=one&stepId=abc"),
        ("http://app.test/?step=step&fnId=one", "http://app.test/?step=abc&fnId=one"),
        ("http://app.test/?fnId=one", "http://app.test/?fnId=one&stepId=abc"),
        ("http://app.test/", "http://app.test/?stepId=abc"),
        ("http://app.test/?a=&fnId=x%20y", "http://app.test/?a=&fnId=x+y&stepId=abc"),
    ],
    ids=["js", "go", "absent", "no-query", "others-kept"],
)
def test_where_the_target_goes(url: str, targeted: str) -> None:
    assert request(url, step="abc").url == targeted


@pytest.mark.parametrize(
    ("state", "plan_only"),
    [
        ({}, False),
        ({"force_plan": True}, True),
        ({"pending": {"other": 1}}, True),
        ({"pending": {"abc": 1}, "step": "abc"}, False),
        ({"pending": {"abc": 1, "other": 1}, "step": "abc"}, True),
    ],
    ids=["alone", "forced", "sibling", "own-target", "target-and-sibling"],
)
def test_when_new_steps_must_be_planned(state: dict[str, Any], plan_only: bool) -> None:  # noqa: FBT001
    ctx = loads(request(**state).body)["ctx"]
    assert ctx["disable_immediate_execution"] is plan_only


def test_a_signed_body_is_canonical() -> None:
    signed = request(key=KEY)
    assert signed.body == canonical(signed.body)
    verify(signed.body, signed.headers["x-inngest-signature"], [KEY], NOW)


def test_a_signed_ping() -> None:
    ping = ping_request("http://app.test/", now=NOW, options=DevOptions(signing_key=KEY))
    assert (ping.method, ping.body) == ("PUT", b'{"url":"http://app.test/"}')
    verify(ping.body, ping.headers["x-inngest-signature"], [KEY], NOW)


def test_memos_are_sent_as_they_are_kept() -> None:
    memos = {"x": Memo("x", "x", "StepRun", b'{"data":1}'), "y": Memo("y", "y", "Sleep", b"null")}
    document = loads(request(memos=memos).body)
    assert document["steps"] == {"x": {"data": 1}, "y": None}
    assert document["ctx"]["stack"] == {"stack": ["x", "y"], "current": 2}


def test_calls_of_a_run_are_spans_of_one_trace() -> None:
    headers = request().headers
    version, trace, span, flags = headers["traceparent"].split("-")
    assert (version, flags) == ("00", "01")
    assert bytes.fromhex(trace) == ULID.from_str(RUN).bytes
    assert bytes.fromhex(span) == ULID.from_str(REQUEST).bytes[-8:]


def test_the_trace_state_names_app_and_function_and_refers_to_the_span() -> None:
    headers = request().headers
    app, function, reference = headers["tracestate"].split(",")
    assert (app, function) == ("inngest@app=A", "inngest@fn=F")
    key, _, escaped = reference.partition("=")
    assert key == "inngest@traceref"
    assert loads(unquote(escaped)) == {"tp": headers["traceparent"], "ts": f"{app},{function}"}


def test_values_of_the_trace_state_are_as_long_as_w3c_allows() -> None:
    function = Function(str(uuid4()), str(uuid4()), "one", "One", "http://app.test/", 5, [], {})
    state = trace_headers(Run(RUN, "F", EVENT, NOW), function, REQUEST)["tracestate"]
    assert max(len(member.partition("=")[2]) for member in state.split(",")) <= 256


@pytest.mark.parametrize("kind", ["dev", "cloud"])
def test_calls_and_pings_say_what_kind_of_server_asks(kind: Any) -> None:
    options = DevOptions(kind=kind, signing_key=KEY, event_keys=("e",))
    ping = ping_request("http://app.test/", now=NOW, options=options)
    assert ping.headers["x-inngest-server-kind"] == kind


def test_deferred_functions_are_sent_when_there_are_some() -> None:
    assert "defers" not in loads(request().body)
    defers = {"x": Defer("x", "a", b"{}"), "y": Defer("y", "a", b"", DeferState.REFUSED)}
    document = loads(request(defers=defers).body)
    assert document["defers"] == {"x": {"abortable": True}, "y": {"abortable": False}}
