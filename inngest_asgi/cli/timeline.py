"""Writes what happens to runs as lines for people; decides nothing and reads no clock."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from inngest_asgi.dev import Happening, Record, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME_WIDTH = 28
_SHOWN = 160


class Timeline:
    """Turns records into lines, for any number of runs at once."""

    def __init__(self) -> None:
        self._queued: dict[str, Record] = {}

    def lines(self, record: Record) -> Iterator[Text]:
        """Return the lines that tell of a record; most kinds of record have one, some none."""
        match record.kind:
            case Happening.RUN_QUEUED:
                self._queued[record.run_id] = record
                yield _line("▶", "bold cyan", record.details["function"], f"run {record.run_id}")
            case Happening.STEP_RECORDED:
                yield _line("✓", "green", record.details["name"], _ran(record.details))
            case Happening.STEP_SLEEPING:
                yield _line("◷", "blue", record.details["name"], _asleep(record))
            case Happening.STEP_FAILED:
                yield _line("✗", "red", record.details["name"], _failed(record))
            case Happening.ATTEMPT_FAILED:
                yield _line("✗", "red", "the function", _failed(record))
            case Happening.RUN_ENDED:
                yield self._ended(record)
            case _:
                return

    def _ended(self, record: Record) -> Text:
        queued = self._queued.pop(record.run_id, None)
        function = queued.details["function"] if queued else f"run {record.run_id}"
        status = record.details["status"]
        good = status == RunStatus.COMPLETED.label
        took = f" in {seconds(record.at - queued.at)}" if queued else ""
        return _line("■", "bold green" if good else "bold red", function, f"{status}{took}")


def seconds(duration: float) -> str:
    """Write a duration for people: "12 ms", "3.4 s", "2 min 5 s"."""
    if duration < 1:
        return f"{max(duration, 0) * 1000:.0f} ms"
    if duration < 60:
        return f"{duration:.1f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s"


def _ran(details: dict[str, Any]) -> str:
    duration = details.get("duration")
    took = "" if duration is None else seconds(duration)
    return f"{took}{_attempt(details)}"


def _asleep(record: Record) -> str:
    until = record.details["until"]
    return f"sleeps {seconds(until - record.at)}, until {_time(until)}"


def _failed(record: Record) -> str:
    error, retry_at = record.details["error"], record.details.get("retry_at")
    text = " ".join(f"{error.get('name', 'Error')}: {error.get('message', '')}".split())[:_SHOWN]
    then = "failed for good" if retry_at is None else f"retry in {seconds(retry_at - record.at)}"
    return f"{text}{_attempt(record.details, always=True)}, {then}"


def _attempt(details: dict[str, Any], *, always: bool = False) -> str:
    attempt: int = details.get("attempt", 0)
    return f" (attempt {attempt + 1})" if attempt or always else ""


def _time(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def _line(mark: str, style: str, name: str, rest: str) -> Text:
    indent = "" if mark in "▶■" else "  "
    padded = name.ljust(_NAME_WIDTH - len(indent))
    return Text.assemble(indent, (mark, style), " ", (padded, "bold"), "  ", (rest, "default"))
