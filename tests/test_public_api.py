"""Pins the public names: adding one is a decision, losing one breaks users."""

from __future__ import annotations

import inspect

import pytest

import inngest_asgi
from tests.house.source import ROOT

PUBLIC = [
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


def test_the_public_names_are_these() -> None:
    assert inngest_asgi.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert hasattr(inngest_asgi, name)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_class_or_function_is_documented(name: str) -> None:
    thing = getattr(inngest_asgi, name)
    assert not callable(thing) or (inspect.getdoc(thing) or "").strip()


@pytest.mark.parametrize("package", ["inngest_asgi", "adapters/inngest_adapters"])
def test_the_types_are_shipped(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(inngest_asgi, "no_such_name")  # noqa: B009
