"""The limit: a bare Starlette route that parses JSON and returns JSON, and does nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.workloads import PATH

if TYPE_CHECKING:
    from starlette.requests import Request


async def answer(request: Request) -> JSONResponse:
    """Parse the body; answer with as much as a function without steps returns."""
    await request.json()
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route(PATH, answer, methods=["POST"])])
