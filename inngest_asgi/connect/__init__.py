"""The outbound worker, which runs functions without an open port: the public names."""

from inngest_asgi.connect.options import ConnectOptions
from inngest_asgi.connect.request import ConnectRequest
from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.connect.worker import Worker, connect
from inngest_asgi.errors import ConnectAuthError, ConnectClosed, ConnectError

__all__ = [
    "ConnectAuthError",
    "ConnectClosed",
    "ConnectError",
    "ConnectOptions",
    "ConnectRequest",
    "ConnectionState",
    "Worker",
    "connect",
]
