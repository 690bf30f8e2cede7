"""Shows what runs return and why they fail; knows nothing of what happened on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.json import JSON
from rich.text import Text

from inngest_asgi.dev import Record, RunStatus
from inngest_asgi.wire.codec import dump_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

LONGEST = 50_000
"""Characters of an output that are shown; laying out more would hold up the server."""


def outcome(record: Record, *, plain: bool = False) -> Iterator[RenderableType]:
    """Yield what shows how a run ended.

    Args:
        record: what tells of its end.
        plain: write characters beyond ASCII as JSON escapes.
    """
    output = record.details["output"]
    if record.details["status"] == RunStatus.COMPLETED.label:
        if output is not None:
            yield _output(output, plain=plain)
    elif isinstance(output, dict):
        yield from _error(output)


def _output(output: Any, *, plain: bool) -> RenderableType:
    text = dump_text(output)
    if len(text) > LONGEST:
        return Text(f"{text[:LONGEST]}... (cut; {len(text)} characters in all)")
    return JSON(text, ensure_ascii=plain)


def _error(error: dict[str, Any], introduction: str = "") -> Iterator[RenderableType]:
    """Yield an error, its traceback where there is one, and what caused it."""
    told = f"{error.get('name') or 'Error'}: {error.get('message') or ''}"
    stack = error.get("stack")
    text = stack if isinstance(stack, str) and stack else told
    yield Text(f"{introduction}{text}", style="red")
    cause = error.get("cause")
    if isinstance(cause, dict):
        yield from _error(cause, "Caused by: ")
