"""What every test stands on: nothing that this machine or its CI has set leaks into a test."""

from __future__ import annotations

import gc
import os

import pytest

PLATFORM_VARIABLES = (
    "AWS_REGION",
    "BRANCH",
    "CF_PAGES",
    "FLY_",
    "GITHUB_SHA",
    "INNGEST_",
    "NETLIFY",
    "ONCE",
    "RAILWAY_",
    "RENDER",
    "VERCEL",
)


@pytest.fixture(autouse=True)
def _a_bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PLATFORM_VARIABLES)]:
        monkeypatch.delenv(name)


def pytest_collection_finish() -> None:
    """Have the garbage collector look at what tests make, not at the thousands of tests."""
    gc.collect()
    gc.freeze()
