"""How one call of a run ended, as records; and what is told of an exception.

Records are never changed. Two are not frozen, for each call has one, and freezing triples its cost.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import NonRetriableError, RetryAfterError, StepError
from inngest_asgi.wire.names import ErrorCode
from inngest_asgi.wire.replies import CAUSE_DEPTH, ErrorRecord, retry_after_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = f"{Path(__file__).parents[1]}{os.sep}"
_CODES = {
    "NestedStepError": ErrorCode.STEP_NESTED,
    "NonRetriableError": ErrorCode.NON_RETRIABLE_ERROR,
    "OutputError": ErrorCode.OUTPUT_UNSERIALIZABLE,
    "RetryAfterError": ErrorCode.RETRY_AFTER_ERROR,
}


@dataclass(frozen=True, slots=True)
class Report:
    """More work: ops for a 206. `error` is the exception behind a failed step, for the log."""

    ops: list[dict[str, Any]]
    no_retry: bool = False
    retry_after: str | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class Returned:
    """The function returned."""

    value: Any


@dataclass(slots=True)
class Raised:
    """The function raised."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class TargetMissing:
    """The step the server asked for was never announced."""

    target: str
    found: list[str]


Outcome = Report | Returned | Raised | TargetMissing


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, and what it means for retrying."""

    record: ErrorRecord
    retriable: bool
    retry_after: str | None


STEP_FINAL = (NonRetriableError,)
"""What fails a step for good when its body raises it."""

FUNCTION_FINAL = (NonRetriableError, StepError)
"""What fails a run for good when its function raises it: its steps had their attempts."""


def describe(error: BaseException, final: tuple[type[BaseException], ...]) -> Failure:
    """Say what an exception means: its record, whether to try again, and when.

    A group of exceptions with one leaf counts as that leaf; it is retriable unless all of its
    leaves are of the `final` types.
    """
    leaves = list(_leaves(error))
    shown = leaves[0] if len(leaves) == 1 else error
    after = next((one.retry_after for one in leaves if isinstance(one, RetryAfterError)), None)
    return Failure(
        record=error_record(shown),
        retriable=not all(isinstance(one, final) for one in leaves),
        retry_after=None if after is None else retry_after_value(after),
    )


def error_record(error: BaseException, depth: int = CAUSE_DEPTH) -> ErrorRecord:
    """Return an exception as it goes over the wire, with its causes, `depth` deep."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if isinstance(error, StepError):
        name, message, stack = error.name, error.message, error.stack
    else:
        name, message, stack = type(error).__name__, _message(error), user_stack(error)
    return ErrorRecord(
        name=name,
        message=message or name,
        stack=stack or None,
        code=_code(error),
        cause=error_record(cause, depth - 1) if cause is not None and depth > 0 else None,
    )


def user_stack(error: BaseException) -> str:
    """Return the traceback as text, without frames of this package (steps.md 7)."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_PACKAGE)
    ]
    head = (
        ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    )
    return "".join([*head, *traceback.format_exception_only(error)]).rstrip()


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _code(error: BaseException) -> ErrorCode:
    if isinstance(error, StepError):
        return _CODES.get(error.name, ErrorCode.STEP_ERRORED)
    names = (one.__name__ for one in type(error).__mro__)
    return next((_CODES[name] for name in names if name in _CODES), ErrorCode.UNKNOWN)


def _message(error: BaseException) -> str:
    """Return `str(error)`, also when the exception's own `__str__` raises."""
    return str(traceback.TracebackException(type(error), error, None, limit=0))
