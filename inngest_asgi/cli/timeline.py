"""Writes what happens to runs as lines for people; decides nothing and reads no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from inngest_asgi.dev import Happening, Record, RunStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME_WIDTH = 28
_DURATION_WIDTH = 9
_LONGEST_MESSAGE = 200
_TAG_LENGTH = 4
_TOLD_BRIEFLY = (
    *(Happening.STEP_FAILED, Happening.ATTEMPT_FAILED, Happening.RUN_ENDED),
    Happening.NOT_STARTED,
)
_A_LONG_WAIT = 1.0
"""Seconds a run may be due in the future before that is worth a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The characters in front of lines."""

    start: str
    note: str
    done: str
    asleep: str
    failed: str
    end: str


MARKS = Marks(start="▶", note="·", done="✓", asleep="◷", failed="✗", end="■")
PLAIN_MARKS = Marks(start=">", note="-", done="+", asleep="~", failed="x", end="=")


@dataclass(slots=True)
class ToldRun:
    """What must be remembered of a run that has not ended to tell what happens to it.

    `due` is when it starts (Unix seconds), None once it has. `names` and `asleep` go by hashed
    step id: what planned steps are called, and which sleep.
    """

    id: str
    function: str
    event: str = ""
    queued_at: float | None = None
    due: float | None = None
    recorded: int = 0
    names: dict[str, str] = field(default_factory=dict)
    asleep: dict[str, Record] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        """Remember what a record tells."""
        details = record.details
        match record.kind:
            case Happening.RUN_QUEUED:
                self.function, self.event = details["function"], details["event"]
                self.queued_at, self.due = record.at, details["due"]
            case Happening.RUN_STARTED:
                self.due = None
            case Happening.STEP_PLANNED:
                self.names[details["id"]] = details["name"]
            case Happening.STEP_SLEEPING:
                self.asleep[details["id"]] = record
            case Happening.STEP_RECORDED:
                self.recorded += 1
                self.names.pop(details["id"], None)
                self.asleep.pop(details["id"], None)


class Timeline:
    """Turns records into lines, for any number of runs at once.

    While several runs are open, lines name theirs by the end of its id.

    Args:
        marks: the characters in front of lines.
        brief: only failures and ends, so that many runs do not drown what matters.
    """

    def __init__(self, marks: Marks = MARKS, *, brief: bool = False) -> None:
        self.open: dict[str, ToldRun] = {}
        self._marks = marks
        self._brief = brief

    def lines(self, record: Record) -> list[Text]:
        """Return the lines that tell of a record: none for many kinds of it."""
        if not record.run_id:
            return self._told_of_event(record)
        run = self.open.setdefault(record.run_id, ToldRun(record.run_id, f"run {record.run_id}"))
        lines = self._told(run, record)
        run.note(record)
        if record.kind is Happening.RUN_ENDED:
            del self.open[record.run_id]
        return lines

    def resumed(self, run_id: str, history: Iterable[Record]) -> list[Text]:
        """Return the lines that tell where a run stands that was started, or queued, before."""
        run = self.open[run_id] = ToldRun(run_id, f"run {run_id}")
        for record in history:
            run.note(record)
        if self._brief:
            return []
        if run.due is not None:
            return [self._scheduled(run.function, run.due, run.queued_at or run.due)]
        count = f"{run.recorded} step{'' if run.recorded == 1 else 's'} recorded before"
        return [
            self._header(run),
            self._row(run, self._marks.note, "dim", "goes on", None, count),
            *(self._asleep(run, record) for record in run.asleep.values()),
        ]

    def _told(self, run: ToldRun, record: Record) -> list[Text]:
        details = record.details
        if self._brief and record.kind not in _TOLD_BRIEFLY:
            return []
        match record.kind:
            case Happening.RUN_QUEUED if details["due"] - record.at > _A_LONG_WAIT:
                function, due = details["function"], details["due"]
                return [self._scheduled(function, due, record.at)]
            case Happening.RUN_STARTED:
                return self._started(run, record)
            case Happening.STEP_RECORDED:
                return [self._recorded(run, record)]
            case Happening.STEP_SLEEPING:
                return [self._asleep(run, record)]
            case Happening.STEP_FAILED:
                return self._failed(run, record, details["name"])
            case Happening.ATTEMPT_FAILED:
                name = run.names.get(details.get("step_id") or "", "the function")
                return self._failed(run, record, name)
            case Happening.RUN_ENDED:
                return [self._ended(run, record), *self._reason(record)]
            case _:
                return []

    def _told_of_event(self, record: Record) -> list[Text]:
        """Tell of an event that started no run, or not at once."""
        if self._brief and record.kind not in _TOLD_BRIEFLY:
            return []
        waits = record.kind is Happening.EVENT_WAITING
        mark = (self._marks.asleep, "blue") if waits else (self._marks.note, "yellow")
        return [_line("", *mark, record.details["function"], None, held_back(record))]

    def _scheduled(self, function: str, due: float, seen_from: float) -> Text:
        text = f"starts at {moment(due, seen_from)}"
        return _line("", self._marks.asleep, "blue", function, None, text)

    def _header(self, run: ToldRun) -> Text:
        return _line("", self._marks.start, "bold cyan", run.function, None, f"run {run.id}")

    def _started(self, run: ToldRun, record: Record) -> list[Text]:
        waited = None if run.queued_at is None else record.at - run.queued_at
        return [
            self._header(run),
            self._row(run, self._marks.note, "dim", "waited in the queue", waited),
        ]

    def _recorded(self, run: ToldRun, record: Record) -> Text:
        details = record.details
        duration, attempt = details.get("duration"), details.get("attempt", 0)
        sleep = run.asleep.get(details["id"])
        if sleep is not None:
            duration = record.at - sleep.at
        tried = f"attempt {attempt + 1}" if attempt else ""
        return self._row(run, self._marks.done, "green", details["name"], duration, tried)

    def _asleep(self, run: ToldRun, record: Record) -> Text:
        until = record.details["until"]
        text = f"sleeps until {moment(until, record.at)}"
        name, duration = record.details["name"], until - record.at
        return self._row(run, self._marks.asleep, "blue", name, duration, text)

    def _failed(self, run: ToldRun, record: Record, name: str) -> list[Text]:
        details = record.details
        retry_at = details.get("retry_at")
        then = " for good" if retry_at is None else f", next in {seconds(retry_at - record.at)}"
        text = f"attempt {details.get('attempt', 0) + 1} failed{then}"
        return [
            self._row(run, self._marks.failed, "red", name, details.get("duration"), text),
            Text(f"      {summary(details['error'])}", style="red"),
        ]

    def _ended(self, run: ToldRun, record: Record) -> Text:
        status = record.details["status"]
        style = "bold green" if status == RunStatus.COMPLETED.label else "bold red"
        took = None if run.queued_at is None else record.at - run.queued_at
        which = f"run {run.id} " if self._brief else self._tag(run)
        return _line("", self._marks.end, style, run.function, took, f"{which}{status}")

    def _reason(self, record: Record) -> list[Text]:
        """Return why a run failed, where its outcome is not shown."""
        error = record.details["output"]
        failed = record.details["status"] == RunStatus.FAILED.label and isinstance(error, dict)
        return [Text(f"      {summary(error)}", style="red")] if self._brief and failed else []

    def _row(
        self, run: ToldRun, mark: str, style: str, name: str, duration: float | None, text: str = ""
    ) -> Text:
        return _line("  ", mark, style, name, duration, f"{self._tag(run)}{text}")

    def _tag(self, run: ToldRun) -> str:
        if self._brief:
            return f"{run.function} ..{run.id[-_TAG_LENGTH:]} "
        return f"..{run.id[-_TAG_LENGTH:]} " if len(self.open) > 1 else ""


def seconds(duration: float) -> str:
    """Write a duration for people: "<1 ms", "12 ms", "3.4 s", "2 min 5 s", "2 d 4 h"."""
    milliseconds = round(duration * 1000)
    if milliseconds < 1:
        return "<1 ms"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 59_950:
        return f"{duration:.1f} s"
    whole = round(duration)
    size, unit, part_size, part = next(one for one in _UNITS if whole >= one[0])
    return f"{whole // size} {unit} {whole % size // part_size} {part}"


def moment(at: float, seen_from: float) -> str:
    """Write a moment (Unix seconds) in local time; without the date when it is the same day."""
    when, now = (datetime.fromtimestamp(one).astimezone() for one in (at, seen_from))
    return when.strftime("%H:%M:%S" if when.date() == now.date() else "%Y-%m-%d %H:%M")


def held_back(record: Record) -> str:
    """Write why an event started no run, or none yet."""
    details = record.details
    if record.kind is Happening.EVENT_WAITING:
        until = moment(details["until"], record.at)
        return f"waits for more events until {until} ({details['reason']})"
    return f"not started: {_REASONS.get(details['reason'], details['reason'])}"


def summary(error: dict[str, Any]) -> str:
    """Write an error as one line: its name and its message, if that is not too long."""
    text = " ".join(f"{error.get('name') or 'Error'}: {error.get('message', '')}".split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."


_REASONS = {
    "own_end": "its own runs led to this end of a run",
    "repeated": "an event of this id started it before",
    "rate_limit": "it is rate limited",
    "idempotency": "it ran for this idempotency key before",
    "singleton": "a run of it has not ended (singleton)",
    "older": "a newer event is being debounced",
}
_UNITS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def _line(indent: str, mark: str, style: str, name: str, duration: float | None, text: str) -> Text:
    name = " ".join(name.split())
    padding = " " * (_NAME_WIDTH - len(indent) - cell_len(name))
    took = "" if duration is None else seconds(duration)
    line = Text.assemble(
        indent,
        (mark, style),
        f" {name}{padding}",
        (f"{took:>{_DURATION_WIDTH}}", "dim"),
        f"  {text}",
    )
    line.rstrip()
    return line
