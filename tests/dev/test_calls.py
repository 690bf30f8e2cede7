"""Requests to apps: where the target goes, and what a signed body looks like."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.crypto.signatures import verify
from inngest_asgi.dev import DevOptions
from inngest_asgi.dev.calls import Request, call_request, ping_request
from inngest_asgi.dev.records import Function, Job, JobKind, Memo, Run, StoredEvent
from inngest_asgi.wire.codec import canonical, loads

KEY = "0123456789abcdef"
RUN, REQUEST = "01JGFJJZ00000G40R40M30E20A", "01JGFJJZ00000G40R40M30E20B"
NOW = 1_735_689_600.0


def request(url: str = "http://app.test/?fnId=one", **more: Any) -> Request:
    event = StoredEvent("E", "E", "a", 0, NOW, b'{"name":"a","data":{"z":1.0,"a":2}}')
    run = Run(RUN, "F", event, NOW, memos=more.get("memos", {}))
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
