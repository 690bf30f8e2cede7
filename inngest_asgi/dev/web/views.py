"""How records look in the API (server-api.md 3.3 and 4); pure shapes, nothing is looked up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.calls import ACCOUNT_ID, ENVIRONMENT_ID
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import Fragment, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.records import App, Function, StoredEvent
    from inngest_asgi.dev.store.queries import JobItem, RunItem


def moment(seconds: float) -> str:
    """Return Unix seconds as RFC 3339 in UTC, with milliseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def envelope(data: Any, now: float, max_age: int | None) -> dict[str, Any]:
    """Wrap what an API call returns, which may be kept for `max_age` seconds, if at all."""
    metadata = {"fetched_at": moment(now)}
    if max_age is not None:
        metadata["cached_until"] = moment(now + max_age)
    return {"data": data, "metadata": metadata}


def event_view(event: StoredEvent) -> Fragment:
    """Return an event as the API shows it.

    What was sent is copied, not parsed: it may be large, and nested as deeply as JSON can be.
    """
    added = {
        "internal_id": event.internal_id,
        "account_id": ACCOUNT_ID,
        "environment_id": ENVIRONMENT_ID,
        "source": "",
        "source_id": None,
        "received_at": moment(event.received_at),
    }
    return Fragment(b"%s,%s" % (event.body.removesuffix(b"}"), dumps(added).removeprefix(b"{")))


def run_view(item: RunItem) -> dict[str, Any]:
    """Return a run as the API shows it, with its output when it has ended."""
    run = item.run
    view = {
        "run_id": run.id,
        "run_started_at": moment(run.started_at or run.queued_at),
        "function_id": run.function_id,
        "function_version": 1,
        "environment_id": ENVIRONMENT_ID,
        "event_id": run.event_id,
        "status": run.status.label,
        "ended_at": None if run.ended_at is None else moment(run.ended_at),
    }
    more = {
        "batch_id": run.batch_id,
        "original_run_id": item.original_run_id,
        "cron": item.cron,
        "output": None if run.output is None else Fragment(run.output),
    }
    return view | {key: value for key, value in more.items() if value is not None}


def job_view(job: JobItem, position: int) -> dict[str, Any]:
    """Return a queue item as the API shows it; what it holds may be a secret and is not shown."""
    return {
        "JobID": job.id,
        "at": moment(job.due),
        "position": position,
        "kind": job.kind.value,
        "attempt": job.attempt,
        "Raw": {"step_id": job.step_id, "name": job.name, "run_id": job.run_id},
    }


def function_record(function: Function) -> dict[str, Any]:
    """Return a function as REST v1 lists it."""
    archived = function.archived_at
    return {
        "internal_id": function.id,
        "env_id": ENVIRONMENT_ID,
        "app_id": function.app_id,
        "id": function.slug,
        "name": function.name,
        "config": function.config | {"triggers": function.triggers},
        "created_at": moment(function.created_at),
        "archived_at": None if archived is None else moment(archived),
    }


def server_view(
    options: DevOptions,
    apps: Iterable[App],
    functions: Iterable[Function],
    gateway: tuple[str, int] | None,
) -> dict[str, Any]:
    """Return what `GET /dev` tells; `gateway` is where workers connect, if they can."""
    gateway_host, gateway_port = gateway or ("", 0)
    return {
        "version": VERSION,
        "authed": options.signing_key is not None,
        "startOpts": {
            "dir": "",
            "urls": list(options.app_urls),
            "autodiscover": False,
            "poll": options.poll_interval > 0,
            "poll_interval": int(options.poll_interval),
            "tick": 0,
            "retry_interval": int(options.retry_interval or 0),
            "queue_workers": options.max_calls,
            "require_keys": options.is_cloud,
            "connectGatewayPort": gateway_port,
            "connectGatewayHost": gateway_host,
            "persist": options.persistent,
        },
        "functions": [_function_view(function) for function in functions],
        "handlers": [_app_view(app) for app in apps],
        "isSingleNodeService": True,
        "isMissingSigningKey": False,
        "isMissingEventKeys": False,
        "features": {},
    }


def _function_view(function: Function) -> dict[str, Any]:
    return {
        "id": function.id,
        "app_id": function.app_id,
        "slug": function.slug,
        "name": function.name,
        "url": function.url,
        "triggers": function.triggers,
        "config": function.config,
    }


def _app_view(app: App) -> dict[str, Any]:
    return {
        "id": app.id,
        "name": app.name,
        "url": app.url,
        "connected": bool(app.checksum) and app.error is None,
        "error": app.error,
        "synced_at": None if app.synced_at is None else moment(app.synced_at),
        "sdk": {
            "url": app.url,
            "appName": app.name,
            "sdk": app.sdk,
            "framework": app.framework,
            "appVersion": app.app_version,
        },
    }
