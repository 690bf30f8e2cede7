"""Reads the bodies of requests, and stops where they get too large; it parses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from inngest_asgi.errors import RequestError
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a request: twenty of the largest events, or two runs' whole state."""


async def body_of(request: Request, limit: int = MAX_BODY) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: it is larger than `limit` bytes (413), or compressed (415), which no SDK
            does; more than that is never held in memory. Or it broke off (400), which nobody is
            there to be told of.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        message = "The request is compressed; send it as it is, without Content-Encoding."
        raise RequestError(message, code=ErrorCode.BODY_INVALID, status=415)
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except ClientDisconnect:
        raise RequestError("The request broke off.", code="", status=400) from None
    return b"".join(parts)


def _too_large(limit: int) -> RequestError:
    message = f"The request is larger than {limit >> 20} MB; send it in several."
    return RequestError(message, code=ErrorCode.BODY_TOO_LARGE, status=413)
