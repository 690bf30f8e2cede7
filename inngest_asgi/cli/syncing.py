"""Asks applications to register with a server, for commands that tell how it went themselves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest_asgi.dev import DevServer, SyncResult

_log = logging.getLogger("inngest_asgi.dev.sync")


async def sync(server: DevServer, url: str) -> SyncResult:
    """Sync an application; that it failed is for the caller to tell, and not for the log as well.

    Raises:
        RequestError: it is not a URL.
    """
    _log.disabled = True
    try:
        return await server.sync(url)
    finally:
        _log.disabled = False


def described(result: SyncResult) -> str:
    """Say where an application is, and how many functions it registered."""
    count = f"{result.functions} function{'' if result.functions == 1 else 's'}"
    return f"Application  {result.url} ({result.app_name}, {count})"
