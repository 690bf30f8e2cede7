"""How records look on the page; pure shapes, nothing is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import RunStatus
from inngest_asgi.dev.web.advice import advice
from inngest_asgi.dev.web.words import flow_words
from inngest_asgi.wire.codec import Fragment, dump_text, loads

if TYPE_CHECKING:
    from inngest_asgi.dev.records import App, Function, Record, StoredEvent
    from inngest_asgi.dev.spans import Span
    from inngest_asgi.dev.store.queries import RunItem

PREVIEW = 160
"""Characters of an event's data that lists show."""

STATUSES = {
    RunStatus.SCHEDULED: "queued",
    RunStatus.RUNNING: "running",
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
    RunStatus.SKIPPED: "skipped",
}


def run_view(item: RunItem, function: Function) -> dict[str, Any]:
    """Return a run without its output."""
    run = item.run
    return {
        "id": run.id,
        "status": STATUSES.get(run.status, "unknown"),
        "function": function.slug,
        "name": function.name,
        "event_id": run.event_id,
        "event": item.event_name,
        "cron": item.cron,
        "original": item.original_run_id,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }


def app_view(app: App, functions: list[Function]) -> dict[str, Any]:
    """Return an app with the state of its last sync, and what to do about it."""
    return {
        "id": app.id,
        "name": app.name,
        "url": app.url,
        "sdk": app.sdk,
        "framework": app.framework,
        "version": app.app_version,
        "synced_at": app.synced_at,
        "functions": sum(one.app_id == app.id for one in functions),
        "error": app.error,
        "advice": advice(app.error),
    }


def function_view(function: Function, app: str) -> dict[str, Any]:
    """Return a function with its triggers and, in words, its flow control."""
    return {
        "slug": function.slug,
        "name": function.name,
        "app": app,
        "app_id": function.app_id,
        "triggers": function.triggers,
        "flow": flow_words(function.config),
        "max_attempts": function.max_attempts,
    }


def event_row(event: StoredEvent) -> dict[str, Any]:
    """Return an event as a row of a list, with the beginning of its data."""
    data = loads(event.body).get("data") or {}
    text = ", ".join(f"{key}: {_short(value)}" for key, value in data.items())
    return {
        "id": event.internal_id,
        "name": event.name,
        "received_at": event.received_at,
        "preview": text[:PREVIEW],
    }


def event_view(event: StoredEvent) -> dict[str, Any]:
    """Return an event with all that was sent."""
    return {
        "id": event.internal_id,
        "name": event.name,
        "received_at": event.received_at,
        "body": Fragment(event.body),
    }


def span_view(span: Span) -> dict[str, Any]:
    """Return a span without the payloads, which are asked for one by one."""
    return {
        "id": span.id,
        "kind": span.kind,
        "name": span.name,
        "status": span.status,
        "start": span.start,
        "end": span.end,
        "op": span.op,
        "step_id": span.step_id,
        "attempt": span.attempt,
        "until": span.until,
        "error": span.error,
        "child": span.child_run_id,
        "metadata": span.metadata,
        "attributes": span.attributes,
        "children": [span_view(child) for child in span.children],
    }


def record_view(record: Record) -> dict[str, Any]:
    """Return an entry of a run's log without payloads."""
    kept = {key: value for key, value in record.details.items() if key not in ("input", "output")}
    return {"seq": record.seq, "at": record.at, "kind": record.kind, "details": kept}


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    return (value if isinstance(value, str) else dump_text(value))[:PREVIEW]
