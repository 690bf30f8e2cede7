"""B9: what importing the package and making a client cost, each time in a new process.

What is imported is compiled once and kept, as it is wherever a package was installed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_TIMED = """
import sys, time
start = time.perf_counter()
{what}
imported = time.perf_counter()
{then}
sys.stdout.write(f"{{(imported - start) * 1000}} {{(time.perf_counter() - imported) * 1000}}")
"""
_BYTECODE = Path(tempfile.gettempdir(), "inngest-asgi-benchmarks")
_CLIENT = 'Inngest(app_id="bench", is_production=True, signing_key="signkey-prod-00")'


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds of one start: of the import, and of making a client after it."""

    importing: float
    constructing: float


def ours(python: Path) -> Start:
    """Time our own start."""
    return _time(python, "import inngest_asgi", f"inngest_asgi.{_CLIENT}")


def incumbent(python: Path) -> Start:
    """Time the start of the incumbent SDK."""
    return _time(python, "import inngest", f"inngest.{_CLIENT}")


def foundation(python: Path) -> Start:
    """Time the import of what an ASGI app with typed options stands on."""
    return _time(python, "import starlette.applications, pydantic; pydantic.BaseModel", "")


def _time(python: Path, what: str, then: str) -> Start:
    code = _TIMED.format(what=what, then=then)
    command = [str(python), "-X", f"pycache_prefix={_BYTECODE}", "-c", code]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    importing, constructing = done.stdout.split()
    return Start(float(importing), float(constructing))
