"""Lays out what a server told of runs and events, for people; asks nothing."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from inngest_asgi.cli.outcome import LONGEST
from inngest_asgi.cli.timeline import seconds, summary
from inngest_asgi.wire.codec import dump_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

_SHOWN_DATA = 60
_STYLES = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CANCELLED": "yellow",
    "RUNNING": "cyan",
    "WAITING": "blue",
}


def runs_table(runs: list[dict[str, Any]]) -> RenderableType:
    """Lay out runs, as REST v2 lists them."""
    if not runs:
        return "There are no such runs."
    names = ("RUN", "FUNCTION", "STATUS", "QUEUED", "TOOK", "EVENT")
    return _table(names, [_run_row(run) for run in runs])


def events_table(events: list[dict[str, Any]]) -> RenderableType:
    """Lay out events, as REST v1 lists them."""
    if not events:
        return "There are no such events."
    return _table(("EVENT", "NAME", "RECEIVED", "DATA"), [_event_row(event) for event in events])


def run_tree(run: dict[str, Any]) -> RenderableType:
    """Lay out a run with its trace, as `Server.run` returns it."""
    head = Text.assemble(
        (_function(run), "bold"), f"  {run['id']}  ", _status(run), f"  {_took(run)}".rstrip()
    )
    tree = Tree(head, guide_style="dim")
    for child in run["trace"].get("children", ()):
        _grow(tree, child, run["trace"])
    parts: list[RenderableType] = [tree]
    if "output" in run:
        parts.append(_output(run["output"], failed=run["status"] == "FAILED"))
    return Group(*parts)


def _grow(tree: Tree, span: dict[str, Any], above: dict[str, Any]) -> None:
    child = f"  run {span['childRunId']}" if span.get("childRunId") else ""
    error = (span.get("output") or {}).get("error") if _failed(span) else None
    said = f"  {summary(error)}" if isinstance(error, dict) else ""
    line = Text.assemble(
        _title(span, above), "  ", _status(span), f"  {_took(span)}".rstrip(), child, (said, "red")
    )
    branch = tree.add(line)
    parts = span.get("children", ())
    if len(parts) == 1 and _is_attempt(parts[0], span) and "children" not in parts[0]:
        return  # it tells nothing that the step does not
    for part in parts:
        _grow(branch, part, span)


def _title(span: dict[str, Any], above: dict[str, Any]) -> str:
    return f"attempt {span.get('attempt', 0) + 1}" if _is_attempt(span, above) else _name(span)


def _is_attempt(span: dict[str, Any], above: dict[str, Any]) -> bool:
    """Whether it is an attempt at what is above it, which has the same name there and no kind."""
    return "stepOp" not in span and _name(span) == _name(above)


def _name(span: dict[str, Any]) -> str:
    return str(span.get("name", ""))


def _failed(span: dict[str, Any]) -> bool:
    return span.get("status") == "FAILED" and isinstance(span.get("output"), dict)


def _output(output: Any, *, failed: bool) -> Text:
    if failed and isinstance(output, dict):
        return Text(str(output.get("stack") or summary(output)), style="red")
    text = dump_text(output)
    return Text(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def _run_row(run: dict[str, Any]) -> list[Text]:
    trigger = run.get("trigger", {})
    event = trigger.get("cronSchedule") or trigger.get("eventName") or ""
    cells = (run["id"], _function(run), _status(run), _local(run.get("queuedAt")), _took(run))
    return [cell if isinstance(cell, Text) else Text(cell) for cell in (*cells, event)]


def _event_row(event: dict[str, Any]) -> list[Text]:
    data = Text(dump_text(event.get("data") or {}))
    data.truncate(_SHOWN_DATA, overflow="ellipsis")
    received = _local(event.get("received_at"))
    return [*map(Text, (event["internal_id"], event["name"], received)), data]


def _table(names: Sequence[str], rows: list[list[Text]]) -> RenderableType:
    lines = [[Text(name, "dim") for name in names], *rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        for cell, width in zip(line[:-1], widths, strict=False):
            cell.pad_right(width - cell.cell_len)
    return Group(*(Text("  ").join(line) for line in lines))


def _function(run: dict[str, Any]) -> str:
    app, function = run.get("app", {}).get("id", ""), run.get("function", {}).get("id", "")
    return "-".join(part for part in (app, function) if part)


def _status(record: dict[str, Any]) -> Text:
    status = str(record.get("status", "UNKNOWN"))
    return Text(status.capitalize(), style=_STYLES.get(status, "dim"))


def _took(record: dict[str, Any]) -> str:
    """Return how long something took, from the milliseconds that protobuf writes as text."""
    milliseconds = record.get("durationMs")
    return seconds(int(milliseconds) / 1000) if milliseconds else ""


def _local(moment: str | None) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
