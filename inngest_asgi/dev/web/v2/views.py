"""How records look in REST v2: messages as protobuf writes them; pure, nothing is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import RunStatus
from inngest_asgi.dev.spans import Span, SpanKind, SpanStatus
from inngest_asgi.dev.web.v2.replies import message
from inngest_asgi.dev.web.views import moment
from inngest_asgi.wire.codec import Fragment, dump_text, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.dev.records import App, Function
    from inngest_asgi.dev.store.queries import RunItem

STATUSES = {
    RunStatus.SCHEDULED: "QUEUED",
    RunStatus.RUNNING: "RUNNING",
    RunStatus.COMPLETED: "COMPLETED",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELLED: "CANCELLED",
    RunStatus.SKIPPED: "SKIPPED",
}
_SPAN_STATUSES = {
    SpanStatus.QUEUED: "WAITING",
    SpanStatus.WAITING: "WAITING",
    SpanStatus.RUNNING: "RUNNING",
    SpanStatus.COMPLETED: "COMPLETED",
    SpanStatus.FAILED: "FAILED",
    SpanStatus.CANCELLED: "CANCELLED",
    SpanStatus.SKIPPED: "SKIPPED",
}
_STEP_OPS = {
    "step": "RUN",
    "steprun": "RUN",
    "stepplanned": "RUN",
    "steperror": "RUN",
    "stepfailed": "RUN",
    "sleep": "SLEEP",
    "waitforevent": "WAIT_FOR_EVENT",
    "waitforsignal": "WAIT_FOR_SIGNAL",
    "invokefunction": "INVOKE",
    "aigateway": "AI_GATEWAY",
}
_SHOWN_KINDS = frozenset({SpanKind.STEP, SpanKind.ATTEMPT, SpanKind.USERLAND})
"""Pauses before a call are no spans here: they show as the time until a span is started."""


def run_view(
    item: RunItem, app: App | None, function: Function, event_ids: Iterable[str], *, output: bool
) -> dict[str, Any]:
    """Return a run.

    Args:
        item: the run.
        app: its app; None when that was forgotten.
        function: its function.
        event_ids: the internal ids of the events that started it.
        output: whether to show what it returned, or why it failed.
    """
    run = item.run
    view = message(
        id=run.id,
        app=app_ref(function, app),
        function=function_ref(function, app),
        status=STATUSES.get(run.status, "UNKNOWN"),
        queuedAt=moment(run.queued_at),
        startedAt=_moment(run.started_at),
        endedAt=_moment(run.ended_at),
        durationMs=_duration(run.started_at, run.ended_at),
        originalRunId=item.original_run_id,
        trigger=message(
            eventIds=list(event_ids),
            eventName=item.event_name,
            isBatch=run.batch_id is not None,
            batchId=run.batch_id,
            cronSchedule=item.cron,
        ),
    )
    if output and run.output is not None:
        view["output"] = Fragment(run.output)
    return view


def span_view(span: Span, depth: int, *, output: bool) -> dict[str, Any]:
    """Return a span with those below it, as deep as asked for."""
    children = [child for child in span.children if child.kind in _SHOWN_KINDS]
    started = _started(span)
    shown = message(
        id=span.id,
        name=span.name,
        status=_SPAN_STATUSES[span.status],
        stepOp=_STEP_OPS.get(span.op.lower()),
        stepId=span.step_id,
        attempt=span.attempt,
        queuedAt=moment(span.start),
        startedAt=_moment(started),
        endedAt=_moment(span.end),
        durationMs=_duration(started, span.end),
        childRunId=span.child_run_id,
        metadata=[_metadata_view(span, kind) for kind in span.metadata],
        children=[span_view(child, depth - 1, output=output) for child in children if depth > 1],
        childrenTruncated=depth <= 1 and bool(children),
    )
    return shown | _outcome(span) if output else shown


def app_view(app: App, functions: int) -> dict[str, Any]:
    """Return an app, and how its last sync went."""
    language, _, version = app.sdk.partition(":")
    return message(
        id=app.name,
        internalId=app.id,
        name=app.name,
        method="SERVE" if app.url.startswith("http") else "CONNECT",
        appVersion=app.app_version,
        functionCount=functions,
        latestSync=message(
            status="error" if app.error else "success" if app.synced_at else None,
            sdkLanguage=language,
            sdkVersion=version,
            framework=app.framework,
            url=app.url,
            error=app.error,
            completedAt=_moment(app.synced_at),
        ),
    )


def function_view(function: Function, app: App | None) -> dict[str, Any]:
    """Return a function with its triggers and its configuration."""
    return message(
        **function_ref(function, app),
        internalId=function.id,
        slug=function.slug,
        app=app_ref(function, app),
        url=function.url,
        triggers=[message(**trigger) for trigger in function.triggers],
        config=Fragment(dumps(function.config)),
        createdAt=moment(function.created_at),
        isArchived=function.archived_at is not None,
    )


def function_ref(function: Function, app: App | None) -> dict[str, Any]:
    """Return how others name a function: without the app's name in front."""
    return message(id=local_id(function, app), name=function.name)


def app_ref(function: Function, app: App | None) -> dict[str, Any]:
    """Return how others name the app of a function."""
    return message(id=function.app_id if app is None else app.name)


def local_id(function: Function, app: App | None) -> str:
    """Return a function's id as its author wrote it."""
    return function.slug if app is None else function.slug.removeprefix(f"{app.name}-")


def _outcome(span: Span) -> dict[str, Any]:
    """Return input and output; the output of what failed is the error."""
    shown: dict[str, Any] = {}
    if span.input is not None:
        shown["input"] = span.input
    if span.error is not None:
        shown["output"] = {"error": span.error}
    elif span.end is not None and span.output is not None:
        shown["output"] = span.output
    return shown


def _started(span: Span) -> float | None:
    """Return when work began: behind the wait in the queue, if there was one."""
    queued = next((child for child in span.children if child.kind is SpanKind.QUEUE), None)
    return span.start if queued is None else queued.end


def _metadata_view(span: Span, kind: str) -> dict[str, Any]:
    scope = {SpanKind.RUN: "run", SpanKind.STEP: "step", SpanKind.ATTEMPT: "step_attempt"}
    values = {key: dump_text(value) for key, value in span.metadata[kind].items()}
    return message(scope=scope.get(span.kind, "extended_trace"), kind=kind, values=values)


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds)


def _duration(start: float | None, end: float | None) -> str | None:
    """Return milliseconds as text, because protobuf's 64-bit numbers are."""
    return None if start is None or end is None else str(round((end - start) * 1000))
