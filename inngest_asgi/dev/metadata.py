"""Metadata that apps and tools attach to runs and steps: how it is read and put together; pure.

The rules are those of server-api.md 4: what may be attached, where, and how much of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.spans import Span, SpanKind
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

LONGEST_KIND = 128
MAX_OF_SPAN, MAX_OF_RUN = 64 * 1024, 1024 * 1024

_OWN = "inngest."
_OPEN_KINDS = frozenset(
    f"inngest.{name}"
    for name in (
        *("ai", "http", "http.timing", "response_headers"),
        *("warnings", "experiment", "score"),
    )
)
_LAST = -1


@dataclass(frozen=True, slots=True)
class Target:
    """What metadata is about: the run, unless it names a step, or a span that an app reported.

    Args:
        step_id: a hashed id.
        attempt: one attempt of the step; None: the step.
        span_id: as the app reported it.
    """

    step_id: str | None = None
    attempt: int | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """A change: `op` is merge, set, delete or add."""

    kind: str
    op: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """The metadata of one kind about one thing."""

    target: Target
    kind: str
    values: dict[str, Any]

    @property
    def size(self) -> int:
        """How many bytes count towards the limits."""
        return len(self.kind) + len(dumps(self.values))


def read_metadata(document: Any) -> tuple[Target, list[Update]]:
    """Read the body of a request that attaches metadata.

    Raises:
        RequestError: it makes no sense (400).
    """
    fields = document if isinstance(document, dict) else {}
    items = fields.get("metadata")
    if not isinstance(items, list) or not items:
        raise _refused("The body needs `metadata`, a list of what to attach.")
    return read_target(fields.get("target")), [read_update(item) for item in items]


def read_update(item: Any) -> Update:
    """Read one change.

    Raises:
        RequestError: it makes no sense, or is of a kind that is the server's own (400).
    """
    fields = item if isinstance(item, dict) else {}
    kind, op, values = (fields.get(name) for name in ("kind", "op", "values"))
    if not isinstance(kind, str) or not kind or len(kind) > LONGEST_KIND:
        raise _refused(f"The kind of metadata is text of 1 to {LONGEST_KIND} characters.")
    if kind.startswith(_OWN) and kind not in _OPEN_KINDS:
        raise _refused(f"Metadata of kind {kind!r} is the server's own.")
    if op not in _OPS:
        raise _refused(f"The op of metadata is one of {', '.join(_OPS)}, not {op!r}.")
    if not isinstance(values, dict):
        raise _refused("The values of metadata must be an object.")
    if op == "add" and not all(_is_number(value) for value in values.values()):
        raise _refused("What is added must be numbers.")
    return Update(kind, op, values)


def annotate(span: Span, update: Update) -> None:
    """Change the metadata that is shown on a span."""
    span.metadata[update.kind] = _applied(span.metadata.get(update.kind, {}), update)


def read_target(document: Any) -> Target:
    """Read what metadata is about.

    Raises:
        RequestError: it makes no sense (400).
    """
    fields = document if document is not None else {}
    if not isinstance(fields, dict):
        raise _refused("The `target` of metadata must be an object.")
    step_id, index, attempt, span_id = (
        fields.get(name) for name in ("step_id", "step_index", "step_attempt", "span_id")
    )
    if not step_id:
        if index is not None or attempt is not None or span_id is not None:
            raise _refused("step_index, step_attempt and span_id need a step_id.")
        return Target()
    numbers = all(one is None or _is_whole(one) for one in (index, attempt))
    if not isinstance(step_id, str) or not numbers or not isinstance(span_id, str | None):
        raise _refused("In a target, step_id and span_id are text, the others whole numbers.")
    number = None if attempt in (None, _LAST) else attempt
    return Target(hashed_step(step_id, index or 0), number, span_id or None)


def hashed_step(step_id: str, index: int = 0) -> str:
    """Return the hashed id of the n-th step, from 0, that its author gave an id (steps.md 1)."""
    text = f"{step_id}:{index}" if index else step_id
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def updated(notes: Iterable[Note], target: Target, updates: Iterable[Update]) -> list[Note]:
    """Return the metadata of a run's target as it is after some updates.

    Args:
        notes: all metadata of the run.
        target: what the updates are about.
        updates: in order.

    Raises:
        RequestError: there is too much now (413).
    """
    mine, others = {}, 0
    for note in notes:
        if note.target == target:
            mine[note.kind] = note
        else:
            others += note.size
    for update in updates:
        old = mine.get(update.kind, Note(target, update.kind, {}))
        mine[update.kind] = replace(old, values=_applied(old.values, update))
    size = sum(note.size for note in mine.values())
    if size > MAX_OF_SPAN:
        raise _refused(f"Metadata of one span has at most {MAX_OF_SPAN >> 10} KB.", 413)
    if size + others > MAX_OF_RUN:
        raise _refused(f"Metadata of one run has at most {MAX_OF_RUN >> 20} MB.", 413)
    return list(mine.values())


def attach(root: Span, notes: Iterable[Note]) -> None:
    """Show metadata on the spans of a run; what is about a span that is not there is left out."""
    for note in notes:
        span = _span_of(root, note.target)
        if span is not None:
            annotate(span, Update(note.kind, "merge", note.values))


def _applied(old: Mapping[str, Any], update: Update) -> dict[str, Any]:
    return _OPS[update.op](old, update.values)


def _deleted(old: Mapping[str, Any], gone: Mapping[str, Any]) -> dict[str, Any]:
    return {key: old[key] for key in old if key not in gone}


def _added(old: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Add number by number; what is no number, or not there yet, counts as nothing."""
    sums = {key: _number(old.get(key)) + more[key] for key in more}
    return {**old, **sums}


_OPS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "merge": lambda old, new: {**old, **new},
    "set": lambda _old, new: dict(new),
    "delete": _deleted,
    "add": _added,
}


def _span_of(root: Span, target: Target) -> Span | None:
    if target.step_id is None:
        return root
    steps = (child for child in root.children if child.step_id == target.step_id)
    step = next((child for child in steps if child.kind is SpanKind.STEP), None)
    if step is None or target == Target(target.step_id):
        return step
    if target.span_id is not None:
        return next((span for span in _below(step) if span.id == target.span_id), None)
    attempts = (child for child in step.children if child.kind is SpanKind.ATTEMPT)
    return next((child for child in attempts if child.attempt == target.attempt), None)


def _below(span: Span) -> Iterator[Span]:
    for child in span.children:
        yield child
        yield from _below(child)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return value if _is_number(value) else 0


def _refused(message: str, status: int = 400) -> RequestError:
    return RequestError(message, code="", status=status)
