"""Spans of user code in the timeline of their run."""

from __future__ import annotations

from typing import Any

import pytest
from ulid import ULID

from inngest_asgi.dev.otlp import ExportedSpan
from inngest_asgi.dev.spans import Span, SpanKind, SpanStatus
from inngest_asgi.dev.userland import attach_spans, run_of, span_document
from inngest_asgi.wire.codec import dump_text
from tests.dev.fakes import sha1

RUN = "01JGFJJZ00000G40R40M30E20A"
REFERENCE = dump_text({"tp": f"00-{ULID.from_str(RUN).bytes.hex()}-{'a' * 16}-01", "ts": ""})


def exported(name: str = "a", parent: str = "", start: float = 1.0, **attributes: Any) -> Any:
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    return ExportedSpan(name, parent, f"span {name}", start, start + 1.0, attributes=given)


@pytest.mark.parametrize(
    ("attributes", "run_id"),
    [
        ({"inngest__traceref": REFERENCE, "sdk__run__id": "OTHER"}, "OTHER"),
        ({"inngest__traceref": REFERENCE}, RUN),
        ({"sdk__run__id": RUN}, None),
        ({"inngest__traceref": "garbage"}, None),
        ({"inngest__traceref": "[]"}, None),
        ({"inngest__traceref": "{}"}, None),
        ({"inngest__traceref": '{"tp":7}'}, None),
        ({"inngest__traceref": '{"tp":"00"}'}, None),
        ({"inngest__traceref": '{"tp":"00-xyz-"}'}, None),
        ({"inngest__traceref": 7}, None),
    ],
    ids=str,
)
def test_a_span_names_its_run(attributes: dict[str, Any], run_id: str | None) -> None:
    assert run_of(exported(**attributes)) == run_id


@pytest.mark.parametrize(
    ("attributes", "step"),
    [
        ({"inngest__step__hash": "h", "inngest__step__id": "a"}, "h"),
        ({"inngest__step__id": "a"}, sha1("a")),
        ({"inngest__step__id": "a", "inngest__step__index": 2}, sha1("a:2")),
        ({"inngest__step__id": "a", "inngest__step__index": "x"}, sha1("a")),
        ({}, None),
    ],
    ids=str,
)
def test_a_span_names_its_step(attributes: dict[str, Any], step: str | None) -> None:
    assert span_document(exported(**attributes))["step"] == step


def test_the_reference_is_not_shown() -> None:
    document = span_document(exported(inngest__traceref=REFERENCE, n=1))
    assert document["attributes"] == {"n": 1}


def test_spans_stand_below_what_they_belong_to() -> None:
    attempt = Span("attempt", SpanKind.ATTEMPT, "a", 0.0, attempt=1)
    step = Span("step", SpanKind.STEP, "a", 0.0, step_id="h", children=[attempt])
    root = Span("run", SpanKind.RUN, "one", 0.0, children=[step])
    of_attempt: dict[str, Any] = {"inngest__step__hash": "h", "inngest__step__attempt": 1}
    spans = [
        exported("b", "a", start=2.0),
        exported("a", "unknown", **of_attempt),
        exported("c", inngest__step__hash="h", inngest__step__attempt=7),
        exported("d", inngest__step__hash="other"),
        exported("e", "e"),
    ]
    attach_spans(root, [span_document(one) for one in spans])
    assert [span.id for span in attempt.children] == ["a"]
    assert [span.id for span in attempt.children[0].children] == ["b"]
    assert [span.id for span in step.children] == ["attempt", "c"]
    assert [span.id for span in root.children] == ["step", "d", "e"]
    assert all(span.kind is SpanKind.USERLAND for span in root.children[1:])


def test_a_failed_span_has_its_error() -> None:
    root = Span("run", SpanKind.RUN, "one", 0.0)
    document = span_document(ExportedSpan("a", "", "query", 1.0, 2.0, "no table"))
    attach_spans(root, [document])
    (span,) = root.children
    assert (span.status, span.error) == (SpanStatus.FAILED, {"message": "no table"})
    assert (span.start, span.end) == (1.0, 2.0)


def test_spans_that_are_each_others_parents_are_not_lost() -> None:
    root = Span("run", SpanKind.RUN, "one", 0.0)
    attach_spans(root, [span_document(exported("a", "b")), span_document(exported("b", "a"))])
    assert [span.id for span in root.children] == ["a", "b"]


def test_spans_far_below_others_are_shown_higher_up() -> None:
    root = Span("run", SpanKind.RUN, "one", 0.0)
    chain = [exported(str(at), str(at - 1), start=float(at)) for at in range(60)]
    attach_spans(root, [span_document(one) for one in chain])
    assert [span.id for span in root.children] == ["0", *(str(at) for at in range(51, 60))]
