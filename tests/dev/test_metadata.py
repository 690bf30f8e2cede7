"""Metadata of runs: what may be attached, how it adds up, and where it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.metadata import (
    Note,
    Target,
    Update,
    attach,
    hashed_step,
    read_metadata,
    read_target,
    updated,
)
from inngest_asgi.dev.spans import Span, SpanKind
from inngest_asgi.errors import RequestError
from tests.dev.fakes import sha1

KIND = "userland.x"


def item(**fields: Any) -> dict[str, Any]:
    return {"kind": KIND, "op": "merge", "values": {}} | fields


@pytest.mark.parametrize(
    ("document", "target"),
    [
        (None, Target()),
        ({}, Target()),
        ({"step_id": "a"}, Target(sha1("a"))),
        ({"step_id": "a", "step_index": 2}, Target(sha1("a:2"))),
        ({"step_id": "a", "step_index": 0, "step_attempt": -1}, Target(sha1("a"))),
        ({"step_id": "a", "step_attempt": 0}, Target(sha1("a"), 0)),
        ({"step_id": "a", "span_id": "s"}, Target(sha1("a"), None, "s")),
    ],
    ids=str,
)
def test_targets_are_the_run_a_step_an_attempt_or_a_span(document: Any, target: Target) -> None:
    assert read_target(document) == target


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"step_index": 1},
        {"step_attempt": 1},
        {"span_id": "s"},
        {"step_id": 7},
        {"step_id": "a", "step_index": "1"},
        {"step_id": "a", "step_attempt": True},
        {"step_id": "a", "span_id": 7},
    ],
    ids=str,
)
def test_targets_that_make_no_sense_are_refused(document: Any) -> None:
    with pytest.raises(RequestError) as refusal:
        read_target(document)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (None, "needs `metadata`"),
        ({"metadata": []}, "needs `metadata`"),
        ({"metadata": ["x"]}, "kind of metadata is text"),
        ({"metadata": [item(kind="")]}, "kind of metadata is text"),
        ({"metadata": [item(kind="k" * 129)]}, "1 to 128 characters"),
        ({"metadata": [item(kind="inngest.mine")]}, "the server's own"),
        ({"metadata": [item(op="push")]}, "one of merge, set, delete, add"),
        ({"metadata": [item(values=[])]}, "must be an object"),
        ({"metadata": [item(op="add", values={"n": "1"})]}, "must be numbers"),
        ({"metadata": [item(op="add", values={"n": True})]}, "must be numbers"),
    ],
    ids=str,
)
def test_metadata_that_makes_no_sense_is_refused(document: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        read_metadata(document)


@pytest.mark.parametrize("kind", ["userland.x", "k" * 128, "inngest.ai", "inngest.http.timing"])
def test_kinds_that_may_be_attached(kind: str) -> None:
    _, (update,) = read_metadata({"metadata": [item(kind=kind)]})
    assert update.kind == kind


@pytest.mark.parametrize(
    ("op", "values", "expected"),
    [
        ("merge", {"b": {"y": 2}, "c": 3}, {"a": 1, "b": {"y": 2}, "c": 3}),
        ("set", {"c": 3}, {"c": 3}),
        ("delete", {"a": None, "z": None}, {"b": {"x": 1}}),
        ("add", {"a": 2, "b": 1, "c": 0.5}, {"a": 3, "b": 1, "c": 0.5}),
    ],
)
def test_updates_change_what_there_is(op: str, values: Any, expected: Any) -> None:
    old = Note(Target(), KIND, {"a": 1, "b": {"x": 1}})
    other = Note(Target("s"), KIND, {"a": 9})
    (note,) = updated([old, other], Target(), [Update(KIND, op, values)])
    assert note == Note(Target(), KIND, expected)


def test_updates_follow_each_other() -> None:
    add = Update(KIND, "add", {"n": 1})
    (note,) = updated([], Target(), [add, add, add])
    assert note.values == {"n": 3}


def test_a_span_may_have_64_kb() -> None:
    big = Update(KIND, "set", {"x": "y" * 60_000})
    assert len(updated([], Target(), [big])) == 1
    with pytest.raises(RequestError, match="64 KB") as refusal:
        updated([], Target(), [big, Update("userland.y", "set", {"x": "y" * 10_000})])
    assert refusal.value.status == 413


def test_a_run_may_have_1_mb() -> None:
    notes = [Note(Target(str(at)), KIND, {"x": "y" * 60_000}) for at in range(17)]
    fits, more = Update(KIND, "set", {"x": 1}), Update(KIND, "set", {"x": "y" * 60_000})
    assert len(updated(notes, Target(), [fits])) == 1
    with pytest.raises(RequestError, match="1 MB") as refusal:
        updated(notes, Target(), [more])
    assert refusal.value.status == 413


def test_metadata_is_shown_where_it_belongs() -> None:
    userland = Span("span", SpanKind.USERLAND, "query", 0.0)
    attempt = Span("attempt", SpanKind.ATTEMPT, "a", 0.0, attempt=1, children=[userland])
    step = Span("step", SpanKind.STEP, "a", 0.0, step_id=sha1("a"), children=[attempt])
    root = Span("run", SpanKind.RUN, "one", 0.0, children=[step])
    hashed = hashed_step("a")
    targets = [Target(), Target(hashed), Target(hashed, 1), Target(hashed, None, "span")]
    lost = [Target("gone"), Target(hashed, 7), Target(hashed, None, "other")]
    attach(root, [Note(one, KIND, {"at": at}) for at, one in enumerate([*targets, *lost])])
    spans = [root, step, attempt, userland]
    assert [span.metadata for span in spans] == [{KIND: {"at": at}} for at in range(4)]
