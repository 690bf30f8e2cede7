"""/health/live and /health/ready, for load balancers and Kubernetes; never behind a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.client.messages import client_headers
from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.errors import ConfigError
from inngest_asgi.lifespan.manager import LifespanManager, Phase
from inngest_asgi.routes.messages import Response
from inngest_asgi.wire.names import ServerKind

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.functions.collection import FunctionIndex
    from inngest_asgi.routes.execute import Execute
    from inngest_asgi.routes.register import Register


class Health:
    """Tells the state of one application.

    Ready means that its configuration is valid and its host is not stopping. A sync is told but
    never gates: an instance that is not ready would never be asked to register.
    """

    def __init__(
        self,
        client: Inngest,
        index: FunctionIndex,
        lifespan: LifespanManager,
        register: Register,
        execute: Execute,
    ) -> None:
        self._client = client
        self._index = index
        self._lifespan = lifespan
        self._register = register
        self._execute = execute

    def live(self) -> Response:
        """Say that the process answers."""
        return Response.json(200, {"live": True})

    def ready(self) -> Response:
        """Say whether calls can be served: 200 or 503, with the reasons."""
        problems = self._problems()
        document = {
            "ready": not problems,
            "problems": problems,
            "mode": ServerKind.CLOUD if self._client.is_production else ServerKind.DEV,
            "lifespan": self._lifespan.phase,
            "functions": len(self._index.functions),
            "calls": self._execute.calls,
            "sync": {"ok": self._register.last.ok, "message": self._register.last.message},
        }
        return Response.json(503 if problems else 200, document)

    def _problems(self) -> list[str]:
        problems = []
        settings = self._client.settings
        if settings.is_production and not settings.signing_keys:
            problems.append("INNGEST_SIGNING_KEY is not set, which cloud mode needs")
        try:
            _ = (settings.api_origin, settings.event_origin, settings.serve_origin)
            _ = settings.streaming
            _ = (settings.thread_pool_size, *map(bearer_token, settings.signing_keys))
            client_headers(settings)
        except ConfigError as error:
            problems.append(str(error))
        if self._lifespan.phase is Phase.STOPPED:
            problems.append("the host is stopping")
        return problems
