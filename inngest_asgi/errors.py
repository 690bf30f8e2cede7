"""Every exception of the package, as one tree; nothing here knows where errors are raised or shown.

InngestError
├── ConfigError              something is declared or configured wrongly
├── CodecError               a value that cannot be JSON, or text that is not JSON
├── SendEventsError          the event API did not take every event; `ids` are those it took
├── ApiError                 the Inngest API refused a request or could not be reached
├── RunFailedError           a run whose output was asked for has failed, or was cancelled
├── FrameError               bytes on a connect socket that are no message, or none that can be sent
├── ProtocolError            a connect protocol object was asked for what its state does not allow
├── ConnectError             a connect worker cannot start or go on
│   ├── ConnectAuthError     the server refused every signing key the worker has
│   └── ConnectClosed        a state was waited for that cannot come any more
├── DevServerError           the embedded dev server cannot start, or cannot go on
├── RequestError             an incoming request that is refused, with its status and code
│   └── SignatureError       it is not signed, or not by one of our keys
├── StepUsageError           a step was used where it cannot work
│   └── NestedStepError      a step was used inside another one, which fails for good
├── NonRetriableError        raised by users: never try this step or function again
│   ├── OutputError          what a step or function returned cannot be recorded
│   └── EventValidationError an event is not of the type declared for its name
├── RetryAfterError          raised by users: try again, but not before a time of their choice
└── StepError                a step failed for good; it can be caught and compensated durably
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class InngestError(Exception):
    """The root of all errors of this package."""


class ConfigError(InngestError, ValueError):
    """Something is declared or configured wrongly; the message names it and says how to mend it."""


class CodecError(InngestError, ValueError):
    """A value that cannot be written as JSON, or bytes that are not JSON."""


class SendEventsError(InngestError):
    """The event API did not take every event.

    Args:
        message: what went wrong, in a sentence.
        ids: internal ids (ULIDs) of the events that were accepted all the same, in order.
        status: the HTTP status of the refusal; None when no answer came.
    """

    def __init__(self, message: str, ids: Sequence[str] = (), status: int | None = None) -> None:
        super().__init__(message)
        self.ids = list(ids)
        self.status = status


class ApiError(InngestError):
    """The Inngest API refused a request, or gave no usable answer.

    Args:
        message: what went wrong, in a sentence.
        status: the HTTP status of the refusal; None when no answer came.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class RunFailedError(InngestError):
    """A run whose output was asked for has none, because it failed or was cancelled.

    Args:
        run_id: the run.
        status: how it ended, such as "Failed".
        message: the message of the error that ended it.
        name: that error's class name.
        stack: its traceback text, if it was recorded.
    """

    def __init__(
        self, run_id: str, status: str, message: str, name: str, stack: str | None = None
    ) -> None:
        super().__init__(f"Run {run_id!r} ended as {status}: {name}: {message}")
        self.run_id = run_id
        self.status = status
        self.message = message
        self.name = name
        self.stack = stack


class FrameError(InngestError, ValueError):
    """Bytes that are no message of the connect protocol, or a message that cannot become bytes.

    Args:
        message: what is wrong, in a sentence.
        kind: the record of `connect.messages` that was to be read or written, if that is known.
    """

    def __init__(self, message: str, *, kind: type | None = None) -> None:
        super().__init__(message)
        self.kind = kind


class ProtocolError(InngestError):
    """A connect protocol object was asked for what its state does not allow: a mistake of ours."""


class ConnectError(InngestError):
    """A connect worker cannot start or go on; the message names the cause and the remedy."""


class ConnectAuthError(ConnectError):
    """The server refused every signing key the worker has."""


class ConnectClosed(ConnectError):
    """A state of a worker was waited for that cannot come any more, because it is closing."""


class DevServerError(InngestError):
    """The embedded dev server cannot start or go on; the message names the cause and the remedy."""


