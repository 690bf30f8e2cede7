"""What a worker answers a request, from the reply that HTTP would have carried (connect.md 6.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from inngest_asgi.connect.messages import Response, ResponseStatus
from inngest_asgi.connect.protocol.connection import MAX_FRAME
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import REQUEST_VERSION, SDK_HEADER, ErrorCode, Header
from inngest_asgi.wire.replies import ErrorRecord

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import ExecutorRequest
    from inngest_asgi.wire.replies import Reply

MAX_BODY = MAX_FRAME - 64 * 1024
"""Bytes; the rest of a frame is room for ids and trace contexts."""


def response_to(request: ExecutorRequest, reply: Reply) -> Response:
    """Return the response that carries a reply to a request."""
    return Response(
        request_id=request.request_id,
        account_id=request.account_id,
        env_id=request.env_id,
        app_id=request.app_id,
        status=ResponseStatus.of(reply.status),
        body=reply.body,
        no_retry=reply.headers.get(Header.NO_RETRY) == "true",
        retry_after=reply.headers.get(Header.RETRY_AFTER),
        sdk_version=SDK_HEADER,
        request_version=int(REQUEST_VERSION),
        system_trace_ctx=request.system_trace_ctx,
        user_trace_ctx=request.user_trace_ctx,
        run_id=request.run_id,
    )


def bounded(response: Response) -> Response:
    """Return the response, or in place of one that no gateway takes an error that says so.

    The error is not retried. The trace contexts go, too: they may be what is too large.
    """
    contexts = len(response.system_trace_ctx) + len(response.user_trace_ctx)
    size = len(response.body) + contexts
    if size <= MAX_BODY:
        return response
    error = ErrorRecord(
        name="OutputTooLargeError",
        message=f"The answer of this call has {size:,} bytes, and a gateway takes {MAX_BODY:,}. "
        "Return less from the function or step, such as a reference to where the data is stored.",
        code=ErrorCode.OUTPUT_TOO_LARGE,
    )
    return replace(
        response,
        status=ResponseStatus.ERROR,
        body=dumps(error.to_body()),
        no_retry=True,
        retry_after=None,
        system_trace_ctx=b"{}",
        user_trace_ctx=b"{}",
    )
