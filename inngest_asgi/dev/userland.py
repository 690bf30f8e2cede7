"""Spans that user code reported: which run they belong to, and where in its timeline; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ulid import ULID

from inngest_asgi.dev.metadata import hashed_step
from inngest_asgi.dev.spans import Span, SpanKind, SpanStatus
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from inngest_asgi.dev.otlp import ExportedSpan

_TRACEREF, _RUN_ID = "inngest.traceref", "sdk.run.id"
_STEP_HASH, _STEP_ID = "inngest.step.hash", "inngest.step.id"
_STEP_INDEX, _STEP_ATTEMPT = "inngest.step.index", "inngest.step.attempt"
_DEEPEST = 50


def run_of(span: ExportedSpan) -> str | None:
    """Return the run a span names; None when it does not say which call it belongs to.

    The reference that a call was delivered with is in the trace of its run (`calls.py`), so that
    it tells the run where the SDK does not.
    """
    reference = span.attributes.get(_TRACEREF)
    if not reference:
        return None
    named = span.attributes.get(_RUN_ID)
    return named if isinstance(named, str) else _run_of_trace(reference)


def span_document(span: ExportedSpan) -> dict[str, Any]:
    """Return what is kept of a span, as `attach_spans` reads it."""
    attributes = span.attributes
    step, index = attributes.get(_STEP_HASH), attributes.get(_STEP_INDEX)
    named = attributes.get(_STEP_ID)
    if not step and isinstance(named, str) and named:
        step = hashed_step(named, index if isinstance(index, int) else 0)
    return {
        "id": span.id,
        "parent": span.parent_id,
        "name": span.name,
        "start": span.start,
        "end": span.end,
        "error": span.error,
        "step": step,
        "attempt": attributes.get(_STEP_ATTEMPT),
        "attributes": {key: value for key, value in attributes.items() if key != _TRACEREF},
    }


def attach_spans(root: Span, documents: Iterable[dict[str, Any]]) -> None:
    """Add spans of user code below each other, below their step, or else below the run."""
    known = {one["id"]: one for one in documents}
    spans = {span_id: _span(one) for span_id, one in known.items()}
    for span in sorted(spans.values(), key=lambda span: span.start):
        one = known[span.id]
        above = spans[one["parent"]] if _hangs_on(known, one) else _place(root, one)
        above.children.append(span)


def _hangs_on(known: Mapping[str, dict[str, Any]], one: dict[str, Any]) -> bool:
    """Whether a span is below another, neither in a circle nor too deep to be shown."""
    above, depth = known.get(one["parent"]), 0
    if above is None:
        return False
    while above is not None and depth < _DEEPEST:
        above, depth = known.get(above["parent"]), depth + 1
    return above is None


def _run_of_trace(reference: Any) -> str | None:
    """Return the run whose id is the id of a trace."""
    try:
        document = loads(reference)
        return str(ULID.from_hex(document["tp"].split("-")[1]))
    except (AttributeError, CodecError, IndexError, KeyError, TypeError, ValueError):
        return None


def _span(one: dict[str, Any]) -> Span:
    status = SpanStatus.COMPLETED if one["error"] is None else SpanStatus.FAILED
    span = Span(one["id"], SpanKind.USERLAND, one["name"], one["start"], status, one["end"])
    span.attributes, span.step_id = one["attributes"], one["step"]
    span.error = None if one["error"] is None else {"message": one["error"]}
    return span


def _place(root: Span, one: dict[str, Any]) -> Span:
    steps = (child for child in root.children if child.kind is SpanKind.STEP)
    step = next((child for child in steps if child.step_id == one["step"]), None)
    if step is None:
        return root
    attempts = (child for child in step.children if child.kind is SpanKind.ATTEMPT)
    return next((child for child in attempts if child.attempt == one["attempt"]), step)
