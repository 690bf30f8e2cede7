"""The embedded dev server: one process, one SQLite file, apps of any Inngest SDK."""

from inngest_asgi.dev.apps.discovery import USUAL_PORTS
from inngest_asgi.dev.apps.sync import SyncResult
from inngest_asgi.dev.options import DevOptions
from inngest_asgi.dev.records import App, Function, Happening, Record, RunRow, RunStatus
from inngest_asgi.dev.server import DevServer

__all__ = [
    "USUAL_PORTS",
    "App",
    "DevOptions",
    "DevServer",
    "Function",
    "Happening",
    "Record",
    "RunRow",
    "RunStatus",
    "SyncResult",
]
