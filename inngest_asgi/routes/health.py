"""/health/live and /health/ready, for load balancers and Kubernetes; nobody has to sign."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from inngest_asgi.client.messages import client_headers
from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.errors import ConfigError, RequestError
from inngest_asgi.lifespan.connecting import NOT_ACTIVE, NOT_STARTED
from inngest_asgi.lifespan.manager import Phase
from inngest_asgi.routes.guard import Caller
from inngest_asgi.routes.messages import Response
from inngest_asgi.wire.names import ErrorCode, ServerKind

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.functions.collection import FunctionIndex
    from inngest_asgi.lifespan.connecting import Connecting
    from inngest_asgi.lifespan.manager import LifespanManager
    from inngest_asgi.routes.execute import Execute
    from inngest_asgi.routes.guard import Guard
    from inngest_asgi.routes.messages import Request
    from inngest_asgi.routes.register import Register

_INVALID = "configuration_invalid"
_STOPPING = "stopping"
_ALREADY_LOGGED = (_STOPPING, NOT_STARTED, NOT_ACTIVE)


class Health:
    """Tells the state of one application.

    Ready means that its configuration is valid, its host is not stopping, and its worker is
    connected if it has one. A sync is told but never gates: an instance that is not ready would
    never be asked to register.
    """

    def __init__(
        self,
        client: Inngest,
        index: FunctionIndex,
        lifespan: LifespanManager,
        connecting: Connecting,
        register: Register,
        execute: Execute,
        guard: Guard,
    ) -> None:
        self._client = client
        self._index = index
        self._lifespan = lifespan
        self._connecting = connecting
        self._register = register
        self._execute = execute
        self._guard = guard
        self._complained: set[str] = set()

    def live(self) -> Response:
        """Say that the process answers, and nothing in it has failed for good: 200 or 503."""
        live = not self._connecting.is_broken
        return Response.json(200 if live else 503, {"live": live})

    async def ready(self, request: Request) -> Response:
        """Say whether calls can be served: 200 or 503.

        Reasons and counts are for those who may know: in dev mode for everybody, in cloud mode for
        who signed. Others get codes; the reasons are in the log, once each.
        """
        problems = self._problems()
        self._complain(problems)
        status = 503 if problems else 200
        if not await self._may_know(request):
            return Response.json(status, {"ready": not problems, "problems": list(problems)})
        return Response.json(
            status,
            {
                "ready": not problems,
                "problems": list(problems.values()),
                "mode": ServerKind.CLOUD if self._client.is_production else ServerKind.DEV,
                "lifespan": self._lifespan.phase,
                "functions": len(self._index.functions),
                "calls": self._execute.calls,
                "sync": {"ok": self._register.last.ok, "message": self._register.last.message},
                **self._connecting.picture,
            },
        )

    async def _may_know(self, request: Request) -> bool:
        caller = Caller(known=not self._client.is_production)
        with suppress(RequestError, ConfigError):
            await self._guard.check(request, b"", caller)
        return caller.known

    def _problems(self) -> dict[str, str]:
        """Return what is wrong: sentences by code."""
        problems: dict[str, str] = {}
        settings = self._client.settings
        if settings.is_production and not settings.signing_keys:
            problems[ErrorCode.SIGNING_KEY_UNSPECIFIED] = (
                "INNGEST_SIGNING_KEY is not set, which cloud mode needs"
            )
        try:
            _ = (settings.api_origin, settings.event_origin, settings.serve_origin)
            _ = settings.streaming
            _ = (settings.thread_pool_size, *map(bearer_token, settings.signing_keys))
            client_headers(settings)
        except ConfigError as error:
            problems[_INVALID] = str(error)
        problems |= self._connecting.problems
        if self._lifespan.phase is Phase.STOPPED:
            problems[_STOPPING] = "the host is stopping"
        return problems

    def _complain(self, problems: dict[str, str]) -> None:
        for code, sentence in problems.items():
            if code not in _ALREADY_LOGGED and sentence not in self._complained:
                self._complained.add(sentence)
                self._client.logger.error("The application is not ready: %s", sentence)
