"""Durable functions for Python web applications: `import inngest_asgi as inngest`."""

from importlib import import_module
from typing import TYPE_CHECKING

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.engine.ambient import group, step, step_sync
from inngest_asgi.engine.context import Context, ContextSync
from inngest_asgi.engine.group import ParallelMode
from inngest_asgi.engine.received import FetchResponse, Signal
from inngest_asgi.engine.serializers import PydanticSerializer, Serializer
from inngest_asgi.engine.tools import Step
from inngest_asgi.engine.tools_sync import StepSync
from inngest_asgi.errors import (
    ApiError,
    ConfigError,
    EventValidationError,
    InngestError,
    NonRetriableError,
    RetryAfterError,
    RunFailedError,
    SendEventsError,
    StepError,
)
from inngest_asgi.functions.event_types import EventType
from inngest_asgi.functions.flow_control import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
)
from inngest_asgi.functions.function import Function
from inngest_asgi.functions.triggers import TriggerCron, TriggerEvent
from inngest_asgi.middleware.base import Middleware, MiddlewareSync
from inngest_asgi.middleware.records import SendEventsResult, StepMemos, TransformOutputResult
from inngest_asgi.routes.app import InngestApp, serve
from inngest_asgi.routes.attach import attach
from inngest_asgi.routes.mounting import mount_asgi
from inngest_asgi.routes.options import Streaming
from inngest_asgi.version import VERSION as __version__
from inngest_asgi.wire.codec import JSON
from inngest_asgi.wire.events import Event
from inngest_asgi.wire.runs import Run, RunStatus

__all__ = [
    "JSON",
    "ApiError",
    "Batch",
    "Cancel",
    "Concurrency",
    "ConfigError",
    "Context",
    "ContextSync",
    "Debounce",
    "Event",
    "EventType",
    "EventValidationError",
    "FetchResponse",
    "Function",
    "Inngest",
    "InngestApp",
    "InngestError",
    "Middleware",
    "MiddlewareSync",
    "NonRetriableError",
    "ParallelMode",
    "Priority",
    "PydanticSerializer",
    "RateLimit",
    "RetryAfterError",
    "Run",
    "RunFailedError",
    "RunStatus",
    "SendEventsError",
    "SendEventsResult",
    "Serializer",
    "Signal",
    "Singleton",
    "Step",
    "StepError",
    "StepMemos",
    "StepSync",
    "Streaming",
    "Throttle",
    "Timeouts",
    "TransformOutputResult",
    "TriggerCron",
    "TriggerEvent",
    "__version__",
    "attach",
    "group",
    "internal_events",
    "mount_asgi",
    "serve",
    "step",
    "step_sync",
]

if TYPE_CHECKING:
    from inngest_asgi import connect as connect
    from inngest_asgi import dev as dev
    from inngest_asgi import middleware as middleware
    from inngest_asgi import testing as testing
    from inngest_asgi.functions import internal_events
else:

    def __getattr__(name):
        # What few programs name loads when one does, or the import would cost twice as much.
        late = {"internal_events": "functions.internal_events", "dev": "dev", "testing": "testing"}
        if name not in late:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"inngest_asgi.{late[name]}")
