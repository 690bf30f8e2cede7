"""A request of the executor as middleware sees it; nothing here runs one."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.names import Header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inngest_asgi.connect.messages import ExecutorRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """What came over the connection, in place of the HTTP request that middleware gets elsewhere.

    Attributes:
        app_name: the application's name.
        function_slug: the function's id, `<app>-<function>`.
        request_id: the request's id, which is `ctx.request_id`, too.
        run_id: the run's.
        job_id: the queue item's.
        account_id: the account's, as the server knows it.
        env_id: the environment's, as the server knows it.
        step_id: the targeted step's hashed id; None or "step" for none.
        body: the JSON document that an HTTP call would carry.
        headers: those that an HTTP call would have, names in lower case: `traceparent` and
            `tracestate` first of all, as the server and the event's sender propagate them.
    """

    app_name: str
    function_slug: str
    request_id: str
    run_id: str
    job_id: str
    account_id: str
    env_id: str
    step_id: str | None
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, request: ExecutorRequest) -> ConnectRequest:
        """Make it of what the gateway sent."""
        return cls(
            app_name=request.app_name,
            function_slug=request.function_slug,
            request_id=request.request_id,
            run_id=request.run_id,
            job_id=request.job_id,
            account_id=request.account_id,
            env_id=request.env_id,
            step_id=request.step_id,
            body=request.request_payload,
            headers=MappingProxyType(_headers(request)),
        )


def _headers(request: ExecutorRequest) -> dict[str, str]:
    """Return headers as servers write them; what the user propagates wins over the system's."""
    told = {
        Header.REQUEST_ID: request.request_id,
        Header.RUN_ID: request.run_id,
        Header.JOB_ID: request.job_id,
        Header.ACCOUNT_ID: request.account_id,
        Header.STEP_ID: request.step_id or "",
    }
    traces = _propagated(request.system_trace_ctx) | _propagated(request.user_trace_ctx)
    return {name: text for name, text in told.items() if text} | traces


def _propagated(context: bytes) -> dict[str, str]:
    """Read a trace context; one that is broken says nothing, and must not cost the request."""
    try:
        found = loads(context)
    except CodecError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name.lower(): text for name, text in pairs if isinstance(text, str)}
