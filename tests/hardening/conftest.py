"""How much hypothesis tries: a fixed little in the suite, much and by chance in `make fuzz`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "quick",
    max_examples=30,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "fuzz",
    max_examples=400,
    stateful_step_count=60,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=SLOW_IS_FINE,
)


def pytest_configure(config: pytest.Config) -> None:
    """Take the quick profile, unless the command line names one."""
    if config.getoption("--hypothesis-profile") is None:
        settings.load_profile("quick")
