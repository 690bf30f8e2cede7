"""B7: a worker and a gateway, each on a core of its own; the sides in turn."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.load import BenchmarkError

if TYPE_CHECKING:
    from pathlib import Path


class Connected(NamedTuple):
    """Requests answered in a second, and the time within which 99 of 100 are at half that load."""

    rate: float
    p99: float


def connected(python: Path, module: str, *, cores: tuple[int, int], seconds: float) -> Connected:
    """Measure one side.

    Args:
        python: what runs its worker.
        module: the worker's.
        cores: for the worker and for the gateway.
        seconds: of load, twice.

    Raises:
        BenchmarkError: it did not work; its own message stands above.
    """
    worker = ["taskset", "-c", str(cores[0]), str(python), "-m", module]
    gateway = ["taskset", "-c", str(cores[1]), sys.executable, "-m", "benchmarks.gateway"]
    done = subprocess.run(
        [*gateway, str(seconds), *worker], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"{module} could not be measured.")
    return Connected(**json.loads(done.stdout))
