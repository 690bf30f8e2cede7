"""POST: verify, parse, execute, answer (http.md 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.errors import RequestError
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from inngest_asgi.routes.guard import Caller, Guard
    from inngest_asgi.runtime.execute import Runtime


class Execute:
    """Answers POST for one application."""

    def __init__(self, runtime: Runtime, guard: Guard, *, max_body_bytes: int) -> None:
        self.calls = 0
        self._runtime = runtime
        self._guard = guard
        self._max_body_bytes = max_body_bytes

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Run one call of a function, or answer a probe."""
        body = await request.body(self._max_body_bytes)
        self._guard.check(request, body, caller)
        probe = request.query("probe")
        if probe is not None:
            return _answer_probe(probe)
        fn_id = request.query("fnId")
        if fn_id is None:
            raise RequestError(
                "The query has no fnId, which names the function to call.",
                code=ErrorCode.QUERY_PARAM_MISSING,
                status=400,
            )
        self.calls += 1
        reply = await self._runtime.execute(body, fn_id, request.query("stepId"))
        return Response(reply.status, reply.body, reply.headers)


def _answer_probe(probe: str) -> Response:
    if probe != "trust":
        raise RequestError(
            f"The probe {probe[:40]!r} is unknown; 'trust' is the only one.",
            code=ErrorCode.PROBE_UNKNOWN,
            status=400,
        )
    return Response(200, b"")
