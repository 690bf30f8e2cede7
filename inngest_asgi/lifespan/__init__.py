"""What an application holds open while its host runs, and how hosts start and stop it."""

from inngest_asgi.lifespan.compose import compose
from inngest_asgi.lifespan.connecting import Connecting
from inngest_asgi.lifespan.manager import LifespanManager

__all__ = ["Connecting", "LifespanManager", "compose"]
