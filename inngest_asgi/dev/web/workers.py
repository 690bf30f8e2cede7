"""The workers as the page shows them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest_asgi.dev.gateway.links import Link
    from inngest_asgi.dev.gateway.roster import Roster

_WORDS = {"CONNECTED": "connecting", "READY": "ready", "DRAINING": "draining"}


def worker_views(roster: Roster) -> list[dict[str, Any]]:
    """Return one record for each connection, by instance; times are in Unix seconds."""
    return [_view(link, roster) for link in sorted(roster, key=lambda link: link.instance)]


def _view(link: Link, roster: Roster) -> dict[str, Any]:
    worker = link.role.worker
    return {
        "id": link.id,
        "instance_id": link.instance,
        "state": _WORDS.get(link.status, "gone"),
        "connected_at": link.connected_at,
        "last_heartbeat_at": link.seen_at,
        "apps": [{"name": group.app_name, "version": group.app_version} for group in link.groups],
        "sdk": f"{worker.sdk_language} {worker.sdk_version}" if worker else "",
        "in_flight": roster.in_flight(link.instance),
        "limit": (worker.max_worker_concurrency if worker else None) or None,
    }
