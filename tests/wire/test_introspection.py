"""What GET tells of an application, and to whom."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from inngest_asgi.version import VERSION
from inngest_asgi.wire.introspection import Inspection

INSPECTION = Inspection(
    mode="cloud",
    function_count=3,
    app_id="shop",
    api_origin="https://api.test",
    event_api_origin="https://events.test",
    framework="asgi",
    capabilities={"trust_probe": "v1"},
    is_streaming=True,
    env="branch",
    serve_origin=None,
    serve_path="/api/inngest",
    event_key_hash="a" * 64,
    signing_key_hash="b" * 64,
    signing_key_fallback_hash=None,
)
UNKNOWN: dict[str, Any] = {
    "schema_version": "2024-05-24",
    "authentication_succeeded": None,
    "function_count": 3,
    "has_event_key": True,
    "has_signing_key": True,
    "has_signing_key_fallback": False,
    "mode": "cloud",
    "extra": {},
}


def test_a_stranger_learns_counts_only() -> None:
    assert INSPECTION.unauthenticated() == UNKNOWN


def test_a_known_caller_learns_the_configuration() -> None:
    assert INSPECTION.authenticated() == UNKNOWN | {
        "authentication_succeeded": True,
        "app_id": "shop",
        "api_origin": "https://api.test",
        "event_api_origin": "https://events.test",
        "capabilities": {"trust_probe": "v1"},
        "env": "branch",
        "framework": "asgi",
        "sdk_language": "py",
        "sdk_version": VERSION,
        "serve_origin": None,
        "serve_path": "/api/inngest",
        "extra": {"is_streaming": True},
        "event_key_hash": "a" * 12,
        "signing_key_hash": "b" * 12,
        "signing_key_fallback_hash": None,
    }


@pytest.mark.parametrize(
    ("field", "told"),
    [
        pytest.param("event_key_hash", "has_event_key", id="event key"),
        pytest.param("signing_key_hash", "has_signing_key", id="signing key"),
    ],
)
def test_a_missing_key_is_told(field: str, told: str) -> None:
    absent: dict[str, Any] = {field: None}
    inspection = dataclasses.replace(INSPECTION, **absent)
    assert inspection.unauthenticated()[told] is False
    assert inspection.authenticated()[field] is None


def test_a_fallback_is_told() -> None:
    inspection = dataclasses.replace(INSPECTION, signing_key_fallback_hash="c" * 64)
    assert inspection.unauthenticated()["has_signing_key_fallback"] is True
    assert inspection.authenticated()["signing_key_fallback_hash"] == "c" * 12