class RequestError(InngestError):
    """An incoming request that is refused.

    Args:
        message: a sentence for the caller; it never holds key material.
        code: the machine-readable reason, one of `wire.names.ErrorCode`.
        status: the HTTP status of the answer.
    """

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class SignatureError(RequestError):
    """A request that is not signed, or not by one of our keys, or not lately (http.md 5)."""

    def __init__(self, message: str, *, code: str = "sig_verification_failed") -> None:
        super().__init__(message, code=code, status=401)


class StepUsageError(InngestError):
    """A step was used where it cannot work: another thread, another loop, a finished call."""


class NestedStepError(StepUsageError):
    """A step's function used another step: the outer one fails for good, whatever it returned."""


class NonRetriableError(InngestError):
    """Raise it in a step or a function that must not be tried again.

    In a step it fails the step for good (the function sees a `StepError` it may catch); in a
    function it fails the run.

    Args:
        message: shown in the run's error.
        quiet: do not log the error.
    """

    def __init__(self, message: str | None = None, quiet: bool = False) -> None:  # noqa: FBT001, FBT002
        super().__init__(message or "")
        self.quiet = quiet


class OutputError(NonRetriableError):
    """What a step or function returned cannot be recorded as JSON; trying again would not help."""


class EventValidationError(NonRetriableError):
    """An event is not of the type declared for its name; it would not be so the next time either.

    Args:
        message: names the event, the fields and what is wrong with them.
        fields: where it is wrong, such as "data.user_id".
    """

    def __init__(self, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fields = list(fields)


class RetryAfterError(InngestError):
    """Raise it in a step or a function to choose when it is tried again.

    Args:
        message: shown in the run's error.
        retry_after: a delay (`timedelta`, or int milliseconds) or a moment (`datetime`, with its
            time zone). Servers clamp it to 1 s .. 24 h (http.md 12).
        quiet: do not log the error.

    Raises:
        ConfigError: `retry_after` is none of these, a `datetime` without a time zone, negative, or
            beyond what dates can be.
    """

    def __init__(
        self,
        message: str,
        retry_after: timedelta | datetime | int,
        quiet: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        super().__init__(message)
        self.retry_after = _checked_retry_after(retry_after)
        self.quiet = quiet


class StepError(InngestError):
    """A step failed for good. Catch it to compensate; uncaught, it fails the run.

    Args:
        message: the original error's message.
        name: the original error's class name.
        stack: the original error's traceback text, if it was recorded.
        step_id: the id the user gave the step.
        cause: the recorded error that caused the original one, if any.
    """

    def __init__(
        self,
        message: str,
        name: str = "StepError",
        stack: str | None = None,
        step_id: str | None = None,
        cause: StepError | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.stack = stack
        self.step_id = step_id
        self.cause = cause
        self.__cause__ = cause


def _checked_retry_after(value: timedelta | datetime | int) -> timedelta | datetime:
    if isinstance(value, bool) or not isinstance(value, datetime | timedelta | int):
        raise ConfigError(
            f"RetryAfterError: retry_after is {value!r}; "
            "pass a timedelta, a datetime with its time zone, or int milliseconds."
        )
    try:
        return _moment(value) if isinstance(value, datetime) else _delay(value)
    except OverflowError:
        raise ConfigError(
            f"RetryAfterError: retry_after is {value!r}, beyond what dates can be; "
            "servers wait a day at most."
        ) from None


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ConfigError(
            "RetryAfterError: retry_after is a datetime without a time zone; "
            "use datetime.now(timezone.utc) + timedelta(...) or pass a timedelta."
        )
    return value.astimezone(UTC)


def _delay(value: timedelta | int) -> timedelta:
    delay = value if isinstance(value, timedelta) else timedelta(milliseconds=value)
    if delay < timedelta(0):
        raise ConfigError("RetryAfterError: retry_after is negative; pass a delay of 0 or more.")
    return delay
