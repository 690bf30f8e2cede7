"""POST: verify, parse, execute, answer (http.md 11)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from inngest_asgi.errors import RequestError
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.routes.stream import Streamed, unless_gone
from inngest_asgi.wire.names import ErrorCode, Header

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from inngest_asgi.clock import Clock
    from inngest_asgi.routes.guard import Caller, Guard
    from inngest_asgi.routes.options import Options
    from inngest_asgi.runtime.execute import Runtime
    from inngest_asgi.wire.replies import Reply

_ECHOED = [(name.encode(), name) for name in (Header.TRACEPARENT, Header.TRACESTATE)]


class Execute:
    """Answers POST for one application."""

    def __init__(self, runtime: Runtime, guard: Guard, options: Options, clock: Clock) -> None:
        self.calls = 0
        self._runtime = runtime
        self._guard = guard
        self._options = options
        self._clock = clock

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Run one call of a function, or answer a probe.

        What is refused before a function runs is refused by a plain response, also where calls
        are answered by streams.
        """
        began = self._clock.nanoseconds()
        body = await request.body(self._options.max_body_bytes)
        await self._guard.check(request, body, caller)
        query = request.query
        if "probe" in query:
            return _answer_probe(query["probe"])
        fn_id = query.get("fnId")
        if fn_id is None:
            raise RequestError(
                "The query has no fnId, which names the function to call.",
                code=ErrorCode.QUERY_PARAM_MISSING,
                status=400,
            )
        self.calls += 1
        streams = self._streams
        step_id = query.get("stepId")
        running = self._runtime.execute(body, fn_id, step_id, request.for_middleware)
        if self._options.cancel_on_disconnect:
            running = unless_gone(request, running)
        if streams:
            later = self._answer(request, running, began)
            return Streamed(self._guard.conclude(later, caller), self._clock)
        return self._response(request, await running, began)

    @cached_property
    def _streams(self) -> bool:
        """Whether calls are answered by streams; settled by the first call."""
        return self._options.streams(self._runtime.client.settings)

    async def _answer(self, request: Request, running: Awaitable[Reply], began: int) -> Response:
        return self._response(request, await running, began)

    def _response(self, request: Request, reply: Reply, began: int) -> Response:
        """Add how long it took, and the trace it belongs to, to a reply (http.md 4)."""
        milliseconds = (self._clock.nanoseconds() - began) / 1e6
        headers = {**reply.headers, Header.SERVER_TIMING: f"call;dur={milliseconds:.3f}"}
        for key, name in _ECHOED:
            if key in request.headers:
                headers[name] = request.headers[key].decode("latin-1")
        return Response(reply.status, reply.body, headers)


def _answer_probe(probe: str) -> Response:
    if probe != "trust":
        raise RequestError(
            f"The probe {probe[:40]!r} is unknown; 'trust' is the only one.",
            code=ErrorCode.PROBE_UNKNOWN,
            status=400,
        )
    return Response(200, b"")
