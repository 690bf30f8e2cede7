"""What we answer a call, and what we tell of an error: status, headers and body, dumped once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from inngest_asgi.wire.codec import Fragment, dumps, text_of
from inngest_asgi.wire.names import ErrorCode, Header

if TYPE_CHECKING:
    from collections.abc import Iterable

CAUSE_DEPTH = 5
"""How many causes of an error go over the wire, each inside the one it caused."""


@dataclass(slots=True)
class Reply:
    """An answer before it is signed and sent; `headers` are those that vary. Never changed."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error as it goes over the wire; who makes one sees to `CAUSE_DEPTH`."""

    name: str
    message: str
    stack: str | None = None
    code: str = ErrorCode.UNKNOWN
    cause: ErrorRecord | None = None

    def to_op(self) -> dict[str, Any]:
        """Return the shape inside an op (steps.md 3)."""
        return self._shape({})

    def to_body(self) -> dict[str, Any]:
        """Return the shape of an error response (http.md 11.3)."""
        return self._shape({"code": str(self.code)})

    def _shape(self, start: dict[str, Any]) -> dict[str, Any]:
        shape = {**start, "message": _encodable(self.message), "name": _encodable(self.name)}
        if self.stack:
            shape["stack"] = _encodable(self.stack)
        if self.cause is not None:
            shape["cause"] = self.cause.to_op()
        return shape


def ops_reply(
    ops: Iterable[dict[str, Any]], *, no_retry: bool = False, retry_after: str | None = None
) -> Reply:
    """Answer 206 with ops; none at all means that nothing can be reported now."""
    return Reply(206, dumps(list(ops)), retry_headers(no_retry=no_retry, retry_after=retry_after))


def output_reply(output: Fragment) -> Reply:
    """Answer 200 with what the function returned."""
    return Reply(200, text_of(output), retry_headers(no_retry=False))


def error_reply(
    status: int, error: ErrorRecord, *, no_retry: bool, retry_after: str | None = None
) -> Reply:
    """Answer with an error; whether the server may try again is said, never left to the status."""
    headers = retry_headers(no_retry=no_retry, retry_after=retry_after)
    return Reply(status, dumps(error.to_body()), headers)


def retry_headers(*, no_retry: bool, retry_after: str | None = None) -> dict[str, str]:
    """Return the headers that control retries (http.md 12)."""
    headers = {Header.NO_RETRY: "true" if no_retry else "false"}
    if retry_after is not None:
        headers[Header.RETRY_AFTER] = retry_after
    return headers


def retry_after_value(when: timedelta | datetime) -> str:
    """Write a Retry-After: whole seconds from now, at least one, or an ISO moment in UTC."""
    if isinstance(when, timedelta):
        return str(max(1, math.ceil(when.total_seconds())))
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encodable(text: str) -> str:
    """Escape lone surrogates (file names have them), so that no error is lost for its text."""
    return text.encode(errors="backslashreplace").decode()
