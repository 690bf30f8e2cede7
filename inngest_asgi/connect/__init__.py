"""The outbound worker, which runs functions without an open port: the public names."""

from inngest_asgi.connect.session.states import ConnectionState
from inngest_asgi.errors import ConnectAuthError, ConnectClosed, ConnectError

__all__ = ["ConnectAuthError", "ConnectClosed", "ConnectError", "ConnectionState"]
