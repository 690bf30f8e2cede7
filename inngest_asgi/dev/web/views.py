"""How records look in the API (server-api.md 3.3 and 4); pure shapes, nothing is looked up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.calls import ACCOUNT_ID
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import Fragment, loads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.records import App, Function, RunRow, StoredEvent

ENVIRONMENT_ID = "00000000-0000-4000-b000-000000000000"


def moment(seconds: float) -> str:
    """Return Unix seconds as RFC 3339 in UTC, with milliseconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def envelope(data: Any, now: float, max_age: int) -> dict[str, Any]:
    """Wrap what an API call returns, which may be cached for `max_age` seconds."""
    metadata = {"fetched_at": moment(now), "cached_until": moment(now + max_age)}
    return {"data": data, "metadata": metadata}


def event_view(event: StoredEvent) -> dict[str, Any]:
    """Return an event as the API shows it."""
    shown: dict[str, Any] = loads(event.body)
    return shown | {
        "internal_id": event.internal_id,
        "account_id": ACCOUNT_ID,
        "environment_id": ENVIRONMENT_ID,
        "source": "",
        "source_id": None,
        "received_at": moment(event.received_at),
    }


def run_view(run: RunRow) -> dict[str, Any]:
    """Return a run as the API shows it, with its output when it has ended."""
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
    if run.batch_id is not None:
        view["batch_id"] = run.batch_id
    return view if run.output is None else view | {"output": Fragment(run.output)}


def server_view(
    options: DevOptions, apps: Iterable[App], functions: Iterable[Function]
) -> dict[str, Any]:
    """Return what `GET /dev` tells."""
    return {
        "version": VERSION,
        "authed": False,
        "startOpts": {
            "dir": "",
            "urls": list(options.app_urls),
            "autodiscover": False,
            "poll": options.poll_interval > 0,
            "poll_interval": int(options.poll_interval),
            "tick": 0,
            "retry_interval": int(options.retry_interval or 0),
            "queue_workers": options.max_calls,
            "require_keys": False,
            "connectGatewayPort": 0,
            "connectGatewayHost": "",
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
