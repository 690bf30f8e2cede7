"""Runs as the API shows them (server-api.md 4), read once into records; asks nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunStatus(StrEnum):
    """Where a run stands."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"
    OVERFLOWED = "Overflowed"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a function, as it stood when the server was asked.

    Attributes:
        id: the run's ULID.
        status: where it stands.
        function_id: the function, by the server's own id, a UUID.
        event_id: the internal id of the event that started it.
        batch_id: the batch that started it, if one did.
        cron: the schedule that started it, if one did.
        original_run_id: the run that it repeats, if it repeats one.
        started_at: when it started.
        ended_at: when it ended, if it has.
        output: what the function returned; of a failed run, the error.
    """

    id: str
    status: RunStatus
    function_id: str | None = None
    event_id: str | None = None
    batch_id: str | None = None
    cron: str | None = None
    original_run_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    output: Any = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in _ENDED or self.ended_at is not None


_ENDED = frozenset(
    {
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
        RunStatus.SKIPPED,
        RunStatus.OVERFLOWED,
    }
)
_STATUSES = {status.value.lower(): status for status in RunStatus}


def read_run(record: Any) -> Run:
    """Read a run.

    Args:
        record: the parsed JSON; a status or a moment that is not understood counts as not known.

    Raises:
        ValueError: it is not an object, or has no id.
    """
    if not isinstance(record, dict) or not isinstance(record.get("run_id"), str):
        raise ValueError("a run must be an object with a run_id")
    return Run(
        id=record["run_id"],
        status=_STATUSES.get(str(record.get("status")).lower(), RunStatus.UNKNOWN),
        function_id=_text(record, "function_id"),
        event_id=_text(record, "event_id"),
        batch_id=_text(record, "batch_id"),
        cron=_text(record, "cron"),
        original_run_id=_text(record, "original_run_id"),
        started_at=_moment(record, "run_started_at"),
        ended_at=_moment(record, "ended_at"),
        output=record.get("output"),
    )


def _text(record: dict[str, Any], key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def _moment(record: dict[str, Any], key: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_text(record, key) or "")
    except ValueError:
        return None
    return moment if moment.year > 1 else None  # the year 1 is how Go writes that there is none
