"""GET: what the application is and how it is set up (http.md 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.routes.messages import Request, Response

if TYPE_CHECKING:
    from inngest_asgi.routes.facts import Facts
    from inngest_asgi.routes.guard import Caller, Guard

_LEAVE_ALONE = 403


class Introspect:
    """Answers GET for one application."""

    def __init__(self, facts: Facts, guard: Guard) -> None:
        self._facts = facts
        self._guard = guard

    async def __call__(self, request: Request, caller: Caller) -> Response:
        """Tell everything to those who signed, a little to others, in cloud mode nothing.

        A server of another kind is sent away first: it looks for applications by GET, signs
        nothing, and has to know that this one is not for it.
        """
        self._guard.check_server_kind(request, status=_LEAVE_ALONE)
        await self._guard.check(request, b"", caller)
        told = self._facts.inspection()
        signed = caller.key is not None
        return Response.json(200, told.authenticated() if signed else told.unauthenticated())
