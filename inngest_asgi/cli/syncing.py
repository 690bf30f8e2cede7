"""Says in a line what came of asking an application to register."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest_asgi.dev import SyncResult


def described(result: SyncResult) -> str:
    """Say where an application is, and how many functions it registered."""
    count = f"{result.functions} function{'' if result.functions == 1 else 's'}"
    return f"Application  {result.url} ({result.app_name}, {count})"
