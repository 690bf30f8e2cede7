"""What tests of durable functions need; nothing here is imported by the rest of the package."""

from inngest_asgi.testing.clock import ManualClock

__all__ = ["ManualClock"]
