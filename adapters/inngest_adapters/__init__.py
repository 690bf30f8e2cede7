"""Bridges to hosts that do not speak ASGI; they use the public names of `inngest_asgi` only."""
