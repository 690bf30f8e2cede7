"""What every test stands on: nothing that this machine or its CI has set leaks into a test."""

from __future__ import annotations

import gc
import os

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


def pytest_configure() -> None:
    """Start with a bare environment; tests that set variables see to it that they are unset."""
    for name in [name for name in os.environ if name.startswith(PLATFORM_VARIABLES)]:
        del os.environ[name]


def pytest_collection_finish() -> None:
    """Have the garbage collector look at what tests make, not at the thousands of tests."""
    gc.collect()
    gc.freeze()
